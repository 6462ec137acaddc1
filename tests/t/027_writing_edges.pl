# Where writing went wrong once: each case lost or damaged rows, said the wrong thing
# or crashed, before it was mended.
use strict;
use warnings;
use CmzTest;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_table($_, ['id']) for 'tap-edges', 'tap-edges2';
create_server($node, 's', dynamodb_url(), "truncatable 'true'");
create_server($node, 'p', "http://$proxy", "request_timeout '1s', max_retries '0'");
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE t (id text COLLATE "C", n integer, note text) SERVER s OPTIONS (table_name 'tap-edges', key 'id', estimated_items '10');
	CREATE FOREIGN TABLE t_now (id text COLLATE "C", n integer, note text) SERVER s OPTIONS (table_name 'tap-edges', key 'id', estimated_items '10', write_mode 'immediate');
	CREATE FOREIGN TABLE tx (id text COLLATE "C", n integer, rest jsonb OPTIONS (attribute '*')) SERVER s OPTIONS (table_name 'tap-edges', key 'id', estimated_items '10');
	CREATE FOREIGN TABLE lossy (id text COLLATE "C", n integer) SERVER p OPTIONS (table_name 'tap-edges', key 'id', estimated_items '10');
});
sub psql { return $node->safe_psql('postgres', $_[0]); }
sub n { my $item = item('tap-edges', { id => { S => $_[0] } }); return $item ? $item->{n}{N} : 'none'; }
sub put { my ($id, %rest) = @_; ddb('PutItem', { TableName => 'tap-edges', Item => { id => { S => $id }, %rest } }); return; }

# a transaction, with something in between
sub between
{
	my ($before, $between) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query('\set VERBOSITY verbose');
	$session->query_safe("BEGIN; $before");
	$between->();
	$session->query_until(qr/done/, "COMMIT;\n\\echo done\n");
	my $error = $session->{stderr};
	$session->quit;
	return $error;
}

# rows that move into a foreign partition that is updated itself
is(psql(q{
	CREATE TABLE parted (id text COLLATE "C", n integer) PARTITION BY LIST (n);
	CREATE TABLE p1 PARTITION OF parted FOR VALUES IN (1);
	CREATE FOREIGN TABLE p2 PARTITION OF parted FOR VALUES IN (2) SERVER s OPTIONS (table_name 'tap-edges2', key 'id');
	INSERT INTO parted VALUES ('local', 1), ('foreign', 2);
	UPDATE parted SET n = 2; SELECT tableoid::regclass, id, n FROM parted ORDER BY 2}), "p2|foreign|2\np2|local|2", 'a row is routed into a partition that is updated itself');
psql(q{INSERT INTO parted VALUES ('another', 1); ALTER FOREIGN TABLE p2 OPTIONS (ADD write_mode 'immediate')});
like(error_of($node, 'UPDATE parted SET n = 2'), qr/0A000.*immediate/s, '... but not in immediate mode');

# more than 100 writes: those of an item that moves go together
psql(q{INSERT INTO t SELECT 'm' || i, i FROM generate_series(0, 59) i; INSERT INTO t VALUES ('xm5', 999)});
like(error_of($node, q{UPDATE t SET id = 'x' || id WHERE id LIKE 'm%'}), qr/23505.*\(id\)=\(xm5\).*of 120 writes/s, 'one of 60 moves meets an item');
is(psql('SELECT count(*), sum(n) FROM t'), '61|2769', '... and no item is lost');
psql(q{DELETE FROM t WHERE n = 999; UPDATE t SET id = 'y' || id});
is(psql(q{SELECT count(*), sum(n), bool_and(id LIKE 'y%') FROM t}), '60|1770|t', 'without it all move');
psql('TRUNCATE t');

# an item that moves takes nobody's change away
put('a', n => { N => '1' }, note => { S => 'x' }, other => { S => 'o' });
like(between(q{UPDATE t SET id = 'moved' WHERE id = 'a'}, sub { put('a', n => { N => '77' }, note => { S => 'x' }, other => { S => 'o' }) }), qr/40001/, 'a move of an item that has been changed');
is(n('a') . n('moved'), '77none', '... leaves it where it is');
like(between(q{UPDATE t SET id = 'moved' WHERE id = 'a'}, sub { put('a', n => { N => '77' }, note => { S => 'x' }, other => { S => 'changed' }) }), qr/40001/, '... or in what no column shows');
psql(q{UPDATE t SET id = 'moved' WHERE id = 'a'});
is(item('tap-edges', { id => { S => 'moved' } })->{other}{S}, 'changed', 'else it moves as a whole');

