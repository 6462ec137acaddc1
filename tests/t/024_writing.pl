# What is written, sentence by sentence: the items as an independent client finds
# them, and the requests that went over the wire.
use strict;
use warnings;
use CmzTest;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
my $table = 'tap-writing';
create_conversations($table);
create_server($node, 's', "http://$proxy");
my $columns = q{user_id text COLLATE "C", session_id_timestamp text COLLATE "C", session_id text COLLATE "C", animal_id text COLLATE "C",
	"timestamp" timestamptz, content text, tokens_used integer, ttl timestamptz};
$node->safe_psql('postgres', qq{
	CREATE FOREIGN TABLE t ($columns) SERVER s OPTIONS (table_name '$table');
	CREATE FOREIGN TABLE plain ($columns) SERVER s OPTIONS (table_name '$table', ttl_days '0');
	CREATE FOREIGN TABLE whole ($columns, extra jsonb OPTIONS (attribute '*')) SERVER s OPTIONS (table_name '$table', ttl_days '0');
	CREATE FOREIGN TABLE texts (user_id text, session_id text, "timestamp" text) SERVER s OPTIONS (table_name '$table', ttl_days '0');
	CREATE FOREIGN TABLE require ($columns) SERVER s OPTIONS (table_name '$table', ttl_days '0', atomic_writes 'require');
});
my $canonical = JSON::PP->new->canonical;

sub stored
{
	my ($user, $key) = @_;
	my $item = item($table, { userId => { S => $user }, sessionIdTimestamp => { S => $key } });
	return $item ? $canonical->encode($item) : 'none';
}

sub psql { return $node->safe_psql('postgres', $_[0]); }

# the statement fails so, and nothing has been sent
sub refused
{
	my ($name, $state, $pattern, $sql) = @_;
	requests($proxy);
	like(error_of($node, $sql), qr/$state.*$pattern/s, $name);
	is(written($proxy), '', '... before anything is sent');
	return;
}

# INSERT
psql(q{INSERT INTO t (user_id, session_id, "timestamp", content, tokens_used, animal_id) VALUES ('student_001', 'session_001', '2125-01-19 12:00:00+00', 'hello "é"', 45, 'lion')});
is(stored('student_001', 'session_001#2125-01-19T12:00:00Z'),
	'{"animalId":{"S":"lion"},"content":{"S":"hello \"' . "\xe9" . '\""},"sessionId":{"S":"session_001"},"sessionIdTimestamp":{"S":"session_001#2125-01-19T12:00:00Z"},"timestamp":{"S":"2125-01-19T12:00:00Z"},"tokensUsed":{"N":"45"},"ttl":{"N":"4900737600"},"userId":{"S":"student_001"}}',
	'composite key and 90-day ttl; a whole second has no fraction, NULL is left out');
psql(q{INSERT INTO plain (user_id, session_id, "timestamp") VALUES ('u', 's', '2025-01-19 13:00:00.250+01')});
is(stored('u', 's#2025-01-19T12:00:00.25Z'), '{"sessionId":{"S":"s"},"sessionIdTimestamp":{"S":"s#2025-01-19T12:00:00.25Z"},"timestamp":{"S":"2025-01-19T12:00:00.25Z"},"userId":{"S":"u"}}',
	'a fraction, in UTC; ttl_days 0 writes no ttl');
psql(q{INSERT INTO texts VALUES ('u', 's', '2025-01-19T12:00:00+00:00')});
is(stored('u', 's#2025-01-19T12:00:00+00:00'), '{"sessionId":{"S":"s"},"sessionIdTimestamp":{"S":"s#2025-01-19T12:00:00+00:00"},"timestamp":{"S":"2025-01-19T12:00:00+00:00"},"userId":{"S":"u"}}',
	'a time as text is written as it is');
psql(q{INSERT INTO plain (user_id, session_id) SELECT 'now', 's' FROM generate_series(1, 50)});
my $now = ddb('Query', { TableName => $table, KeyConditionExpression => 'userId = :u', ExpressionAttributeValues => { ':u' => { S => 'now' } } });
is($now->{Count}, 50, 'rows of one statement never share a time');
is(scalar(grep { $_->{timestamp}{S} !~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/ || $_->{sessionIdTimestamp}{S} ne "s#$_->{timestamp}{S}" } @{ $now->{Items} }), 0, '... of the clock, in UTC');

