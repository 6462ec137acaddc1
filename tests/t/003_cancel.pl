# A wait ends within 100 ms of its cancellation, and leaves nothing behind.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_table('tap-cancel', ['id']);
create_server($node, 's', "http://$proxy");
create_server($node, 'dead', 'http://127.0.0.1:9', "max_retries '100'");
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE t (id text COLLATE "C", x text) SERVER s OPTIONS (table_name 'tap-cancel', estimated_items '100', key 'id');
	INSERT INTO t SELECT i::text, 'x' FROM generate_series(1, 5) i;
	CREATE FUNCTION timed(query text, OUT state text, OUT ms numeric) LANGUAGE plpgsql AS $$
	DECLARE start timestamptz := clock_timestamp();
	BEGIN
		EXECUTE query;
		state := 'none';
		ms := extract(epoch FROM clock_timestamp() - start) * 1000;
	EXCEPTION WHEN OTHERS THEN
		state := sqlstate;
		ms := extract(epoch FROM clock_timestamp() - start) * 1000;
	END $$;
	CREATE FUNCTION descriptors() RETURNS bigint LANGUAGE sql AS
		$$ SELECT count(*) FROM pg_ls_dir('/proc/' || pg_backend_pid() || '/fd') $$;
});

# statement_timeout arms for the outer statement: measure from outside
sub cancelled
{
	my ($action, $query, $name) = @_;
	script($proxy, $action);
	my $out = $node->safe_psql('postgres', qq{
		SELECT count(*) FROM t WHERE id = 'none';
		SELECT clock_timestamp() AS start \\gset
		\\set ON_ERROR_STOP off
		SET statement_timeout = '300ms';
		$query;
		RESET statement_timeout;
		SELECT round(extract(epoch FROM clock_timestamp() - :'start'::timestamptz) * 1000);
		SELECT count(*) FROM t WHERE id = '1';
	}, on_error_stop => 0);
	my @lines = split /\n/, $out;
	cmp_ok($lines[-2], '>=', 290, "$name: not before its time");
	cmp_ok($lines[-2], '<', 400, "$name: out within 100 ms ($lines[-2] ms)");
	is($lines[-1], '1', "$name: the next statement works");
	script($proxy);
	return;
}
cancelled({ op => 'Scan', do => 'hang', seconds => 3 }, 'SELECT * FROM t', 'a hanging answer');
cancelled({ op => 'PutItem', do => 'hang', seconds => 3 }, "INSERT INTO t VALUES ('6', 'x')", 'a hanging write');
cancelled({ op => 'Scan', do => 'status', code => 500, times => 999 }, 'SELECT * FROM t', 'waiting to try again');

# pg_cancel_backend and pg_terminate_backend
script($proxy, { op => 'Scan', do => 'hang', seconds => 5 });
my $background = $node->background_psql('postgres', on_error_stop => 0);
$background->query_until(qr/started/, "\\echo started\nSELECT * FROM t;\n");
ok($node->poll_query_until('postgres', "SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE query = 'SELECT * FROM t;'"), 'it waits');
is($node->safe_psql('postgres', q{
	SELECT clock_timestamp() AS start, pid AS victim FROM pg_stat_activity WHERE query = 'SELECT * FROM t;' \gset
	SELECT pg_terminate_backend(:victim, 5000);
	SELECT clock_timestamp() - :'start'::timestamptz < interval '200 ms'}), "t\nt", 'terminated at once');
eval { $background->quit };
script($proxy);

# signals that are none of its business do not make a timeout longer
$node->safe_psql('postgres', "ALTER SERVER s OPTIONS (ADD request_timeout '1s', ADD max_retries '0')");
script($proxy, { op => 'Scan', do => 'hang', seconds => 10 });
my $slow = $node->background_psql('postgres', on_error_stop => 0);
my $began = time;
$slow->query_until(qr/started/, "\\echo started\nSELECT * FROM t;\n");
my $state = 'active';
while ($state eq 'active' && time - $began < 8)
{
	$state = $node->safe_psql('postgres', q{
		SELECT pg_sleep(0.2);
		SELECT pg_log_backend_memory_contexts(pid) FROM pg_stat_activity WHERE query = 'SELECT * FROM t;';
		SELECT state FROM pg_stat_activity WHERE query = 'SELECT * FROM t;'}) =~ s/.*\n//sr;
}
cmp_ok(time - $began, '<', 4, 'a timeout holds under other signals');
eval { $slow->quit };
$node->safe_psql('postgres', "ALTER SERVER s OPTIONS (DROP request_timeout, DROP max_retries)");
script($proxy);

# descriptors: cancels and errors leak none; closed cursors end their requests
my $fds = $node->safe_psql('postgres', q{
	SELECT timed('SELECT * FROM t');
	SELECT descriptors() AS before \gset
	\set ON_ERROR_STOP off
	SET statement_timeout = '20ms';
} . join('', map { "\\! true\nSELECT count(*) FROM t x, pg_sleep(0.0), t y;\nSELECT * FROM t, pg_sleep(0.03);\n" } 1 .. 50) . q{
	RESET statement_timeout;
	SELECT count(*) FROM (SELECT timed('SELECT 1/0 FROM t') FROM generate_series(1, 50)) q;
	BEGIN; DECLARE c CURSOR FOR SELECT * FROM t; FETCH 1 FROM c; CLOSE c; COMMIT;
	BEGIN; DECLARE c CURSOR FOR SELECT * FROM t; FETCH 1 FROM c; ROLLBACK;
	SELECT 'grown by', descriptors() - :before;
}, on_error_stop => 0);
my ($grown) = $fds =~ /grown by\|(-?\d+)/;
cmp_ok($grown, '<=', 2, "100 cancelled and 50 failed statements leak no descriptors ($grown)");
done_testing();
