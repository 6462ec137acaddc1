# Option hide_expired: items whose ttl has passed are not there for any statement,
# but their keys are.
use strict;
use warnings;
use CmzTest;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_server($node, 's', "http://$proxy");
create_conversations('tap-expired');
my $columns = 'user_id text COLLATE "C", session_id text COLLATE "C", "timestamp" timestamptz, animal_id text COLLATE "C", session_id_timestamp text COLLATE "C", content text';
$node->safe_psql('postgres', qq{
	CREATE FOREIGN TABLE t ($columns, ttl timestamptz) SERVER s OPTIONS (table_name 'tap-expired', hide_expired 'true');
	CREATE FOREIGN TABLE everything ($columns, ttl timestamptz) SERVER s OPTIONS (table_name 'tap-expired');
	CREATE FOREIGN TABLE seconds ($columns, ttl bigint) SERVER s OPTIONS (table_name 'tap-expired', hide_expired 'true');
	CREATE FOREIGN TABLE numbers ($columns, ttl numeric) SERVER s OPTIONS (table_name 'tap-expired', hide_expired 'true');
	CREATE FOREIGN TABLE integers ($columns, ttl integer) SERVER s OPTIONS (table_name 'tap-expired', hide_expired 'true');
	CREATE FOREIGN TABLE floats ($columns, ttl double precision) SERVER s OPTIONS (table_name 'tap-expired', hide_expired 'true');
	CREATE FOREIGN TABLE utc ($columns, ttl timestamp) SERVER s OPTIONS (table_name 'tap-expired', hide_expired 'true');
	CREATE DOMAIN unix_seconds AS bigint;
	CREATE FOREIGN TABLE domains ($columns, ttl unix_seconds) SERVER s OPTIONS (table_name 'tap-expired', hide_expired 'true');
	CREATE FOREIGN TABLE rounded ($columns, ttl numeric(20, 2)) SERVER s OPTIONS (table_name 'tap-expired', hide_expired 'true');
	CREATE FOREIGN TABLE at_once ($columns, ttl numeric) SERVER s OPTIONS (table_name 'tap-expired', write_mode 'immediate');
	CREATE DOMAIN moment AS timestamp;
	CREATE FOREIGN TABLE plain ($columns, ttl moment) SERVER s OPTIONS (table_name 'tap-expired', hide_expired 'true');
	CREATE FOREIGN TABLE without ($columns) SERVER s OPTIONS (table_name 'tap-expired', hide_expired 'true');});
my $now = time;
my $n = 0;
foreach my $ttl ($now - 86400, $now - 10, $now + 86400, undef)
{
	$n++;
	ddb('PutItem', { TableName => 'tap-expired', Item => { userId => { S => 'u' }, sessionId => { S => 's' }, animalId => { S => 'a' },
		timestamp => { S => "2025-01-19T12:00:0${n}Z" }, sessionIdTimestamp => { S => "s#2025-01-19T12:00:0${n}Z" }, content => { S => "c$n" },
		defined $ttl ? (ttl => { N => "$ttl" }) : () } });
}
sub all_of { my ($table, $more) = @_; return $node->safe_psql('postgres', "SELECT string_agg(content, ' ' ORDER BY content) FROM $table $more") }

is(all_of('everything', ''), 'c1 c2 c3 c4', 'off by default');
my @filtered = qw(t seconds numbers integers floats utc domains plain);
foreach my $table (@filtered, 'rounded')
{
	is(all_of($table, ''), 'c3 c4', "$table: a scan");
	is(all_of($table, "WHERE user_id = 'u' AND session_id = 's'"), 'c3 c4', '... the table by key');
	is(all_of($table, "WHERE animal_id = 'a'"), 'c3 c4', '... an index');
	is(all_of($table, "WHERE user_id = 'u' AND session_id_timestamp IN ('s#2025-01-19T12:00:01Z', 's#2025-01-19T12:00:03Z')"), 'c3', '... items by their keys');
	is(all_of($table, "WHERE user_id = 'u' OR animal_id = 'a'"), 'c3 c4', '... a union');
	is($node->safe_psql('postgres', "SELECT count(*) FROM $table WHERE user_id = 'u'"), '2', '... a count');
	is($node->safe_psql('postgres', "SELECT content FROM $table WHERE animal_id = 'a' ORDER BY \"timestamp\" LIMIT 1"), 'c3', '... a LIMIT');
	is($node->safe_psql('postgres', "SELECT l.x, content FROM (VALUES (1, 'u'), (2, 'v')) l(x, u) LEFT JOIN $table ON user_id = l.u AND session_id_timestamp < 's#2025-01-19T12:00:03Z'"),
		"1|\n2|", '... an outer join');
}
foreach my $table (@filtered)
{
	requests($proxy);
	all_of($table, "WHERE animal_id = 'a'");
	my ($query) = grep { $_->{op} eq 'Query' } requests($proxy);
	like($query->{body}{FilterExpression}, qr/attribute_not_exists.*>/, "DynamoDB filters them: $table");
	like($node->safe_psql('postgres', "EXPLAIN (COSTS OFF) SELECT content FROM $table WHERE animal_id = 'a'"), qr/Filter Expression: .*ttl > /, '... as EXPLAIN says');
}

