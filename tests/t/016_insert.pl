# INSERT: what is stored, byte for byte; what is refused, and that nothing is sent
# then; duplicates; all the ways in which rows come.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_conversations('tap-insert');
create_table('tap-insert-kv', ['id']);
create_server($node, 's', "http://$proxy");
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE c (user_id text COLLATE "C", session_id_timestamp text COLLATE "C", session_id text COLLATE "C", "timestamp" timestamptz,
		animal_id text, parent_user_id text, content text, tokens_used integer, score numeric, metadata jsonb, ttl bigint) SERVER s OPTIONS (table_name 'tap-insert');
	CREATE FOREIGN TABLE ct (user_id text COLLATE "C", session_id text COLLATE "C", "timestamp" text, content text) SERVER s OPTIONS (table_name 'tap-insert');
	CREATE FOREIGN TABLE c_0 (user_id text COLLATE "C", session_id text COLLATE "C", "timestamp" timestamptz, content text) SERVER s OPTIONS (table_name 'tap-insert', ttl_days '0');
	CREATE FOREIGN TABLE c_2 (user_id text COLLATE "C", session_id text COLLATE "C", "timestamp" timestamptz, ttl timestamptz) SERVER s OPTIONS (table_name 'tap-insert', ttl_days '2');
	CREATE FOREIGN TABLE kv (id text COLLATE "C", v text DEFAULT 'by default', n numeric, r double precision, b boolean, raw bytea,
		tags text[] OPTIONS (dynamodb_type 'SS'), list integer[], doc jsonb, l integer GENERATED ALWAYS AS (length(v)) STORED) SERVER s OPTIONS (table_name 'tap-insert-kv', key 'id');
	CREATE TABLE result (i serial, message text);
	CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE detail text;
	BEGIN
		EXECUTE statement;
		RETURN 'stored';
	EXCEPTION WHEN unique_violation THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
		RETURN detail;
	END $$;
});
requests($proxy);

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub by_user
{
	my ($user) = @_;
	return @{ ddb('Query', { TableName => 'tap-insert', KeyConditionExpression => 'userId = :u', ExpressionAttributeValues => { ':u' => { S => $user } } })->{Items} };
}

# An error before anything is sent.
sub refused
{
	my ($statement, $error, $name) = @_;
	requests($proxy);
	like(error_of($node, $statement), $error, $name);
	is(scalar(requests($proxy)), 0, '... and nothing is sent');
	return;
}

# timestamp: the current time in microseconds, UTC, of each row its own
my $before = time;
my $shown = sql(q{INSERT INTO c (user_id, session_id) SELECT 'now', 's' || i % 2 FROM generate_series(1, 60) i RETURNING session_id_timestamp});
my $after = time;
my @items = by_user('now');
is(scalar(@items), 60, 'rows without a time');
is(scalar(grep { $_->{timestamp}{S} =~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/ } @items), 60, '... get one in UTC');
cmp_ok(scalar(grep { $_->{timestamp}{S} =~ /\.\d{4,6}Z$/ } @items), '>', 50, '... in microseconds');
my %times = map { $_->{timestamp}{S} => 1 } @items;
is(scalar(keys %times), 60, '... each its own');
is(join(' ', sort split /\n/, $shown), join(' ', sort map { $_->{sessionIdTimestamp}{S} } @items), '... which RETURNING shows');
is(scalar(grep { $_->{sessionIdTimestamp}{S} eq "$_->{sessionId}{S}#$_->{timestamp}{S}" } @items), 60, '... and the composite key has');
my @ttls = sort { $a <=> $b } map { $_->{ttl}{N} } @items;
cmp_ok($ttls[0], '>=', $before + 90 * 86400, 'ttl: not before 90 days');
cmp_ok($ttls[-1], '<=', $after + 90 * 86400, '... and not after');
is(scalar(grep { join(' ', sort keys %$_) ne 'sessionId sessionIdTimestamp timestamp ttl userId' } @items), 0, 'nothing else is stored');
sql("COPY c (user_id, session_id) FROM stdin;\n" . "copied\ts\n" x 30 . "\\.\n");
%times = map { $_->{timestamp}{S} => 1 } by_user('copied');
is(scalar(keys %times), 30, 'COPY: each row a time of its own');

