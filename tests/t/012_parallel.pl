# Scans with others: parallel workers that share segments, and Append over
# several servers at once.
use strict;
use warnings;
use CmzTest;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $items = 4000;
my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_server($node, 'cmz', "http://$proxy");
create_server($node, 'cmz2', "http://$proxy");
create_conversations('tap-parallel');
command_ok([ 'python3', "$FindBin::Bin/../stubs/load.py", dynamodb_url(), 'tap-parallel', $items ], "$items items");
$node->safe_psql('postgres', q{IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (tap_parallel) FROM SERVER cmz INTO public;
	ALTER FOREIGN TABLE tap_parallel OPTIONS (SET estimated_items '1000000', ADD concurrency '2')});

# parallel workers and segments: every item once
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;';
my $plan = $node->safe_psql('postgres', "$parallel EXPLAIN (COSTS OFF) SELECT count(content), count(DISTINCT session_id_timestamp) FROM tap_parallel");
like($plan, qr/Parallel Foreign Scan/, 'a parallel plan');
my $statement = "$parallel SELECT count(content), count(DISTINCT session_id_timestamp), sum(tokens_used) FROM tap_parallel";
requests($proxy);
is($node->safe_psql('postgres', $statement), "$items|$items|398000", '... gives every item once');
my @sent = grep { $_->{op} eq 'Scan' } requests($proxy);
my %segments = map { $_->{body}{Segment} => 1 } @sent;
is(scalar(keys %segments), $sent[0]{body}{TotalSegments}, '... each segment read');
is(scalar(grep { !$_->{body}{ExclusiveStartKey} } @sent), scalar(keys %segments), '... by one process');

my $explained = $node->safe_psql('postgres', "$parallel EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT content FROM tap_parallel");
like($explained, qr/Scanned Items: $items  Items: $items/, 'EXPLAIN adds up what the workers read');

# the limit of read units holds for all processes together
like(error_of($node, "$parallel SET cmz_fdw.max_read_units = 20; SELECT content FROM tap_parallel"),
	qr/53400: canceling statement because it consumed too many read units/, 'max_read_units counts the workers too');
is($node->safe_psql('postgres', $statement), "$items|$items|398000", 'the next statement is a new one');

# an error in a worker ends the statement
script($proxy, ({ do => 'pass' }) x 5, { do => 'status', code => 400, body => '{"__type":"x#ValidationException","message":"no"}', times => 100 });
like(error_of($node, $statement), qr/HV000: .*no/, 'an error in the middle');
script($proxy);
is($node->safe_psql('postgres', $statement), "$items|$items|398000", '... and the session goes on');
is($node->safe_psql('postgres', "$parallel SELECT count(*) FROM (SELECT content FROM tap_parallel LIMIT 10) t"), 10, 'a LIMIT above');

# Append: the partitions are asked at once
$node->safe_psql('postgres', q{
	CREATE TABLE parts (user_id text COLLATE "C", session_id_timestamp text COLLATE "C", content text, part int) PARTITION BY LIST (part);
	CREATE FOREIGN TABLE part1 PARTITION OF parts FOR VALUES IN (1) SERVER cmz OPTIONS (table_name 'tap-parallel');
	CREATE FOREIGN TABLE part2 PARTITION OF parts FOR VALUES IN (2) SERVER cmz2 OPTIONS (table_name 'tap-parallel');
	CREATE FOREIGN TABLE part3 PARTITION OF parts FOR VALUES IN (3) SERVER cmz2 OPTIONS (table_name 'tap-parallel');});
my $append = "SELECT count(content) FROM (SELECT content FROM parts WHERE user_id = 'student_0007' OFFSET 0) t";
like($node->safe_psql('postgres', "EXPLAIN (COSTS OFF) $append"), qr/Async Foreign Scan on part1.*Async Foreign Scan on part3/s, 'an asynchronous plan');
script($proxy, { do => 'slow', seconds => 0.3, times => 100 });
is($node->safe_psql('postgres', $append), 12, '... gives the rows of all');
my @at_once = requests($proxy);
is((sort { $b <=> $a } map { $_->{in_hand} } @at_once)[0], 3, '... asked at once');
script($proxy, { do => 'slow', seconds => 0.3, times => 100 });
is($node->safe_psql('postgres', "SET enable_async_append = off; $append"), 12, 'the same one by one');
@at_once = requests($proxy);
is((sort { $b <=> $a } map { $_->{in_hand} } @at_once)[0], 1, '... not at once');
is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT content FROM parts WHERE user_id = 'student_0007' LIMIT 5) t"), 5, 'a LIMIT above');

# it can be cancelled while it waits
script($proxy, { do => 'hang', seconds => 5, times => 3 });
my $begin = time;
like(error_of($node, "SET statement_timeout = '300ms'; $append"), qr/57014: canceling statement due to statement timeout/, 'a timeout');
cmp_ok(time - $begin, '<', 2, '... ends it');
script($proxy);
script($proxy, { do => 'pass' }, { do => 'status', code => 400, body => '{"__type":"x#ValidationException","message":"no"}', times => 100 });
like(error_of($node, $append), qr/HV000: .*no/, 'an error of one partition');
script($proxy);
is($node->safe_psql('postgres', $append), 12, '... and the session goes on');
ddb('DeleteTable', { TableName => 'tap-parallel' });
done_testing();
