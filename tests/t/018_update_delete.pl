# UPDATE and DELETE: what they read, what they send, on which conditions; items that
# move; other writers in between; all the ways in which they are written.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_table('tap-change', ['id']);
create_conversations('tap-change-c');
create_server($node, 's', "http://$proxy");
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE t (id text COLLATE "C", a text COLLATE "C", b text COLLATE "C", n numeric, at timestamptz, tags text[] OPTIONS (dynamodb_type 'SS'), doc jsonb)
		SERVER s OPTIONS (table_name 'tap-change', key 'id', estimated_items '20');
	CREATE FOREIGN TABLE c (user_id text COLLATE "C", session_id_timestamp text COLLATE "C", session_id text COLLATE "C", "timestamp" timestamptz, animal_id text COLLATE "C", content text, ttl numeric)
		SERVER s OPTIONS (table_name 'tap-change-c');
	CREATE TABLE other (k text COLLATE "C", v text); INSERT INTO other VALUES ('j1', 'one'), ('j2', 'two'), ('j2', 'again');
	CREATE VIEW v AS SELECT id AS key, a AS value FROM t WHERE b = 'view';
});
sub sql { return $node->safe_psql('postgres', $_[0]) }
sub put { my ($id, %item) = @_; ddb('PutItem', { TableName => 'tap-change', Item => { id => { S => $id }, %item } }); return }
sub get { return item('tap-change', { id => { S => $_[0] } }) }
sub set { my ($id, $name, $value) = @_; ddb('UpdateItem', { TableName => 'tap-change', Key => { id => { S => $id } }, UpdateExpression => 'SET #a = :a', ConditionExpression => 'attribute_exists(id)',
		ExpressionAttributeNames => { '#a' => $name }, ExpressionAttributeValues => { ':a' => $value } }); return }
sub S { return { S => $_[0] } }

