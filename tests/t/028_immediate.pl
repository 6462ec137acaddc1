# write_mode 'immediate': sent as the rows come, not undone, else the same.
# TRUNCATE, in both modes.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_table('tap-now', ['id']);
create_table('tap-now-g', ['id'], { name => 'ByG', keys => [ 'g', 'rank:N' ] });
create_conversations('tap-now-c');
create_server($node, 's', "http://$proxy", "concurrency '4', write_mode 'immediate'");
create_server($node, 'other', dynamodb_url(), "write_mode 'immediate'");
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE t (id text COLLATE "C", v text COLLATE "C", n integer) SERVER s OPTIONS (table_name 'tap-now', key 'id', estimated_items '100');
	CREATE FOREIGN TABLE same (id text COLLATE "C", v text) SERVER s OPTIONS (table_name 'tap-now', key 'id', estimated_items '100', write_mode 'transaction');
	CREATE FOREIGN TABLE meddler (id text COLLATE "C", v text COLLATE "C", n integer) SERVER other OPTIONS (table_name 'tap-now', key 'id', estimated_items '100');
	CREATE FOREIGN TABLE g (id text COLLATE "C", g text COLLATE "C", rank integer NOT NULL, big text) SERVER s OPTIONS (table_name 'tap-now-g', key 'id', indexes 'ByG (g, rank)');
	CREATE FOREIGN TABLE c (user_id text COLLATE "C", session_id_timestamp text, session_id text COLLATE "C", "timestamp" timestamptz, animal_id text, content text, ttl bigint) SERVER s OPTIONS (table_name 'tap-now-c');
	CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE detail text; BEGIN EXECUTE statement; RETURN 'done'; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL; RETURN sqlstate || ' ' || detail; END $$;
	CREATE FUNCTION meddle(key text, what text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE what USING key; RETURN 'mine'; END $$;
});
sub sql { return $node->safe_psql('postgres', $_[0]) }
sub get { my ($id) = @_; my $item = item('tap-now', { id => { S => $id } }); return $item ? join(' ', map { "$_=" . join('', values %{ $item->{$_} }) } sort keys %$item) : 'none' }
sub sends
{
	my ($statement, $expected, $name) = @_;
	requests($proxy);
	sql($statement);
	my $short = join ', ', map { my $write = $_; $write->{op} . join('', map { ' ' . spelled($write->{body}, $_) } grep { $write->{body}{$_} } 'UpdateExpression', 'ConditionExpression') } writes($proxy);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($short, $expected, $name);
}
requests($proxy);

# the same requests, at once
sends(q{BEGIN; INSERT INTO t VALUES ('a', 'x', 1), ('b', 'x', 2); ROLLBACK}, join(', ', ('PutItem attribute_not_exists(id)') x 2), 'INSERT');
sends(q{BEGIN; UPDATE t SET v = 'y', n = NULL WHERE id = 'a' AND n = 1; ROLLBACK}, 'UpdateItem SET v = {"S":"y"} REMOVE n attribute_exists(id) AND v = {"S":"x"} AND n = {"N":"1"}', 'UPDATE');
sends(q{BEGIN; SAVEPOINT a; INSERT INTO t VALUES ('c', 'x', 3); ROLLBACK TO a; COMMIT}, 'PutItem attribute_not_exists(id)', 'a savepoint');
is(join('; ', map { get($_) } 'a', 'b', 'c'), 'id=a v=y; id=b n=2 v=x; id=c n=3 v=x', 'ROLLBACK does not undo them');
sends(q{BEGIN; DELETE FROM t WHERE id = 'c' AND v = 'x'; ROLLBACK}, 'DeleteItem attribute_exists(id) AND v = {"S":"x"}', 'DELETE');
requests($proxy);
is(sql(q{BEGIN; UPDATE t SET id = 'moved' WHERE id = 'b' RETURNING id, n; ROLLBACK}), 'moved|2', 'a key that moves');
is(written($proxy), 'TransactWriteItems(Delete Put)', '... by one transaction');
is(join('; ', map { get($_) } 'b', 'c', 'moved'), 'none; none; id=moved n=2 v=x', '... are done');
sends(q{UPDATE t SET v = v; DELETE FROM t WHERE id = 'nobody'}, '', 'nothing to do');

