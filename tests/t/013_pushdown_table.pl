# Every row of the tables in docs/pushdown.md is what EXPLAIN says: which
# conditions are exact, superset or local, and what is sent for them.
use strict;
use warnings;
use CmzTest;
use FindBin;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Utils;
use Test::More;

my $page = slurp_file("$FindBin::Bin/../../docs/pushdown.md");
my ($definitions) = $page =~ /```sql\n(CREATE COLLATION.*?)```/s;
ok($definitions, 'the page defines its example');

# The arms of an AND may come in another order.
sub in_order
{
	my ($sent) = @_;
	return $sent =~ / OR / ? $sent : join(' AND ', sort split(/ AND /, $sent));
}

# columns, condition, class, sent; an empty first cell repeats the one above
my @rows;
my $columns = '';
while ($page =~ /^\| (.*?) ?\| `([^|]+)` \| (\w+) \| ?(.*?) ?\|$/mg)
{
	my ($first, $condition, $class, $sent) = ($1, $2, $3, $4);
	$columns = $first if $first ne '';
	push @rows, [ $columns, $condition, $class, $sent ];
}
my $lines = () = $page =~ /^\|(?! ---| columns ).*\|$/mg;
is(scalar(@rows), $lines, 'each line of the tables is read');
cmp_ok(scalar(@rows), '>', 150, '... many');

my $node = start_node();
# whatever the environment's locale
$node->safe_psql('postgres', q{CREATE DATABASE docs ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0});
$node->safe_psql('docs', "CREATE EXTENSION cmz_fdw; CREATE SERVER cmz FOREIGN DATA WRAPPER cmz_fdw; $definitions");

# One EXPLAIN after the other, each with a line of its own; all in one session.
my @explains = map { "EXPLAIN (FORMAT JSON, COSTS OFF) SELECT * FROM example WHERE owner = 'o' AND ($_->[1]);\n\\echo end\n" } @rows;
my @plans = split /^end$/m, $node->safe_psql('docs', join('', @explains));
is(scalar(@plans), scalar(@rows), 'each condition has a plan');

foreach my $row (@rows)
{
	my ($name, $condition, $class, $sent) = @$row;
	my $plan = decode_json(shift @plans)->[0]{Plan};
	my @sent;

	foreach my $arm ($plan->{Union} ? @{ $plan->{Union} } : $plan)
	{
		my $key = $arm->{'Key Condition'} // '';

		$key =~ s/^owner = 'o'(?: AND )?//;
		push @sent, grep { $_ ne '' } $key, $arm->{'Filter Expression'} // '';
	}
	my $is_sent = @sent || $plan->{Result};
	my $found = $is_sent ? ($plan->{Filter} ? 'superset' : 'exact') : $plan->{Filter} ? 'local' : 'none';

	is($plan->{'Node Type'}, 'Foreign Scan', "$condition is a scan");
	is($found, $class, "... of $name: $class");
	if ($sent =~ /^`(.*)`$/)
	{
		is(in_order(join('; ', @sent)), in_order($1), '... sent as the page says');
	}
	elsif ($sent eq 'no request')
	{
		ok($plan->{Result}, '... sends nothing');
	}
	else
	{
		is($sent eq '', !$is_sent, '... sent or not');
	}
}
done_testing();
