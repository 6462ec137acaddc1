# ANALYZE: right statistics from few requests, whatever is in the table.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());

# n items of keys o0, o1, ... and numbers from 0, each with x of that length
sub fill
{
	my ($name, $n, $keys, $length) = @_;
	create_table($name, [ 'owner', 'rank:N' ]);
	my $x = 'x' x $length;
	for (my $i = 0; $i < $n; $i += 25)
	{
		ddb('BatchWriteItem', { RequestItems => { $name => [
			map { { PutRequest => { Item => { owner => { S => 'o' . $_ % $keys }, rank => { N => "$_" },
				x => { S => $x }, kind => { S => $_ % 4 ? 'usual' : 'rare' } } } } }
			  $i .. ($i + 24 < $n ? $i + 24 : $n - 1) ] } });
	}
	return;
}
my ($items, $keys) = (12000, 300);
fill('tap-analyze', $items, $keys, 100);
fill('tap-analyze-big', 1200, 600, 10000);
create_server($node, 's', "http://$proxy");
my $columns = '(owner text COLLATE "C", rank integer, x text, kind text COLLATE "C") SERVER s';
$node->safe_psql('postgres', qq{
	CREATE FOREIGN TABLE t $columns OPTIONS (table_name 'tap-analyze', key 'owner, rank');
	CREATE FOREIGN TABLE big $columns
		OPTIONS (table_name 'tap-analyze-big', key 'owner, rank', estimated_items '10', estimated_item_bytes '100');
});

# ANALYZE with these settings; what it sent, and what is known then
sub analyze
{
	my ($table, $settings) = @_;
	requests($proxy);
	$node->safe_psql('postgres', "$settings; ANALYZE $table");
	my @sent = requests($proxy);
	my $row = $node->safe_psql('postgres', "SELECT reltuples, relpages * 8192.0 / reltuples FROM pg_class WHERE oid = '$table'::regclass");
	my ($tuples, $bytes) = split /\|/, $row;
	my $distinct = $node->safe_psql('postgres', "SELECT CASE WHEN n_distinct < 0 THEN -n_distinct * $tuples ELSE n_distinct END FROM pg_stats WHERE tablename = '$table' AND attname = 'owner'");
	return { tuples => $tuples, bytes => $bytes, distinct => $distinct,
		scans => [ map { $_->{body} } grep { $_->{op} eq 'Scan' } @sent ] };
}

sub about
{
	my ($value, $true, $name, $factor) = @_;
	$factor ||= 2;
	ok($value * $factor >= $true && $value <= $true * $factor, "$name: $value, in truth $true");
	return;
}

# of the plan for one key
sub estimate
{
	my ($table) = @_;
	my ($rows) = $node->safe_psql('postgres', "EXPLAIN SELECT * FROM $table WHERE owner = 'o1'") =~ /rows=(\d+)/;
	return $rows;
}

# a table no larger than the sample is read as a whole
my $got = analyze('t', 'SET default_statistics_target = 100');
is($got->{tuples}, $items, 'a small table is counted');
is($got->{distinct}, $keys, '... and its keys');
about(estimate('t'), $items / $keys, '... so that rows of a key are estimated', 1.2);
is(scalar(grep { exists $_->{Segment} } @{ $got->{scans} }), 0, '... in one Scan');
cmp_ok(scalar(@{ $got->{scans} }), '<=', 3, '... of two pages or three');
my $size = ddb('DescribeTable', { TableName => 'tap-analyze' })->{Table}{TableSizeBytes} / $items;
about($got->{bytes}, $size, 'relpages tell the size of an item', 1.1);
is($node->safe_psql('postgres', q{SELECT most_common_vals, most_common_freqs FROM pg_stats WHERE tablename = 't' AND attname = 'kind'}),
	'{usual,rare}|{0.75,0.25}', 'other columns have statistics too');

# a larger one by segments
$got = analyze('t', 'SET default_statistics_target = 2');
my @scans = @{ $got->{scans} };
is($got->{tuples}, $items, 'a large table has the size that DynamoDB says');
about($got->{distinct}, $keys, '... keys are estimated');
about(estimate('t'), $items / $keys, '... and rows of a key');
is(scalar(@scans), 30, '... in 30 requests');
my %totals = map { $_->{TotalSegments} => 1 } @scans;
my %segments = map { $_->{Segment} => 1 } @scans;
is(join(',', keys %totals), 60, '... for segments of 60');
is(scalar(keys %segments), 30, '... all distinct');

# DescribeTable is not permitted: the segments tell
my %denied = (op => 'DescribeTable', do => 'status', code => 400, times => 100,
	body => '{"__type":"x#AccessDeniedException","message":"no"}');
