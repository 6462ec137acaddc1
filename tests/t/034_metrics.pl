# cmz_metrics(): what is asked of CloudWatch, what its answers become, and what is refused.
use strict;
use warnings;
use CmzTest;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;

my $aws = start_aws();
my $node = start_node(AWS_ENDPOINT_URL_CLOUDWATCH => "http://$aws");
# nothing is asked of DynamoDB itself
create_server($node, 's', 'http://127.0.0.1:9', "region 'eu-central-1', max_retries '2'");
my $many = join ', ', map { "Ix$_ (x)" } 1 .. 999;
$node->safe_psql('postgres', qq{
	CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (access_key_id 'AKIDMET', secret_access_key 'met/s3cr3t+', session_token 'tok/en+==');
	CREATE FOREIGN TABLE t (user_id text COLLATE "C") SERVER s OPTIONS (table_name 'met-table');
	CREATE FOREIGN TABLE odd (id text COLLATE "C") SERVER s
		OPTIONS (table_name 'met-odd', key 'id', indexes 'Plain (a), odd-name._9 (b), Here (id, c) local, Only (d) keys_only');
	CREATE FOREIGN TABLE bare (id text COLLATE "C") SERVER s OPTIONS (table_name 'met-bare', key 'id');
	CREATE FOREIGN TABLE many (id text COLLATE "C") SERVER s OPTIONS (table_name 'met-many', key 'id', indexes '$many');
	CREATE TABLE plain (id text);
});
my @start = ('2025-01-19 12:00:00+00', '2025-01-19T12:00:00Z');
my @end = ('2025-01-19 15:30:00.25+00', '2025-01-19T15:30:00.25Z');
my $keys = { AKIDMET => { secret => 'met/s3cr3t+', token => 'tok/en+==' } };

# A call for that time, as SQL; more is further arguments.
sub metrics
{
	my ($table, $metric, $more) = @_;
	$more = $more ? ", $more" : '';
	return "cmz_metrics('$table', '$metric', '$start[0]', '$end[0]'$more)";
}

# Rows as text; all, in an order that does not depend on the answers'.
sub rows
{
	my ($from) = @_;
	return $node->safe_psql('postgres',
		qq{SELECT coalesce(index_name, '-'), coalesce(operation, '-'), "time", value FROM $from
		   ORDER BY index_name COLLATE "C" NULLS FIRST, operation COLLATE "C" NULLS FIRST, "time"});
}

# The parameters of the requests since the last look, which must be right.
sub asked
{
	my ($name) = @_;
	my @log = aws_log($aws);
	is_deeply([ map { @{ $_->{problems} } } @log ], [], "$name: the model has no complaints");
	is_deeply([ grep { "$_->{service}/$_->{op}" ne 'cloudwatch/GetMetricData' } @log ], [], "$name: only GetMetricData");
	return map { $_->{params} } @log;
}

sub dimensions { return [ map { { Name => $_->[0], Value => $_->[1] } } @_ ] }

# The query for a series.
sub query
{
	my ($id, $metric, $stat, $period, @dimensions) = @_;
	return { Id => $id,
		MetricStat => { Metric => { Namespace => 'AWS/DynamoDB', MetricName => $metric, Dimensions => dimensions(@dimensions) },
			Period => $period, Stat => $stat } };
}

sub page
{
	my ($next, @results) = @_;
	return { results => \@results, $next ? (next_token => $next) : () };
}

sub result
{
	my ($id, $values, %more) = @_;
	my @times = sort keys %$values;
	return { id => $id, timestamps => [ map { "2025-01-19T${_}Z" } @times ], values => [ map { $values->{$_} } @times ], %more };
}

# --- requests