# the same rows: made up, checked, refused
is(sql(q{INSERT INTO c (user_id, session_id, "timestamp", content) VALUES ('u', 's', '2125-01-19 12:00:00Z', NULL) RETURNING session_id_timestamp, ttl}), 's#2125-01-19T12:00:00Z|4900737600', 'a message is completed');
is_deeply(item('tap-now-c', { userId => { S => 'u' }, sessionIdTimestamp => { S => 's#2125-01-19T12:00:00Z' } }),
	{ userId => { S => 'u' }, sessionIdTimestamp => { S => 's#2125-01-19T12:00:00Z' }, sessionId => { S => 's' }, timestamp => { S => '2125-01-19T12:00:00Z' }, ttl => { N => '4900737600' } }, '... as it is stored');
is(sql(q{INSERT INTO c (user_id, session_id) SELECT 'now', 's' FROM generate_series(1, 30); SELECT count(DISTINCT "timestamp") FROM c WHERE user_id = 'now'}), '30', 'each row a time of its own');
foreach my $case ([ q{c (user_id, session_id) VALUES (NULL, 's')}, qr/23502/ ], [ q{c (user_id, session_id) VALUES ('u', '')}, qr/22023/ ], [ q{c (user_id, session_id, animal_id) VALUES ('u', 's', '')}, qr/22023/ ],
	[ q{c (user_id, session_id, session_id_timestamp) VALUES ('u', 's', 'x#2125-01-19T12:00:00Z')}, qr/23514/ ], [ q{c (user_id, session_id, content) VALUES ('u', 's', repeat('x', 409600))}, qr/54000.*"content"/s ])
{
	requests($proxy);
	like(error_of($node, "INSERT INTO $case->[0]"), $case->[1], "refused: $case->[0]");
	is(scalar(requests($proxy)), 0, '... before anything is sent');
}

# the same errors
my $taken = qr/23505: duplicate key value in table "tap-now".*Key \(id\)=\(a\) already exists/s;
like(error_of($node, q{INSERT INTO t VALUES ('a', 'no')}), $taken, 'a duplicate');
like(error_of($node, q{INSERT INTO t VALUES ('twice', 'first'), ('twice', 'second')}), qr/23505.*Key \(id\)=\(twice\) already exists/s, '... within the statement');
like(error_of($node, q{UPDATE t SET id = 'a' WHERE id = 'moved'}), $taken, '... by a move');
is(join('; ', map { get($_) } 'a', 'twice', 'moved'), 'id=a v=y; id=twice v=first; id=moved n=2 v=x', '... change nothing; the rows before stay');
is(sql(q{BEGIN; SELECT try($$INSERT INTO t VALUES ('kept', 'x'), ('a', 'no')$$); SELECT count(*) FROM t WHERE id = 'kept'; COMMIT}), "23505 Key (id)=(a) already exists.\n1", '... can be caught, and undo nothing');
is(sql(q{INSERT INTO t VALUES ('a', 'no'), ('new', 'first'), ('new', 'second') ON CONFLICT DO NOTHING RETURNING id, v}), 'new|first', 'ON CONFLICT DO NOTHING');
like($node->safe_psql('postgres', q{\set QUIET off
	INSERT INTO t SELECT 'some' || i % 5, i FROM generate_series(1, 12) i ON CONFLICT DO NOTHING}), qr/INSERT 0 5$/, '... counts what is stored');