# a given time, the composite key, ttl from the message's time, NULL left out
sql(q{INSERT INTO c (user_id, session_id, "timestamp", content, animal_id, score) VALUES
	('given', 'session_001', '2125-01-19 12:00:00+00', 'hello', NULL, 1.50),
	('given', 'session_001', '2125-01-19 13:00:00.25+01', '', 'a1', NULL),
	('given', 'session_001', '2125-01-19 12:00:00.000001+00', NULL, 'a1', 0)});
my @given = (
	{ userId => { S => 'given' }, sessionIdTimestamp => { S => 'session_001#2125-01-19T12:00:00.000001Z' }, sessionId => { S => 'session_001' },
		timestamp => { S => '2125-01-19T12:00:00.000001Z' }, animalId => { S => 'a1' }, score => { N => '0' }, ttl => { N => '4900737600' } },
	{ userId => { S => 'given' }, sessionIdTimestamp => { S => 'session_001#2125-01-19T12:00:00.25Z' }, sessionId => { S => 'session_001' },
		timestamp => { S => '2125-01-19T12:00:00.25Z' }, animalId => { S => 'a1' }, content => { S => '' }, ttl => { N => '4900737600' } },
	{ userId => { S => 'given' }, sessionIdTimestamp => { S => 'session_001#2125-01-19T12:00:00Z' }, sessionId => { S => 'session_001' },
		timestamp => { S => '2125-01-19T12:00:00Z' }, content => { S => 'hello' }, score => { N => '1.5' }, ttl => { N => '4900737600' } });
is_deeply([ by_user('given') ], \@given, 'given times, a fraction only where there is one; NULL is no attribute');
is(sql(q{SET timezone = 'America/New_York'; INSERT INTO c_2 VALUES ('zone', 's', '2125-01-19 12:00:00') RETURNING ttl}), '2125-01-21 12:00:00-05', 'ttl_days 2');
is_deeply([ by_user('zone') ], [ { userId => { S => 'zone' }, sessionIdTimestamp => { S => 's#2125-01-19T17:00:00Z' }, sessionId => { S => 's' },
			timestamp => { S => '2125-01-19T17:00:00Z' }, ttl => { N => '4893152400' } } ], '... a time of another zone is stored in UTC');
is(sql(q{INSERT INTO c_0 VALUES ('none', 's', '2125-01-19 12:00:00Z'); INSERT INTO c_2 VALUES ('none', 's2', '2125-01-19 12:00:00Z', '2126-01-01 00:00:00.9Z') RETURNING ttl}),
	'2126-01-01 00:00:00.9+00', 'ttl given');
is_deeply([ map { $_->{ttl} } by_user('none') ], [ undef, { N => '4922899200.9' } ], 'ttl_days 0 writes none; a given ttl is kept');

# the composite key: made, given, in disagreement
sql(q{INSERT INTO c (user_id, session_id, session_id_timestamp, "timestamp") VALUES ('key', 's', 's#2125-01-01T00:00:00Z', '2125-01-01Z');
	INSERT INTO c (user_id, session_id, session_id_timestamp) VALUES ('key', 's', 's#2125-01-01T00:00:01.50Z')});
is(join(' ', map { "$_->{sessionIdTimestamp}{S}|$_->{timestamp}{S}" } by_user('key')), 's#2125-01-01T00:00:00Z|2125-01-01T00:00:00Z s#2125-01-01T00:00:01.50Z|2125-01-01T00:00:01.50Z',
	'a composite key that agrees; alone it gives the time as it is');