# The one write of a statement, as "operation: update | condition".
sub sends
{
	my ($statement, $expected, $name) = @_;
	requests($proxy);
	sql($statement);
	my @sent = writes($proxy);
	my $short = join ', ', map { "$_->{op}: " . (spelled($_->{body}, 'UpdateExpression') // '') . ' | ' . spelled($_->{body}, 'ConditionExpression') } @sent;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($short, $expected, $name);
}

# What others have stored, in spellings of their own.
my %odd = (at => S('2025-01-19T12:00:00+00:00'), n => { N => '7' }, tags => { SS => [ 'a', 'b' ] }, set => { NS => [ '1', '2' ] }, bytes => { BS => ['AAE='] }, no => { NULL => JSON::PP::true },
	map => { M => { deep => { L => [ { N => '1.50' }, { M => { x => { SS => ['y'] } } }, S('') ] } } }, 'odd "name"' => { BOOL => JSON::PP::false });

# UPDATE sends what changes, on the condition that it still is what was read
put('u', a => S('x'), b => S('y'), %odd);
sends(q{UPDATE t SET a = 'z' WHERE id = 'u'}, 'UpdateItem: SET a = {"S":"z"} | attribute_exists(id) AND a = {"S":"x"}', 'one attribute');
is_deeply(get('u'), { id => S('u'), a => S('z'), b => S('y'), %odd }, '... all others stay, byte for byte');
sends(q{UPDATE t SET a = NULL, b = 'w', n = n WHERE id = 'u'}, 'UpdateItem: SET b = {"S":"w"} REMOVE a | attribute_exists(id) AND n = {"N":"7"} AND b = {"S":"y"} AND a = {"S":"z"}', 'NULL removes');
is_deeply(get('u'), { id => S('u'), b => S('w'), %odd }, '... it');
sends(q{UPDATE t SET a = 'new' WHERE id = 'u'}, 'UpdateItem: SET a = {"S":"new"} | attribute_exists(id) AND attribute_not_exists(a)', 'an attribute that was not there');
sends(q{UPDATE t SET a = 'newer' WHERE id = 'u' AND b = 'w' AND n > 5}, 'UpdateItem: SET a = {"S":"newer"} | attribute_exists(id) AND b = {"S":"w"} AND n = {"N":"7"} AND a = {"S":"new"}', 'what WHERE looked at');
sends(q{UPDATE t SET a = b || '!' WHERE id = 'u'}, 'UpdateItem: SET a = {"S":"w!"} | attribute_exists(id) AND b = {"S":"w"} AND a = {"S":"newer"}', '... or SET');
sends(q{UPDATE t SET a = 'w!', b = 'w', at = '2025-01-19 12:00:00Z', tags = '{a,b}' WHERE id = 'u'}, '', 'what is the same already is not sent');
sends(q{UPDATE t SET n = 7.00 WHERE id = 'u'}, '', '... also a number that is spelled otherwise');
sends(q{UPDATE t SET a = 'x' WHERE id = 'nobody'}, '', 'nor what is not there');
sends(q{UPDATE t SET at = '2025-01-19 12:00:00.5Z' WHERE id = 'u'}, 'UpdateItem: SET at = {"S":"2025-01-19T12:00:00.5Z"} | attribute_exists(id) AND at = {"S":"2025-01-19T12:00:00+00:00"}', 'a time of another spelling is expected as it is');
sends(q{UPDATE t SET tags = '{c}', doc = '{"k": [1]}' WHERE id = 'u'}, 'UpdateItem: SET tags = {"SS":["c"]}, doc = {"M":{"k":{"L":[{"N":"1"}]}}} | attribute_exists(id) AND tags = {"SS":["a","b"]} AND attribute_not_exists(doc)', 'sets and documents');
is_deeply(get('u'), { %odd, id => S('u'), a => S('w!'), b => S('w'), at => S('2025-01-19T12:00:00.5Z'), tags => { SS => ['c'] }, doc => { M => { k => { L => [ { N => '1' } ] } } } }, '... are stored, the others untouched');

# DELETE by primary key; what is read
requests($proxy);
put('d', a => S('x'), b => S('y'), %odd);
sql(q{DELETE FROM t WHERE id = 'd'});
my ($read, $delete) = requests($proxy);
is($read->{op} . ' ' . spelled($read->{body}, 'ProjectionExpression') . ' ' . $read->{body}{ConsistentRead}, 'Query id 1', 'DELETE reads keys only');
is($delete->{op} . ' ' . spelled($delete->{body}, 'ConditionExpression'), 'DeleteItem attribute_exists(id)', '... and deletes by them');
is_deeply($delete->{body}{Key}, { id => S('d') }, '... the one');
put('d', a => S('x'), %odd);
sql(q{DELETE FROM t WHERE id LIKE 'd%' AND a = 'x'});
($read, $delete) = requests($proxy);
is(join(' ', sort split /,/, spelled($read->{body}, 'ProjectionExpression')), 'a id', 'it reads what WHERE looks at');
is(spelled($delete->{body}, 'ConditionExpression'), 'attribute_exists(id) AND a = {"S":"x"}', '... which must still be so');
put('d', a => S('x'), b => S('y'), %odd);
is(sql(q{DELETE FROM t WHERE id = 'd' RETURNING *}), 'd|x|y|7|2025-01-19 12:00:00+00|{a,b}|', 'RETURNING shows all that was there');
is(get('d'), undef, '... before it went');

# a key moves
put('m', a => S('x'), %odd);
requests($proxy);
sql(q{UPDATE t SET id = 'moved', a = 'y' WHERE id = 'm'});
my ($move) = writes($proxy);
is($move->{op} . '(' . join(' ', map { keys %$_ } @{ $move->{body}{TransactItems} }) . ')', 'TransactWriteItems(Delete Put)', 'another key: one transaction');
is_deeply($move->{body}{TransactItems}[0]{Delete}{Key}, { id => S('m') }, '... deletes here');
is(spelled($move->{body}{TransactItems}[1]{Put}, 'ConditionExpression'), 'attribute_not_exists(id)', '... puts where nothing is');
is_deeply([ get('m'), get('moved') ], [ undef, { id => S('moved'), a => S('y'), %odd } ], '... the whole item');
put('m', a => S('stays'));
like(error_of($node, q{UPDATE t SET id = 'm' WHERE id = 'moved'}), qr/23505.*Key \(id\)=\(m\) already exists/s, 'a key that is taken');
like(error_of($node, q{BEGIN; UPDATE t SET id = 'm' WHERE id = 'moved'; SELECT 1 / 0}), qr/23505.*Key \(id\)=\(m\) already exists/s, '... in a block at the statement');
is_deeply([ get('m'), get('moved') ], [ { id => S('m'), a => S('stays') }, { id => S('moved'), a => S('y'), %odd } ], '... both stay');
is(sql(q{UPDATE t SET id = CASE id WHEN 'm' THEN 'm2' ELSE 'm' END WHERE id IN ('m', 'moved') AND id = 'm'; SELECT a FROM t WHERE id = 'm2'}), 'stays', 'a key by CASE');
like(error_of($node, q{UPDATE t SET id = NULL WHERE id = 'm2'}), qr/23502.*"id"/, 'a key that would be NULL');
like(error_of($node, q{UPDATE t SET id = '' WHERE id = 'm2'}), qr/22023.*"id"/, '... or empty');
like(error_of($node, q{UPDATE t SET a = repeat('x', 409600) WHERE id = 'm2'}), qr/54000.*the largest column is "a"/s, 'an item that would be too large');
is_deeply(get('m2'), { id => S('m2'), a => S('stays') }, '... stays as it was');
ddb('PutItem', { TableName => 'tap-change-c', Item => { userId => S('u'), sessionIdTimestamp => S('s#2125-01-01T00:00:00+00:00'), sessionId => S('s'), timestamp => S('2125-01-01T00:00:00+00:00'), animalId => S('lion'), extra => { SS => ['x'] }, ttl => { N => '99.50' } } });
sends(q{UPDATE c SET animal_id = 'bear' WHERE user_id = 'u'}, 'UpdateItem: SET animalId = {"S":"bear"} | attribute_exists(userId) AND animalId = {"S":"lion"}', 'a key of an index does not move the item');
like(error_of($node, q{UPDATE c SET animal_id = '' WHERE user_id = 'u'}), qr/22023.*"animal_id"/, '... and cannot be empty');
like(error_of($node, q{UPDATE c SET session_id_timestamp = 's#2125-01-01T00:00:01Z' WHERE user_id = 'u'}), qr/23514/, 'a composite key that disagrees');
requests($proxy);
is(sql(q{UPDATE c SET session_id = 't' WHERE user_id = 'u' RETURNING session_id_timestamp}), 't#2125-01-01T00:00:00+00:00', 'a part of the composite key');
is(written($proxy), 'TransactWriteItems(Delete Put)', '... moves the item');
sql(q{UPDATE c SET "timestamp" = "timestamp" + interval '0.25 s' WHERE user_id = 'u'});
is_deeply(ddb('Scan', { TableName => 'tap-change-c' })->{Items}, [ { userId => S('u'), sessionIdTimestamp => S('t#2125-01-01T00:00:00.25Z'), sessionId => S('t'), timestamp => S('2125-01-01T00:00:00.25Z'), animalId => S('bear'), extra => { SS => ['x'] }, ttl => { N => '99.5' } } ], '... with all that it had');
is(sql(q{UPDATE c SET content = 'hi', session_id_timestamp = 'q#2125-01-02T00:00:00Z', session_id = 'q', "timestamp" = '2125-01-02Z' RETURNING "timestamp"}), '2125-01-02 00:00:00+00', '... also with all parts given');

# others write between the read and the commit
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query('\set VERBOSITY verbose');
sub between
{
	my ($statement, $change, $end) = @_;
	$session->query_safe($statement);
	$change->();
	$session->{stderr} = '';
	$session->query_until(qr/done/, ($end // 'COMMIT') . ";\n\\echo done\n");
	$session->query('');
	my $error = $session->{stderr};
	$session->{stderr} = '';
	return $error;
}
my $conflict = qr/40001: could not serialize access due to concurrent update.*Item \(id\)=\(r\) of table "tap-change"/s;
sub fresh { put('r', a => S('x'), b => S('y'), n => { N => '1' }); ddb('DeleteItem', { TableName => 'tap-change', Key => { id => S('r2') } }); return }
foreach my $case (
	[ 'a changed attribute has changed', q{UPDATE t SET a = 'z' WHERE id = 'r'}, sub { set('r', a => S('theirs')) }, $conflict, { a => S('theirs') } ],
	[ 'one that is removed has changed', q{UPDATE t SET a = NULL WHERE id = 'r'}, sub { set('r', a => S('theirs')) }, $conflict, { a => S('theirs') } ],
	[ 'one that is new is there by now', q{UPDATE t SET doc = '1' WHERE id = 'r'}, sub { set('r', doc => { N => '5' }) }, $conflict, { doc => { N => '5' } } ],
	[ 'what WHERE looked at has changed', q{UPDATE t SET a = 'z' WHERE id = 'r' AND b = 'y'}, sub { set('r', b => S('theirs')) }, $conflict, { b => S('theirs') } ],
	[ 'what SET looked at has changed', q{UPDATE t SET a = b WHERE id = 'r'}, sub { set('r', b => S('theirs')) }, $conflict, { b => S('theirs') } ],
	[ 'the item is gone', q{UPDATE t SET a = 'z' WHERE id = 'r'}, sub { ddb('DeleteItem', { TableName => 'tap-change', Key => { id => S('r') } }) }, $conflict, undef ],
	[ 'an unrelated attribute has changed', q{UPDATE t SET a = 'z' WHERE id = 'r'}, sub { set('r', b => S('theirs')); set('r', extra => S('e')) }, qr/^$/, { a => S('z'), b => S('theirs'), extra => S('e') } ],
	[ 'DELETE: what WHERE looked at has changed', q{DELETE FROM t WHERE id = 'r' AND n = 1}, sub { set('r', n => { N => '2' }) }, $conflict, { n => { N => '2' } } ],
	[ 'DELETE: the item is gone', q{DELETE FROM t WHERE id = 'r'}, sub { ddb('DeleteItem', { TableName => 'tap-change', Key => { id => S('r') } }) }, $conflict, undef ],
	[ 'DELETE: something else has changed', q{DELETE FROM t WHERE id = 'r' AND n = 1}, sub { set('r', a => S('theirs')) }, qr/^$/, undef ],
	[ 'two statements, the first of which looked at it', q{UPDATE t SET a = 'z' WHERE id = 'r' AND b = 'y'; UPDATE t SET n = 5 WHERE id = 'r'}, sub { set('r', b => S('theirs')) }, $conflict, { b => S('theirs') } ],
	[ 'deleted and inserted anew', q{DELETE FROM t WHERE id = 'r' AND b = 'y'; INSERT INTO t (id, a) VALUES ('r', 'mine')}, sub { set('r', b => S('theirs')) }, $conflict, { b => S('theirs') } ],
	[ 'inserted by others', q{DELETE FROM t WHERE id = 'r'; INSERT INTO t (id, a) VALUES ('r2', 'mine')}, sub { put('r2', a => S('theirs')) }, qr/23505.*Key \(id\)=\(r2\) already exists/s, {} ],
	[ 'ROLLBACK', q{UPDATE t SET a = 'z' WHERE id = 'r'}, sub { set('r', a => S('theirs')) }, qr/^$/, { a => S('theirs') }, 'ROLLBACK' ])
{
	my ($name, $statement, $change, $error, $left, $end) = @$case;
	foreach my $level ('READ COMMITTED', 'REPEATABLE READ')
	{
		fresh();
		like(between("BEGIN ISOLATION LEVEL $level; $statement", $change, $end), $error, "$name: $level");
		is_deeply(get('r'), $left && { id => S('r'), a => S('x'), b => S('y'), n => { N => '1' }, %$left }, '... and nobody\'s change is lost');
	}
}
# of an item that nobody changed since, READ COMMITTED reads the change of others
fresh();
like(between(q{BEGIN; SELECT a FROM t WHERE id = 'r'}, sub { set('r', a => S('theirs')) }, q{UPDATE t SET a = a || '!' WHERE id = 'r'; COMMIT}), qr/^$/, 'a change before the statement is no conflict');
is(get('r')->{a}{S}, 'theirs!', '... and is seen');
$session->quit;

# all the ways
put($_, a => S('x'), b => S('view'), n => { N => '1' }) for 'j1', 'j2', 'j3';
put('not', a => S('x'), b => S('other'));
sub state { return join ' ', map { my $item = get($_); "$_:" . ($item ? join('/', map { $item->{$_} ? values %{ $item->{$_} } : '-' } 'a', 'n') : 'none') } @_ }
is(sql(q{WITH u AS (UPDATE t SET a = v, n = n + 1 FROM other WHERE id = k RETURNING id, k, n) SELECT string_agg(id || k || n, ',' ORDER BY id) FROM u}), 'j1j12,j2j22', 'UPDATE FROM: each row once');
is(get('j1')->{a}{S} . get('j2')->{n}{N}, 'one2', '... is stored');
sql(q{UPDATE t SET a = (SELECT max(v) FROM other WHERE k = id), n = 10 WHERE id IN (SELECT k FROM other)});
is(state('j1', 'j2', 'j3'), 'j1:one/10 j2:two/10 j3:x/1', 'sub-selects');
sql(q{UPDATE t x SET n = y.n + 1 FROM t y WHERE x.id = 'j3' AND y.id = 'j1'});
is(state('j3'), 'j3:x/11', 'UPDATE FROM itself');
sql(q{UPDATE v SET value = 'through' WHERE key LIKE '%'});
is(state('j1', 'j2', 'j3', 'not'), 'j1:through/10 j2:through/10 j3:through/11 not:x/-', 'through a view');
sql(q{CREATE FUNCTION raise(key text) RETURNS numeric LANGUAGE plpgsql AS $$ DECLARE r numeric; BEGIN UPDATE t SET n = n * 2 WHERE id = key; UPDATE t SET n = n + 1 WHERE id = key RETURNING n INTO r; RETURN r; END $$});
requests($proxy);
is(sql(q{SELECT raise('j1'), raise('j3')}), '21|23', 'in functions');
is(written($proxy), 'TransactWriteItems(Update Update)', '... sent once');
is(sql(q{PREPARE p(text, numeric) AS UPDATE t SET n = $2 WHERE id = $1 AND n > 0; EXECUTE p('j1', 1); EXECUTE p('j3', NULL); SELECT n IS NULL FROM t WHERE id = 'j3'}), 't', 'prepared');
sql(q{CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF TG_OP = 'DELETE' THEN INSERT INTO other VALUES ('deleted', OLD.id || OLD.a); IF OLD.id = 'j1' THEN RETURN NULL; END IF; RETURN OLD; END IF;
		NEW.a := OLD.a || '>' || NEW.a; RETURN NEW; END $$;
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO other VALUES ('noted', OLD.a || ' ' || coalesce(NEW.a, 'gone')); RETURN NULL; END $$;
	CREATE TRIGGER g BEFORE UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION guard();
	CREATE TRIGGER n AFTER UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION note();
	UPDATE t SET a = 'trig' WHERE id = 'j2'; DELETE FROM t WHERE id IN ('j1', 'j3')});
is(state('j1', 'j2', 'j3'), 'j1:through/1 j2:through>trig/10 j3:none', 'row triggers change and prevent');
is(sql(q{SELECT v FROM other WHERE k IN ('deleted', 'noted') ORDER BY v; DROP TRIGGER g ON t; DROP TRIGGER n ON t}), "j1through\nj3through\nthrough gone\nthrough through>trig", '... and see rows as they were and are');
is(sql(q{DELETE FROM t USING other WHERE id = k AND v = 'again' RETURNING id, a, v}), 'j2|through>trig|again', 'DELETE USING');
is(sql(q{DELETE FROM v WHERE key IN (SELECT k FROM other) RETURNING value}), 'through', '... through a view, with a sub-select');
is(state('j1', 'j2', 'not'), 'j1:none j2:none not:x/-', '... are gone');
is(sql(qq{CREATE TABLE parent (id text COLLATE "C", a text, kind text) PARTITION BY LIST (kind); CREATE TABLE here PARTITION OF parent FOR VALUES IN ('h');
	CREATE FOREIGN TABLE there PARTITION OF parent FOR VALUES IN ('t') SERVER s OPTIONS (table_name 'tap-change', key 'id');
	INSERT INTO parent VALUES ('p1', 'x', 'h'), ('p2', 'x', 't'); WITH u AS (UPDATE parent SET a = a || id WHERE id LIKE 'p%' RETURNING a) SELECT a FROM u ORDER BY 1}), "xp1\nxp2", 'partitions: UPDATE');
is_deeply(get('p2'), { id => S('p2'), a => S('xp2'), kind => S('t') }, '... is stored');
is(sql(q{WITH d AS (DELETE FROM parent WHERE id LIKE 'p%' RETURNING tableoid::regclass, id) SELECT * FROM d ORDER BY id}), "here|p1\nthere|p2", '... DELETE');
is(get('p2'), undef, '... is gone');
like($node->safe_psql('postgres', "\\set QUIET off\nUPDATE t SET a = a WHERE id IN ('u', 'nobody');\nDELETE FROM t WHERE id = 'nobody'"), qr/UPDATE 1\nDELETE 0$/, 'rows are counted');
ddb('DeleteTable', { TableName => $_ }) for 'tap-change', 'tap-change-c';
done_testing();