is(join('; ', map { get($_) } 'a', 'new', 'some0', 'some1'), 'id=a v=y; id=new v=first; id=some0 v=5; id=some1 v=1', '... the first of them');
foreach my $case ([ 'a changed attribute', q{UPDATE t SET v = meddle(id, 'UPDATE meddler SET v = ''theirs'' WHERE id = $1') WHERE id = 'a'}, 'id=a v=theirs' ],
	[ 'what WHERE looked at', q{UPDATE t SET n = length(meddle(id, 'UPDATE meddler SET v = ''theirs'' WHERE id = $1')) WHERE id = 'a' AND v <> ''}, 'id=a v=theirs' ],
	[ 'the item', q{UPDATE t SET v = meddle(id, 'DELETE FROM meddler WHERE id = $1') WHERE id = 'a'}, 'none' ])
{
	my ($name, $statement, $left) = @$case;
	ddb('PutItem', { TableName => 'tap-now', Item => { id => { S => 'a' }, v => { S => 'y' } } });
	like(error_of($node, $statement), qr/40001: could not serialize access due to concurrent update.*Item \(id\)=\(a\) of table "tap-now"/s, "$name has changed in between");
	is(get('a'), $left, '... and stays so');
}
ddb('PutItem', { TableName => 'tap-now', Item => { id => { S => 'a' }, v => { S => 'y' }, set => { SS => ['x'] } } });
sql(q{UPDATE t SET n = length(meddle(id, 'UPDATE meddler SET v = ''theirs'' WHERE id = $1')) WHERE id = 'a'});
is(get('a') =~ s/ARRAY\S+/x/r, 'id=a n=4 set=x v=theirs', 'a change of something else is none, and survives');

