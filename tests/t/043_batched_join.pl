# Batched joins: the rows are those of other joins, for one request a key.
use strict;
use warnings;
use CmzTest;
use FindBin;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_server($node, 's', "http://$proxy");
create_conversations('tap-batched');
command_ok([ 'python3', "$FindBin::Bin/../stubs/load.py", dynamodb_url(), 'tap-batched', 2000 ], '2000 items');
$node->safe_psql('postgres', q{
	IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (tap_batched) FROM SERVER s INTO public;
	ALTER FOREIGN TABLE tap_batched OPTIONS (SET estimated_items '1000000');
	CREATE TABLE copy AS SELECT * FROM tap_batched;
	CREATE TABLE users (n int, id text COLLATE "C", name text);
	INSERT INTO users SELECT i, 'student_' || lpad((i % 150)::text, 4, '0'), 'name ' || i FROM generate_series(1, 200) i;
	INSERT INTO users VALUES (1001, NULL, 'nobody'), (1002, '', 'nothing'), (1003, 'no such user', 'none');
	ANALYZE users;});
my $force = 'SET enable_nestloop = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET max_parallel_workers_per_gather = 0;';

# the same rows as from a local copy, by each kind of join
sub both
{
	my ($query, $name, $settings) = @_;
	$settings ||= '';
	(my $local = $query) =~ s/tap_batched/copy/g;
	my $plan = $node->safe_psql('postgres', "$force $settings EXPLAIN (COSTS OFF) $query");
	like($plan, qr/CmzBatchedJoin/, "$name: planned");
	is($node->safe_psql('postgres', "$force $settings $query"), $node->safe_psql('postgres', "SET enable_seqscan = on; $local"), '... same rows');
	return $plan;
}
my $order = 'ORDER BY u.n, c.session_id_timestamp';
both("SELECT u.n, u.name, c.content, c.tokens_used FROM users u JOIN tap_batched c ON c.user_id = u.id $order", 'inner');
both("SELECT u.n, c.session_id_timestamp, c.content FROM users u LEFT JOIN tap_batched c ON c.user_id = u.id AND c.tokens_used > 100 $order", 'left');
both("SELECT u.n, c.content IS NULL, coalesce(c.content, 'x') FROM users u LEFT JOIN tap_batched c ON c.user_id = u.id WHERE c.tokens_used > 100 OR c.user_id IS NULL $order", 'left, with a condition above');
both('SELECT u.n FROM users u WHERE EXISTS (SELECT FROM tap_batched c WHERE c.user_id = u.id AND c.tokens_used > u.n) ORDER BY 1', 'semi');
both('SELECT u.n FROM users u WHERE NOT EXISTS (SELECT FROM tap_batched c WHERE c.user_id = u.id) ORDER BY 1', 'anti');
both('SELECT u.n, count(c.content) FROM users u LEFT JOIN tap_batched c ON c.parent_user_id = u.id GROUP BY 1 ORDER BY 1', 'nothing matches');
both("SELECT u.n, a.session_id_timestamp, b.content FROM users u LEFT JOIN tap_batched a ON a.user_id = u.id LEFT JOIN tap_batched b ON b.user_id = a.user_id AND b.session_id_timestamp = a.session_id_timestamp ORDER BY 1, 2", 'two joins');
both("SELECT count(*), sum(c.tokens_used) FROM users u JOIN tap_batched c ON c.user_id = u.id AND c.session_id_timestamp > 's'", 'with a sort key');
both("SELECT u.n, upper(c.content) || u.name FROM users u JOIN tap_batched c ON c.user_id = lower(u.id) $order", 'an expression as key');
both("SELECT u.n, (SELECT count(*) FROM users v JOIN tap_batched c ON c.user_id = v.id WHERE v.n = u.n) FROM users u WHERE u.n < 20 ORDER BY 1", 'rescans');
both('SELECT c.session_id_timestamp, c.tokens_used FROM tap_batched c WHERE c.user_id IN (SELECT id FROM users WHERE n % 3 = 0) ORDER BY 1', 'a semi-join from the other side');
both("SELECT a.n, s.name, s.z, c.session_id_timestamp FROM users a LEFT JOIN (SELECT b.n, b.name, coalesce(b.name, 'none') z FROM users b) s ON a.n = s.n + 100"
	  . " LEFT JOIN tap_batched c ON c.user_id = a.id AND c.tokens_used < 50 WHERE a.n < 150 ORDER BY 1, 4", 'an expression from below', 'SET enable_hashjoin = on;');

# inner rows that do not fit in memory
$node->safe_psql('postgres', 'CREATE TABLE animals AS SELECT DISTINCT animal_id AS id FROM copy; ANALYZE animals');
my $wide = 'SELECT a.id, c.session_id_timestamp, c.user_id, c.tokens_used, c.content FROM animals a JOIN tap_batched c ON c.animal_id = a.id';
both("$wide ORDER BY 1, 2, 3", 'rows that do not fit in memory', "SET work_mem = '64kB';");
both("$wide LEFT JOIN users u ON u.id = c.user_id WHERE c.tokens_used > 3 ORDER BY 1, 2, 3", '... below another join', "SET work_mem = '64kB'; SET enable_hashjoin = on;");
like($node->safe_psql('postgres', "$force SET work_mem = '64kB'; EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) $wide"), qr/Keys: \d+.*temp read=\d+ written=\d+.*->  Seq Scan/s, '... go to a file');