# an item expires when its second begins; of one transaction all times are the same
foreach my $table (@filtered, 'rounded')
{
	is($node->safe_psql('postgres', qq{SET TimeZone = 'America/Los_Angeles'; BEGIN; DELETE FROM at_once WHERE user_id = 'v';
		INSERT INTO at_once (user_id, session_id, "timestamp", animal_id, content, ttl)
			SELECT 'v', 's', '2025-01-19T12:00:00Z'::timestamptz + i * interval '1 s', 'b', i::text, floor(extract(epoch FROM now())) + i FROM generate_series(-1, 1) i;
		SELECT content FROM $table WHERE animal_id = 'b'; SET LOCAL cmz_fdw.enable_pushdown = off; SELECT content FROM $table WHERE animal_id = 'b'; COMMIT}), "1\n1", "the second in which it expires: $table");
}
$node->safe_psql('postgres', q{DELETE FROM at_once WHERE user_id = 'v'});

# a number that is no time is compared as any other
$node->safe_psql('postgres', q{INSERT INTO at_once (user_id, session_id, "timestamp", animal_id, content, ttl)
	VALUES ('v', 's', '2025-01-19T12:00:00Z', 'b', 'late', 1737000000000000), ('v', 's', '2025-01-19T12:00:01Z', 'b', 'early', -7)});
is(all_of($_, "WHERE animal_id = 'b'"), 'late', "microseconds, and a duration: $_") foreach 'seconds', 'numbers', 'floats', 'domains', 'rounded';
like(error_of($node, "SELECT * FROM $_ WHERE animal_id = 'b'"), qr/HV004: attribute "ttl".*DETAIL:  Item userId = .v.*HINT: /s, "... is none of the type: $_") foreach 't', 'integers', 'utc';
$node->safe_psql('postgres', q{DELETE FROM at_once WHERE user_id = 'v'});

$node->safe_psql('postgres', 'SET cmz_fdw.enable_pushdown = off; SELECT * FROM t');
is(all_of('t', ''), 'c3 c4', 'and so do we');

# writes
is($node->safe_psql('postgres', "UPDATE t SET content = content || '!' WHERE user_id = 'u' RETURNING content"), "c3!\nc4!", 'UPDATE does not see them');
is($node->safe_psql('postgres', "BEGIN; DELETE FROM t WHERE user_id = 'u' RETURNING content; ROLLBACK"), "c3!\nc4!", 'DELETE neither');
like(error_of($node, "INSERT INTO t (user_id, session_id, \"timestamp\") VALUES ('u', 's', '2025-01-19 12:00:01+00')"), qr/23505/, 'their keys are taken');
is($node->safe_psql('postgres', "BEGIN; INSERT INTO t (user_id, session_id, \"timestamp\", content, ttl) VALUES ('u', 's2', now(), 'new', now() + interval '1 day'), ('u', 's2', now() + interval '1 s', 'old', now() - interval '1 day');
	SELECT string_agg(content, ' ' ORDER BY content) FROM t WHERE user_id = 'u'; ROLLBACK"), 'c3! c4! new', 'own writes are held against it too');
is(all_of('everything', ''), 'c1 c2 c3! c4!', 'none has gone');

# what is no time is not passed over: it is as wrong as without the option
$node->safe_psql('postgres', qq{CREATE FOREIGN TABLE lenient ($columns, ttl timestamptz) SERVER s OPTIONS (table_name 'tap-expired', hide_expired 'true', on_type_mismatch 'null');
	CREATE FOREIGN TABLE twice ($columns, ttl text, expires timestamptz OPTIONS (attribute 'ttl')) SERVER s OPTIONS (table_name 'tap-expired', hide_expired 'true', on_type_mismatch 'null')});
ddb('PutItem', { TableName => 'tap-expired', Item => { userId => { S => 'x' }, sessionId => { S => 's' }, animalId => { S => 'x' }, timestamp => { S => '2025-01-19T12:00:00Z' },
	sessionIdTimestamp => { S => 's#2025-01-19T12:00:00Z' }, content => { S => 'text' }, ttl => { S => '1' } } });
foreach my $pushdown ('on', 'off')
{
	like(error_of($node, "SET cmz_fdw.enable_pushdown = $pushdown; SELECT content FROM t WHERE user_id = 'x'"), qr/HV004.*ttl/s, "a ttl of another type is an error, pushdown $pushdown");
	is($node->safe_psql('postgres', "SET cmz_fdw.enable_pushdown = $pushdown; SELECT content FROM $_ WHERE animal_id = 'x'"), 'text', "... or NULL: $_") foreach 'lenient', 'twice';
}
ddb('DeleteItem', { TableName => 'tap-expired', Key => { userId => { S => 'x' }, sessionIdTimestamp => { S => 's#2025-01-19T12:00:00Z' } } });

# settings
like(error_of($node, 'SELECT * FROM without'), qr/HV007.*hide_expired.*"without".*HINT:.*ttl timestamptz/s, 'it needs the column');
$node->safe_psql('postgres', "ALTER SERVER s OPTIONS (ADD hide_expired 'true')");
is(all_of('everything', ''), 'c3! c4!', 'the server may have it');
$node->safe_psql('postgres', "ALTER FOREIGN TABLE everything OPTIONS (ADD hide_expired 'false')");
is(all_of('everything', ''), 'c1 c2 c3! c4!', '... and the table be without');
like($node->safe_psql('postgres', 'EXPLAIN (COSTS OFF) SELECT * FROM t'), qr/ttl IS NULL\) OR \(ttl > now\(\)/, 'EXPLAIN shows it');
done_testing();
