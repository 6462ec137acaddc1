# A transaction sees its own writes under every kind of plan: with each, the rows
# are those of a local copy that is changed by the same statements.
use strict;
use warnings;
use CmzTest;
use Test::More;

my $node = start_node();
create_table('tap-own', [ 'pk', 'sk:N' ],
	{ name => 'ByG', keys => [ 'g', 'sk:N' ] },
	{ name => 'ByH', keys => ['h'], projection => { ProjectionType => 'KEYS_ONLY' } },
	{ name => 'ByI', keys => [ 'i', 'sk:N' ], projection => { ProjectionType => 'INCLUDE', NonKeyAttributes => ['a'] } });
create_server($node, 's', dynamodb_url());
create_server($node, 's2', dynamodb_url());
my $columns = 'pk text COLLATE "C", sk numeric, g text COLLATE "C", h text COLLATE "C", i text COLLATE "C", a integer, b text';
$node->safe_psql('postgres', qq{
	CREATE SCHEMA wf; CREATE SCHEMA wl;
	CREATE FOREIGN TABLE wf.t ($columns) SERVER s OPTIONS (table_name 'tap-own', key 'pk, sk', estimated_items '100000', indexes 'ByG (g, sk), ByH (h) keys_only, ByI (i, sk) include (a)');
	CREATE TABLE wl.t ($columns, PRIMARY KEY (pk, sk));
	CREATE TABLE wf.keys (k text COLLATE "C"); INSERT INTO wf.keys SELECT 'p' || i FROM generate_series(0, 9) i; CREATE TABLE wl.keys AS TABLE wf.keys;
	ANALYZE wf.keys; ANALYZE wl.keys;
});
my $rows = q{INSERT INTO t SELECT 'p' || i % 5, i, 'g' || i % 3, 'h' || i % 4, 'i' || i % 2, i, repeat('x', i) FROM generate_series(1, 60) i;};
$node->safe_psql('postgres', "SET search_path = $_; $rows") for 'wf', 'wl';

my $writes = q{
	UPDATE t SET a = a + 1000, g = 'g1' WHERE pk = 'p1';
	UPDATE t SET h = 'h9', i = NULL WHERE a BETWEEN 20 AND 30;
	DELETE FROM t WHERE pk = 'p2' AND sk > 30;
	INSERT INTO t VALUES ('p2', 500, 'g1', 'h1', 'i1', 500, 'new'), ('p9', 1.5, 'g1', NULL, 'i0', -1, 'first');
	SAVEPOINT a;
	DELETE FROM t WHERE g = 'g0'; INSERT INTO t VALUES ('p9', 2, 'g1', 'h1', 'i1', 0, 'never');
	ROLLBACK TO a;
	UPDATE t SET pk = 'p8', b = 'moved' WHERE pk = 'p3' AND sk = 3;
};
my @queries = (
	[ 'Query', q{SELECT * FROM t WHERE pk = 'p1' ORDER BY sk} ],
	[ 'Query', q{SELECT sk FROM t WHERE pk = 'p2' ORDER BY sk DESC LIMIT 3} ],
	[ 'Query', q{SELECT sk FROM t WHERE pk = 'p2' ORDER BY sk LIMIT 2 OFFSET 5} ],
	[ 'Query', q{SELECT count(*) FROM t WHERE pk = 'p2'} ],
	[ 'Query ByG', q{SELECT pk, sk, a FROM t WHERE g = 'g1' ORDER BY sk DESC, pk} ],
	[ 'Query ByG', q{SELECT sk FROM t WHERE g = 'g1' ORDER BY sk LIMIT 4} ],
	[ 'Query ByG', q{SELECT count(*) FROM t WHERE g = 'g1' AND sk > 10} ],
	[ 'Query ByG', q{SELECT sk FROM t WHERE g IN ('g1', 'g2') ORDER BY sk DESC LIMIT 5} ],
	[ 'Query ByH, then BatchGetItem', q{SELECT pk, sk, b FROM t WHERE h = 'h9' ORDER BY pk, sk} ],
	[ 'Query ByI', q{SELECT pk, sk, a FROM t WHERE i = 'i1' AND sk > 20 ORDER BY pk, sk} ],
	[ 'Scan', q{SELECT * FROM t ORDER BY pk, sk} ],
	[ 'Scan', q{SELECT count(*) FROM t} ],
	[ 'Scan', q{SELECT count(*), sum(a) FROM t WHERE b LIKE 'x%' AND a > 30} ],
	[ 'BatchGetItem', q{SELECT pk, sk, b FROM t WHERE pk IN ('p2', 'p8', 'p3') AND sk IN (3, 500, 37) ORDER BY pk, sk} ],
	[ 'Query', q{SELECT pk, sk FROM t WHERE pk = 'p1' OR g = 'g2' ORDER BY pk, sk} ],
	[ 'Query', q{SELECT k, (SELECT max(sk) FROM t WHERE pk = k) FROM keys ORDER BY k} ],
	[ 'Query', q{SELECT k, x.sk FROM keys, LATERAL (SELECT sk FROM t WHERE pk = k ORDER BY sk LIMIT 1) x ORDER BY k} ],
	[ 'Query', q{SELECT EXISTS (SELECT 1 FROM t WHERE pk = 'p9'), EXISTS (SELECT 1 FROM t WHERE pk = 'p7')} ],
	[ 'DynamoDB', q{SELECT DISTINCT g FROM t ORDER BY g NULLS FIRST} ]);