# the same transaction reads them
is(sql(q{BEGIN; INSERT INTO t SELECT 'r' || i, 'x', i FROM generate_series(1, 50) i; SELECT count(*) FROM t WHERE v = 'x' AND id LIKE 'r%'; UPDATE t SET n = -n WHERE id LIKE 'r%'; SELECT sum(n) FROM t WHERE id LIKE 'r%'; DELETE FROM t WHERE n < -25; SELECT count(*), min(n) FROM t WHERE id LIKE 'r%'; ROLLBACK}), "50\n-1275\n25|-25", 'each statement reads those before');
is(sql(q{CREATE FUNCTION seen() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM t WHERE id LIKE ''f%''); END'; INSERT INTO t SELECT 'f' || i, seen() FROM generate_series(1, 5) i; SELECT string_agg(v, ' ' ORDER BY id) FROM t WHERE id LIKE 'f%'}), '0 1 2 3 4', '... a function in the middle too');
like(error_of($node, $_), qr/0A000: cannot read foreign table "t" in a statement that writes to it in write_mode 'immediate'/, $_)
  for q{INSERT INTO t SELECT 'copy' || id, v FROM t}, q{INSERT INTO t SELECT 'copy' || id, v FROM same}, q{UPDATE t SET v = x.v FROM t x WHERE x.id = t.n::text}, q{DELETE FROM t WHERE id IN (SELECT v FROM t)};
is(sql(q{SELECT count(*) FROM t WHERE id LIKE 'copy%'}), '0', '... nothing is written');

# the scan goes on over what has been changed: once a row
$node->safe_psql('postgres', q{INSERT INTO g SELECT 'g' || i, 'x', i, repeat('x', 40000) FROM generate_series(1, 80) i});
requests($proxy);
is(sql(q{WITH u AS (UPDATE g SET rank = rank + 1000 WHERE g = 'x' AND rank > 0 RETURNING rank) SELECT count(*), min(rank), max(rank) FROM u}), '80|1001|1080', 'a key of an index that moves ahead of the scan');
my @sent = requests($proxy);
cmp_ok(scalar(grep { $_->{op} eq 'Query' && $_->{body}{IndexName} eq 'ByG' } @sent), '>', 3, '... by which the rows are read, page by page');
is(scalar(grep { $_->{op} eq 'UpdateItem' } @sent), 80, '... is changed once a row');
is(sql(q{SELECT count(*), count(DISTINCT rank), min(rank), max(rank) FROM g}), '80|80|1001|1080', '... as is stored');
is(sql(q{WITH d AS (DELETE FROM g WHERE g = 'x' AND rank > 0 RETURNING id) SELECT count(DISTINCT id), count(*) FROM d}), '80|80', 'deleted once');

# concurrency, COPY, triggers
script($proxy, { op => 'PutItem', do => 'slow', seconds => 0.02, times => 60 });
sql("COPY t FROM stdin;\n" . join('', map { "copy$_\tx\t$_\n" } 1 .. 60) . "\\.\n");
@sent = writes($proxy);
is(scalar(@sent) . ' ' . (sort { $b <=> $a } map { $_->{in_hand} } @sent)[0], '60 4', 'COPY: each row once, as many at once as concurrency says');
script($proxy);
is(sql(q{CREATE TABLE noted (x text); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO noted VALUES (TG_OP || coalesce(OLD.n, 0) || coalesce(NEW.n, 0)); RETURN NULL; END';
	CREATE TRIGGER n AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION note();
	INSERT INTO t VALUES ('t', 'x', 1); UPDATE t SET n = 2 WHERE id = 't'; DELETE FROM t WHERE id = 't'; DROP TRIGGER n ON t; SELECT string_agg(x, ' ') FROM noted}), 'INSERT01 UPDATE12 DELETE20', 'triggers');

# TRUNCATE
my $all = count_items('tap-now');
foreach my $table ('t', 'same')
{
	requests($proxy);
	like(error_of($node, "TRUNCATE $table"), qr/55000: foreign table "$table" does not allow truncates/, "TRUNCATE $table without truncatable");
	is(scalar(requests($proxy)), 0, '... is refused');
}
sql(q{ALTER FOREIGN TABLE same OPTIONS (ADD truncatable 'false'); ALTER SERVER s OPTIONS (ADD truncatable 'true')});
like(error_of($node, 'TRUNCATE same'), qr/55000/, 'truncatable false');
sql(q{ALTER FOREIGN TABLE same OPTIONS (SET truncatable 'true')});
requests($proxy);
is(sql(q{BEGIN; INSERT INTO same VALUES ('mine', 'x'); UPDATE same SET v = 'changed' WHERE id = 'a'; DELETE FROM same WHERE id = 'new'; TRUNCATE same; SELECT count(*) FROM same; INSERT INTO same VALUES ('a', 'again'), ('mine2', 'x'); SELECT id, v FROM same ORDER BY id; ROLLBACK}), "0\na|again\nmine2|x", 'TRUNCATE in a transaction');
is(written($proxy) . count_items('tap-now'), $all, '... is rolled back, and nothing is sent');
is(sql(q{BEGIN; SAVEPOINT a; TRUNCATE same; ROLLBACK TO a; SELECT count(*) FROM same; COMMIT}), $all, '... to a savepoint');
requests($proxy);
sql(q{BEGIN; INSERT INTO same VALUES ('mine', 'x'); TRUNCATE same; INSERT INTO same VALUES ('a', 'again'); COMMIT});
@sent = requests($proxy);
is(scalar(grep { $_->{op} eq 'Scan' && spelled($_->{body}, 'ProjectionExpression') ne 'id' } @sent), 0, 'it reads keys only');
is(count_items('tap-now') . ' ' . get('a'), '1 id=a v=again', '... committed, it leaves what came after it');
my @actions = map { map { %$_ } @{ $_->{body}{TransactItems} // [] } } @sent;
is(join(' ', sort grep { !ref } @actions), join(' ', ('Delete') x ($all - 1), 'Put'), '... and sends what is left of it');
is(scalar(grep { ref && $_->{Key} && $_->{ConditionExpression} } @actions), 0, '... deletes whatever stands there');
sends(q{TRUNCATE same}, 'DeleteItem', 'one item');
sends(q{TRUNCATE same}, '', 'none');
sql(q{INSERT INTO t SELECT 'tr' || i FROM generate_series(1, 150) i});
sends(q{TRUNCATE same}, join(', ', ('DeleteItem') x 150), 'more than 100');
sql(q{INSERT INTO t SELECT 'tr' || i FROM generate_series(1, 150) i});
is(sql(q{BEGIN; TRUNCATE t; SELECT count(*) FROM t; ROLLBACK; SELECT count(*) FROM t}), "0\n0", 'in immediate mode it cannot be rolled back');
is(count_items('tap-now'), 0, '... nothing is left');
is(sql(q{INSERT INTO t VALUES ('x'); INSERT INTO c (user_id, session_id) VALUES ('x', 's'); TRUNCATE t, c; SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM c)}), '0|0', 'several tables');
ddb('DeleteTable', { TableName => $_ }) for 'tap-now', 'tap-now-g', 'tap-now-c';
done_testing();
