# What a transaction sees of its own writes: whole scripts of writes and reads give
# what they give on a local table, and leave the same behind.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_conversations('tap-sees');
create_server($node, 's', "http://$proxy");
my $columns = q{user_id text COLLATE "C", session_id_timestamp text COLLATE "C", session_id text COLLATE "C", "timestamp" timestamptz NOT NULL,
	animal_id text COLLATE "C", parent_user_id text COLLATE "C", content text, n integer};
my @schemas = ('f', 'l');
$node->safe_psql('postgres', qq{
	CREATE SCHEMA f; CREATE SCHEMA l;
	CREATE FOREIGN TABLE f.m ($columns) SERVER s OPTIONS (table_name 'tap-sees', ttl_days '0', estimated_items '1000000');
	CREATE TABLE l.m ($columns, PRIMARY KEY (user_id, session_id_timestamp));
	CREATE FUNCTION l.compose() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN NEW.session_id_timestamp := NEW.session_id || '#' || to_char(NEW.timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') ||
		rtrim(to_char(NEW.timestamp, '.US'), '.0') || 'Z'; RETURN NEW; END \$\$;
	CREATE TRIGGER c BEFORE INSERT OR UPDATE ON l.m FOR EACH ROW EXECUTE FUNCTION l.compose();
});
# 6 users, 3 sessions, 5 animals; several messages in a second
my $fill = q{INSERT INTO m (user_id, session_id, "timestamp", animal_id, parent_user_id, content, n)
	SELECT 'u' || i % 6, 's' || i % 3, '2125-01-01Z'::timestamptz + i / 4 * interval '1 s' + i % 4 * interval '0.2 s', 'a' || i % 5, CASE WHEN i % 4 > 0 THEN 'p' || i % 4 END, repeat('x', i % 7), i FROM generate_series(1, 90) i;};
foreach my $schema (@schemas)
{
	$node->safe_psql('postgres', qq{SET search_path = $schema; $fill
		CREATE TABLE pupils AS SELECT 'u' || i AS id FROM generate_series(0, 7) i; ANALYZE pupils;
		CREATE VIEW short AS SELECT user_id, n FROM m WHERE length(content) < 3;
		CREATE FUNCTION seen_v(u text) RETURNS bigint VOLATILE LANGUAGE plpgsql AS 'DECLARE r bigint; BEGIN SELECT count(*) INTO r FROM m WHERE user_id = u; RETURN r; END';
		CREATE FUNCTION seen_s(u text) RETURNS bigint STABLE LANGUAGE plpgsql AS 'DECLARE r bigint; BEGIN SELECT count(*) INTO r FROM m WHERE user_id = u; RETURN r; END';
		CREATE FUNCTION write(u text, at timestamptz) RETURNS bigint LANGUAGE plpgsql AS \$\$ BEGIN INSERT INTO m (user_id, session_id, "timestamp", content, n) VALUES (u, 's9', at, 'written', -1);
			RETURN (SELECT count(*) FROM m WHERE user_id = u AND session_id = 's9'); END \$\$;
		CREATE FUNCTION in_trigger() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN INSERT INTO log (x) SELECT concat_ws(' ', TG_WHEN, NEW.n, count(*), sum(n)) FROM m WHERE user_id = NEW.user_id; RETURN NEW; END \$\$;
		CREATE TABLE log (i serial, x text);});
}

sub run
{
	my ($schema, $sql, $settings) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "SET search_path = $schema; $settings $sql", on_error_stop => 0, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	return ($out . "\n--\n" . $err) =~ s/^psql:<stdin>:\d+: //gmr;
}

my %sent = ();
sub same
{
	my ($name, $sql, $settings, $errors) = @_;
	requests($proxy);
	my ($foreign, $local) = map { run($_, $sql, $settings // '') } @schemas;
	$sent{$name} = [ requests($proxy) ];
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($foreign, $local, $name);
	is(join(' ', $foreign =~ /ERROR:\s+(\w+)/g), $errors // '', '... and is what it should be');
	return;
}

my $change = q{
	INSERT INTO m (user_id, session_id, "timestamp", animal_id, content, n) VALUES ('u1', 's1', '2125-01-01 00:00:03.1Z', 'a1', 'new', 1000), ('u9', 's1', '2125-01-01 00:00:03.3Z', 'a1', 'new', 1001), ('u1', 's2', '2124-01-01Z', 'a7', '', 1002);
	UPDATE m SET content = 'changed', animal_id = 'a1' WHERE user_id = 'u2' AND n < 40;
	UPDATE m SET parent_user_id = NULL, n = -n WHERE parent_user_id = 'p1' AND n > 60;
	UPDATE m SET "timestamp" = "timestamp" + interval '1 h' WHERE session_id = 's2' AND n BETWEEN 10 AND 30;
	DELETE FROM m WHERE animal_id = 'a4' AND n % 2 = 0; DELETE FROM m WHERE user_id = 'u5' AND n > 50;};
my @reads = (
	q{SELECT * FROM m WHERE user_id = 'u1' ORDER BY session_id_timestamp},
	q{SELECT n FROM m WHERE user_id = 'u1' ORDER BY session_id_timestamp DESC LIMIT 4},
	q{SELECT n FROM m WHERE user_id = 'u1' ORDER BY session_id_timestamp LIMIT 5 OFFSET 3},
	q{SELECT n FROM m WHERE user_id = 'u1' AND session_id = 's1' AND "timestamp" BETWEEN '2125-01-01 00:00:02Z' AND '2125-01-01 00:00:05Z' ORDER BY "timestamp"},
	q{SELECT n FROM m WHERE session_id = 's1' ORDER BY "timestamp" DESC, n LIMIT 12},
	q{SELECT n FROM m WHERE animal_id = 'a1' ORDER BY "timestamp" DESC LIMIT 7},
	q{SELECT n FROM m WHERE animal_id IN ('a1', 'a4', 'a7') ORDER BY "timestamp" LIMIT 9},
	q{SELECT n FROM m WHERE animal_id = 'a1' AND "timestamp" > '2125-01-01 00:00:03.2Z' ORDER BY "timestamp" LIMIT 3},
	q{SELECT n FROM m WHERE parent_user_id = 'p1' ORDER BY n},
	q{SELECT n FROM m WHERE user_id = 'u2' OR parent_user_id = 'p2' ORDER BY n},
	q{SELECT n FROM m WHERE user_id = 'u1' AND session_id_timestamp IN ('s1#2125-01-01T00:00:03.1Z', 's1#2125-01-01T00:00:01.6Z', 's0#x') ORDER BY n},
	q{SELECT count(*) FROM m}, q{SELECT count(*) FROM m WHERE user_id = 'u5'}, q{SELECT count(*) FROM m WHERE content = 'changed'}, q{SELECT count(*) FROM m WHERE content <> 'changed' AND animal_id = 'a1'},
	q{SELECT max("timestamp"), min("timestamp") FROM m WHERE animal_id = 'a1'}, q{SELECT max(n), min(n), sum(n), count(DISTINCT user_id) FROM m},
	q{SELECT EXISTS (SELECT FROM m WHERE user_id = 'u9'), EXISTS (SELECT FROM m WHERE user_id = 'u8')},
	q{SELECT id, count(m.n), sum(m.n) FROM pupils LEFT JOIN m ON user_id = id GROUP BY id ORDER BY id},
	q{SELECT id, x.n FROM pupils, LATERAL (SELECT n FROM m WHERE user_id = id ORDER BY session_id_timestamp DESC LIMIT 2) x ORDER BY 1, 2},
	q{SELECT a.n, b.n FROM m a JOIN m b ON b.session_id = a.session_id AND b."timestamp" = a."timestamp" AND b.n <> a.n ORDER BY 1, 2},
	q{SELECT user_id, n FROM short ORDER BY 1, 2}, q{SELECT seen_v('u1'), seen_s('u1'), seen_s('u9')},
	q{WITH x AS (SELECT * FROM m WHERE content LIKE 'c%') SELECT count(*) FROM x WHERE animal_id = 'a1'});
my $reads = join '', map { "$_;\n" } @reads;
my $workers = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;';

# each read, under several kinds of plan
same('before', $reads);
foreach my $case ([ 'in a transaction', '' ], [ 'without pushdown', 'SET cmz_fdw.enable_pushdown = off;' ], [ 'by workers', $workers ],
	[ 'by nested loops', 'SET enable_hashjoin = off; SET enable_mergejoin = off;' ], [ 'by merge joins', 'SET enable_hashjoin = off; SET enable_nestloop = off;' ])
{
	same("$case->[0]: $_", "BEGIN; $change $_; ROLLBACK", $case->[1]) for $reads;
	is(scalar(grep { $_->{op} =~ /Write|Put|Update|Delete/ } @{ $sent{"$case->[0]: $reads"} }), 0, '... nothing is sent');
}
my $plan = $node->safe_psql('postgres', "SET search_path = f; $workers EXPLAIN (COSTS OFF) SELECT count(*) FROM m WHERE length(content) > 2");
like($plan, qr/Workers Planned: 2.*Parallel Foreign Scan/s, 'workers would be used');
same('plans made, and used, before there was a write', join(' ', map { "PREPARE q$_ AS $reads[$_]; EXECUTE q$_;" } 0 .. $#reads) . " BEGIN; $change " . join(' ', map { "EXECUTE q$_;" } 0 .. $#reads) . ' ROLLBACK; ' . join(' ', map { "EXECUTE q$_;" } 0 .. $#reads),
	"$workers SET plan_cache_mode = force_generic_plan;");
same('a statement that is prepared in a function', qq{CREATE FUNCTION pg_temp.total() RETURNS bigint LANGUAGE plpgsql AS 'DECLARE r bigint; BEGIN SELECT sum(n) INTO r FROM m WHERE length(content) > 2; RETURN r; END';
	SELECT pg_temp.total() FROM generate_series(1, 7); BEGIN; $change SELECT pg_temp.total(); SAVEPOINT a; UPDATE m SET n = n + 1; SELECT pg_temp.total(); ROLLBACK TO a; SELECT pg_temp.total(); ROLLBACK; SELECT pg_temp.total()}, $workers);
same('into a table, by workers', "BEGIN; $change CREATE TABLE copied AS SELECT * FROM m WHERE length(content) > 2; SELECT count(*), sum(n) FROM copied; ROLLBACK", $workers);

# statement after statement
same('each statement sees those before', q{BEGIN; UPDATE m SET n = n + 1 WHERE user_id = 'u0'; UPDATE m SET n = n + 1 WHERE user_id = 'u0'; SELECT n FROM m WHERE user_id = 'u0' ORDER BY n;
	INSERT INTO m (user_id, session_id, "timestamp", n) SELECT 'copy', session_id, "timestamp", n FROM m WHERE user_id = 'u0'; INSERT INTO m (user_id, session_id, "timestamp", n) SELECT 'copy2', session_id, "timestamp", n FROM m WHERE user_id = 'copy';
	SELECT count(*) FROM m WHERE user_id IN ('copy', 'copy2'); DELETE FROM m WHERE user_id = 'copy' AND n % 2 = 0; SELECT n FROM m WHERE user_id LIKE 'copy%' ORDER BY user_id, n;
	UPDATE m a SET content = b.content || '!' FROM m b WHERE a.user_id = 'copy2' AND b.user_id = 'u0' AND b."timestamp" = a."timestamp"; SELECT n, content FROM m WHERE user_id = 'copy2' ORDER BY n; ROLLBACK});
same('no statement sees its own', q{BEGIN; INSERT INTO m (user_id, session_id, "timestamp", n) SELECT user_id, 'again', "timestamp", n + 500 FROM m; SELECT count(*), sum(n) FROM m;
	UPDATE m SET user_id = 'u0' || user_id WHERE user_id LIKE 'u0%'; SELECT user_id, count(*) FROM m GROUP BY 1 ORDER BY 1; WITH d AS (DELETE FROM m WHERE user_id = 'u1' RETURNING n), i AS (INSERT INTO m (user_id, session_id, "timestamp", n) SELECT 'moved', 's', '2125-01-01Z'::timestamptz + n * interval '1 s', n FROM d RETURNING 1)
	SELECT (SELECT count(*) FROM m WHERE user_id = 'u1'), (SELECT count(*) FROM m WHERE user_id = 'moved'), (SELECT count(*) FROM i); SELECT count(*) FROM m WHERE user_id IN ('u1', 'moved'); ROLLBACK});
same('two statements in WITH change one row', q{BEGIN; WITH a AS (UPDATE m SET n = 5 WHERE n = 7 RETURNING n) SELECT count(*) FROM a; WITH a AS (DELETE FROM m WHERE n = 5 RETURNING n), b AS (SELECT count(*) c FROM m WHERE n = 5) SELECT * FROM a, b; ROLLBACK});
same('everything is deleted, and inserted again', qq{BEGIN; DELETE FROM m; SELECT count(*) FROM m; SELECT max(n) FROM m WHERE user_id = 'u1'; $fill SELECT count(*), sum(n) FROM m; SELECT n FROM m WHERE animal_id = 'a1' ORDER BY "timestamp" LIMIT 3; ROLLBACK; SELECT count(*) FROM m});

# functions and triggers
same('functions', q{BEGIN; SELECT write('u0', '2125-02-01Z'), write('u0', '2125-02-02Z'), seen_v('u0'), seen_s('u0'); SELECT seen_v('u0'), seen_s('u0');
	INSERT INTO m (user_id, session_id, "timestamp", n) SELECT 'fn', 's', '2125-01-01Z'::timestamptz + i * interval '1 s', seen_v('fn') FROM generate_series(1, 3) i; SELECT n FROM m WHERE user_id = 'fn' ORDER BY "timestamp";
	INSERT INTO m (user_id, session_id, "timestamp", n) SELECT 'fs', 's', '2125-01-01Z'::timestamptz + i * interval '1 s', seen_s('fs') FROM generate_series(1, 3) i; SELECT n FROM m WHERE user_id = 'fs' ORDER BY "timestamp"; ROLLBACK});
same('triggers', q{BEGIN; CREATE TRIGGER b BEFORE INSERT ON m FOR EACH ROW EXECUTE FUNCTION in_trigger(); CREATE TRIGGER z AFTER INSERT OR UPDATE ON m FOR EACH ROW EXECUTE FUNCTION in_trigger();
	INSERT INTO m (user_id, session_id, "timestamp", n) VALUES ('tr', 's', '2125-01-01Z', 1), ('tr', 's', '2125-01-02Z', 2); UPDATE m SET n = n + 10 WHERE user_id = 'tr' AND n = 1; SELECT x FROM log ORDER BY i; ROLLBACK});
same('a loop that changes what it reads', q{BEGIN; DO $$ DECLARE r record; BEGIN FOR r IN SELECT user_id, session_id_timestamp k, n FROM m WHERE user_id = 'u3' ORDER BY n LOOP
	UPDATE m SET n = n + 100 WHERE user_id = r.user_id AND session_id_timestamp = r.k; INSERT INTO log (x) SELECT r.n || ' ' || sum(n) FROM m WHERE user_id = 'u3'; END LOOP; END $$; SELECT x FROM log ORDER BY i; ROLLBACK});

# cursors see what there was when they were opened
same('cursors', q{BEGIN; DECLARE a CURSOR FOR SELECT n FROM m WHERE user_id = 'u4' ORDER BY session_id_timestamp; DECLARE k CURSOR FOR SELECT count(*) FROM m; FETCH 2 FROM a;
	DELETE FROM m WHERE user_id = 'u4' AND n > 30; UPDATE m SET n = 0 WHERE user_id = 'u4'; INSERT INTO m (user_id, session_id, "timestamp", n) VALUES ('u4', 's0', '2125-01-01Z', 4000);
	DECLARE b CURSOR FOR SELECT n FROM m WHERE user_id = 'u4' ORDER BY session_id_timestamp; FETCH 3 FROM b; DELETE FROM m WHERE user_id = 'u4'; FETCH ALL FROM a; FETCH ALL FROM b; FETCH ALL FROM k; SELECT count(*) FROM m WHERE user_id = 'u4'; ROLLBACK});
same('... opened before a savepoint that is rolled back', q{BEGIN; UPDATE m SET n = -1 WHERE user_id = 'u4' AND n < 30; DECLARE a CURSOR FOR SELECT n FROM m WHERE user_id = 'u4' ORDER BY session_id_timestamp; FETCH 1 FROM a;
	SAVEPOINT x; DELETE FROM m WHERE user_id = 'u4'; FETCH 1 FROM a; ROLLBACK TO x; FETCH ALL FROM a; SELECT count(*) FROM m WHERE user_id = 'u4'; ROLLBACK});
same('... backwards, and held', q{BEGIN; UPDATE m SET n = -n WHERE user_id = 'u4'; DECLARE a SCROLL CURSOR WITH HOLD FOR SELECT n FROM m WHERE user_id = 'u4' ORDER BY session_id_timestamp; FETCH 3 FROM a; FETCH BACKWARD 1 FROM a; UPDATE m SET n = -n WHERE user_id = 'u4'; COMMIT; FETCH ALL FROM a; CLOSE a});

# savepoints
same('savepoints', qq{BEGIN; INSERT INTO m (user_id, session_id, "timestamp", n) VALUES ('sp', 's', '2125-01-01Z', 1); SAVEPOINT a; UPDATE m SET n = 2 WHERE user_id = 'sp'; SAVEPOINT b; DELETE FROM m WHERE user_id = 'sp'; $change
	SELECT count(*), sum(n) FROM m; ROLLBACK TO b; SELECT n FROM m WHERE user_id = 'sp'; SELECT count(*), sum(n) FROM m; RELEASE b; ROLLBACK TO a; SELECT n FROM m WHERE user_id = 'sp'; UPDATE m SET n = 3 WHERE user_id = 'sp'; SAVEPOINT c; UPDATE m SET n = 4 WHERE user_id = 'sp'; RELEASE c;
	SELECT n FROM m WHERE user_id = 'sp'; ROLLBACK TO a; SELECT n FROM m WHERE user_id = 'sp'; ROLLBACK; SELECT count(*) FROM m WHERE user_id = 'sp'});
same('an error in a block', q{BEGIN; DO $$ BEGIN UPDATE m SET n = 0 WHERE user_id = 'u1'; BEGIN DELETE FROM m; INSERT INTO m (user_id, session_id, "timestamp") VALUES ('x', 's', '2125-01-01Z'), ('x', 's', '2125-01-01Z'); EXCEPTION WHEN unique_violation THEN INSERT INTO log (x) SELECT count(*) || ' ' || sum(n) FROM m; END; END $$; SELECT x FROM log; SELECT sum(n) FROM m; ROLLBACK});
same('duplicates of one\'s own', q{BEGIN; DELETE FROM m WHERE user_id = 'u1'; INSERT INTO m (user_id, session_id, "timestamp", n) VALUES ('u1', 's1', '2125-01-01 00:00:00.2Z', 5); SAVEPOINT a; INSERT INTO m (user_id, session_id, "timestamp", n) VALUES ('u1', 's1', '2125-01-01 00:00:00.2Z', 6); ROLLBACK TO a;
	INSERT INTO m (user_id, session_id, "timestamp", n) VALUES ('u1', 's1', '2125-01-01 00:00:00.2Z', 7), ('u1', 's1', '2125-01-01 00:00:00.4Z', 8) ON CONFLICT DO NOTHING; SELECT n FROM m WHERE user_id = 'u1' ORDER BY n; ROLLBACK}, '', '23505');
foreach my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	same($level, "BEGIN ISOLATION LEVEL $level; $change SELECT count(*), sum(n) FROM m; UPDATE m SET n = n + 1 WHERE user_id = 'u1'; SELECT n FROM m WHERE user_id = 'u1' ORDER BY n; ROLLBACK");
}

# and at the end the same is stored
same('committed', "BEGIN; $change COMMIT; $reads");
my %wanted = map { my ($u, $k, $n, $content, $animal, $parent) = split /\|/, $_, -1; ("$u $k" => "$n $content $animal $parent") }
  split /\n/, $node->safe_psql('postgres', q{SELECT user_id, session_id_timestamp, n, content, coalesce(animal_id, '-'), coalesce(parent_user_id, '-') FROM l.m});
my %found = map { ("$_->{userId}{S} $_->{sessionIdTimestamp}{S}" => "$_->{n}{N} $_->{content}{S} " . ($_->{animalId}{S} // '-') . ' ' . ($_->{parentUserId}{S} // '-')) } @{ ddb('Scan', { TableName => 'tap-sees', ConsistentRead => JSON::PP::true })->{Items} };
is_deeply(\%found, \%wanted, 'an independent client finds the same');
ddb('DeleteTable', { TableName => $_ }) for 'tap-sees';
done_testing();
