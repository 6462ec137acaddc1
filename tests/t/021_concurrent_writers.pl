# Sessions that write the same items at the same time lose no update: a counter
# that each raises, and tries again on 40001, ends at the exact sum.
# CMZ_COUNTER_STEPS makes it longer.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $steps = $ENV{CMZ_COUNTER_STEPS} || 100;
my $sessions = 3;
create_table('tap-counters', ['id']);
create_server($node, 's', dynamodb_url());
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE counters (id text COLLATE "C", n integer, note text) SERVER s OPTIONS (table_name 'tap-counters', key 'id', estimated_items '10');
	INSERT INTO counters VALUES ('a', 0), ('b', 0), ('gone', 0);
});

# A step of its own connection's transaction: psql, with a script that tries again.
sub worker
{
	my ($sql) = @_;
	my $script = "\\set ON_ERROR_STOP off\n\\set VERBOSITY sqlstate\n";
	$script .= "$sql\n\\if :ERROR\n\\echo :SQLSTATE\n\\else\n\\echo stored\n\\endif\n" for 1 .. $steps;
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start(
		[ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres'), '-f', '-' ],
		'<' => \$script, '>' => \$out, '2>' => \$err);
	return { run => $run, out => \$out, err => \$err };
}

sub stored
{
	my (@workers) = @_;
	my %count = ();
	foreach my $worker (@workers)
	{
		IPC::Run::finish($worker->{run});
		$count{$_}++ for grep { /^\w+$/ } split /\n/, ${ $worker->{out} };
	}
	return \%count;
}

sub counter
{
	my ($id) = @_;
	return ddb('GetItem', { TableName => 'tap-counters', Key => { id => { S => $id } }, ConsistentRead => \1 })->{Item};
}

# single items: UpdateItem
my $count = stored(map { worker("UPDATE counters SET n = n + 1 WHERE id = 'a';") } 1 .. $sessions);
is(counter('a')->{n}{N}, $count->{stored}, "one item: n is the number of updates that were stored ($count->{stored})");
is($count->{stored} + ($count->{40001} // 0), $steps * $sessions, 'all others failed with 40001');

# two items: TransactWriteItems
$node->safe_psql('postgres', "UPDATE counters SET n = 0 WHERE id IN ('a', 'b')");
$count = stored(map { worker("UPDATE counters SET n = n + 1 WHERE id IN ('a', 'b');") } 1 .. $sessions);
is(counter('a')->{n}{N}, $count->{stored}, "two items: n is the number of transactions that were stored ($count->{stored})");
is(counter('b')->{n}{N}, $count->{stored}, '... in both');
is($count->{stored} + ($count->{40001} // 0), $steps * $sessions, 'all others failed with 40001');

# tried again until it is stored, the sum is exact
$node->safe_psql('postgres', "UPDATE counters SET n = 0 WHERE id IN ('a', 'b')");
my $perl = <<'SCRIPT';
my ($connstr, $steps, $sql) = @ARGV;
for my $i (1 .. $steps) {
	for (;;) {
		my $out = `psql -X -q -A -t -v VERBOSITY=sqlstate -d "$connstr" -c "$sql" 2>&1`;
		last if $? == 0;
		die "unexpected: $out" unless $out =~ /40001/;
	}
}
SCRIPT
my $few = 15;
my @runs = map {
	IPC::Run::start([ 'perl', '-e', $perl, $node->connstr('postgres'), $few, "UPDATE counters SET n = n + 1 WHERE id IN ('a', 'b')" ])
} 1 .. $sessions;
ok((scalar grep { IPC::Run::finish($_) } @runs) == $sessions, 'with retries on 40001 all come to an end');
is(counter('a')->{n}{N}, $few * $sessions, '... at the exact sum');
is(counter('b')->{n}{N}, $few * $sessions, '... of both items');

# insert the same key at once: one of them wins
$count = stored(map { worker("INSERT INTO counters VALUES ('new' || floor(random() * 40)::int, $_);") } 1 .. $sessions);
my $scan = ddb('Scan', { TableName => 'tap-counters', Select => 'COUNT', FilterExpression => 'begins_with(id, :n)', ExpressionAttributeValues => { ':n' => { S => 'new' } } });
is($count->{stored}, $scan->{Count}, "each key was inserted once ($scan->{Count})");
is($count->{stored} + $count->{23505}, $steps * $sessions, 'all others failed with 23505');

# deleted by several: reported once
$count = stored(map { worker("WITH d AS (DELETE FROM counters WHERE id = 'gone' RETURNING 1) SELECT 'rows' || count(*) FROM d;") } 1 .. $sessions);
is(($count->{rows1} // 0) - ($count->{40001} // 0), 1, 'a deletion succeeds in one session only');
is(counter('gone'), undef, '... and the item is gone');
done_testing();