refused(q{INSERT INTO c (user_id, session_id, session_id_timestamp, "timestamp") VALUES ('key', 's', 's#2125-01-01T00:00:00Z', '2125-01-02Z')}, qr/23514/, 'one that disagrees with the time');
refused(q{INSERT INTO c (user_id, session_id, session_id_timestamp) VALUES ('key', 's', 't#2125-01-01T00:00:00Z')}, qr/23514/, 'one of another session');

# a time as text is stored as it is, if it is one
sql(q{INSERT INTO ct VALUES ('text', 's', '2125-01-19T12:00:00.250Z'), ('text', 's', '2125-01-19T12:00:00+00:00')});
is(join(' ', map { "$_->{sessionIdTimestamp}{S}|$_->{timestamp}{S}|$_->{ttl}{N}" } by_user('text')),
	's#2125-01-19T12:00:00+00:00|2125-01-19T12:00:00+00:00|4900737600 s#2125-01-19T12:00:00.250Z|2125-01-19T12:00:00.250Z|4900737600', 'a time as text is stored as it is');
refused("INSERT INTO ct VALUES ('text', 's', '$_')", qr/22007/, "'$_' is no time in UTC")
  for '2125-01-19T12:00:00+02:00', '2125-01-19', '2125-01-19T12:00:60Z', '2125-13-19T12:00:00Z', 'noon', '', '2125-01-19 12:00:00Z';

