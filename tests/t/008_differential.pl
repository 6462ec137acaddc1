# Random SELECTs on foreign tables give what they give on local copies: see
# tests/fuzz.  CMZ_FUZZ_QUERIES and CMZ_FUZZ_SEED say how many and which,
# CMZ_FUZZ_SECONDS makes it go on with fresh seeds for that long.
use strict;
use warnings;
use CmzTest;
use File::Basename qw(dirname);
use Test::More;

my $queries = $ENV{CMZ_FUZZ_QUERIES} || 1200;
my $seed = $ENV{CMZ_FUZZ_SEED} || 20250119;
my $seconds = $ENV{CMZ_FUZZ_SECONDS};
my $node = start_node();
my @command = (
	'python3', '-B', dirname(__FILE__) . '/../fuzz/fuzz.py',
	'--endpoint' => dynamodb_url(),
	'--conninfo' => $node->connstr('postgres'),
	'--queries' => $queries,
	'--seed' => $seconds && !$ENV{CMZ_FUZZ_SEED} ? time : $seed);
push @command, '--seconds' => $seconds if $seconds;

open my $fuzzer, '-|', @command or die "fuzz.py: $!\n";
while (my $line = <$fuzzer>)
{
	chomp $line;
	diag $line;
}
close $fuzzer;
is($?, 0, 'the same rows from foreign and local tables');
done_testing();
