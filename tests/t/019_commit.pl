# The end of a transaction: how many writes become which requests, when they are
# sent, and what is there after one of them has failed.
use strict;
use warnings;
use CmzTest;
use HTTP::Tiny;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 5');
$node->restart;
my $proxy = start_proxy(dynamodb_url());
create_table($_, ['id']) for 'tap-commit', 'tap-commit2';
create_server($node, 's', "http://$proxy", "concurrency '5'");
create_server($node, 'other', "http://$proxy");
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE t (id text COLLATE "C", v text, n integer) SERVER s OPTIONS (table_name 'tap-commit', key 'id', estimated_items '100');
	CREATE FOREIGN TABLE t2 (id text COLLATE "C", v text, n integer) SERVER s OPTIONS (table_name 'tap-commit2', key 'id', estimated_items '100');
	CREATE FOREIGN TABLE far (id text COLLATE "C", v text, n integer) SERVER other OPTIONS (table_name 'tap-commit2', key 'id', estimated_items '100');
	CREATE FOREIGN TABLE whole (id text COLLATE "C", v text, n integer) SERVER s OPTIONS (table_name 'tap-commit', key 'id', estimated_items '100', atomic_writes 'require');
	CREATE TABLE local (id text PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text);
});
requests($proxy);
sub sql { return $node->safe_psql('postgres', $_[0]) }
sub get { my ($id, $table) = @_; my $item = item($table // 'tap-commit', { id => { S => $id } }); return $item ? join(' ', map { "$_=" . join('', values %{ $item->{$_} }) } sort keys %$item) : 'none' }

# What a statement sends, as written() says it.
sub sends
{
	my ($statement, $expected, $name) = @_;
	requests($proxy);
	sql($statement);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(written($proxy), $expected, $name);
}

# The same where the requests are too large to be looked at.
sub sends_large
{
	my ($statement, $expected, $name) = @_;
	my $log = HTTP::Tiny->new;
	requests($proxy);
	sql($statement);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(join(' ', grep { !/^(?:Scan|Query)$/ } $log->get("http://$proxy/__log")->{content} =~ /"op": "(\w+)"/g), $expected, $name);
}

# An error, and nothing is written.
sub fails
{
	my ($statement, $error, $name) = @_;
	requests($proxy);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	like(error_of($node, $statement), $error, $name);
	return is(written($proxy), '', '... before a write is sent');
}

# one item: a plain conditional write
sql(q{INSERT INTO t VALUES ('a', 'x', 1)});
my @sent = writes($proxy);
is($sent[0]{op} . ' ' . spelled($sent[0]{body}, 'ConditionExpression') . ' ' . ($sent[0]{body}{ClientRequestToken} // 'no token'), 'PutItem attribute_not_exists(id) no token', 'one new item');
sql(q{UPDATE t SET v = 'y' WHERE id = 'a'});
@sent = writes($proxy);
is($sent[0]{op} . ' ' . spelled($sent[0]{body}, 'ConditionExpression'), 'UpdateItem attribute_exists(id) AND v = {"S":"x"}', 'one that is changed');
sends(q{DELETE FROM t WHERE id = 'a'}, 'DeleteItem', 'one that is deleted');
sends(q{DELETE FROM t WHERE id = 'a'}, '', 'none');

# folding
sends(q{BEGIN; INSERT INTO t VALUES ('f', 'x', 1); UPDATE t SET v = 'y' WHERE id = 'f'; UPDATE t SET n = n + 1; COMMIT}, 'PutItem', 'INSERT, UPDATE, UPDATE');
is(get('f'), 'id=f n=2 v=y', '... is one item');
sends(q{BEGIN; INSERT INTO t VALUES ('g', 'x', 1); UPDATE t SET v = 'y' WHERE id = 'g'; DELETE FROM t WHERE id = 'g'; COMMIT}, '', 'INSERT, UPDATE, DELETE');
sends(q{BEGIN; DELETE FROM t WHERE id = 'f'; INSERT INTO t VALUES ('f', 'z'); COMMIT}, 'PutItem', 'DELETE, INSERT');
is(get('f'), 'id=f v=z', '... leaves nothing of what was there');
requests($proxy);
sql(q{BEGIN; UPDATE t SET v = 'one', n = 1 WHERE id = 'f'; UPDATE t SET v = 'two' WHERE id = 'f'; UPDATE t SET n = n + 5 WHERE v = 'two'; COMMIT});
@sent = writes($proxy);
is(join(' / ', map { "$_->{op} " . spelled($_->{body}, 'UpdateExpression') . ' | ' . spelled($_->{body}, 'ConditionExpression') } @sent), 'UpdateItem SET v = {"S":"two"}, n = {"N":"6"} | attribute_exists(id) AND v = {"S":"z"} AND attribute_not_exists(n)', 'three UPDATEs: the last values, on what was there first');
sends(q{BEGIN; UPDATE t SET v = 'away' WHERE id = 'f'; UPDATE t SET v = 'two' WHERE id = 'f'; COMMIT}, '', 'there and back');
sends(q{BEGIN; UPDATE t SET v = 'away' WHERE id = 'f'; DELETE FROM t WHERE id = 'f'; COMMIT}, 'DeleteItem', 'UPDATE, DELETE');
sends(q{BEGIN; INSERT INTO t VALUES ('p', 'x'); UPDATE t SET id = 'q' WHERE id = 'p'; UPDATE t SET id = 'r' WHERE id = 'q'; COMMIT}, 'PutItem', 'a new item that moves twice');
is(join(' ', map { get($_) } 'f', 'p', 'q', 'r'), 'none none none id=r v=x', '... is where it ended');
sends(q{BEGIN; UPDATE t SET id = 'p' WHERE id = 'r'; INSERT INTO t VALUES ('r', 'new'); COMMIT}, 'TransactWriteItems(Put Put)', 'a key that is left and taken');
is(get('p') . '; ' . get('r'), 'id=p v=x; id=r v=new', '... both are right');

# 2 to 100 items: one request with a token, all or nothing
requests($proxy);
sql(q{BEGIN; INSERT INTO t SELECT 'h' || i, 'x', i FROM generate_series(1, 60) i; UPDATE t SET v = 'y' WHERE id = 'p'; DELETE FROM t WHERE id = 'r'; INSERT INTO t2 SELECT 'h' || i FROM generate_series(1, 38) i; COMMIT});
@sent = writes($proxy);
is(scalar(@sent), 1, '100 items of two tables: one request');
is(join(' ', map { keys %$_ } @{ $sent[0]{body}{TransactItems} }), join(' ', ('Put') x 60, 'Update', 'Delete', ('Put') x 38), '... with all of them');
like($sent[0]{body}{ClientRequestToken}, qr/^[0-9a-f]{32}$/, '... and a token');
is(scalar(grep { !(values %$_)[0]{ConditionExpression} } @{ $sent[0]{body}{TransactItems} }), 0, '... each with a condition');
is(count_items('tap-commit') . ' ' . count_items('tap-commit2'), '61 38', '... are stored');
my $token = $sent[0]{body}{ClientRequestToken};
sql(q{UPDATE t SET n = 0 WHERE id IN ('h1', 'h2')});
isnt((writes($proxy))[0]{body}{ClientRequestToken}, $token, 'another transaction, another token');
like(error_of($node, q{WITH l AS (INSERT INTO local VALUES ('aborted', 'x')) INSERT INTO t SELECT 'h' || i, 'again' FROM generate_series(60, 159) i}), qr/23505.*Key \(id\)=\(h60\) already exists/s, 'one of 100 is there already');
like(error_of($node, q{DO $$ BEGIN INSERT INTO local VALUES ('aborted', 'x'); INSERT INTO t SELECT 'h' || i, 'again' FROM generate_series(60, 159) i; END $$}), qr/23505.*Key \(id\)=\(h60\) already exists/s, '... of a block');
is(count_items('tap-commit') . ' ' . sql('SELECT count(*) FROM local'), '61 0', '... nothing is stored, and the local commit does not come to pass');

# an answer that is lost: the same token again
script($proxy, { op => 'TransactWriteItems', do => 'lose' });
sql(q{INSERT INTO t VALUES ('l1', 'x'), ('l2', 'x')});
@sent = writes($proxy);
is(scalar(@sent), 2, 'a lost answer: sent twice');
is($sent[0]{raw}, $sent[1]{raw}, '... with the same token');
is(get('l1') . ' ' . get('l2'), 'id=l1 v=x id=l2 v=x', '... stored once');
sql(q{ALTER SERVER s OPTIONS (ADD max_retries '1')});
script($proxy, { op => 'TransactWriteItems', do => 'lose', times => 9 });
like(error_of($node, q{INSERT INTO t VALUES ('l3', 'x'), ('l4', 'x')}), qr/08007.*could not find out whether the writes of the transaction were stored/s, 'no answer at all: not known');
sql(q{ALTER SERVER s OPTIONS (DROP max_retries)});
script($proxy);

# more: conditional writes side by side
script($proxy, { op => 'PutItem', do => 'slow', seconds => 0.02, times => 101 });
sql(q{INSERT INTO t SELECT 'i' || i, 'x' FROM generate_series(1, 101) i});
@sent = writes($proxy);
is(join(' ', map { "$_->{op} " . spelled($_->{body}, 'ConditionExpression') } @sent), join(' ', ('PutItem attribute_not_exists(id)') x 101), '101 items');
is((sort { $b <=> $a } map { $_->{in_hand} } @sent)[0], 5, '... as many at once as concurrency says');
script($proxy);
sends(q{BEGIN; DELETE FROM t WHERE id LIKE 'i%'; COMMIT}, join(', ', ('DeleteItem') x 101), '... deleted the same way');
sends_large(q{INSERT INTO t SELECT 'big' || i, repeat('x', 381000) FROM generate_series(1, 11) i}, 'TransactWriteItems', '4 MB');
sends_large(q{INSERT INTO t SELECT 'bigger' || i, repeat('x', 381400) FROM generate_series(1, 11) i}, join(' ', ('PutItem') x 11), 'more than 4 MB');
sends(q{DELETE FROM t WHERE id LIKE 'big%'}, 'TransactWriteItems(' . join(' ', ('Delete') x 22) . ')', 'deleting them needs but their keys');

# one of many fails: what was stored is counted
sql(q{INSERT INTO t VALUES ('k140', 'there')});
my $before = count_items('tap-commit');
script($proxy, { op => 'PutItem', do => 'slow', seconds => 0.01, times => 200 });
my $error = error_of($node, q{DO $$ BEGIN INSERT INTO local VALUES ('aborted', 'x'); INSERT INTO t SELECT 'k' || i, 'mine' FROM generate_series(101, 300) i; END $$});
like($error, qr/23505: duplicate key value in table "tap-commit".*DETAIL: .*Key \(id\)=\(k140\) already exists.*\b\d+ of 200 writes of the transaction were stored/s, 'one of 200 fails: the error names it');
my ($stored) = $error =~ /(\d+) of 200/;
is(count_items('tap-commit') - $before, $stored, "... and says how many were stored ($stored)");
script($proxy);
cmp_ok($stored, '<', 150, '... after which nothing more was sent');
is(get('k140') . ' ' . sql('SELECT count(*) FROM local'), 'id=k140 v=there 0', '... what was there stays, the local commit does not come to pass');
sql(q{DELETE FROM t WHERE v = 'mine'; INSERT INTO t SELECT 'k' || i, 'mine', 0 FROM generate_series(141, 290) i});
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query('\set VERBOSITY verbose');
sub commit
{
	my ($before_it) = @_;
	$session->{stderr} = '';
	$session->query($before_it) if $before_it;
	$session->query('COMMIT');
	my $err = $session->{stderr};
	$session->{stderr} = '';
	return $err;
}
$session->query_safe(q{BEGIN; UPDATE t SET n = n + 1 WHERE v = 'mine'});
ddb('UpdateItem', { TableName => 'tap-commit', Key => { id => { S => 'k200' } }, UpdateExpression => 'SET n = :n', ExpressionAttributeValues => { ':n' => { N => '77' } } });
$error = commit();
like($error, qr/40001.*Item \(id\)=\(k200\) of table "tap-commit".*\b\d+ of 150 writes of the transaction were stored/s, 'one of 150 UPDATEs is overtaken');
($stored) = $error =~ /(\d+) of 150/;
is(sql(q{SELECT count(*) FROM t WHERE n = 1}), $stored, "... exactly $stored were stored");
is(get('k200'), 'id=k200 n=77 v=mine', '... not that one');

# more attributes of one item than an expression takes
my @wide = 1 .. 170;
sql('CREATE FOREIGN TABLE wide (id text COLLATE "C", ' . join(', ', map { "c$_ integer" } @wide) . q{) SERVER s OPTIONS (table_name 'tap-commit2', key 'id', estimated_items '100');
	INSERT INTO wide VALUES ('wide', } . join(', ', @wide) . ')');
sends('UPDATE wide SET ' . join(', ', map { "c$_ = c$_ + 1" } 1 .. 140) . q{ WHERE id = 'wide'}, 'UpdateItem', '140 attributes at once');
fails('UPDATE wide SET ' . join(', ', map { "c$_ = c$_ + 1" } @wide) . q{ WHERE id = 'wide'}, qr/54000: too many attributes of one item are changed at once.*Item \(id\)=\(wide\)/s, '170 are too many');
sql(q{INSERT INTO wide VALUES ('narrow')});
fails('UPDATE wide SET ' . join(', ', map { "c$_ = $_" } @wide) . q{ WHERE id = 'narrow'}, qr/54000: too many attributes of one item are changed at once.*Item \(id\)=\(narrow\)/s, '... also where there were none');
foreach my $id ('wide', 'narrow')
{
	$before = count_items('tap-commit');
	$error = error_of($node, "DO \$\$ BEGIN INSERT INTO t SELECT '$id' || i FROM generate_series(1, 120) i; UPDATE wide SET " . join(', ', map { "c$_ = coalesce(c$_, 0) + 1" } @wide) . " WHERE id = '$id'; END \$\$");
	like($error, qr/54000: too many attributes of one item are changed at once.*Item \(id\)=\($id\)/s, "$id, among many others");
	($stored) = $error =~ /(\d+) of 121 writes of the transaction were stored/;
	is(count_items('tap-commit') - $before, $stored // 0, '... the error tells exactly what was stored');
}

# cancelled in the middle: what is known is told
script($proxy, { op => 'PutItem', do => 'pass', times => 20 }, { op => 'PutItem', do => 'hang', seconds => 2, times => 99 });
$before = count_items('tap-commit');
like(error_of($node, q{SET statement_timeout = '400ms'; INSERT INTO t SELECT 'can' || i FROM generate_series(1, 101) i}), qr/57014: canceling statement.*CONTEXT: .*20 of 101 were stored, 5 more were under way/s, 'cancelled in the middle');
script($proxy);
is(count_items('tap-commit') - $before, 20, '... exactly those are');

# atomic_writes 'require'
requests($proxy);
like(error_of($node, q{INSERT INTO whole SELECT 'w' || i FROM generate_series(1, 101) i}), qr/54000: transaction is too large to be written atomically.*101 items/s, 'required: 101 items');
is(scalar(requests($proxy)), 0, '... nothing is sent');
fails(q{INSERT INTO whole SELECT 'w' || i, repeat('x', 390000) FROM generate_series(1, 11) i}, qr/54000.*4194304 bytes/s, 'required: more than 4 MB');
fails(q{BEGIN; INSERT INTO whole VALUES ('w1'); INSERT INTO far VALUES ('w1'); COMMIT}, qr/54000.*several servers/s, 'required: two servers');
sends(q{INSERT INTO whole VALUES ('w1', 'x')}, 'TransactWriteItems(Put)', 'required: one item');
sends(q{UPDATE whole SET v = 'y' WHERE id IN ('w1', 'l1')}, 'TransactWriteItems(Update Update)', 'required: two');
sends(q{BEGIN; DELETE FROM whole WHERE id = 'w1'; INSERT INTO t SELECT 'w' || i FROM generate_series(2, 100) i; COMMIT}, 'TransactWriteItems(' . join(' ', 'Delete', ('Put') x 99) . ')', 'required of one of the tables');

# ROLLBACK, savepoints, errors: nothing is sent
fails(q{BEGIN; INSERT INTO t VALUES ('n', 'x'); UPDATE t SET v = 'n'; DELETE FROM t; SELECT 1 / 0; COMMIT}, qr/22012/, 'an error');
sends(q{BEGIN; INSERT INTO t VALUES ('n', 'x'); UPDATE t SET v = 'n' WHERE n = 1; DELETE FROM t WHERE id LIKE 'k%'; ROLLBACK}, '', 'ROLLBACK');
requests($proxy);
my $gone = $node->background_psql('postgres');
$gone->query_safe(q{BEGIN; INSERT INTO t VALUES ('n', 'x')});
$gone->quit;
is(written($proxy) . get('n'), 'none', 'a session that ends in the middle');
sends(q{BEGIN; INSERT INTO t VALUES ('s1', 'x'); SAVEPOINT a; INSERT INTO t VALUES ('s2', 'x'); UPDATE t SET v = 'y' WHERE id = 's1'; SAVEPOINT b; DELETE FROM t WHERE id = 's1'; RELEASE b; ROLLBACK TO a;
	INSERT INTO t VALUES ('s3', 'x'); SAVEPOINT c; UPDATE t SET v = 'z' WHERE id = 's3'; RELEASE c; COMMIT}, 'TransactWriteItems(Put Put)', 'savepoints');
is(join('; ', map { get($_) } 's1', 's2', 's3'), 'id=s1 v=x; none; id=s3 v=z', '... what came after one is taken back, what was released stays');
sends(q{DO $$ BEGIN INSERT INTO t VALUES ('e1', 'x');
	BEGIN INSERT INTO t VALUES ('e2', 'x'); UPDATE t SET v = 'y' WHERE id = 'e1'; PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN INSERT INTO t VALUES ('e3', 'x'); END; END $$}, 'TransactWriteItems(Put Put)', 'an EXCEPTION block');
is(join('; ', map { get($_) } 'e1', 'e2', 'e3'), 'id=e1 v=x; none; id=e3 v=x', '... takes back its own');
sends(q{CREATE PROCEDURE two() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES ('c1'); COMMIT; INSERT INTO t VALUES ('c2'); ROLLBACK; INSERT INTO t VALUES ('c3'); END $$; CALL two()}, 'PutItem, PutItem', 'a procedure that commits');
is(get('c1') . get('c2') . get('c3'), 'id=c1noneid=c3', '... each its own');

# deferred constraints and triggers come first
sql(q{CREATE FUNCTION check_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO t VALUES ('late' || NEW.id, (SELECT v FROM t WHERE id = 'early' || NEW.id));
		IF NEW.v = 'bad' THEN RAISE EXCEPTION 'too late'; END IF; RETURN NULL; END $$;
	CREATE CONSTRAINT TRIGGER late AFTER INSERT ON local DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_late()});
sends(q{BEGIN; INSERT INTO local VALUES ('1', 'good'); INSERT INTO t VALUES ('early1', 'seen'); COMMIT}, 'TransactWriteItems(Put Put)', 'a deferred trigger');
is(get('late1'), 'id=late1 v=seen', '... sees what is pending, and adds to it');
fails(q{BEGIN; INSERT INTO t VALUES ('early2', 'x'); INSERT INTO local VALUES ('2', 'bad'); COMMIT}, qr/P0001.*too late/, 'one that fails');
fails(q{BEGIN; INSERT INTO t VALUES ('early1b', 'x'); INSERT INTO local VALUES ('1', 'good'); COMMIT}, qr/23505.*local_pkey/, 'a deferred constraint that fails');

# PREPARE TRANSACTION
fails(q{BEGIN; INSERT INTO t VALUES ('prep', 'x'); PREPARE TRANSACTION 'p'}, qr/0A000.*PREPARE/, 'PREPARE TRANSACTION');
is(sql(q{SELECT count(*) FROM pg_prepared_xacts; BEGIN; SELECT count(*) FROM t WHERE id = 's1'; SAVEPOINT a; INSERT INTO t VALUES ('prep'); ROLLBACK TO a; PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'}), "0\n1", '... is for those who have written nothing');

# max_pending_writes
sends(q{SET cmz_fdw.max_pending_writes = 10; INSERT INTO t SELECT 'max' || i FROM generate_series(1, 10) i}, 'TransactWriteItems(' . join(' ', ('Put') x 10) . ')', 'as many writes as may be pending');
fails(q{SET cmz_fdw.max_pending_writes = 10; BEGIN; INSERT INTO t SELECT 'mix' || i FROM generate_series(1, 10) i; DELETE FROM t WHERE id = 'max1'; COMMIT},
	qr/53400.*cmz_fdw\.max_pending_writes is 10.*HINT: .*write_mode.*'immediate'/s, 'one more');
fails(q{SET cmz_fdw.max_pending_writes = 10; BEGIN; INSERT INTO t SELECT 'mix' || i FROM generate_series(1, 6) i; UPDATE t SET v = 'x' WHERE id LIKE 'max%'; COMMIT}, qr/53400/, 'in the middle of a statement');
sends(q{SET cmz_fdw.max_pending_writes = 10; BEGIN; SAVEPOINT a; DELETE FROM t WHERE id LIKE 'max%'; ROLLBACK TO a; UPDATE t SET v = 'y' WHERE id LIKE 'max%' AND id <> 'max1'; COMMIT}, 'TransactWriteItems(' . join(' ', ('Update') x 9) . ')', 'what is rolled back does not count');

# two servers
sends(q{BEGIN; INSERT INTO t VALUES ('two1', 'x'), ('two2', 'x'); INSERT INTO far VALUES ('two', 'x'); UPDATE t SET v = 'y' WHERE id = 'two1'; COMMIT}, 'TransactWriteItems(Put Put), PutItem', 'two servers: a request each');
is(join('; ', get('two1'), get('two2'), get('two', 'tap-commit2')), 'id=two1 v=y; id=two2 v=x; id=two v=x', '... both stored');
$session->query_safe(q{BEGIN; INSERT INTO t VALUES ('three1'), ('three2'); INSERT INTO far VALUES ('three')});
ddb('PutItem', { TableName => 'tap-commit2', Item => { id => { S => 'three' } } });
like(commit(), qr/23505.*Key \(id\)=\(three\) already exists.*2 of 3 writes of the transaction were stored/s, 'the second one fails: what the first has stored is told');
is(get('three1') . ' ' . get('three2'), 'id=three1 id=three2', '... and is there');
$session->query_safe(q{BEGIN; INSERT INTO t VALUES ('four')});
ddb('PutItem', { TableName => 'tap-commit', Item => { id => { S => 'four' } } });
$error = commit();
like($error, qr/23505.*Key \(id\)=\(four\) already exists/s, 'a single write that fails');
unlike($error, qr/were stored/, '... needs no account');
is($session->query(q{SELECT count(*) FROM t WHERE id = 'four'}), '1', 'the session goes on');
$session->quit;
ddb('DeleteTable', { TableName => $_ }) for 'tap-commit', 'tap-commit2';
done_testing();
