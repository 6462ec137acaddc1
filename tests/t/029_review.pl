# Where a review of the write path found it wrong: each case failed in this way before it
# was mended.
use strict;
use warnings;
use CmzTest;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_table('tap-review', ['id']);
create_table('tap-review2', ['id']);
create_table('tap-review-sorted', [ 'id', 'n:N' ]);
create_conversations('tap-review-talk');
create_server($node, 's', "http://$proxy");
my $server = q{SERVER s OPTIONS (estimated_items '10'};
$node->safe_psql('postgres', qq{
	CREATE FOREIGN TABLE t (id text COLLATE "C", n integer, note text) $server, table_name 'tap-review', key 'id');
	CREATE FOREIGN TABLE t2 (id text COLLATE "C", n integer) $server, table_name 'tap-review2', key 'id');
	CREATE FOREIGN TABLE sorted (id text COLLATE "C", n integer) $server, table_name 'tap-review-sorted', key 'id, n');
	CREATE FOREIGN TABLE others (n integer, rest jsonb OPTIONS (attribute '*')) $server, table_name 'tap-review', key 'id');
	CREATE FOREIGN TABLE talk (content text, rest jsonb OPTIONS (attribute '*')) $server, table_name 'tap-review-talk', ttl_days '0');
});
my $json = JSON::PP->new->canonical;
sub psql { return $node->safe_psql('postgres', $_[0]); }
sub put { my ($id, %rest) = @_; ddb('PutItem', { TableName => 'tap-review', Item => { id => { S => $id }, %rest } }); return; }
sub stored { my $found = item('tap-review', { id => { S => $_[0] } }); return $found ? $json->encode($found) : 'none'; }
sub number { my $found = item('tap-review', { id => { S => $_[0] } }); return $found ? $found->{n}{N} : 'none'; }

# what a transaction says at COMMIT if something happens before
sub between
{
	my ($before, $between, $database) = @_;
	my $session = $node->background_psql($database || 'postgres', on_error_stop => 0);
	$session->query('\set VERBOSITY verbose');
	$session->query_safe("BEGIN; $before");
	$between->();
	$session->query_until(qr/done/, "COMMIT;\n\\echo done\n");
	my $error = $session->{stderr};
	$session->quit;
	return $error;
}

# what a write is conditional on, in any order
sub condition { return join ' AND ', sort split / AND /, spelled($_[0]{body}, 'ConditionExpression'); }

# many versions of one item
put('many', n => { N => '0' }, note => { S => 'x' });
requests($proxy);
psql(q{DO $$ BEGIN FOR i IN 1..200 LOOP UPDATE t SET n = n + 1 WHERE id = 'many'; END LOOP;
	UPDATE t SET n = n + 1 WHERE note = 'x'; END $$});
my ($write) = writes($proxy);
is(spelled($write->{body}, 'UpdateExpression') . ' IF ' . condition($write), 'SET n = {"N":"201"} IF attribute_exists(id) AND n = {"N":"0"} AND note = {"S":"x"}', 'many changes of one item are one, on all that they relied on');
psql(q{BEGIN; UPDATE t SET n = 5 WHERE note = 'x'; DELETE FROM t WHERE id = 'many' AND n = 5; INSERT INTO t VALUES ('many', 1); UPDATE t SET n = n + 1; COMMIT});
($write) = writes($proxy);
is(condition($write), 'attribute_exists(id) AND n = {"N":"201"} AND note = {"S":"x"}', '... up to where the item is made anew');

# a savepoint takes back what the server was
my $other = start_proxy(dynamodb_url());
requests($proxy);
psql(qq{BEGIN; SAVEPOINT a; ALTER SERVER s OPTIONS (SET endpoint_url 'http://$other'); INSERT INTO t2 VALUES ('x', 1); ROLLBACK TO a;
	INSERT INTO t2 VALUES ('y', 2); COMMIT});