my %settings = (
	'as planned' => '',
	'without pushdown' => 'SET cmz_fdw.enable_pushdown = off;',
	'with workers' => 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;');
foreach my $name (sort keys %settings)
{
	my $run = sub {
		my ($schema, $before) = @_;
		my $sql = "SET search_path = $schema; $settings{$name}";
		# plans that were made before there was anything to see
		$sql .= "SET plan_cache_mode = force_generic_plan; PREPARE q$_ AS $queries[$_][1];" for 0 .. $#queries;
		$sql .= "EXECUTE q$_;" for $before ? () : 0 .. $#queries;
		$sql .= "BEGIN; $writes \\echo ===\n";
		$sql .= "\\echo = $_\nEXECUTE q$_;\n" for 0 .. $#queries;
		my ($out) = (split /===\n/, $node->safe_psql('postgres', "$sql ROLLBACK;"))[1];
		return split /^= \d+\n/m, $out;
	};
	my @foreign = $run->('wf');
	my @local = $run->('wl');
	is($foreign[ $_ + 1 ], $local[ $_ + 1 ], "$name: $queries[$_][1]") for 0 .. $#queries;
}
foreach my $query (@queries)
{
	like($node->safe_psql('postgres', "SET search_path = wf; EXPLAIN (COSTS OFF) $query->[1]"), qr/DynamoDB: \Q$query->[0]\E|\Q$query->[0]\E: /, "is a $query->[0]: $query->[1]");
}
like($node->safe_psql('postgres', "SET search_path = wf; $settings{'with workers'} EXPLAIN (COSTS OFF) SELECT count(*) FROM t WHERE b LIKE '%x%' AND length(b) > 3"), qr/Gather/, 'workers would have been used');

# several servers at once
$node->safe_psql('postgres', qq{
	CREATE TABLE parted ($columns) PARTITION BY LIST (pk);
	CREATE FOREIGN TABLE part1 PARTITION OF parted FOR VALUES IN ('p1') SERVER s OPTIONS (table_name 'tap-own', key 'pk, sk', indexes 'none');
	CREATE FOREIGN TABLE part2 PARTITION OF parted FOR VALUES IN ('p2') SERVER s2 OPTIONS (table_name 'tap-own', key 'pk, sk', indexes 'none')});
# (a partition reads what the table holds of its key, whatever the other one does)
is($node->safe_psql('postgres', q{BEGIN; UPDATE parted SET b = 'both' WHERE pk = 'p1' AND sk = 1; UPDATE parted SET b = 'both' WHERE pk = 'p2' AND sk = 2;
	SELECT tableoid::regclass, sk FROM parted WHERE pk IN ('p1', 'p2') AND b = 'both' AND ((tableoid = 'part1'::regclass AND sk = 1) OR (tableoid = 'part2'::regclass AND sk = 2)) ORDER BY 1; COMMIT}),
	"part1|1\npart2|2", 'an asynchronous Append sees them too');
is(item('tap-own', { pk => { S => "p$_" }, sk => { N => $_ } })->{b}{S}, 'both', "server $_ has it") for 1, 2;

# another encoding
$node->safe_psql('postgres', q{CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'});
my $url = dynamodb_url();
is($node->safe_psql('latin', qq{SET client_encoding = 'UTF8'; CREATE EXTENSION cmz_fdw; CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url '$url');
	CREATE FOREIGN TABLE t (pk text, sk numeric, b text) SERVER s OPTIONS (table_name 'tap-own', key 'pk, sk', indexes 'none');
	BEGIN; INSERT INTO t VALUES ('\xc3\xa9', 1, '\xc3\xa9\xc3\xbc'); UPDATE t SET b = b || '\xc3\xb6' WHERE pk = '\xc3\xa9'; SELECT length(b) FROM t WHERE pk = '\xc3\xa9'; COMMIT;
	UPDATE t SET b = b || '!' WHERE pk = '\xc3\xa9' AND b = '\xc3\xa9\xc3\xbc\xc3\xb6'}), '3', 'a LATIN1 database');
is(item('tap-own', { pk => { S => "\xe9" }, sk => { N => 1 } })->{b}{S}, "\xe9\xfc\xf6!", '... writes UTF-8');
done_testing();