refused('a composite key that disagrees', 23514, 'session_id_timestamp', q{INSERT INTO plain (user_id, session_id, session_id_timestamp, "timestamp") VALUES ('u', 's', 's#2025-01-19T12:00:01Z', '2025-01-19 12:00:00+00')});
refused('no user', 23502, '"user_id"', q{INSERT INTO plain (session_id) VALUES ('s')});
refused('no session', 23502, '"session_id"', q{INSERT INTO plain (user_id) VALUES ('u')});
refused('an empty user', 22023, '"user_id"', q{INSERT INTO plain (user_id, session_id) VALUES ('', 's')});
refused('an empty key of an index', 22023, '"animal_id"', q{INSERT INTO plain (user_id, session_id, animal_id) VALUES ('u', 's', '')});
refused('a wrong time', 22007, '"timestamp": "noon"', q{INSERT INTO texts VALUES ('u', 's', 'noon')});
refused('a time that is not in UTC', 22007, '"timestamp"', q{INSERT INTO texts VALUES ('u', 's', '2025-01-19T12:00:00+02:00')});
refused('a key that is too long', 54000, '"user_id"', q{INSERT INTO plain (user_id, session_id) VALUES (repeat('u', 2049), 's')});
refused('an item that is too large', 54000, 'largest column is "content"', q{INSERT INTO plain (user_id, session_id, content) VALUES ('u', 's', repeat('x', 409600))});
refused('a number out of range', 22003, '1e200|number', q{INSERT INTO whole (user_id, session_id, extra) VALUES ('u', 's', '{"n": 1e200}')});
my $exactly = 409600 - length('userIdusessionIdssessionIdTimestamps#2125-01-01T00:00:00Ztimestamp2125-01-01T00:00:00Zcontent');
psql(qq{INSERT INTO plain (user_id, session_id, "timestamp", content) VALUES ('u', 's', '2125-01-01 00:00:00+00', repeat('x', $exactly))});
ok(stored('u', 's#2125-01-01T00:00:00Z') ne 'none', 'an item of 400 KB is stored');
refused('one byte more', 54000, '409601 bytes', qq{INSERT INTO plain (user_id, session_id, "timestamp", content) VALUES ('u', 's', '2125-01-02 00:00:00+00', repeat('x', $exactly + 1))});
like(error_of($node, q{INSERT INTO plain (user_id, session_id, "timestamp") VALUES ('u', 's', '2025-01-19 12:00:00.250+00')}), qr/23505.*\(userId, sessionIdTimestamp\)=\(u, s#2025-01-19T12:00:00\.25Z\)/s, 'a second item of a key');
refused('... of a transaction, at once', 23505, 'Key', q{BEGIN; INSERT INTO plain (user_id, session_id, "timestamp") VALUES ('new', 's', '2025-01-19'), ('u', 's', '2025-01-19 12:00:00.250+00')});

# what is sent
psql(q{INSERT INTO plain (user_id, session_id, "timestamp") VALUES ('one', 's', '2025-01-01 00:00:00+00')});
is(written($proxy), 'PutItem', 'one item is a plain write');
psql(q{INSERT INTO plain (user_id, session_id, "timestamp", tokens_used) SELECT 'many', 's', '2025-01-01 00:00:00+00'::timestamptz + i * interval '1 s', i FROM generate_series(1, 100) i});
my @sent = writes($proxy);
is(scalar(@sent), 1, 'a hundred items are one request');
like($sent[0]{body}{ClientRequestToken}, qr/^[0-9a-f]{32}$/, '... with a token');
is(scalar(@{ $sent[0]{body}{TransactItems} }), 100, '... that has them all');
psql(q{UPDATE plain SET content = 'x', animal_id = NULL WHERE user_id = 'student_001'});
@sent = writes($proxy);
is($sent[0]{op} . ': ' . spelled($sent[0]{body}, 'UpdateExpression'), 'UpdateItem: SET content = {"S":"x"} REMOVE animalId', 'UPDATE sends what changes');
is(spelled($sent[0]{body}, 'ConditionExpression'), 'attribute_exists(userId) AND content = {"S":"hello \"' . "\xe9" . '\""} AND animalId = {"S":"lion"}', '... if it still is what was read');
psql(q{UPDATE plain SET content = 'y' WHERE user_id = 'student_001' AND tokens_used = 45 AND animal_id IS NULL});
@sent = writes($proxy);
is(spelled($sent[0]{body}, 'ConditionExpression'), 'attribute_exists(userId) AND attribute_not_exists(animalId) AND tokensUsed = {"N":"45"} AND content = {"S":"x"}', '... and what WHERE looked at');
psql(q{UPDATE plain SET content = 'y' WHERE user_id = 'student_001'});
is(written($proxy), '', 'what is the same already is not sent');
psql(q{UPDATE plain SET "timestamp" = "timestamp" + interval '1 s' WHERE user_id = 'student_001'});
is(written($proxy), 'TransactWriteItems(Delete Put)', 'another key moves the item');
is(stored('student_001', 'session_001#2125-01-19T12:00:00Z'), 'none', '... away');
is(stored('student_001', 'session_001#2125-01-19T12:00:01Z'), '{"content":{"S":"y"},"sessionId":{"S":"session_001"},"sessionIdTimestamp":{"S":"session_001#2125-01-19T12:00:01Z"},"timestamp":{"S":"2125-01-19T12:00:01Z"},"tokensUsed":{"N":"45"},"ttl":{"N":"4900737600"},"userId":{"S":"student_001"}}', '... as a whole');
psql(q{DELETE FROM plain WHERE user_id = 'one'});
my @all = requests($proxy);
is(join(' ', map { $_->{op} } @all), 'Query DeleteItem', 'DELETE reads, and deletes');
is(spelled($all[0]{body}, 'ProjectionExpression'), 'userId,sessionIdTimestamp', '... its keys only');
is($canonical->encode($all[1]{body}{Key}) . $all[1]{body}{ConditionExpression}, '{"sessionIdTimestamp":{"S":"s#2025-01-01T00:00:00Z"},"userId":{"S":"one"}}attribute_exists(#0)', '... an item that is there');
ok($all[0]{body}{ConsistentRead}, '... as it is now');

# folding
psql(q{BEGIN; INSERT INTO plain (user_id, session_id, "timestamp") VALUES ('fold', 's', '2025-01-01 00:00:00+00'); UPDATE plain SET content = 'a' WHERE user_id = 'fold'; UPDATE plain SET tokens_used = 1 WHERE user_id = 'fold'; COMMIT});
is(written($proxy), 'PutItem', 'several writes to one item are one');
like(stored('fold', 's#2025-01-01T00:00:00Z'), qr/"content":\{"S":"a"\}.*"tokensUsed":\{"N":"1"\}/, '... with all of them');
psql(q{BEGIN; INSERT INTO plain (user_id, session_id) VALUES ('gone', 's'); DELETE FROM plain WHERE user_id = 'gone'; COMMIT});
is(written($proxy), '', 'an item that came and went is none');
psql(q{BEGIN; DELETE FROM plain WHERE user_id = 'fold'; INSERT INTO plain (user_id, session_id, "timestamp", content) VALUES ('fold', 's', '2025-01-01 00:00:00+00', 'again'); COMMIT});
is(written($proxy), 'PutItem', 'deleted and inserted is put');
is(stored('fold', 's#2025-01-01T00:00:00Z'), '{"content":{"S":"again"},"sessionId":{"S":"s"},"sessionIdTimestamp":{"S":"s#2025-01-01T00:00:00Z"},"timestamp":{"S":"2025-01-01T00:00:00Z"},"userId":{"S":"fold"}}', '... and nothing is left of what it was');
psql(q{BEGIN; UPDATE plain SET content = 'no' WHERE user_id IN ('fold', 'many'); DELETE FROM plain WHERE user_id = 'now'; ROLLBACK});
is(written($proxy), '', 'ROLLBACK sends nothing');
like(stored('fold', 's#2025-01-01T00:00:00Z'), qr/again/, '... and changes nothing');
is(psql(q{BEGIN; DELETE FROM plain WHERE user_id = 'many' AND tokens_used > 50; SAVEPOINT a; UPDATE plain SET content = 'no' WHERE user_id = 'many'; INSERT INTO plain (user_id, session_id) VALUES ('many', 's');
	SELECT count(*) FROM plain WHERE user_id = 'many'; ROLLBACK TO a; SELECT count(*) FROM plain WHERE user_id = 'many'; COMMIT}), "51\n50", 'a savepoint takes back what came after it');
is(written($proxy), 'TransactWriteItems(' . join(' ', ('Delete') x 50) . ')', '... and it is not sent');

# what no column shows
ddb('PutItem', { TableName => $table, Item => { userId => { S => 'odd' }, sessionIdTimestamp => { S => 's#1' }, sessionId => { S => 's' }, timestamp => { S => '2025-01-19T12:00:00+00:00' }, ttl => { N => '1.50' }, tokensUsed => { N => '7' },
	map => { M => { n => { N => '1.0' }, set => { SS => [ 'b', 'a' ] } } }, null => { NULL => JSON::PP::true }, bytes => { B => 'AAE=' } } });
my $odd = stored('odd', 's#1');
psql(q{UPDATE plain SET tokens_used = tokens_used + 1 WHERE user_id = 'odd'});
is(stored('odd', 's#1'), $odd =~ s/"7"/"8"/r, 'attributes without a column, and those that do not change, stay as they are spelled');
psql(q{UPDATE whole SET extra = extra || '{"more": [1, {"x": null}]}', tokens_used = 7 WHERE user_id = 'odd'});
is(stored('odd', 's#1'), $odd =~ s/"null":/"more":{"L":[{"N":"1"},{"M":{"x":{"NULL":true}}}]},"null":/r, '... also beside others in the column of all others');

# keys of bytes, and times that are spelled otherwise
create_table('tap-bytes', [ 'id:B', 'at' ]);
ddb('PutItem', { TableName => 'tap-bytes', Item => { id => { B => $_ }, at => { S => '2025-01-01T00:00:00.500+00:00' }, v => { S => 'x' } } }) for 'AAE=', 'AAI=';
psql(q{CREATE FOREIGN TABLE bytes (id bytea, at timestamptz, v text) SERVER s OPTIONS (table_name 'tap-bytes', key 'id, at');
	BEGIN; UPDATE bytes SET v = 'y' WHERE id = '\x0001'; UPDATE bytes SET v = v || '!'; DELETE FROM bytes WHERE id = '\x0002' AND v = 'x!'; COMMIT});
is($canonical->encode(ddb('Scan', { TableName => 'tap-bytes' })->{Items}), '[{"at":{"S":"2025-01-01T00:00:00.500+00:00"},"id":{"B":"AAE="},"v":{"S":"y!"}}]', 'keys with zero bytes, spelled as they are');
psql(q{UPDATE bytes SET at = at + interval '1 s'});
is($canonical->encode(ddb('Scan', { TableName => 'tap-bytes' })->{Items}), '[{"at":{"S":"2025-01-01T00:00:01.5Z"},"id":{"B":"AAE="},"v":{"S":"y!"}}]', '... move');
requests($proxy);

# somebody else writes in between
sub meanwhile
{
	my ($name, $write, $expression, $values, $pattern) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query('\set VERBOSITY verbose');
	$session->query_safe('BEGIN');
	$session->query_safe($write);
	ddb('UpdateItem', { TableName => $table, Key => { userId => { S => 'fold' }, sessionIdTimestamp => { S => 's#2025-01-01T00:00:00Z' } },
		UpdateExpression => $expression, ExpressionAttributeNames => { '#a' => 'content', '#b' => 'animalId' }, ExpressionAttributeValues => $values });
	$session->query_until(qr/done/, "COMMIT;\n\\echo done\n");
	like($session->{stderr}, $pattern, $name);
	$session->quit;
	return stored('fold', 's#2025-01-01T00:00:00Z');
}
like(meanwhile('a change that was overtaken fails', q{UPDATE plain SET content = 'mine' WHERE user_id = 'fold'}, 'SET #a = :a, #b = :a', { ':a' => { S => 'theirs' } }, qr/40001.*\(fold, s#2025-01-01T00:00:00Z\)/s), qr/"content":\{"S":"theirs"\}/, '... and theirs stays');
like(meanwhile('one of something else does not', q{UPDATE plain SET tokens_used = 5 WHERE user_id = 'fold'}, 'SET #a = :a, #b = :a', { ':a' => { S => 'again' } }, qr/^$/), qr/"content":\{"S":"again"\}.*"tokensUsed":\{"N":"5"\}/, '... and both stay');
like(meanwhile('nor is an item deleted that is no longer what was looked for', q{DELETE FROM plain WHERE user_id = 'fold' AND content = 'again'}, 'SET #a = :a, #b = :a', { ':a' => { S => 'kept' } }, qr/40001/), qr/kept/, '... but kept');

# more than one request takes
requests($proxy);
psql(q{INSERT INTO plain (user_id, session_id, "timestamp") SELECT 'big', 's', '2025-01-01 00:00:00+00'::timestamptz + i * interval '1 s' FROM generate_series(1, 101) i});
@sent = writes($proxy);
is(join(' ', sort { $a cmp $b } map { $_->{op} . ($_->{body}{ConditionExpression} ? '' : '!') } @sent), join(' ', ('PutItem') x 101), '101 items are conditional writes');
psql(q{INSERT INTO plain (user_id, session_id, "timestamp", content) SELECT 'fat', 's', '2025-01-01 00:00:00+00'::timestamptz + i * interval '1 s', repeat('x', 350000) FROM generate_series(1, 13) i});
is(written($proxy), join(', ', ('PutItem') x 13), 'and so are more than 4 MB');
refused('atomic_writes: too many items', 54000, '101 items', q{INSERT INTO require (user_id, session_id, "timestamp") SELECT 'r', 's', '2025-01-01 00:00:00+00'::timestamptz + i * interval '1 s' FROM generate_series(1, 101) i});
psql(q{UPDATE require SET tokens_used = 9 WHERE user_id = 'fold'});
is(written($proxy), 'TransactWriteItems(Update)', 'atomic_writes: one item carries a token too');
my $before = count_items($table);
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query('\set VERBOSITY verbose');
$session->query_safe(q{BEGIN; INSERT INTO plain (user_id, session_id, "timestamp") SELECT 'part', 's', '2025-01-01 00:00:00+00'::timestamptz + i * interval '1 s' FROM generate_series(1, 150) i});
ddb('PutItem', { TableName => $table, Item => { userId => { S => 'part' }, sessionIdTimestamp => { S => 's#2025-01-01T00:01:10Z' } } });
$session->query_until(qr/done/, "COMMIT;\n\\echo done\n");
like($session->{stderr}, qr/23505.*\(part, s#2025-01-01T00:01:10Z\).*\b(\d+) of 150 writes of the transaction were stored/s, 'one of many fails: it says which, and how many were stored');
my ($count) = $session->{stderr} =~ /(\d+) of 150/;
is(count_items($table), $before + 1 + $count, "... exactly ($count)");
$session->quit;

# triggers, generated columns, partitions
is(psql(qq{
	CREATE FOREIGN TABLE g (user_id text COLLATE "C", session_id text, "timestamp" timestamptz DEFAULT '2025-03-01 00:00:00+00', content text, tokens_used integer GENERATED ALWAYS AS (length(content)) STORED) SERVER s OPTIONS (table_name '$table', ttl_days '0');
	CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF TG_WHEN = ''BEFORE'' THEN NEW.content := NEW.content || ''!''; END IF; RETURN NEW; END';
	CREATE TRIGGER b BEFORE INSERT OR UPDATE ON g FOR EACH ROW EXECUTE FUNCTION log();
	INSERT INTO g (user_id, session_id, content) VALUES ('gen', 's', 'abc') RETURNING content, tokens_used;
	UPDATE g SET content = 'abcdef' WHERE user_id = 'gen' RETURNING content, tokens_used}), "abc!|4\nabcdef!|7", 'triggers and generated columns');
is(stored('gen', 's#2025-03-01T00:00:00Z'), '{"content":{"S":"abcdef!"},"sessionId":{"S":"s"},"sessionIdTimestamp":{"S":"s#2025-03-01T00:00:00Z"},"timestamp":{"S":"2025-03-01T00:00:00Z"},"tokensUsed":{"N":"7"},"userId":{"S":"gen"}}', '... are stored');
requests($proxy);
is(psql(q{
	CREATE TABLE local (x integer);
	CREATE FUNCTION write_late() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO plain (user_id, session_id, "timestamp") VALUES (''late'', ''s'', ''2025-01-01 00:00:00+00''); RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER c AFTER INSERT ON local DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION write_late();
	INSERT INTO local VALUES (1);
	SELECT count(*) FROM plain WHERE user_id = 'late'}), '1', 'deferred triggers write before the commit');
is(written($proxy), 'PutItem', '... and that is sent');
done_testing();
