# Random transactions on a foreign table do what they do on a local copy: see
# tests/fuzz.  CMZ_FUZZ_SEQUENCES and CMZ_FUZZ_SEED say how many and which,
# CMZ_FUZZ_SECONDS makes it go on for that long.
use strict;
use warnings;
use CmzTest;
use File::Basename qw(dirname);
use Test::More;

my $node = start_node();
my $seconds = $ENV{CMZ_FUZZ_SECONDS};
my @command = (
	'python3', '-B', dirname(__FILE__) . '/../fuzz/transactions.py',
	'--endpoint' => dynamodb_url(),
	'--conninfo' => $node->connstr('postgres'),
	'--sequences' => $ENV{CMZ_FUZZ_SEQUENCES} || 300,
	'--seed' => $ENV{CMZ_FUZZ_SEED} || ($seconds ? time : 20250119));
push @command, '--seconds' => $seconds if $seconds;

open my $fuzzer, '-|', @command or die "transactions.py: $!\n";
while (my $line = <$fuzzer>)
{
	chomp $line;
	diag $line;
}
close $fuzzer;
is($?, 0, 'the same results and items from foreign and local tables');
done_testing();