# each key once, side by side
requests($proxy);
$node->safe_psql('postgres', "$force SELECT u.n, c.content FROM users u JOIN tap_batched c ON c.user_id = u.id WHERE u.n BETWEEN 1 AND 200");
my @sent = grep { $_->{op} eq 'Query' } requests($proxy);
my %values = map { (values %{ $_->{body}{ExpressionAttributeValues} })[0]{S} => 1 } @sent;
is(scalar(keys %values), 150, 'a Query for each key');
cmp_ok(scalar(@sent), '<=', 200, '... not for each row');
cmp_ok((sort { $b <=> $a } map { $_->{in_hand} } @sent)[0], '>', 1, '... several at once');

# whole primary keys: a BatchGetItem for the items, not Queries for their partitions
$node->safe_psql('postgres', q{
	CREATE TABLE flagged AS SELECT user_id AS u, session_id_timestamp AS s, row_number() OVER (ORDER BY session_id_timestamp) AS n FROM copy WHERE tokens_used % 5 = 0;
	INSERT INTO flagged SELECT u, s, n + 1000 FROM flagged WHERE n < 30;
	INSERT INTO flagged VALUES ('student_0001', 'no such session', 5001), (NULL, 'x', 5002), ('student_0001', NULL, 5003), ('', '', 5004), ('student_0001', repeat('x', 2000), 5005);
	ANALYZE flagged});
my $pairs = both('SELECT f.n, c.content, c.tokens_used FROM flagged f LEFT JOIN tap_batched c ON c.user_id = f.u AND c.session_id_timestamp = f.s ORDER BY 1', 'by whole keys');
like($pairs, qr/Batch Key: f\.u, f\.s.*Key Condition: userId IN \(the keys of the join\) AND sessionIdTimestamp IN \(the keys of the join\)/s, '... in pairs');
both("SELECT f.n, c.content FROM flagged f JOIN tap_batched c ON c.session_id_timestamp = f.s AND c.user_id = f.u AND c.message_type = 'user' WHERE c.session_id_timestamp > 's' AND c.tokens_used > 10 ORDER BY 1", '... with more conditions');
both('SELECT f.n FROM flagged f WHERE NOT EXISTS (SELECT FROM tap_batched c WHERE c.user_id = f.u AND c.session_id_timestamp = f.s AND c.tokens_used > 50) ORDER BY 1', '... anti');
requests($proxy);
my $rows = $node->safe_psql('postgres', "$force SELECT count(c.content) FROM flagged f JOIN tap_batched c ON c.user_id = f.u AND c.session_id_timestamp = f.s WHERE f.n < 1000");
my @gets = requests($proxy);
is(join(' ', sort { $a cmp $b } map { $_->{op} } @gets) =~ s/ .*//r, 'BatchGetItem', 'items by their keys');
my $sent_keys = 0;
$sent_keys += @{ (values %{ $_->{body}{RequestItems} })[0]{Keys} } foreach @gets;
is($sent_keys, $rows, '... and no others');

# it is chosen by cost, and follows its setting
my $query = 'SELECT u.n, c.content FROM users u JOIN tap_batched c ON c.user_id = u.id';
like($node->safe_psql('postgres', "EXPLAIN $query"), qr/^Custom Scan \(CmzBatchedJoin\)/, 'chosen by cost');
unlike($node->safe_psql('postgres', "SET cmz_fdw.enable_batched_join = off; EXPLAIN $query"), qr/Batched/, '... unless it is turned off');
unlike($node->safe_psql('postgres', "EXPLAIN $query FOR UPDATE OF u"), qr/Batched/, 'not where rows are locked');
unlike($node->safe_psql('postgres', "EXPLAIN UPDATE users u SET name = c.content FROM tap_batched c WHERE c.user_id = u.id"), qr/Batched/, 'nor where they are changed');

# the outer order is kept
my $sorted = $node->safe_psql('postgres', "$force EXPLAIN (COSTS OFF) SELECT s.n, c.content FROM (SELECT * FROM users ORDER BY n OFFSET 0) s JOIN tap_batched c ON c.user_id = s.id ORDER BY s.n");
unlike($sorted, qr/Sort.*CmzBatchedJoin/s, 'an order is kept');

# a few rows take a small batch
requests($proxy);
is($node->safe_psql('postgres', "$force SELECT count(*) FROM (SELECT c.content FROM users u JOIN tap_batched c ON c.user_id = u.id WHERE u.n < 1000 LIMIT 3) t"), '3', 'a LIMIT');
cmp_ok(scalar(grep { $_->{op} eq 'Query' } requests($proxy)), '<=', 32, '... reads one batch');

# EXPLAIN
my $json = decode_json($node->safe_psql('postgres', "$force EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) $query WHERE u.n <= 200"))->[0]{Plan};
is(join('|', @$json{ 'Node Type', 'Custom Plan Provider', 'Join Type', 'Batch Key', 'Batches', 'Keys' }), 'Custom Scan|CmzBatchedJoin|Inner|u.id|3|200' =~ s/200$/$json->{Keys}/r, 'EXPLAIN in JSON');
cmp_ok($json->{Keys}, '>=', 150, '... counts keys');
is($json->{Plans}[1]{Requests}, $json->{Keys}, '... and requests');
like($node->safe_psql('postgres', "$force EXPLAIN (COSTS OFF) $query"), qr/Batch Key: u\.id.*Join Cond: .*Key Condition: userId IN \(the keys of the join\)/s, 'in text');

# items by their whole key, one column of another type, prepared statements, own writes, cursors
create_table('tap-batched-keys', ['id:N']);
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE k (id bigint, v text) SERVER s OPTIONS (table_name 'tap-batched-keys', key 'id', indexes 'none');
	INSERT INTO k SELECT i, 'v' || i FROM generate_series(1, 300) i});