# whole rows, and the column of all other attributes
put('a', n => { N => '1' }, c => { N => '1' });
my $change = sub { put('a', n => { N => '100' }, c => { N => '100' }) };
like(between(q{DELETE FROM t WHERE id = 'a' AND to_jsonb(t) ->> 'n' = '1'}, $change), qr/40001/, 'a whole row that was looked at has changed');
put('a', n => { N => '1' }, c => { N => '1' });
like(between(q{DELETE FROM tx WHERE id = 'a' AND (rest ->> 'c')::int = 1}, sub { put('a', n => { N => '1' }, c => { N => '2' }) }), qr/40001/, '... or another attribute');
put('a', n => { N => '1' }, c => { N => '1' });
like(between(q{UPDATE tx SET n = (rest ->> 'c')::int + 10 WHERE id = 'a'}, sub { put('a', n => { N => '1' }, c => { N => '100' }) }), qr/40001/, '... that was reckoned with');
put('a', n => { N => '1' });
is(psql(q{CREATE FUNCTION is_one(t) RETURNS boolean LANGUAGE sql AS 'SELECT $1.n = 1';
	UPDATE t SET note = (t.*)::text WHERE id = 'a' AND is_one(t) AND (t.*)::text LIKE '%1%' RETURNING t}), '(a,1,"(a,1,)")', 'UPDATE with whole rows');
like(between(q{UPDATE t SET note = 'x' WHERE id = 'a' AND is_one(t)}, sub { put('a', n => { N => '2' }) }), qr/40001/, '... of which each column counts');

# TRUNCATE of what was only assumed to be new
put('a', n => { N => '1' });
like(error_of($node, q{DO $$ BEGIN INSERT INTO t VALUES ('a', 7); TRUNCATE t; END $$}), qr/23505/, 'TRUNCATE does not hide a duplicate');
is(n('a'), '1', '... and nothing is deleted');

# PostgreSQL refuses a serializable transaction before anything is sent
psql(q{CREATE TABLE ssi (k text, v integer); INSERT INTO ssi VALUES ('x', 0), ('y', 0)});
put('ctr', n => { N => '0' });
my @sessions = map { $node->background_psql('postgres', on_error_stop => 0) } 1, 2;
$_->query_safe('BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT sum(v) FROM ssi') for @sessions;
$sessions[0]->query_safe("UPDATE ssi SET v = 1 WHERE k = 'x'");
$sessions[1]->query_safe("UPDATE ssi SET v = 1 WHERE k = 'y'; UPDATE t SET n = n + 1 WHERE id = 'ctr'");
$sessions[0]->query_safe('COMMIT');
$sessions[1]->query_until(qr/done/, "COMMIT;\n\\echo done\n");
like($sessions[1]->{stderr}, qr/could not serialize access due to read\/write dependencies/, 'a serialization failure at COMMIT');
is(n('ctr'), '0', '... comes before DynamoDB is written');
$_->quit for @sessions;

# a request that may still be on its way
put('late', n => { N => '1' });
script($proxy, { op => 'UpdateItem', do => 'hang', seconds => 2 });
like(error_of($node, q{UPDATE lossy SET n = n + 1 WHERE id = 'late'}), qr/08007/, 'a write without an answer is not said to have failed');
script($proxy, { op => 'PutItem', do => 'gzip' });
psql(q{INSERT INTO lossy VALUES ('packed', 1)});
is(n('packed'), '1', 'an answer that cannot be read: the item is looked at');
script($proxy, { op => 'TransactWriteItems', do => 'gzip' });
like(error_of($node, q{INSERT INTO lossy VALUES ('packed2', 1), ('packed3', 1)}), qr/08007/, '... of a transaction: it is not known');
script($proxy);

# write modes do not mix
like(error_of($node, q{BEGIN; INSERT INTO t VALUES ('p', 1); UPDATE t_now SET n = n + 1}), qr/0A000.*pending/s, 'immediate writes to a table with pending ones');

# columns of one attribute
is(psql(q{
	CREATE FOREIGN TABLE twice (id text COLLATE "C", a integer OPTIONS (attribute 'n'), b bigint OPTIONS (attribute 'n'), j jsonb OPTIONS (attribute 'n')) SERVER s OPTIONS (table_name 'tap-edges', key 'id');
	INSERT INTO twice VALUES ('w', 1) RETURNING *; UPDATE twice SET a = 5 WHERE id = 'w' RETURNING *}), "w|1|1|1\nw|5|5|5", 'columns of one attribute all show it');
psql(q{CREATE VIEW small AS SELECT * FROM twice WHERE b < 10 WITH CHECK OPTION});
like(error_of($node, q{INSERT INTO small (id, a) VALUES ('v', 50)}), qr/44000/, '... also to a check option');
done_testing();
