# What requests have done and cost, and how far long work is: cmz_stat, cmz_cost,
# cmz_progress.
use strict;
use warnings;
use CmzTest;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_server($node, 's', "http://$proxy", "max_retries '3'");
create_conversations('tap-monitor');
command_ok([ 'python3', "$FindBin::Bin/../stubs/load.py", dynamodb_url(), 'tap-monitor', 4000 ], '4000 items');
$node->safe_psql('postgres', q{IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (tap_monitor) FROM SERVER s INTO public;
	CREATE FOREIGN TABLE missing (id text COLLATE "C") SERVER s OPTIONS (table_name 'tap-monitor-none', key 'id', indexes 'none', concurrency '1')});
my $shared_without = $node->safe_psql('postgres', "SELECT current_setting('server_version_num')::int >= 170000") eq 't';

my $stat = 'SELECT coalesce(index_name, \'-\'), operation, requests, pages, items, scanned_items, consumed_read_units, consumed_write_units,'
  . ' throttled_requests, system_errors, user_errors, retries FROM cmz_stat WHERE table_name LIKE \'tap-monitor%\' ORDER BY 1, 2';
sub counted { my (@statements) = @_; return $node->safe_psql('postgres', join(';', 'SELECT cmz_stat_reset()', @statements, $stat)) =~ s/\A.*?(?=^[-\w]+\|[A-Z])//msr }

# each operation, with what DynamoDB says it has cost
is(counted("SELECT count(*) FROM (SELECT content FROM tap_monitor WHERE user_id = 'student_0007') t"), '-|Query|1|1|4|4|0.5|0|0|0|0|0', 'a Query');
like(counted("SELECT count(*) FROM (SELECT content FROM tap_monitor WHERE animal_id = 'lion_001' ORDER BY \"timestamp\" LIMIT 3) t"),
	qr/^AnimalIndex\|Query\|1\|1\|(\d+)\|\g1\|[\d.]+\|0\|0\|0\|0\|0$/, 'one of an index');
my $update = counted("UPDATE tap_monitor SET content = 'x' WHERE user_id = 'student_0007' AND session_id_timestamp = (SELECT min(session_id_timestamp) FROM tap_monitor WHERE user_id = 'student_0007')");
like($update, qr/^-\|UpdateItem\|1\|0\|1\|0\|0\|[1-9][\d.]*\|0\|0\|0\|0$/m, 'a write, with its units');

# errors and retries
script($proxy, { do => 'status', code => 400, body => '{"__type":"x#ThrottlingException","message":"slow"}' }, { do => 'status', code => 500, body => '{}' });
is(counted("SELECT count(*) FROM (SELECT content FROM tap_monitor WHERE user_id = 'student_0007') t"), '-|Query|3|1|4|4|0.5|0|1|1|0|2', 'what was tried again');
my ($status, $out) = $node->psql('postgres', "SELECT cmz_stat_reset(); SELECT * FROM missing; $stat", on_error_stop => 0);
like($out, qr/^-\|Scan\|1\|0\|0\|0\|0\|0\|0\|0\|1\|0$/m, 'an error of the user');
script($proxy, { do => 'reset' });
like(counted("SELECT count(*) FROM (SELECT content FROM tap_monitor WHERE user_id = 'student_0007') t"), qr/^-\|Query\|2\|1\|4\|4\|0.5\|0\|0\|1\|0\|1$/m, 'a lost request');

# bytes and time
is($node->safe_psql('postgres', "SELECT cmz_stat_reset(); SELECT count(*) FROM (SELECT content FROM tap_monitor WHERE user_id = 'student_0007') t;
	SELECT bytes > 50, total_time > 0, since < clock_timestamp() FROM cmz_stat WHERE operation = 'Query'") =~ s/\A.*\n//sr, 't|t|t', 'bytes, time, since');

# without memory that is shared they are the session's own
is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT content FROM tap_monitor WHERE user_id = 'student_0007') t; SELECT DISTINCT scope FROM cmz_stat") =~ s/\A.*\n//sr,
	$shared_without ? 'all sessions' : 'this session', 'the scope is told');

# preloaded, all sessions count together
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'cmz_fdw'\n");
$node->restart;
my $query = "SELECT count(*) FROM (SELECT content FROM tap_monitor WHERE user_id = 'student_0007') t";
$node->safe_psql('postgres', $query) for 1 .. 3;
is($node->safe_psql('postgres', "SELECT operation, requests, items, scope FROM cmz_stat WHERE table_name = 'tap-monitor'"), 'Query|3|12|all sessions', 'three sessions');
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;';
$node->safe_psql('postgres', "ALTER FOREIGN TABLE tap_monitor OPTIONS (SET estimated_items '1000000')");
requests($proxy);
$node->safe_psql('postgres', "$parallel SELECT count(content) FROM tap_monitor");
my $scans = grep { $_->{op} eq 'Scan' } requests($proxy);
is($node->safe_psql('postgres', "SELECT requests, items FROM cmz_stat WHERE operation = 'Scan'"), "$scans|4000", 'workers count too');

# who may see it, and make it forget
$node->safe_psql('postgres', 'CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; GRANT USAGE ON FOREIGN SERVER s TO bob');
is($node->safe_psql('postgres', 'SELECT count(*) FROM cmz_stat', extra_params => [ '-U', 'alice' ]), '0', 'who may not use the server sees nothing');
is($node->safe_psql('postgres', 'SELECT count(*) > 1 FROM cmz_stat', extra_params => [ '-U', 'bob' ]), 't', '... who may does');
$node->safe_psql('postgres', 'GRANT pg_read_all_stats TO alice');
is($node->safe_psql('postgres', 'SELECT count(*) > 1 FROM cmz_stat', extra_params => [ '-U', 'alice' ]), 't', '... or who may read statistics');
my (undef, undef, $err) = $node->psql('postgres', 'SELECT cmz_stat_reset()', extra_params => [ '-U', 'alice' ]);
like($err, qr/permission denied for function cmz_stat_reset/, 'forgetting is not for everyone');
$node->safe_psql('postgres', "CREATE DATABASE other; $query");
$node->safe_psql('other', 'CREATE EXTENSION cmz_fdw; SELECT cmz_stat_reset()');
is($node->safe_psql('postgres', "SELECT requests FROM cmz_stat WHERE operation = 'Query'"), '4', 'another database forgets its own');
$node->safe_psql('postgres', 'SELECT cmz_stat_reset()');
is($node->safe_psql('postgres', 'SELECT count(*) FROM cmz_stat'), '0', '... as this one does');

# more names than there is room for, in another database
$node->safe_psql('other', "CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'http://$proxy');
	CREATE FOREIGN TABLE missing (id text) SERVER s OPTIONS (table_name 'tap-monitor-none', key 'id', indexes 'none', concurrency '1')");
$node->safe_psql('other', q{DO $$ BEGIN
	FOR i IN 1 .. 1100 LOOP
		EXECUTE format('ALTER FOREIGN TABLE missing OPTIONS (SET table_name %L)', 'tap-monitor-none' || i);
		BEGIN PERFORM * FROM missing; EXCEPTION WHEN undefined_table THEN NULL; END;
	END LOOP; END $$});
is($node->safe_psql('other', "SELECT sum(user_errors), count(*) FILTER (WHERE table_name = '(others)'), count(*) FILTER (WHERE table_name = 'tap-monitor-none1'), count(*) FILTER (WHERE table_name = 'tap-monitor-none1100') FROM cmz_stat"),
	'1100|1|0|1', 'what has not been used for long is counted together');
$node->safe_psql('postgres', "SELECT cmz_stat_reset(); $query");
is($node->safe_psql('postgres', 'SELECT table_name, server FROM cmz_stat'), 'tap-monitor|s', '... and new ones have room, with another database forgetting its own');
is($node->safe_psql('other', "SELECT sum(user_errors) FROM cmz_stat"), '1100', '... which costs this one nothing');
is($node->safe_psql('other', "SELECT server, table_name, stored_bytes FROM cmz_cost WHERE table_name = '(others)'"), '|(others)|', 'they are part of what it has cost');
$node->safe_psql('postgres', 'DROP DATABASE other');

# cost
$node->safe_psql('postgres', 'SELECT cmz_stat_reset()');
$node->safe_psql('postgres', $query);
my $size = ddb('DescribeTable', { TableName => 'tap-monitor' })->{Table};
my $bytes = $size->{TableSizeBytes};
$bytes += $_->{IndexSizeBytes} for @{ $size->{GlobalSecondaryIndexes} };
is($node->safe_psql('postgres', 'SELECT server, table_name, read_units, write_units, stored_bytes, read_cost FROM cmz_cost'), "s|tap-monitor|0.5|0|$bytes|0.000000", 'cost');
is($node->safe_psql('postgres', "SET cmz_fdw.read_unit_price = 2e6; SET cmz_fdw.storage_price = 1073741824; SELECT read_cost, storage_cost_a_month FROM cmz_cost"),
	"1.000000|$bytes.000000", '... at the prices that are set');
script($proxy, { do => 'status', op => 'DescribeTable', code => 400, body => '{"__type":"x#AccessDeniedException","message":"no"}' });
my ($rc, $row, $warning) = $node->psql('postgres', 'SELECT stored_bytes IS NULL, read_units FROM cmz_cost');
is($row, 't|0.5', 'a table that cannot be looked at is listed all the same');
like($warning, qr/WARNING:  could not find out the size of table "tap-monitor": no/, '... with a warning');
$node->safe_psql('postgres', "CREATE SERVER far FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'https://localhost:1'); GRANT USAGE ON FOREIGN SERVER far TO bob;
	CREATE FOREIGN TABLE far (id text) SERVER far OPTIONS (key 'id')");
$node->psql('postgres', "CREATE USER MAPPING FOR postgres SERVER far OPTIONS (access_key_id 'x', secret_access_key 'y'); ALTER SERVER far OPTIONS (ADD max_retries '0'); SELECT * FROM far");
($rc, $row, $warning) = $node->psql('postgres', 'SELECT server, stored_bytes IS NULL FROM cmz_cost ORDER BY 1', extra_params => [ '-U', 'bob' ]);
is($row, "far|t\ns|f", 'a server without credentials does not keep the others from being listed');
like($warning, qr/WARNING:  could not find out the size of table "cmz-conversations": no AWS credentials for user "bob"/, '... with a warning too');
$node->safe_psql('postgres', 'DROP SERVER far CASCADE');
$node->safe_psql('postgres', "ALTER SERVER s RENAME TO renamed");
is($node->safe_psql('postgres', 'SELECT server FROM cmz_cost WHERE server IS NOT NULL'), 'renamed', 'a server has the name that it has now');
$node->safe_psql('postgres', 'ALTER SERVER renamed RENAME TO s');

# progress: a scan that is read in parts
sub progress { return $node->safe_psql('postgres', 'SELECT pid, "table", operation, pages, items, units > 0, segments_done, segments_total FROM cmz_progress') }
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()') =~ s/\s//gr;
is(progress(), '', 'nothing is under way');
$session->query("SET max_parallel_workers_per_gather = 0; BEGIN; DECLARE c CURSOR FOR SELECT user_id, content FROM tap_monitor; FETCH 3500 FROM c;");
like(progress(), qr/^$pid\|tap_monitor\|Scan\|\d+\|\d{3,4}\|t\|\d+\|\d+$/, 'a scan');
is($node->safe_psql('postgres', 'SELECT count(*) FROM cmz_progress', extra_params => [ '-U', 'bob' ]), '0', '... is not for everyone to see');
$session->query('CLOSE c; COMMIT');
is(progress(), '', '... until it ends');
$session->query("BEGIN; DECLARE c CURSOR FOR SELECT user_id, content FROM tap_monitor; FETCH 3500 FROM c;");
isnt(progress(), '', 'another one');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)");
is(progress(), '', '... ends with its session');
eval { $session->quit };

# writes, seen from within, and a commit from without
create_table('tap-monitor-writes', ['id']);
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE w (id text COLLATE "C") SERVER s OPTIONS (table_name 'tap-monitor-writes', key 'id', write_mode 'immediate');
	CREATE FOREIGN TABLE t (id text COLLATE "C") SERVER s OPTIONS (table_name 'tap-monitor-writes', key 'id');
	CREATE TABLE seen AS SELECT * FROM cmz_progress;
	CREATE FUNCTION watch(i int) RETURNS text LANGUAGE plpgsql AS
	$$ BEGIN IF i = 900 THEN INSERT INTO seen SELECT * FROM cmz_progress; END IF; RETURN 'w' || i; END $$;
	INSERT INTO w SELECT watch(i) FROM generate_series(1, 1000) i});
like($node->safe_psql('postgres', 'SELECT "table", operation, pages = items, items >= 100, units > 0, segments_total FROM seen'), qr/^w\|Write\|t\|t\|t\|$/, 'a bulk write');
script($proxy, ({ do => 'pass' }) x 150, { do => 'slow', seconds => 1, times => 300 });
my $commit = $node->background_psql('postgres', on_error_stop => 0);
$commit->{stdin} .= "INSERT INTO t SELECT 'c' || i FROM generate_series(1, 200) i;\n";
$commit->{run}->pump_nb;
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM cmz_progress WHERE operation = 'Commit' AND items >= 100}), 'a commit');
script($proxy);
eval { $commit->quit };
is(count_items('tap-monitor-writes'), 1200, '... that ends');
like($node->safe_psql('postgres', q{ANALYZE VERBOSE tap_monitor; SELECT 'analyzed'}), qr/analyzed/, 'ANALYZE reports too');
is(progress(), '', '... and nothing is left');
done_testing();
