# Every question reads only its items: judged by what DynamoDB received, and by
# what it read, in a table of 100,000 items.
use strict;
use warnings;
use CmzTest;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;

my $items = 100_000;
my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_server($node, 'cmz', "http://$proxy");
create_conversations('tap-reads');
command_ok([ 'python3', "$FindBin::Bin/../stubs/load.py", dynamodb_url(), 'tap-reads', $items ], "$items items");
$node->safe_psql('postgres', 'IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (tap_reads) FROM SERVER cmz INTO public');

# What EXPLAIN ANALYZE says of the one scan of a query.
sub cost
{
	my ($sql, $settings) = @_;
	my $plan = $node->safe_psql('postgres', ($settings || '') . "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $sql");
	my ($line) = $plan =~ /^ *(Requests:.*)$/m;
	my %cost = map { /(.*): (.*)/ ? ($1 => $2) : () } split /  /, $line;
	$cost{plan} = $plan;
	return \%cost;
}

# name, query, requests, items read, what the plan says
my @cases = (
	[ 'latest 20 of an animal', q{SELECT content FROM tap_reads WHERE animal_id = 'animal_07' ORDER BY "timestamp" DESC LIMIT 20}, 1, 21, qr/Limit: 20/ ],
	[ 'first 20', q{SELECT content FROM tap_reads WHERE animal_id = 'animal_07' ORDER BY "timestamp" LIMIT 20}, 1, 21, qr/Order: ascending/ ],
	[ 'the same by the sort key as text', q{SELECT content FROM tap_reads WHERE user_id = 'student_0007' ORDER BY session_id_timestamp DESC LIMIT 20}, 1, 20, qr/Order: descending/ ],
	[ 'with an offset', q{SELECT content FROM tap_reads WHERE user_id = 'student_0007' ORDER BY session_id_timestamp DESC LIMIT 10 OFFSET 5}, 1, 15, qr/Offset: 5/ ],
	[ 'latest 20 of 5 animals', q{SELECT content FROM tap_reads WHERE animal_id IN ('animal_07', 'animal_08', 'animal_09', 'animal_10', 'animal_11') ORDER BY "timestamp" DESC LIMIT 20}, 5, 105, qr/animalId IN/ ],
	[ 'the same below a range, which is rechecked', q{SELECT content FROM tap_reads WHERE animal_id = 'animal_07' AND "timestamp" < '2025-01-05' ORDER BY "timestamp" DESC LIMIT 20}, 1, 21, qr/Filter/ ],
	[ 'latest of an animal', q{SELECT max("timestamp") FROM tap_reads WHERE animal_id = 'animal_07'}, 1, 2, qr/Order: descending/ ],
	[ 'any of an animal', q{SELECT EXISTS (SELECT FROM tap_reads WHERE animal_id = 'animal_07')}, 1, 1, qr/Query AnimalIndex/ ],
	[ 'count of a user', q{SELECT count(*) FROM tap_reads WHERE user_id = 'student_0007'}, 1, 100, qr/Select: COUNT/ ],
	[ 'count of two users', q{SELECT count(*) FROM tap_reads WHERE user_id = ANY ('{student_0007,student_0008}')}, 2, 200, qr/Select: COUNT/ ],
	[ 'count with a filter', q{SELECT count(*) FROM tap_reads WHERE user_id = 'student_0007' AND message_type = 'user'}, 1, 100, qr/Select: COUNT/ ],
	[ 'count by a column that is NOT NULL', q{SELECT count("timestamp") FROM tap_reads WHERE session_id = 'session_00007'}, 1, 5, qr/Select: COUNT/ ],
	[ 'one item', q{SELECT content FROM tap_reads WHERE user_id = 'student_0007' AND session_id_timestamp = 'session_00007#2025-01-01T00:00:49Z'}, 1, 1, qr/DynamoDB: Query\n/ ],
	[ 'three items', q{SELECT content FROM tap_reads WHERE user_id = 'student_0007' AND session_id_timestamp IN ('session_00007#2025-01-01T00:00:49Z', 'nothing', 'session_01007#2025-01-01T01:57:29Z')}, 1, 2, qr/BatchGetItem/ ],
	[ 'two whole keys', q{SELECT content FROM tap_reads WHERE (user_id, session_id_timestamp) IN (('student_0007', 'session_00007#2025-01-01T00:00:49Z'), ('student_0008', 'session_00008#2025-01-01T00:00:56Z'))}, 1, 2, qr/BatchGetItem/ ],
	[ 'a user or a family', q{SELECT content FROM tap_reads WHERE user_id = 'student_0007' OR parent_user_id = 'parent_007'}, 2, 300, qr/ParentUserIndex/ ],
	[ 'sessions of a user', q{SELECT content FROM tap_reads WHERE user_id = 'student_0007' AND session_id IN ('session_00007', 'session_01007')}, 2, 10, qr/begins_with/ ],
	[ 'a LIMIT without order', q{SELECT content FROM tap_reads LIMIT 7}, 1, 7, qr/DynamoDB: Scan/ ],
	[ 'a LIMIT by a parameter', q{EXECUTE latest('animal_07', 20)}, 1, 21, qr/Limit: \$2/,
		q{PREPARE latest(text, bigint) AS SELECT content FROM tap_reads WHERE animal_id = $1 ORDER BY "timestamp" DESC LIMIT $2; SET plan_cache_mode = force_generic_plan; } ],
);
foreach my $case (@cases)
{
	my ($name, $sql, $requests, $read, $plan, $settings) = @$case;
	my $cost = cost($sql, $settings);
	is($cost->{Requests}, $requests, "$name: requests");
	is($cost->{'Scanned Items'}, $read, '... items read');
	like($cost->{plan}, $plan, '... plan');
}

