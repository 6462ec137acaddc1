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
foreach my $table ('t', 'seconds', 'plain')
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
requests($proxy);
all_of('t', "WHERE animal_id = 'a'");
my ($query) = grep { $_->{op} eq 'Query' } requests($proxy);
like($query->{body}{FilterExpression}, qr/attribute_not_exists.*>/, 'DynamoDB filters them');
$node->safe_psql('postgres', 'SET cmz_fdw.enable_pushdown = off; SELECT * FROM t');
is(all_of('t', ''), 'c3 c4', 'and so do we');

# writes
is($node->safe_psql('postgres', "UPDATE t SET content = content || '!' WHERE user_id = 'u' RETURNING content"), "c3!\nc4!", 'UPDATE does not see them');
is($node->safe_psql('postgres', "BEGIN; DELETE FROM t WHERE user_id = 'u' RETURNING content; ROLLBACK"), "c3!\nc4!", 'DELETE neither');
like(error_of($node, "INSERT INTO t (user_id, session_id, \"timestamp\") VALUES ('u', 's', '2025-01-19 12:00:01+00')"), qr/23505/, 'their keys are taken');
is($node->safe_psql('postgres', "BEGIN; INSERT INTO t (user_id, session_id, \"timestamp\", content, ttl) VALUES ('u', 's2', now(), 'new', now() + interval '1 day'), ('u', 's2', now() + interval '1 s', 'old', now() - interval '1 day');
	SELECT string_agg(content, ' ' ORDER BY content) FROM t WHERE user_id = 'u'; ROLLBACK"), 'c3! c4! new', 'own writes are held against it too');
is(all_of('everything', ''), 'c1 c2 c3! c4!', 'none has gone');

# settings
like(error_of($node, 'SELECT * FROM without'), qr/HV007.*hide_expired.*"without".*HINT:.*ttl timestamptz/s, 'it needs the column');
$node->safe_psql('postgres', "ALTER SERVER s OPTIONS (ADD hide_expired 'true')");
is(all_of('everything', ''), 'c3! c4!', 'the server may have it');
$node->safe_psql('postgres', "ALTER FOREIGN TABLE everything OPTIONS (ADD hide_expired 'false')");
is(all_of('everything', ''), 'c1 c2 c3! c4!', '... and the table be without');
like($node->safe_psql('postgres', 'EXPLAIN (COSTS OFF) SELECT * FROM t'), qr/ttl IS NULL\) OR \(ttl > now\(\)/, 'EXPLAIN shows it');
done_testing();