requests($proxy);
is($node->safe_psql('postgres', "$force SELECT count(*), sum(k.id) FROM users u JOIN k ON k.id = u.n"), '200|20100', 'by primary keys');
is(join(' ', map { $_->{op} } requests($proxy)), 'BatchGetItem BatchGetItem BatchGetItem BatchGetItem', '... with BatchGetItem');
is($node->safe_psql('postgres', "$force PREPARE p(int) AS SELECT count(k.v) FROM users u LEFT JOIN k ON k.id = u.n WHERE u.n < \$1; SET plan_cache_mode = force_generic_plan; EXECUTE p(10); EXECUTE p(101)"), "9\n100", 'a prepared statement');
is($node->safe_psql('postgres', "$force BEGIN; DELETE FROM k WHERE id = 5; UPDATE k SET v = 'new' WHERE id = 6; INSERT INTO k VALUES (1001, 'mine');
	SELECT string_agg(u.n || coalesce(k.v, '-'), ' ' ORDER BY u.n) FROM users u LEFT JOIN k ON k.id = u.n WHERE u.n IN (4, 5, 6, 1001); ROLLBACK"), '4v4 5- 6new 1001mine', 'own writes');
create_table('tap-batched-pairs', [ 'pk', 'sk' ]);
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE p (pk text COLLATE "C", sk text COLLATE "C", v text) SERVER s OPTIONS (table_name 'tap-batched-pairs', key 'pk, sk', indexes 'none');
	INSERT INTO p VALUES ('a', 'z', 'old'), ('b', 'a', 'old');
	CREATE TABLE o AS SELECT * FROM (VALUES ('a', 'z'), ('b', 'a')) v(x, y); ANALYZE o});
my $by_pairs = "SELECT string_agg(o.x || coalesce(p.v, '-'), ' ' ORDER BY o.x) FROM o LEFT JOIN p ON p.pk = o.x AND p.sk = o.y";
is($node->safe_psql('postgres', "$force BEGIN; UPDATE p SET v = 'new' WHERE pk = 'b' AND sk = 'a'; $by_pairs; DELETE FROM p WHERE pk = 'b'; $by_pairs; DELETE FROM p; INSERT INTO p VALUES ('b', 'a', 'again'); $by_pairs; ROLLBACK; $by_pairs"),
	"aold bnew\naold b-\na- bagain\naold bold", '... of whole primary keys');
is($node->safe_psql('postgres', "$force BEGIN; DECLARE c SCROLL CURSOR FOR SELECT k.v FROM users u JOIN k ON k.id = u.n WHERE u.n < 50 ORDER BY u.n; FETCH 2 FROM c; FETCH BACKWARD 1 FROM c; FETCH ABSOLUTE 40 FROM c; COMMIT"), "v1\nv2\nv1\nv40", 'a cursor');
is($node->safe_psql('postgres', "$force SELECT count(*) FROM (SELECT u.n::numeric + 0.5 AS x FROM users u) u JOIN k ON k.id = u.x"), '0', 'a key of another type');

# errors and interrupts in the middle
script($proxy, ({ do => 'pass' }) x 40, { do => 'status', code => 400, body => '{"__type":"x#ValidationException","message":"no"}', times => 200 });
like(error_of($node, "$force $query"), qr/HV000.*no/, 'an error in a later batch');
script($proxy, { do => 'hang', seconds => 5, times => 50 });
like(error_of($node, "$force SET statement_timeout = 300; $query"), qr/57014/, 'a timeout');
script($proxy);
is($node->safe_psql('postgres', "$force SELECT count(*) FROM users u JOIN k ON k.id = u.n"), '200', '... and on it goes');
done_testing();