# a filter that leaves nothing reads all items, but sends none
requests($proxy);
is($node->safe_psql('postgres', "SELECT count(*) FROM tap_reads WHERE user_id = 'student_0007'"), 100, 'count');
my ($count) = requests($proxy);
is($count->{body}{Select}, 'COUNT', 'no items on the wire');
ok(!$count->{body}{ProjectionExpression}, 'nor a projection');

# many keys: so many requests at once as concurrency says, each key once
my $users = join ',', map { sprintf 'student_%04d', $_ } 1 .. 40;
script($proxy, { do => 'slow', seconds => 0.05, times => 1000 });
is($node->safe_psql('postgres', "SELECT count(content) FROM tap_reads WHERE user_id = ANY ('{$users,student_0001,NULL}')"), 4000, '40 users');
my @sent = requests($proxy);
is(scalar(@sent), 40, '... by 40 Queries');
my $most = (sort { $b <=> $a } map { $_->{in_hand} } @sent)[0];
is($most, 8, '... 8 at once');
$node->safe_psql('postgres', "ALTER FOREIGN TABLE tap_reads OPTIONS (ADD concurrency '3')");
script($proxy, { do => 'slow', seconds => 0.05, times => 1000 });
$node->safe_psql('postgres', "SELECT content FROM tap_reads WHERE user_id = ANY ('{$users}') ORDER BY session_id_timestamp");
@sent = requests($proxy);
$most = (sort { $b <=> $a } map { $_->{in_hand} } @sent)[0];
is($most, 3, 'concurrency 3, merged in order');
$node->safe_psql('postgres', "ALTER FOREIGN TABLE tap_reads OPTIONS (DROP concurrency)");

# full primary keys: a hundred a request, and those left unprocessed again
my $keys = join ',', map { my $t = $_ * 7; sprintf "('student_%04d','session_%05d#2025-01-01T%02d:%02d:%02dZ')", $_, $_, $t / 3600, $t / 60 % 60, $t % 60 } 1 .. 150;
script($proxy, { op => 'BatchGetItem', do => 'partial', keys => 30 }, { op => 'BatchGetItem', do => 'partial', keys => 0, times => 3 });
is($node->safe_psql('postgres', "SELECT count(content) FROM tap_reads WHERE (user_id, session_id_timestamp) IN ($keys)"), 150, '150 whole keys');
@sent = requests($proxy);
my @sizes = map { scalar @{ (values %{ $_->{body}{RequestItems} })[0]{Keys} } } @sent;
is(scalar(@sizes), 6, '... by two requests, and what was left of them');
is(join(',', sort { $a <=> $b } @sizes[ 0, 1 ]), '50,100', '... a hundred at most');
script($proxy, { op => 'BatchGetItem', do => 'partial', keys => 0, times => 1000 });
$node->safe_psql('postgres', "ALTER SERVER cmz OPTIONS (ADD max_retries '2')");
like(error_of($node, "SELECT content FROM tap_reads WHERE (user_id, session_id_timestamp) IN ($keys)"),
	qr/53400: DynamoDB did not process all keys of a batch/, 'keys that are never processed are an error');
$node->safe_psql('postgres', "ALTER SERVER cmz OPTIONS (DROP max_retries)");
script($proxy);

# joins: the keys come from the other side, and a key is asked for once
$node->safe_psql('postgres', q{CREATE TABLE pupils AS SELECT 'student_' || lpad(i::text, 4, '0') AS id, i FROM generate_series(1, 10) i;
	INSERT INTO pupils SELECT * FROM pupils; ANALYZE pupils});
requests($proxy);
is($node->safe_psql('postgres', 'SELECT count(content) FROM pupils JOIN tap_reads ON user_id = id'), 2000, 'join');
@sent = requests($proxy);
is(scalar(grep { $_->{op} ne 'Query' } @sent), 0, '... by Queries only');
cmp_ok(scalar(@sent), '<=', 20, '... no more than rows');
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT DISTINCT id FROM pupils) p, LATERAL
	(SELECT content FROM tap_reads WHERE user_id = id ORDER BY session_id_timestamp DESC LIMIT 3) t}), 30, 'top 3 of each');
@sent = requests($proxy);
is(scalar(@sent), 10, '... a Query each');
is(scalar(grep { $_->{body}{Limit} != 3 } @sent), 0, '... of 3 items');

# stopping early: a cursor that is closed, a LIMIT that only PostgreSQL can apply
requests($proxy);
$node->safe_psql('postgres', q{BEGIN; DECLARE c CURSOR FOR SELECT content FROM tap_reads WHERE animal_id = 'animal_07'; FETCH 5 FROM c; CLOSE c; COMMIT});
is(scalar(requests($proxy)), 1, 'a cursor closed early reads a page');
my $few = cost(q{SELECT content FROM tap_reads WHERE animal_id = 'animal_07' AND length(content) > 5 LIMIT 5});
cmp_ok($few->{'Scanned Items'}, '<', 100, 'a LIMIT over a local condition makes the first page small');

# DynamoDB Local's Scan looks at all items that it has, of whatever table
ddb('DeleteTable', { TableName => 'tap-reads' });
done_testing();
