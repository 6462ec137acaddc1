# write_mode 'immediate' loads many rows in little memory, with what is asked for in
# hand at once.  CMZ_BULK_ROWS makes it larger.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $rows = $ENV{CMZ_BULK_ROWS} || 10000;
create_conversations('tap-bulk');
create_server($node, 's', dynamodb_url());
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE bulk (user_id text COLLATE "C", session_id text COLLATE "C", "timestamp" timestamptz, content text, n integer)
		SERVER s OPTIONS (table_name 'tap-bulk', write_mode 'immediate', truncatable 'true', ttl_days '0');
	CREATE FOREIGN TABLE gathered (user_id text COLLATE "C", session_id text COLLATE "C", "timestamp" timestamptz, content text, n integer)
		SERVER s OPTIONS (table_name 'tap-bulk', ttl_days '0');
	CREATE FUNCTION memory_kb() RETURNS bigint LANGUAGE sql AS
		$$ SELECT substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'RssAnon:\s*(\d+)')::bigint $$;
});

my $file = PostgreSQL::Test::Utils::tempdir() . '/rows';
open my $out, '>', $file or die "$file: $!\n";
printf $out "user_%d\tsession_%d\t2025-01-19 12:00:00.%06d+00\t%s\t%d\n", $_ % 500, $_ % 5000, $_, 'x' x 200, $_ for 1 .. $rows;
close $out or die "$file: $!\n";

my ($before, $after) = split /\n/, $node->safe_psql('postgres', qq{
	INSERT INTO bulk SELECT 'warm', 's', '2024-01-01'::timestamptz + i * interval '1 s', 'x', i FROM generate_series(1, 100) i;
	SELECT memory_kb();
	COPY bulk FROM '$file';
	SELECT memory_kb();
});
my $grown = $after - $before;
cmp_ok($grown, '<', 16 * 1024, "COPY of $rows rows: memory grew by $grown kB");

my $scan = { Count => 0 };
my ($count, $sum) = (0, 0);
do
{
	$scan = ddb('Scan', { TableName => 'tap-bulk', ProjectionExpression => 'n', $scan->{LastEvaluatedKey} ? (ExclusiveStartKey => $scan->{LastEvaluatedKey}) : () });
	$count += $scan->{Count};
	$sum += $_->{n}{N} for @{ $scan->{Items} };
} while ($scan->{LastEvaluatedKey});
is($count, $rows + 100, 'all rows are there');
is($sum, $rows * ($rows + 1) / 2 + 5050, '... with what they hold');

# many rows of one transaction
is($node->safe_psql('postgres', "SET cmz_fdw.max_pending_writes = 1000000;
	UPDATE gathered SET n = -n WHERE user_id LIKE 'user_1%';
	SELECT sum(n) < 0 FROM gathered WHERE user_id LIKE 'user_1%'"), 't', 'thousands of rows are updated at COMMIT');
is($node->safe_psql('postgres', "BEGIN; TRUNCATE bulk; ROLLBACK; SELECT count(*) FROM bulk"), '0', 'TRUNCATE in immediate mode cannot be rolled back');
is(ddb('Scan', { TableName => 'tap-bulk', Select => 'COUNT' })->{Count}, 0, 'nothing is left');

# concurrency
my $proxy = start_proxy(dynamodb_url());
$node->safe_psql('postgres', "ALTER SERVER s OPTIONS (SET endpoint_url 'http://$proxy', ADD concurrency '4')");
$node->safe_psql('postgres', "INSERT INTO bulk SELECT 'c', 's', '2024-01-01'::timestamptz + i * interval '1 s', 'x', i FROM generate_series(1, 300) i");
my @puts = grep { $_->{op} eq 'PutItem' } requests($proxy);
is(scalar(@puts), 300, 'each row is sent once');
my ($most) = sort { $b <=> $a } map { $_->{in_hand} } @puts;
is($most, 4, '... four at a time');
$node->safe_psql('postgres', "INSERT INTO gathered SELECT 'd', 's', '2024-01-01'::timestamptz + i * interval '1 s', 'x', i FROM generate_series(1, 300) i");
@puts = grep { $_->{op} eq 'PutItem' } requests($proxy);
is(scalar(@puts), 300, 'more than 100 at COMMIT: each is sent once');
($most) = sort { $b <=> $a } map { $_->{in_hand} } @puts;
is($most, 4, '... four at a time');
ddb('DeleteTable', { TableName => 'tap-bulk' });
done_testing();