script($proxy, \%denied);
$got = analyze('t', 'SET default_statistics_target = 2');
about($got->{tuples}, $items, 'a table of which nothing is known');
about($got->{distinct}, $keys, '... its keys', 3);
cmp_ok(scalar(@{ $got->{scans} }), '<=', 150, '... in ' . @{ $got->{scans} } . ' requests');
script($proxy, \%denied);
$got = analyze('big', 'SET default_statistics_target = 1');
about($got->{tuples}, 1200, 'a table that was taken for a small one');
cmp_ok(scalar(@{ $got->{scans} }), '<=', 150, '... in ' . @{ $got->{scans} } . ' requests');
script($proxy);
is(analyze('big', 'SET default_statistics_target = 1')->{tuples}, 1200, '... and when DynamoDB says its size');

# what a query fails on does not make ANALYZE fail
$node->safe_psql('postgres', q{
	CREATE DOMAIN small AS integer CHECK (VALUE < 100);
	CREATE FOREIGN TABLE odd (owner text COLLATE "C", rank small, kind integer, x varchar(10), note text NOT NULL,
		extra jsonb OPTIONS (attribute '*')) SERVER s OPTIONS (table_name 'tap-analyze', key 'owner, rank');
});
like(error_of($node, 'SELECT kind FROM odd'), qr/HV004/, 'a query fails on values');
like(error_of($node, 'SELECT rank FROM odd'), qr/23514/, '... and on domains');
is(analyze('odd', 'SET default_statistics_target = 1')->{tuples}, $items, 'ANALYZE does not');
is($node->safe_psql('postgres', q{SELECT attname, null_frac FROM pg_stats WHERE tablename = 'odd' AND attname IN ('kind', 'rank', 'note', 'x') ORDER BY 1}),
	"kind|1\nnote|1\nrank|0\nx|1", '... they are NULL');

# a parent, an empty table, a table that is not there
create_table('tap-analyze-empty', ['owner']);
$node->safe_psql('postgres', qq{
	CREATE TABLE parent (owner text COLLATE "C", rank integer, x text, kind text COLLATE "C") PARTITION BY RANGE (owner);
	CREATE TABLE local PARTITION OF parent FOR VALUES FROM ('a') TO ('n');
	INSERT INTO local SELECT 'l', i, 'x' FROM generate_series(1, 1000) i;
	CREATE FOREIGN TABLE remote PARTITION OF parent FOR VALUES FROM ('n') TO ('z') SERVER s
		OPTIONS (table_name 'tap-analyze', key 'owner, rank');
	CREATE FOREIGN TABLE empty (owner text COLLATE "C") SERVER s OPTIONS (table_name 'tap-analyze-empty', key 'owner');
	CREATE FOREIGN TABLE missing (owner text COLLATE "C") SERVER s OPTIONS (table_name 'tap-analyze-missing', key 'owner');
	ANALYZE parent;
});
is($node->safe_psql('postgres', q{SELECT inherited, n_distinct FROM pg_stats WHERE tablename = 'parent' AND attname = 'owner'}), 't|' . ($keys + 1), 'a parent');
is($node->safe_psql('postgres', q{SELECT reltuples FROM pg_class WHERE oid = 'remote'::regclass}), $items, '... with its partition');
is($node->safe_psql('postgres', q{ANALYZE empty; SELECT reltuples FROM pg_class WHERE oid = 'empty'::regclass}), 0, 'an empty table');
like(error_of($node, 'ANALYZE missing'), qr/42P01/, 'a missing table');

# as the owner
$node->safe_psql('postgres', q{
	CREATE ROLE keeper;
	GRANT USAGE ON FOREIGN SERVER s TO keeper;
	CREATE USER MAPPING FOR keeper SERVER s OPTIONS (access_key_id 'KEEPER', secret_access_key 'x');
	ALTER FOREIGN TABLE empty OWNER TO keeper;
});
requests($proxy);
$node->safe_psql('postgres', 'ANALYZE empty');
my @sent = requests($proxy);
is(scalar(grep { $_->{headers}{Authorization} =~ m{Credential=KEEPER/} } @sent), scalar(@sent), 'with the credentials of its owner');

# cancel
script($proxy, { op => 'Scan', do => 'hang', seconds => 5 });
like(error_of($node, "SET statement_timeout = '300ms'; ANALYZE t"), qr/57014/, 'it can be cancelled');
script($proxy);
is($node->safe_psql('postgres', "SELECT count(*) FROM t WHERE owner = 'o1'"), '40', 'and nothing is broken');
done_testing();