is(written($other) . '|' . written($proxy), '|PutItem', 'writes go where the server is when the transaction commits');
psql(qq{CREATE SERVER gone FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'http://$other');
	CREATE FOREIGN TABLE lost (id text) SERVER gone OPTIONS (table_name 'tap-review2', key 'id')});
like(error_of($node, q{BEGIN; INSERT INTO lost VALUES ('lost'); INSERT INTO t2 VALUES ('lost'); DROP SERVER gone CASCADE; COMMIT}), qr/42704.*dropped/s, '... which must still be there');
is(writes($other) + writes($proxy), 0, '... or nothing is sent');

# keys that a message cannot show as they are
psql(qq{CREATE FOREIGN TABLE keyless (n integer, note text) $server, table_name 'tap-review', key 'id')});
put("nul\0key", n => { N => '1' }, note => { S => 'odd' });
like(between(q{UPDATE keyless SET n = 2 WHERE note = 'odd'}, sub { put("nul\0key", n => { N => '9' }, note => { S => 'odd' }) }), qr/40001.*\(id\)=\(nul\\u0000key\)/s, 'a key with U+0000 in a message');
like(between(q{UPDATE keyless SET n = n + 1; INSERT INTO t SELECT 'i' || i, i FROM generate_series(1, 110) i}, sub { put("nul\0key", n => { N => '8' }, note => { S => 'odd' }) }), qr/40001.*\(id\)=\(nul\\u0000key\).*of 112 writes of the transaction were stored/s, '... beside how many writes were stored');
$node->safe_psql('postgres', q{CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0});
$node->safe_psql('latin', qq{CREATE EXTENSION cmz_fdw; CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'http://$proxy');
	CREATE FOREIGN TABLE keyless (n integer, note text) $server, table_name 'tap-review', key 'id')});
put("\x{20ac}\x{e9}\x{1f600}", n => { N => '1' }, note => { S => 'latin' });
like(between(q{UPDATE keyless SET n = 2 WHERE note = 'latin'}, sub { put("\x{20ac}\x{e9}\x{1f600}", n => { N => '9' }, note => { S => 'latin' }) }, 'latin'), qr/40001.*\(id\)=\(\\u20ac\\u00e9\\ud83d\\ude00\)/s, '... and one that the encoding of the database does not have');
psql(q{DELETE FROM keyless});

# functions in sub-selects look at the table too
psql(q{CREATE FUNCTION cnt() RETURNS integer VOLATILE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM t WHERE id LIKE ''d%''); END'});
is(psql(q{DO $$ BEGIN INSERT INTO t VALUES ('d1', (SELECT cnt())), ('d2', (SELECT cnt() + 0 WHERE random() < 2)), ('d3', (SELECT max(c) FROM (SELECT cnt() AS c) AS x)); END $$;
	SELECT id, n FROM t WHERE id LIKE 'd%' ORDER BY id}), "d1|0\nd2|1\nd3|2", 'functions in sub-selects see the rows before theirs');

# whole rows that decide what is deleted
psql(q{DELETE FROM t; CREATE TABLE local (x text); INSERT INTO local VALUES ('(w,1,)')});
put('w', n => { N => '1' });
requests($proxy);
like(between(q{DELETE FROM t USING local WHERE x = t::text}, sub { put('w', n => { N => '2' }) }), qr/40001/, 'DELETE that joins on the whole row: it has changed');
put('w', n => { N => '1' });
is(psql(q{DELETE FROM t USING local WHERE x = t::text RETURNING t, x; SELECT count(*) FROM t}), "(w,1,)|(w,1,)\n0", '... it has not');
put('w', n => { N => '1' });
is(psql(q{CREATE TABLE log (what text);
	CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (TG_OP || OLD::text); RETURN NULL; END';
	CREATE TRIGGER log AFTER UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION log();
	DELETE FROM t WHERE t::text <> '' RETURNING t; SELECT * FROM log; DROP TRIGGER log ON t}), "(w,1,)\nDELETE(w,1,)", '... and with a row trigger');
psql(q{CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM t WHERE t::text LIKE '(w%'});
put($_, n => { N => '1' }) for 'w', 'v';
is(psql(q{UPDATE barrier b SET n = n + 1 WHERE b::text LIKE '%1%'; SELECT id, n FROM t ORDER BY id; DELETE FROM barrier WHERE n = 2; SELECT id FROM t}), "v|1\nw|2\nv", '... or a view that asks for the whole row');
psql(q{DELETE FROM t});

# whole rows of a partitioned table
psql(qq{CREATE TABLE parted (n integer, gone integer, id text COLLATE "C", note text) PARTITION BY LIST (n);
	CREATE TABLE p1 PARTITION OF parted FOR VALUES IN (1);
	CREATE FOREIGN TABLE p2 (id text COLLATE "C", gone2 integer, note text, n integer) $server, table_name 'tap-review', key 'id');
	ALTER FOREIGN TABLE p2 DROP COLUMN gone2; ALTER TABLE parted DROP COLUMN gone;
	ALTER TABLE parted ATTACH PARTITION p2 FOR VALUES IN (2);
	INSERT INTO parted (n, id) VALUES (1, 'local'), (2, 'foreign'); INSERT INTO local VALUES ('(2,foreign,12)'), ('(1,local,10)')});
