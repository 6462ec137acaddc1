# What reading costs stays in bounds: the limit and the pace of read units, and
# the policy for whole tables.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_table('tap-guard', [ 'owner', 'rank:N' ],
	{ name => 'ByTag', keys => [ 'tag', 'rank:N' ] },
	{ name => 'ByNote', keys => [ 'note', 'weight:N' ] });
create_server($node, 's', "http://$proxy");
# 20 items of 4 KB: half a read unit an item, 10 units or so for the table
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE t (owner text COLLATE "C", rank integer, tag text COLLATE "C", weight integer,
		note text COLLATE "C", x text) SERVER s
		OPTIONS (table_name 'tap-guard', estimated_items '100', key 'owner, rank', indexes 'ByTag (tag, rank), ByNote (note, weight)');
	INSERT INTO t SELECT 'o' || i % 2, i, 'tag', i, 'note', repeat('x', 4000) FROM generate_series(1, 20) i;
	CREATE FUNCTION read_once() RETURNS bigint LANGUAGE sql AS 'SELECT count(x) FROM t';
	CREATE FUNCTION read_and_catch() RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM count(x) FROM t;
		RETURN 'done';
	EXCEPTION WHEN configuration_limit_exceeded THEN
		RETURN 'caught';
	END $$;
	CREATE FUNCTION read_unbounded() RETURNS bigint LANGUAGE sql SET cmz_fdw.max_read_units = 0 AS
		'SELECT count(x) FROM t';
});
my $explain = $node->safe_psql('postgres', 'EXPLAIN (ANALYZE, COSTS OFF) SELECT x FROM t');
my ($units) = $explain =~ /Read Units: ([\d.]+)/;
cmp_ok($units, '>=', 8, "a scan of the table costs $units read units");

# the limit
like(error_of($node, 'SET cmz_fdw.max_read_units = 2; SELECT count(x) FROM t'),
	qr/ERROR:  53400: canceling statement.*DETAIL:  The statement has consumed \Q$units\E.* read units; cmz_fdw.max_read_units is 2\..*HINT: /s,
	'a statement past the limit is cancelled');
sub outputs
{
	my ($sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 0);
	return ($out, $err);
}
my $fits = $units + 1;
my ($out, $err) = outputs(qq{
	SET cmz_fdw.max_read_units = 2;
	SELECT count(x) FROM t;
	SELECT 'usable';
	SELECT count(x) FROM t WHERE owner = 'o1' AND rank = 1;
	SET cmz_fdw.max_read_units = $fits;
	SELECT count(x) FROM t;
	SELECT count(x) FROM t;
	RESET cmz_fdw.max_read_units;
	SELECT count(x) FROM t a, (SELECT count(x) FROM t) b;
});
is($out, "usable\n1\n20\n20\n20", 'the session goes on, each statement starts anew, 0 is no limit');
is(scalar(() = $err =~ /canceling statement/g), 1, 'one statement was cancelled');
like(error_of($node, "SET cmz_fdw.max_read_units = $fits; SELECT (SELECT count(x) FROM t a), (SELECT count(x) FROM t b)"), qr/53400/, 'two scans of one statement add up');
like(error_of($node, "SET cmz_fdw.max_read_units = $fits; SELECT read_once() FROM generate_series(1, 3)"), qr/53400/, 'so do functions');
($out) = outputs("SET cmz_fdw.max_read_units = $fits; BEGIN; SELECT count(x) FROM t; SELECT count(x) FROM t; DECLARE c CURSOR FOR SELECT x FROM t; MOVE ALL IN c; COMMIT; SELECT read_once()");
is($out, "20\n20\n20", 'a transaction has no account');
requests($proxy);
($out) = outputs('SET cmz_fdw.max_read_units = 2; SELECT read_and_catch() FROM generate_series(1, 5)');
is($out, join("\n", ('caught') x 5), 'it can be caught');
is(scalar(grep { $_->{op} eq 'Scan' } requests($proxy)), 1, '... but buys no more requests');
is((outputs("SET cmz_fdw.max_read_units = 2; SELECT read_unbounded()"))[0], '20', 'a function may set its own limit');
like(error_of($node, 'LOAD \'cmz_fdw\'; SET cmz_fdw.max_read_units = -1'), qr/22023/, 'a limit is not negative');