aws_script($aws, { keys => $keys });
is(rows(metrics('t', 'ConsumedReadCapacityUnits')), '', 'no values, no rows');
my @log = aws_log($aws);
is_deeply([ map { @{ $_->{problems} } } @log ], [], 'the signature is one for monitoring, in the region');
like($log[0]{headers}{Authorization}, qr{Credential=AKIDMET/\d{8}/eu-central-1/monitoring/aws4_request}, '... in its scope');
like($log[0]{headers}{'Content-Type'}, qr{^application/x-www-form-urlencoded}, 'a form');
like($log[0]{raw}, qr/^Action=GetMetricData&Version=2010-08-01&/, '... of the query protocol');
is_deeply([ map { $_->{params} } @log ],
	[ { StartTime => $start[1], EndTime => $end[1], ScanBy => 'TimestampAscending',
		MetricDataQueries => [ map {
			query("m$_->[0]", 'ConsumedReadCapacityUnits', 'Sum', 300, [ TableName => 'met-table' ],
				$_->[1] ? [ GlobalSecondaryIndexName => $_->[1] ] : ()) }
			[0], [ 1, 'SessionIndex' ], [ 2, 'AnimalIndex' ], [ 3, 'ParentUserIndex' ] ] } ],
	'one query for the table and each index');