is(psql(q{UPDATE parted p SET note = length(p::text) RETURNING p, tableoid::regclass; SELECT * FROM parted ORDER BY id}), "(1,local,10)|p1\n(2,foreign,12)|p2\n2|foreign|12\n1|local|10", 'UPDATE of a partitioned table with its whole row');
requests($proxy);
is(psql(q{UPDATE parted p SET note = x FROM local WHERE x = p::text AND (p.*)::text <> ''; SELECT note FROM parted ORDER BY id}), "(2,foreign,12)\n(1,local,10)", '... and in a join');
($write) = writes($proxy);
is(condition($write), 'attribute_exists(id) AND n = {"N":"2"} AND note = {"S":"12"}', '... on the condition that all of it is as it was');
is(psql(q{SELECT id FROM parted p WHERE p::text LIKE '%foreign%'; DELETE FROM parted p USING local WHERE p::text LIKE '(2%' AND x LIKE '(2%' RETURNING p}), qq{foreign\n(2,foreign,"(2,foreign,12)")}, 'DELETE from it');
psql(q{DROP TABLE parted; DELETE FROM t});

# an item that is first written in what fails
put('fails', n => { N => '1' }, note => { S => 'x' });
is(psql(q{DO $$ BEGIN
	FOR i IN 1..3 LOOP
		BEGIN UPDATE t SET n = n + 10 WHERE id = 'fails'; INSERT INTO t VALUES ('fails'); EXCEPTION WHEN unique_violation THEN NULL; END;
	END LOOP;
	UPDATE t SET n = n + 1 WHERE id = 'fails'; END $$; SELECT id, n, note FROM t}), 'fails|2|x', 'an item whose first write is taken back is as it was');
psql(q{DELETE FROM t});

