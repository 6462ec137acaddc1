# The examples in docs/access-patterns.md are true: what is sent to DynamoDB, and
# what it costs, is what the page shows.
use strict;
use warnings;
use CmzTest;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;

# What the nodes of PostgreSQL look like differs between versions; this does not.
my $facts = qr/^(?:DynamoDB|Key Condition|Filter Expression|Order|Limit|Select|Requests): /;

sub facts_of
{
	my ($plan) = @_;
	return grep { /$facts/ } map { s/^\s+//r } split /\n/, $plan;
}

my $page = slurp_file("$FindBin::Bin/../../docs/access-patterns.md");
my ($data) = $page =~ /```sql\n(SELECT cmz_insert_test_data.*?)```/s;
ok($data, 'the page says what its data is');

my $node = start_node();
# whatever the environment's locale
$node->safe_psql('postgres', q{CREATE DATABASE docs ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0});
$node->safe_psql('docs', "CREATE EXTENSION cmz_fdw; CREATE SERVER cmz FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url '${\dynamodb_url()}')");
eval { ddb('DeleteTable', { TableName => 'tap-patterns' }) };
$node->safe_psql('docs', qq{
	SELECT cmz_create_table('cmz', 'tap-patterns');
	IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (tap_patterns) FROM SERVER cmz INTO public;
	ALTER FOREIGN TABLE tap_patterns RENAME TO cmz_conversations;
	$data});

my $examples = 0;
while ($page =~ /^```sql\n([^`]+)^```\n\n```\n([^`]+)^```$/mg)
{
	my ($query, $plan) = ($1, $2);
	my ($name) = $query =~ /^(.*)/;
	my @shown = facts_of($plan);
	my @found = facts_of($node->safe_psql('docs', "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $query"));

	$examples++;
	cmp_ok(scalar(@shown), '>=', 2, "$name: shown");
	is_deeply(\@found, \@shown, '... as it is') or diag join("\n", @found);
}
cmp_ok($examples, '>=', 24, "$examples examples");
done_testing();