rows(metrics('t', 'successfulREQUESTlatency', "period => '1 hour'"));
my @operations = qw(GetItem PutItem UpdateItem DeleteItem Query Scan BatchGetItem BatchWriteItem TransactGetItems TransactWriteItems);
my ($request) = asked('operations');
is_deeply($request->{MetricDataQueries},
	[ map { query("m$_", 'SuccessfulRequestLatency', 'Average', 3600, [ TableName => 'met-table' ], [ Operation => $operations[$_] ]) }
		0 .. $#operations ],
	'one query for each operation; the name in any case');

rows(metrics('odd', 'WriteThrottleEvents', "period => '2 days 60 seconds'"));
($request) = asked('odd names');
is_deeply($request->{MetricDataQueries},
	[ map { query("m$_->[0]", 'WriteThrottleEvents', 'Sum', 172860, [ TableName => 'met-odd' ],
		$_->[1] ? [ GlobalSecondaryIndexName => $_->[1] ] : ()) }
		[0], [ 1, 'Plain' ], [ 2, 'odd-name._9' ], [ 3, 'Only' ] ],
	'an index with an odd name; no query for a local one');

rows(metrics('bare', 'TransactionConflict'));
($request) = asked('table only');
is_deeply($request->{MetricDataQueries}, [ query('m0', 'TransactionConflict', 'Sum', 300, [ TableName => 'met-bare' ]) ], 'a metric of the table');
is(rows(metrics('bare', 'OnlineIndexPercentageProgress')), '', 'a metric of indexes, without any');
is(scalar(asked('no index')), 0, '... asks nothing');

aws_script($aws, { cloudwatch => { pages => [ page(undef, result('m0', { '12:00:00' => 1 }), result('m499', { '12:00:00' => 2 })),
				page(undef, result('m500', { '12:00:00' => 3 }), result('m999', { '12:00:00' => 4 })) ] } });
is(rows(metrics('many', 'ReadThrottleEvents')),
	"-|-|2025-01-19 12:00:00+00|1\nIx499|-|2025-01-19 12:00:00+00|2\nIx500|-|2025-01-19 12:00:00+00|3\nIx999|-|2025-01-19 12:00:00+00|4",
	'a thousand series');
is_deeply([ map { scalar @{ $_->{MetricDataQueries} } } asked('many') ], [ 500, 500 ], '... in two requests');

aws_script($aws, {});
$node->safe_psql('postgres', q{SET timezone = 'Asia/Kolkata'; BEGIN; SELECT * FROM cmz_metrics('t', 'SystemErrors');
	CREATE TABLE times AS SELECT extract(epoch FROM now()) AS epoch; COMMIT});
($request) = asked('defaults');
is($node->safe_psql('postgres', "SELECT extract(epoch FROM timestamptz '$request->{EndTime}') = epoch,
	extract(epoch FROM timestamptz '$request->{StartTime}') = epoch - 3 * 3600 FROM times"), 't|t', 'the last three hours');
is($request->{MetricDataQueries}[0]{MetricStat}{Period}, 300, '... by five minutes');

# --- answers

aws_script($aws, { cloudwatch => { pages => [ page(undef,
	result('m2', { '12:10:00' => '1e-3', '12:05:00' => '4.25' }), result('m0', { '12:00:00' => '0.0', '12:30:00.5' => '1.5E+300' }),
	result('m1', {}), result('m3', { '13:00:00' => '-7' })) ] } });
is(rows(metrics('odd', 'ConsumedWriteCapacityUnits')) . "\n", <<'', 'several results, matched by their ids');
-|-|2025-01-19 12:00:00+00|0
-|-|2025-01-19 12:30:00.5+00|1.5e+300
Only|-|2025-01-19 13:00:00+00|-7
odd-name._9|-|2025-01-19 12:05:00+00|4.25
odd-name._9|-|2025-01-19 12:10:00+00|0.001

asked('several results');
aws_script($aws, { cloudwatch => { pages => [ page(undef, result('m4', { '12:00:00' => 5 }), result('m5', { '12:00:00' => 6 })) ] } });
is(rows(metrics('t', 'ThrottledRequests')), "-|Query|2025-01-19 12:00:00+00|5\n-|Scan|2025-01-19 12:00:00+00|6", 'results by operation');
is($node->safe_psql('postgres', 'SELECT count(*), sum(value), pg_typeof(min("time")) FROM ' . metrics('t', 'ReturnedItemCount') . " WHERE false"),
	'0||timestamp with time zone', 'the columns have their types');
asked('by operation');

my @pages = (
	page('a+/=1', result('m0', { '12:00:00' => 1 }, status => 'PartialData'), result('m1', { '12:00:00' => 2 }, status => 'PartialData')),
	page('b&2', result('m0', { '12:05:00' => 3 }), result('m1', {}, status => 'PartialData')),
	page(undef, result('m0', {}), result('m1', { '12:10:00' => 4 })));
aws_script($aws, { cloudwatch => { pages => \@pages } });
is(rows(metrics('t', 'ReadThrottleEvents')),
	"-|-|2025-01-19 12:00:00+00|1\n-|-|2025-01-19 12:05:00+00|3\nSessionIndex|-|2025-01-19 12:00:00+00|2\nSessionIndex|-|2025-01-19 12:10:00+00|4",
	'three pages');
my @requests = asked('pages');
is_deeply([ map { $_->{NextToken} } @requests ], [ undef, 'a+/=1', 'b&2' ], '... by their tokens');
delete $_->{NextToken} for @requests;
is_deeply($requests[$_], $requests[0], '... and otherwise the same request') for 1, 2;

# more than work_mem holds
my %values = map { (sprintf('%02d:%02d:%02d', $_ / 3600, $_ / 60 % 60, $_ % 60) => $_) } 0 .. 4999;
aws_script($aws, { cloudwatch => { pages => [ page('2', result('m0', \%values)), page(undef, result('m1', \%values)) ] } });
is($node->safe_psql('postgres', 'SET work_mem = 64; SELECT count(*), sum(value), count(DISTINCT "time") FROM ' . metrics('t', 'ReadThrottleEvents')),
	'10000|24995000|5000', 'large pages');
asked('large pages');
is($node->safe_psql('postgres', 'SELECT count(*) FROM generate_series(1, 2), LATERAL ' . metrics('t', 'ReadThrottleEvents')), '20000', 'called again and again');

aws_script($aws, { cloudwatch => { pages => [ { results => [ result('m0', { '12:00:00' => 1 }) ],
				messages => [ { Code => 'MaxMetricsExceeded', Value => 'Maximum number of allowed metrics exceeded' } ] } ] } });
my ($status, $out, $err) = $node->psql('postgres', 'SELECT value FROM ' . metrics('t', 'ReadThrottleEvents'));
is($out, '1', 'an answer with a message');
like($err, qr/WARNING:  CloudWatch: Maximum number of allowed metrics exceeded/, '... gives a warning');

# --- failures

sub refused
{
	my ($sql, $pattern, $name) = @_;
	my $error = error_of($node, "SELECT * FROM $sql");
	like($error, $pattern, $name);
	unlike($error, qr/s3cr3t|tok\/en/, '... without a secret');
	return;
}
my $call = metrics('t', 'ReadThrottleEvents');

aws_script($aws, { fail => [ { times => 2, status => 400, code => 'Throttling', message => 'Rate exceeded' } ],
		cloudwatch => { pages => [ page(undef, result('m0', { '12:00:00' => 1 })) ] } });
is(rows($call), '-|-|2025-01-19 12:00:00+00|1', 'throttled twice, then answered');
is(scalar(asked('throttled')), 3, '... by the third request');
aws_script($aws, { fail => [ { times => 9, status => 400, code => 'Throttling', message => 'Rate exceeded' } ] });
refused($call, qr/53400: CloudWatch: Rate exceeded\nDETAIL:  Table "met-table", operation GetMetricData, Throttling, after 3 attempts/, 'throttled for good');
aws_script($aws, { fail => [ { times => 9, status => 500, code => 'InternalServiceFault', message => 'oh' } ] });
refused($call, qr/58000: CloudWatch: oh\n.*after 3 attempts/s, 'errors of the server');
aws_script($aws, { fail => [ { status => 403, code => 'AccessDenied',
			message => 'User: arn:aws:iam::1:user/x is not authorized to perform: cloudwatch:GetMetricData' } ] });
refused($call, qr/42501: CloudWatch: User: .*\nHINT:  Let an administrator grant cloudwatch:GetMetricData to the IAM user or role\.\n/s, 'an action that is missing');
is(scalar(asked('denied')), 1, '... is not tried again');
aws_script($aws, { keys => { AKIDMET => { secret => 'another', token => 'tok/en+==' } } });
refused($call, qr/28000: CloudWatch: The request signature.*HINT:.*secret_access_key/s, 'a wrong secret');

my $forbidden = [ { Code => 'Forbidden', Value => "Authentication too complex to retrieve cross region data, l\x{f6}we" } ];
aws_script($aws, { cloudwatch => { pages => [ page(undef, result('m0', {}), result('m1', {}, status => 'Forbidden', messages => $forbidden)) ] } });
refused($call, qr/42501: CloudWatch: Authentication too complex to retrieve cross region data, l\xc3\xb6we\nDETAIL:  Table "met-table", operation GetMetricData, request id \S+, status Forbidden\./, 'a result that is forbidden');
aws_script($aws, { cloudwatch => { pages => [ page('1', result('m0', { '12:00:00' => 1 })),
				page(undef, result('m0', {}, status => 'InternalError', messages => [ { Code => 'InternalError' } ])) ] } });
refused($call, qr/58000: CloudWatch: InternalError\nDETAIL:.*status InternalError/, 'a result that failed, on the second page');
aws_script($aws, { cloudwatch => { pages => [ page(undef, result('m0', { '12:00:00' => 1 }, status => 'PartialData'), result('m1', {})) ] } });
refused($call, qr/58000: CloudWatch did not give all values\n.*PartialData.*HINT:.*shorter time/s, 'data that is partial to the end');

# answers that are none
my $answer = sub {
	my ($inside) = @_;
	return "<GetMetricDataResponse><GetMetricDataResult>$inside</GetMetricDataResult></GetMetricDataResponse>";
};
my $series = sub {
	my ($times, $values, $more) = @_;
	$more //= '<Id>m0</Id><StatusCode>Complete</StatusCode>';
	return $answer->("<MetricDataResults><member>$more<Timestamps>$times</Timestamps><Values>$values</Values></member></MetricDataResults>");
};
my $noon = '<member>2025-01-19T12:00:00Z</member>';
my %garbage = (
	'nothing' => [ '', qr/< expected/ ],
	'half of it' => [ substr($answer->("text"), 0, 46), qr/unexpected end/ ],
	'no XML' => [ '{"MetricDataResults":[]}', qr/< expected/ ],
	'a document type' => [ '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', qr/unexpected declaration/ ],
	'the answer to something else' => [ '<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>', qr/it is not of this operation/ ],
	'no results' => [ $answer->('<Other>x</Other>'), qr/MetricDataResults is no list/ ],
	'results that are no list' => [ $answer->('<MetricDataResults><Id>m0</Id></MetricDataResults>'), qr/MetricDataResults is no list/ ],
	'a member twice' => [ $answer->('<MetricDataResults/><MetricDataResults/>'), qr/duplicate/ ],
	'a series that was not asked for' => [ $series->('', '', '<Id>m4</Id><StatusCode>Complete</StatusCode>'), qr/a result was not asked for/ ],
	'a series without a name' => [ $series->('', '', '<StatusCode>Complete</StatusCode>'), qr/a result was not asked for/ ],
	'no status' => [ $series->('', '', '<Id>m0</Id>'), qr/StatusCode is missing/ ],
	'more times than values' => [ $series->($noon, ''), qr/there are not as many values as times/ ],
	'a time that is none' => [ $series->('<member>noon</member>', '<member>1</member>'), qr/a time or a value is none/ ],
	'a value that is none' => [ $series->($noon, '<member>1,5</member>'), qr/a time or a value is none/ ],
	'an empty value' => [ $series->($noon, '<member/>'), qr/a time or a value is none/ ],
	'a value with a child' => [ $series->($noon, '<member><a>1</a></member>'), qr/a time or a value is none/ ],
	'pages in a circle' => [ $answer->('<MetricDataResults/><NextToken>x</NextToken>'), qr/it does not go on from page to page/ ]);
foreach my $name (sort keys %garbage)
{
	my ($body, $pattern) = @{ $garbage{$name} };
	aws_script($aws, { raw => { 'cloudwatch/GetMetricData' => { body => $body } } });
	refused($call, qr/08P01: CloudWatch sent a malformed answer: $pattern.*HINT:.*AWS_ENDPOINT_URL_CLOUDWATCH/s, $name);
}
aws_script($aws, { raw => { 'cloudwatch/GetMetricData' => { body => $answer->('<MetricDataResults/><NextToken/>') } } });
is(rows($call), '', 'an empty token is none');
aws_script($aws, { raw => { 'cloudwatch/GetMetricData' => { status => 502, body => '<html>' } } });
refused($call, qr/58000.*could not get an answer from CloudWatch: HTTP status 502.*after 3 attempts/s, 'a bad gateway');
aws_script($aws, { delay => 30 });
like(error_of($node, "SET statement_timeout = 300; SELECT * FROM $call"), qr/57014/, 'waiting can be cancelled');
aws_script($aws, {});
is(rows($call), '', '... and the next call works');

# --- arguments

asked('all of these');
# Calls that are refused without a request, in one session: [arguments, pattern, name].
sub all_refused
{
	my (@cases) = @_;
	my %errors;
	my (undef, undef, $errors) = $node->psql('postgres', join("\n", map { "SELECT * FROM cmz_metrics($_->[0]);" } @cases),
		on_error_stop => 0, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	$errors{$1} = $2 while $errors =~ /^psql:<stdin>:(\d+): (ERROR:.*?)^LOCATION:/msg;
	like($errors{ $_ + 1 }, $cases[$_][1], $cases[$_][2]) for 0 .. $#cases;
	return;
}
my $t = "'t', 'SystemErrors'";
all_refused(map { [ "'t', '$_->[0]'", qr/22023: DynamoDB tables have no metric "\Q$_->[0]\E"\nHINT:  Valid metrics are ConsumedReadCapacityUnits, .*, WriteThrottleEvents\.\n/, $_->[1] ] }
	[ 'UserErrors', 'a metric of the account' ], [ 'ThrottledRequest', 'no metric' ], [ '', 'no name' ], [ 'SystemErrors ', 'a name and more' ]);
my ($names) = error_of($node, "SELECT * FROM cmz_metrics('t', 'x')") =~ /Valid metrics are (.*)\.\n/;
is_deeply([ slurp_file("$FindBin::Bin/../../docs/metrics.md") =~ /^\| `(\w+)` \| (?:sum|average|maximum)/mg ], [ split /, /, $names ],
	'docs/metrics.md lists all metrics');
all_refused(map { [ "$t, period => '$_'", qr/22023: invalid period\nDETAIL:.*\nHINT:.*5 minutes/, "period $_" ] }
	'0', '30 seconds', '59 seconds', '90 seconds', '61.5 seconds', '60.000001 seconds', '-5 minutes', '1 month', '1 year', '1 month -29 days',
	'178000000 days', '-178000000 days');
all_refused(map { [ "$t, start => $_->[0], \"end\" => $_->[1]", qr/22023: $_->[2]/, "from $_->[0] to $_->[1]" ] }
	[ "'-infinity'", "'2025-01-01'", 'start is out of range' ], [ "'2025-01-01'", "'infinity'", 'end is out of range' ],
	[ "'infinity'", "'infinity'", 'start is out of range' ], [ "'4713-01-01 BC'", "'2025-01-01'", 'start is out of range' ],
	[ "'2025-01-01'", "'10000-01-02'", 'end is out of range' ],
	[ "'2025-01-02'", "'2025-01-01'", 'start must be before end' ], [ "'2025-01-01'", "'2025-01-01'", 'start must be before end' ]);
all_refused(map { [ $_->[0], qr/22004: $_->[1] cannot be null/, "no $_->[1]" ] }
	[ "NULL, 'SystemErrors'", 'foreign_table' ], [ "'t', NULL", 'metric' ], [ "$t, start => NULL", 'start' ], [ "$t, \"end\" => NULL", 'end' ],
	[ "$t, period => NULL", 'period' ]);
all_refused([ "'plain', 'SystemErrors'", qr/42809: the first argument must be a foreign table of cmz_fdw/, 'a plain table' ],
	[ "0, 'SystemErrors'", qr/42809/, 'no table' ],
	[ "'nowhere', 'SystemErrors'", qr/42P01/, 'no such table' ]);
$node->safe_psql('postgres', q{CREATE FOREIGN DATA WRAPPER other; CREATE SERVER o FOREIGN DATA WRAPPER other;
	CREATE FOREIGN TABLE stranger (id text) SERVER o});
like(error_of($node, "SELECT * FROM cmz_metrics('stranger', 'SystemErrors')"), qr/ERROR:  (?:55000|42809)/, 'a table of another wrapper');
is(scalar(aws_log($aws)), 0, 'none of these asked CloudWatch');

# values that CloudWatch no longer has
foreach my $case ([ '14 days', '1 minute', 0 ], [ '16 days', '1 minute', 15 ], [ '16 days', '5 minutes', 0 ], [ '62 days', '10 minutes', 0 ],
	[ '64 days', '5 minutes', 63 ], [ '64 days', '1 hour', 0 ], [ '64 days', '1 minute', 63 ])
{
	my ($age, $period, $days) = @$case;
	(undef, undef, $err) = $node->psql('postgres', "SELECT * FROM cmz_metrics($t, now() - interval '$age', period => '$period')");
	$days
	  ? like($err, qr/NOTICE:  CloudWatch gives no values for periods of \d+ s that began more than $days days ago\nHINT:/, "$age ago by $period: a notice")
	  : is($err, '', "$age ago by $period");
}
asked('old values');

# --- privileges, and where CloudWatch is

$node->safe_psql('postgres', q{CREATE ROLE reader LOGIN; CREATE ROLE nobody LOGIN; GRANT SELECT ON t TO reader;
	CREATE USER MAPPING FOR reader SERVER s OPTIONS (access_key_id 'AKIDREADER', secret_access_key 's3cr3t')});
aws_script($aws, { keys => { AKIDREADER => { secret => 's3cr3t' } } });
is($node->safe_psql('postgres', "SET ROLE reader; SELECT count(*) FROM $call"), '0', 'a reader of the table');
asked('as another user');
like(error_of($node, "SET ROLE nobody; SELECT * FROM $call"), qr/42501: permission denied for foreign table t/, 'nobody');
is(scalar(aws_log($aws)), 0, '... does not get as far as CloudWatch');

$node->stop;
$node->start;    # now without the variable
$node->safe_psql('postgres', q{ALTER SERVER s OPTIONS (SET endpoint_url 'http://localhost:9')});
like(error_of($node, "SELECT * FROM $call"),
	qr{0A000: endpoint "http://localhost:9" has no CloudWatch\nHINT:.*AWS_ENDPOINT_URL_CLOUDWATCH}, 'a local endpoint has no CloudWatch');
done_testing();
