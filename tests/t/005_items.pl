# Items as other programs write them: missing, mistyped and odd attributes,
# sparse indexes, stored NULLs, U+0000, times of every spelling.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
create_server($node, 's', dynamodb_url());
create_table('tap-items', [ 'id', 'n:N' ],
	{ name => 'ByDay', keys => [ 'day', 'rank:N' ] },
	{ name => 'Slim', keys => ['tag'], projection => { ProjectionType => 'INCLUDE', NonKeyAttributes => ['note'] } });
sub put { ddb('PutItem', { TableName => 'tap-items', Item => $_[0] }); return }
put({ id => { S => 'a' }, n => { N => '1' }, day => { S => 'd' }, rank => { N => '5' }, tag => { S => 't' }, note => { S => 'x' } });
put({ id => { S => 'a' }, n => { N => '2' }, day => { S => 'd' }, tag => { S => 't' }, note => { N => '7' } });
put({ id => { S => 'a' }, n => { N => '10' }, day => { S => 'd' }, rank => { N => '7' }, note => { NULL => JSON::PP::true } });
put({ id => { S => 'b' }, n => { N => '-1.5' }, note => { S => "nul\0here" }, 'odd "name' => { M => { x => { L => [ { NS => ['1'] } ] } } } });
$node->safe_psql('postgres', q{
	IMPORT FOREIGN SCHEMA x LIMIT TO (tap_items) FROM SERVER s INTO public;
	CREATE FOREIGN TABLE i (id text COLLATE "C", n numeric, day text COLLATE "C", rank numeric, tag text COLLATE "C",
	  note text OPTIONS (on_type_mismatch 'null') COLLATE "C") SERVER s
	  OPTIONS (table_name 'tap-items', key 'id, n', indexes 'ByDay (day, rank), Slim (tag) include (note)');
});
my $sql = sub { $node->safe_psql('postgres', $_[0]) };
is($sql->(q{SELECT array_to_string(ftoptions, ' ') FROM pg_foreign_table WHERE ftrelid = 'tap_items'::regclass}) =~ s/ estimated.*//r,
	'table_name=tap-items key=id, n indexes=ByDay (day, rank), Slim (tag) include (note)', 'IMPORT describes keys and indexes');
is($sql->(q{SELECT string_agg(attname || ' ' || format_type(atttypid, -1) || CASE WHEN attnotnull THEN '!' ELSE '' END, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'tap_items'::regclass AND attnum > 0}),
	'id text!, n numeric!, day text, rank numeric, tag text, extra jsonb', 'and their columns');
# a sparse index must not lose items
is($sql->(q{SELECT count(*) FROM i WHERE day = 'd'}), 3, 'items that the index lacks are found');
is($sql->(q{SELECT count(*) FROM i WHERE day = 'd' AND rank IS NULL}), 1, 'also by their lack');
is($sql->(q{SELECT n FROM i WHERE day = 'd' AND rank > 5}), 10, 'the index serves what it can');
is($sql->(q{SELECT string_agg(n::text, ',' ORDER BY n) FROM i WHERE id = 'a' AND n > 1}), '2,10', 'numbers sort as numbers');
is($sql->(q{SELECT string_agg(n::text, ',' ORDER BY n) FROM i WHERE id = 'a' AND n >= 2 AND n < 10}), '2', 'and bound');
is($sql->(q{SELECT string_agg(coalesce(note, '-'), ',' ORDER BY n) FROM i WHERE id = 'a'}), 'x,-,-', 'mistyped and NULL read as NULL');
is($sql->(q{SELECT count(*) FROM i WHERE note IS NULL}), 3, 'and are');
is($sql->(q{SELECT count(*) FROM i WHERE note IS NOT NULL}), 1, 'U+0000 too');
is($sql->(q{SELECT string_agg(note, ',') FROM i WHERE tag = 't'}), 'x', 'an index that carries enough');
like(error_of($node, q{SELECT extra FROM tap_items WHERE id = 'b'}), qr/HV004.*"note".*Item id = 'b', n = -1\.5/s, 'U+0000 in a document is a mismatch');
is($sql->(q{ALTER FOREIGN TABLE tap_items ALTER extra OPTIONS (ADD on_type_mismatch 'null'); SELECT extra FROM tap_items WHERE id = 'b'}),
	'{"odd \"name": {"x": [[1]]}}', 'or left out');
is($sql->(q{SELECT extra FROM tap_items WHERE id = 'a' AND n = 2}), '{"note": 7}', 'other attributes');

# times in a conversation, written by others
create_table('tap-times', [ 'userId', 'sessionIdTimestamp' ], { name => 'AnimalIndex', keys => [ 'animalId', 'timestamp' ] });
sub message
{
	my ($time, %more) = @_;
	ddb('PutItem', { TableName => 'tap-times', Item => { userId => { S => 'u' }, sessionIdTimestamp => { S => "s#$time" },
				sessionId => { S => 's' }, timestamp => { S => $time }, animalId => { S => 'a' }, %more } });
	return;
}
my @times = ('2025-01-19T12:00:00Z', '2025-01-19T12:00:00.5Z', '2025-01-19T12:00:00+00:00', '2025-01-19T12:00:00.123456789Z', '2025-01-19T12:00:00', '2025-01-19T12:00:59.9999999Z', '2025-01-19T12:01:00.000Z');
message($_) for @times;
$sql->(q{CREATE FOREIGN TABLE m (user_id text COLLATE "C", session_id text COLLATE "C", animal_id text COLLATE "C", "timestamp" timestamptz, ttl timestamptz, content text)
	SERVER s OPTIONS (table_name 'tap-times', indexes 'AnimalIndex (animalId, timestamp)')});
foreach my $op ('<', '<=', '=', '>=', '>')
{
	foreach my $at ('12:00:00', '12:00:00.123456', '12:00:00.5', '12:00:59.999999', '12:01:00')
	{
		foreach my $where ("animal_id = 'a'", "user_id = 'u' AND session_id = 's'", "user_id = 'u'")
		{
			my $query = qq{SELECT count(*) FROM m WHERE $where AND "timestamp" $op '2025-01-19 $at'};
			is($sql->($query), $sql->("SET cmz_fdw.enable_pushdown = off; $query"), "$where $op $at");
		}
	}
}
message('2025-01-19T14:00:00+02:00');
is($sql->(q{SELECT count(*) FROM m WHERE animal_id = 'a'}), 8, 'an offset is read');
foreach my $where ('= \'2025-01-19 12:00:00\'', '> \'2025-01-19 12:00:58\'', '< \'2025-01-19 12:00:00.1\'')
{
	my $query = qq{SELECT count(*) FROM m WHERE user_id = 'u' AND "timestamp" $where};
	is($sql->($query), $sql->("SET cmz_fdw.enable_pushdown = off; $query"), "a filter finds it: $where");
}
like(error_of($node, q{SELECT * FROM m WHERE animal_id = 'a' AND "timestamp" > '2025-01-19 12:00:00'}),
	qr/22007.*not in UTC.*sessionIdTimestamp = 's#2025-01-19T14:00:00\+02:00'.*HINT:.*as text/s, 'but no range relies on it');
message('yesterday');
like(error_of($node, q{SELECT * FROM m WHERE animal_id = 'a'}), qr/HV004.*found S yesterday, expected S \(timestamp with time zone\)/s, 'no time at all');
message('2025-01-19T12:00:05Z', ttl => { S => '1747699200' }, content => { S => '' });
like(error_of($node, q{SELECT ttl FROM m WHERE user_id = 'u'}), qr/HV004.*"ttl".*found S 1747699200, expected N/s, 'a ttl as text');
done_testing();