# keys that only the column of all other attributes shows
put('k', n => { N => '1' }, w => { S => 'x' });
like(error_of($node, q{UPDATE others SET rest = '{"w": "q"}'}), qr/23502.*column "rest\['id'\]" of foreign table "others"/s, 'the column of all other attributes cannot lose the key');
like(error_of($node, q{UPDATE others SET rest = jsonb_set(rest, '{id}', '""')}), qr/22023.*column "rest\['id'\]" cannot be empty/s, '... make it empty');
like(error_of($node, q{UPDATE others SET rest = jsonb_set(rest, '{id}', 'true')}), qr/HV004.*must be a string/s, '... or something else');
like(error_of($node, q{UPDATE others SET rest = jsonb_set(rest, '{id}', to_jsonb(repeat('x', 2049)))}), qr/54000.*too long for a key/s, '... or too long');
requests($proxy);
is(psql(q{UPDATE others SET rest = rest || '{"id": "moved"}' RETURNING rest ->> 'id', n; UPDATE others SET rest = rest || '{"w": "y"}' WHERE n = 1}), 'moved|1', '... but change it');
is(written($proxy), 'TransactWriteItems(Delete Put), UpdateItem', '... and the item moves');
is(stored('k') . stored('moved'), 'none{"id":{"S":"moved"},"n":{"N":"1"},"w":{"S":"y"}}', '... as a whole');
like(error_of($node, q{INSERT INTO others VALUES (1, '{"w": 1}')}), qr/23502/, 'INSERT needs the key there');
is(psql(q{INSERT INTO others VALUES (2, '{"id": "new"}') RETURNING n, rest; SELECT n FROM others WHERE n = 2}), qq(2|{"id": "new"}\n2), '... and takes it from there');
psql(q{INSERT INTO talk VALUES ('hi', '{"userId": "u", "sessionId": "s", "timestamp": "2025-01-19T12:00:00Z"}');
	UPDATE talk SET rest = rest || '{"sessionId": "z"}'});
is($json->encode(ddb('Scan', { TableName => 'tap-review-talk' })->{Items}), '[{"content":{"S":"hi"},"sessionId":{"S":"z"},"sessionIdTimestamp":{"S":"z#2025-01-19T12:00:00Z"},"timestamp":{"S":"2025-01-19T12:00:00Z"},"userId":{"S":"u"}}]', 'a conversation\'s keys follow from there too');
like(error_of($node, q{UPDATE talk SET rest = rest || '{"timestamp": "noon"}'}), qr/22007/, '... and are checked');
like(error_of($node, q{UPDATE talk SET rest = rest || '{"sessionIdTimestamp": "y#2025-01-19T12:00:00Z"}'}), qr/23514/, '... and must agree');
psql(q{DELETE FROM t});

# more moves to each other's keys than DynamoDB takes at once
my $shift = q{DO $$ BEGIN FOR i IN REVERSE 110..1 LOOP UPDATE sorted SET n = n + 1 WHERE id = 's' AND n = i; END LOOP; END $$};
psql(q{INSERT INTO sorted SELECT 's', i FROM generate_series(1, 110) i});
requests($proxy);
like(error_of($node, $shift), qr/54000.*each other's keys.*111 items.*HINT:  Nothing was sent. Commit in between/s, 'too many items that take each other\'s place');
is(writes($proxy) + 0, 0, '... and nothing is sent');
psql(q{DELETE FROM sorted WHERE n > 60});
psql($shift);
is(psql(q{SELECT count(*), min(n), max(n) FROM sorted}), '60|2|61', '... fewer do');

# ON CONFLICT DO NOTHING and a move among more writes than one request takes
put('a', n => { N => '1' });
my $among = q{UPDATE t SET id = 'b' WHERE id = 'a'; INSERT INTO t VALUES ('a', 2) ON CONFLICT DO NOTHING;
	INSERT INTO t SELECT 'r' || i, i FROM generate_series(1, 110) i};
like(between($among, sub { put('b', n => { N => '9' }) }), qr/23505.*\(id\)=\(b\)/s, 'an item that moves meets a duplicate, whatever else is written with it');
is(number('a') . number('b'), '19', '... and stays where it is');
psql(q{DELETE FROM t WHERE id <> 'b'});
like(between(q{INSERT INTO t VALUES ('a', 2) ON CONFLICT DO NOTHING; INSERT INTO t SELECT 'r' || i, i FROM generate_series(1, 110) i}, sub { put('a', n => { N => '9' }) }), qr/40001.*\(id\)=\(a\)/s, 'a row of ON CONFLICT DO NOTHING meets a conflict');
done_testing();