# the pace: the first second is free, then so many a second
sub seconds
{
	my ($sql) = @_;
	my ($seconds) = outputs(qq{
		SELECT count(*) FROM t WHERE owner = 'none';
		SELECT clock_timestamp() AS start \\gset
		$sql;
		\\echo elapsed
		SELECT extract(epoch FROM clock_timestamp() - :'start'::timestamptz);
	});
	return $seconds =~ s/.*elapsed\n//sr;
}
# 4 scans: 3 must have been paid for when the last begins, but for a second's worth
my $pace = $units;
my $many = join(';', ('SELECT count(x) FROM t') x 4);
cmp_ok(seconds("SET cmz_fdw.read_units_per_second = $pace; $many"), '>=', 1.9, 'a pace is kept');
cmp_ok(seconds($many), '<', 1.5, 'without one it is faster');
cmp_ok(seconds("SET cmz_fdw.read_units_per_second = $pace; SELECT read_once() FROM generate_series(1, 4)"), '>=', 1.9, 'within a statement too');
cmp_ok(seconds("SET cmz_fdw.read_units_per_second = 0.01; SELECT count(x) FROM t; SET cmz_fdw.read_units_per_second = 1000; SELECT count(x) FROM t"), '<', 1.5, 'another pace counts at once');
cmp_ok(seconds("SET cmz_fdw.read_units_per_second = 0.01; SELECT count(x) FROM t; SET cmz_fdw.read_units_per_second = 0; SELECT count(x) FROM t"), '<', 1.5, 'none as well');
my $waited = seconds("SET cmz_fdw.read_units_per_second = 0.01; SET statement_timeout = '300ms'; SELECT count(x) FROM t; SELECT count(x) FROM t");
cmp_ok($waited, '>=', 0.29, 'waiting for the pace can be cancelled');
cmp_ok($waited, '<', 1.5, '... at once');

# the policy
my $columns = '"owner", "tag", "note" \(together with "weight"\)';
$node->safe_psql('postgres', "ALTER SERVER s OPTIONS (ADD scan_policy 'warn')");
($out, $err) = outputs('SELECT count(*) FROM t WHERE x = \'none\'');
is($out, '0', 'warn lets it go on');
like($err, qr/WARNING:  query reads the whole table "t".*DETAIL:  No condition selects a Query, and option "scan_policy" is "warn".*HINT: .*$columns/s, '... and names the columns');
(undef, $err) = outputs('SELECT sum(n) FROM generate_series(1, 3) i, LATERAL (SELECT count(*) n FROM t WHERE weight = i OFFSET 0) q');
is(scalar(() = $err =~ /WARNING/g), 1, 'one warning a scan, not one a rescan');
$node->safe_psql('postgres', "ALTER FOREIGN TABLE t OPTIONS (ADD scan_policy 'deny')");
requests($proxy);
like(error_of($node, 'SELECT count(*) FROM t WHERE weight = 1'), qr/53400: query would read the whole table "t".*HINT: .*$columns/s, 'deny refuses it');
is(scalar(requests($proxy)), 0, '... before a request is sent');
like($node->safe_psql('postgres', 'EXPLAIN SELECT * FROM t'), qr/Foreign Scan/, 'EXPLAIN works');
like(error_of($node, 'EXPLAIN ANALYZE SELECT * FROM t'), qr/53400/, 'but not with ANALYZE');
is($node->safe_psql('postgres', q{SELECT count(*) FROM t WHERE owner = 'o1'}), '10', 'a Query is none of its business');
is($node->safe_psql('postgres', q{SELECT count(*) FROM t WHERE tag = 'tag'}), '20', '... on an index too');
is($node->safe_psql('postgres', q{SELECT count(*) FROM t WHERE note = 'note' AND weight < 5}), '4', '... on one that lacks items');
is($node->safe_psql('postgres', q{PREPARE p AS SELECT count(*) FROM t WHERE owner = $1; EXECUTE p('o1')}), '10', '... with a parameter');
$node->safe_psql('postgres', 'ALTER FOREIGN TABLE t ALTER weight SET NOT NULL, DROP COLUMN tag');
like(error_of($node, 'SELECT count(*) FROM t'), qr/HINT: .*: "owner", "note"\./, 'columns that do not exist are not named');
$node->safe_psql('postgres', "ALTER FOREIGN TABLE t OPTIONS (ADD consistent_read 'true')");
like(error_of($node, 'SELECT count(*) FROM t'), qr/HINT: .*: "owner"\./, 'nor those of indexes that are not used');
$node->safe_psql('postgres', 'ALTER FOREIGN TABLE t DROP COLUMN owner');
like(error_of($node, 'SELECT count(*) FROM t'), qr/HINT:  Add a column for the partition key/, 'or there is none');
$node->safe_psql('postgres', "ALTER FOREIGN TABLE t OPTIONS (SET scan_policy 'allow')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM t'), '20', 'allow allows');
done_testing();