# a ttl that has passed
my ($status, $out, $err) = $node->psql('postgres', q{INSERT INTO c (user_id, session_id, "timestamp") SELECT 'old', 's', '2020-01-01Z'::timestamptz + i * interval '1 s' FROM generate_series(1, 150) i});
is($err =~ s/\n.*//sr =~ s/.*WARNING/WARNING/r, 'WARNING:  the ttl of 150 rows in foreign table "c" has already passed', 'expired rows are counted');
is(scalar(() = $err =~ /WARNING/g), 1, '... by one warning');
is(scalar(by_user('old')), 150, '... and stored');
($status, $out, $err) = $node->psql('postgres', q{COPY c (user_id, session_id, ttl) FROM stdin;
old2	s	1
old2	s	99999999999
old2	s	2
\.
});
like($err, qr/the ttl of 2 rows in foreign table "c" has already passed/, 'COPY: the same');

# keys that are missing or empty, values that DynamoDB cannot hold
refused(q{INSERT INTO c (session_id) VALUES ('s')}, qr/23502.*"user_id"/, 'no user');
refused(q{INSERT INTO c (user_id, session_id) VALUES (NULL, 's')}, qr/23502.*"user_id"/, 'NULL as user');
refused(q{INSERT INTO c (user_id) VALUES ('u')}, qr/23502.*"session_id"/, 'no session');
refused(q{INSERT INTO c (user_id, session_id) VALUES ('', 's')}, qr/22023.*"user_id"/, 'an empty user');
refused(q{INSERT INTO c (user_id, session_id) VALUES ('u', '')}, qr/22023.*"session_id"/, 'an empty session');
refused(q{INSERT INTO c (user_id, session_id, animal_id) VALUES ('u', 's', '')}, qr/22023.*"animal_id"/, 'an empty key of an index');
refused(q{INSERT INTO c (user_id, session_id, parent_user_id) VALUES ('u', 's', '')}, qr/22023.*"parent_user_id"/, '... of another');
refused(q{INSERT INTO c (user_id, session_id, animal_id) SELECT 'u', 's', CASE i WHEN 50 THEN '' ELSE 'a' END FROM generate_series(1, 50) i}, qr/22023.*"animal_id"/, '... in the last of 50 rows');
refused(q{INSERT INTO c (user_id, session_id) VALUES (repeat('x', 2049), 's')}, qr/54000.*"user_id"/, 'a partition key that is too long');
refused(q{INSERT INTO c (user_id, session_id) VALUES ('u', repeat('x', 1024))}, qr/54000.*"session_id_timestamp"/, 'a sort key that is too long');
refused(q{INSERT INTO kv (v) VALUES ('x')}, qr/23502.*"id"/, 'no key in a table of any kind');
refused(q{INSERT INTO kv (id) VALUES ('')}, qr/22023.*"id"/, '... an empty one');
refused(q{INSERT INTO c (user_id, session_id, content, animal_id) VALUES ('u', 's', repeat('x', 409600), repeat('a', 1000))}, qr/54000.*\(u, s#.*409600; the largest column is "content"/s, 'an item over 400 KB');
refused(q{INSERT INTO c (user_id, session_id, content, metadata) VALUES ('u', 's', repeat('x', 9000), jsonb_build_object('m', repeat('y', 409000)))}, qr/54000.*the largest column is "metadata"/s, '... as a document');
sql(q{INSERT INTO kv (id, v) VALUES ('large', repeat('x', 409600 - 2 - 5 - 1 - 1 - 7))});
is(length(item('tap-insert-kv', { id => { S => 'large' } })->{v}{S}), 409600 - 16, 'a large one that fits');
refused(qq{INSERT INTO kv (id, n) VALUES ('n', $_)}, qr/22003/, "number $_")
  for q{'NaN'}, q{'infinity'}, '1e126', '1e-131', '123456789012345678901234567890123456789';
refused(qq{INSERT INTO kv (id, r) VALUES ('n', '$_')}, qr/22003/, "double precision $_") for 'NaN', '-infinity', '1e200';
refused(q{INSERT INTO c (user_id, session_id, "timestamp") VALUES ('u', 's', 'infinity')}, qr/22008/, 'a time out of range');
is(scalar(by_user('u')), 0, 'none of them is there');

# values of all types
sql(q{INSERT INTO kv VALUES ('types', E'\u00e9"\\\\\n', 12345678901234567890123456789012345678, 0.1, true, '\x00ff', '{b,a}', '{3,1}', '{"a": [1.25, null, {"b": ""}]}')});
my $typed = item('tap-insert-kv', { id => { S => 'types' } });
$typed->{tags}{SS} = [ sort @{ $typed->{tags}{SS} } ];
is_deeply($typed, { id => { S => 'types' }, v => { S => "\x{e9}\"\\\n" }, n => { N => '12345678901234567890123456789012345678' }, r => { N => '0.1' }, b => { BOOL => JSON::PP::true },
		raw => { B => 'AP8=' }, tags => { SS => [ 'a', 'b' ] }, list => { L => [ { N => '3' }, { N => '1' } ] }, l => { N => '4' },
		doc => { M => { a => { L => [ { N => '1.25' }, { NULL => JSON::PP::true }, { M => { b => { S => '' } } } ] } } } }, 'all types');

# duplicates: an error that names the key
my $duplicate = qr/23505: duplicate key value in table "tap-insert-kv".*Key \(id\)=\(dup\) already exists\./s;
sql(q{INSERT INTO kv (id) VALUES ('dup')});
requests($proxy);
like(error_of($node, q{INSERT INTO kv (id, v) VALUES ('dup', 'no')}), $duplicate, 'a duplicate');
is(written($proxy), 'PutItem', '... found by the one request');
like(error_of($node, q{INSERT INTO kv (id, v) VALUES ('new', 'no'), ('dup', 'no')}), $duplicate, 'one of two');
is(item('tap-insert-kv', { id => { S => 'new' } }), undef, '... the other is not stored');
refused(q{INSERT INTO kv (id) VALUES ('twice'), ('once'), ('twice')}, qr/23505.*Key \(id\)=\(twice\) already exists\./s, 'within a statement');
like(error_of($node, q{INSERT INTO c (user_id, session_id, "timestamp") VALUES ('given', 'session_001', '2125-01-19 12:00:00Z')}),
	qr/23505.*Key \(userId, sessionIdTimestamp\)=\(given, session_001#2125-01-19T12:00:00Z\) already exists\./s, 'by a composite key');
requests($proxy);
like(error_of($node, q{BEGIN; INSERT INTO kv (id, v) VALUES ('dup', 'no'); SELECT 1 / 0; COMMIT}), $duplicate, 'in a block it comes at the statement');
is(written($proxy), '', '... and no write is sent');
is(sql(q{SELECT try($$INSERT INTO kv (id, v) VALUES ('dup', 'no')$$)}), 'Key (id)=(dup) already exists.', '... where it can be caught');
is(sql(q{BEGIN; INSERT INTO kv (id) VALUES ('caught'); SELECT try($$INSERT INTO kv (id) VALUES ('caught')$$); SELECT try($$INSERT INTO kv (id) VALUES ('caught2')$$); COMMIT}),
	"Key (id)=(caught) already exists.\nstored", '... also that of a row of the transaction');
is_deeply([ map { item('tap-insert-kv', { id => { S => $_ } })->{v}{S} } 'dup', 'caught', 'caught2' ], [ ('by default') x 3 ], '... and the transaction goes on');

# ON CONFLICT DO NOTHING
is(sql(q{INSERT INTO kv (id, v) VALUES ('dup', 'no'), ('fresh', 'first'), ('fresh', 'second') ON CONFLICT DO NOTHING RETURNING id, v}), 'fresh|first', 'ON CONFLICT DO NOTHING, there and in the statement');
is(sql(q{INSERT INTO kv (id, v) SELECT 'many' || i % 150, i FROM generate_series(1, 301) i ON CONFLICT DO NOTHING; BEGIN; INSERT INTO kv (id) VALUES ('fresh2'); INSERT INTO kv (id, v) VALUES ('fresh2', 'no') ON CONFLICT DO NOTHING RETURNING v; COMMIT}),
	'', '... by the hundred, in a transaction');
is_deeply([ map { item('tap-insert-kv', { id => { S => $_ } })->{v}{S} } 'dup', 'fresh', 'fresh2', 'many1', 'many149' ], [ 'by default', 'first', 'by default', '1', '149' ], '... what was there stays');
like($node->safe_psql('postgres', "\\set QUIET off\nINSERT INTO kv (id) VALUES ('dup'), ('fresh3') ON CONFLICT DO NOTHING"), qr/INSERT 0 1$/, '... and only what is stored is counted');

# triggers, generated columns, COPY, INSERT ... SELECT, partitions, defaults, views
sql(q{
	CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.v = 'skip' THEN RETURN NULL; END IF; NEW.v := NEW.v || '!'; RETURN NEW; END $$;
	CREATE FUNCTION note_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO result (message) VALUES (NEW.id || ' ' || NEW.v || ' ' || NEW.l); RETURN NULL; END $$;
	CREATE TRIGGER b BEFORE INSERT ON kv FOR EACH ROW EXECUTE FUNCTION shout();
	CREATE TRIGGER a AFTER INSERT ON kv FOR EACH ROW EXECUTE FUNCTION note_row();
	CREATE FUNCTION note_message() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO result (message) VALUES (NEW.session_id_timestamp || ' ' || NEW.ttl); RETURN NULL; END $$;
	CREATE TRIGGER a AFTER INSERT ON c FOR EACH ROW EXECUTE FUNCTION note_message();
	CREATE TABLE source AS SELECT 'src' || i AS id, repeat('x', i) AS v FROM generate_series(1, 3) i});
is(sql(q{INSERT INTO kv (id, v) VALUES ('trigger', 'hey'), ('no', 'skip') RETURNING id, v, l}), 'trigger|hey!|4', 'BEFORE trigger, generated column, RETURNING');
is(sql(q{INSERT INTO kv (id, v) SELECT id, v FROM source RETURNING v, l}), "x!|2\nxx!|3\nxxx!|4", 'INSERT ... SELECT');
sql("COPY kv (id, v) FROM stdin;\ncopy1\tone\ncopy2\tskip\ncopy3\tthree\n\\.\n");
sql(q{INSERT INTO c (user_id, session_id, "timestamp") VALUES ('trigger', 's', '2125-01-01 00:00:00.5Z')});
is(sql('SELECT message FROM result ORDER BY i'), "trigger hey! 4\nsrc1 x! 2\nsrc2 xx! 3\nsrc3 xxx! 4\ncopy1 one! 4\ncopy3 three! 6\ns#2125-01-01T00:00:00.5Z 4899139200", 'AFTER triggers see what is stored');
is_deeply(item('tap-insert-kv', { id => { S => 'src3' } }), { id => { S => 'src3' }, v => { S => 'xxx!' }, l => { N => '4' } }, '... which is');
is_deeply(item('tap-insert-kv', { id => { S => 'copy3' } }), { id => { S => 'copy3' }, v => { S => 'three!' }, l => { N => '6' } }, '... by COPY too');
is(item('tap-insert-kv', { id => { S => 'copy2' } }), undef, '... and nothing for a row that is skipped');
sql(q{DROP TRIGGER a ON kv; DROP TRIGGER b ON kv;
	CREATE TABLE parent (id text COLLATE "C", v text DEFAULT 'of the parent', n numeric) PARTITION BY LIST (v);
	CREATE TABLE local PARTITION OF parent FOR VALUES IN ('here');
	CREATE FOREIGN TABLE remote PARTITION OF parent DEFAULT SERVER s OPTIONS (table_name 'tap-insert-kv', key 'id');
	CREATE VIEW seen AS SELECT id, v FROM kv WHERE v LIKE 'v%' WITH CHECK OPTION});
is(sql(q{INSERT INTO parent VALUES ('p1', 'here', 1), ('p2', 'there', 1.0) RETURNING tableoid::regclass, id; INSERT INTO parent (id) VALUES ('p3'); SELECT id FROM local}), "local|p1\nremote|p2\np1", 'rows are routed to partitions');
sql("COPY parent FROM stdin;\np4\tthere\t\\N\np5\there\t2\n\\.\n");
is_deeply([ map { item('tap-insert-kv', { id => { S => "p$_" } }) } 1 .. 5 ],
	[ undef, { id => { S => 'p2' }, v => { S => 'there' }, n => { N => '1' } }, { id => { S => 'p3' }, v => { S => 'of the parent' } }, { id => { S => 'p4' }, v => { S => 'there' } }, undef ], '... by COPY, with defaults');
sql(q{INSERT INTO seen VALUES ('view', 'v1'); CREATE FUNCTION put(text) RETURNS text LANGUAGE sql AS $$ INSERT INTO kv (id) VALUES ($1) RETURNING v $$});
is(item('tap-insert-kv', { id => { S => 'view' } })->{v}{S}, 'v1', 'through a view');
refused(q{INSERT INTO seen VALUES ('view2', 'w')}, qr/44000/, '... that checks');
is(sql(q{SELECT put('put1'), put('put2'); SELECT count(*) FROM kv WHERE id IN ('put1', 'put2')}), "by default|by default\n2", 'in a function');
is(sql(q{WITH i AS (INSERT INTO kv (id, n) VALUES ('cte', 5) RETURNING n) SELECT sum(n) FROM i}), '5', 'in WITH');
is(sql(q{PREPARE p AS INSERT INTO kv (id, v) VALUES ($1, $2); EXECUTE p('prep1', 'x'); EXECUTE p('prep2', 'y'); SELECT string_agg(v, '' ORDER BY id) FROM kv WHERE id IN ('prep1', 'prep2')}), 'xy', 'prepared');
ddb('DeleteTable', { TableName => $_ }) for 'tap-insert', 'tap-insert-kv';
done_testing();
