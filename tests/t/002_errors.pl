# What can be wrong gets a clear error: SQLSTATE, message, detail, hint.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $aws = start_aws();
my $node = start_node(AWS_ENDPOINT_URL_STS => "http://$aws");
my $proxy = start_proxy(dynamodb_url());
my $url = "http://$proxy";
create_table('tap-errors', ['id']);
create_server($node, 's', $url, "max_retries '2', request_timeout '2s'");
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE t (id text COLLATE "C", x text) SERVER s OPTIONS (table_name 'tap-errors', estimated_items '100', key 'id');
	CREATE FOREIGN TABLE missing (id text COLLATE "C") SERVER s OPTIONS (table_name 'not-there', estimated_items '100', key 'id');
	CREATE FOREIGN TABLE wrong_key (other text COLLATE "C") SERVER s OPTIONS (table_name 'tap-errors', estimated_items '100', key 'other');
	CREATE FOREIGN TABLE wrong_index (id text COLLATE "C", d text COLLATE "C") SERVER s OPTIONS (table_name 'tap-errors', estimated_items '100', key 'id', indexes 'ByD (d)');
	CREATE FOREIGN TABLE wrong_type (id integer) SERVER s OPTIONS (table_name 'tap-errors', estimated_items '100', key 'id');
});
my $ok = sub { is($node->safe_psql('postgres', 'SELECT count(*) FROM t'), '0', 'the next statement works') };

like(error_of($node, 'SELECT * FROM missing'),
	qr/42P01.*DynamoDB: Cannot do operations on a non-existent table.*Table "not-there", operation Scan, ResourceNotFoundException, request id \S+\.\nHINT:.*cmz_create_table/s, 'no such table');
like(error_of($node, "SELECT * FROM wrong_key WHERE other = 'x'"), qr/HV000.*HINT:.*options "key" and "indexes"/s, 'another key than the layout says');
like(error_of($node, "SELECT * FROM wrong_index WHERE d = 'x'"), qr/HV000.*ByD.*HINT:.*options "key" and "indexes"/s, 'no such index');
like(error_of($node, 'SELECT * FROM wrong_type WHERE id = 1'), qr/HV000.*HINT:.*types of its columns/s, 'a key of another type');

my %exceptions = (
	AccessDeniedException => [ 400, '42501', qr/HINT:  Let an administrator grant dynamodb:Scan to the IAM user or role\.$/m ],
	UnrecognizedClientException => [ 400, '28000', qr/HINT:.*access_key_id/ ],
	ExpiredTokenException => [ 400, '28000', qr/HINT:.*session_token/ ],
	InvalidSignatureException => [ 400, '28000', qr/HINT:.*region/ ],
	ValidationException => [ 400, 'HV000', qr/HINT/ ],
	LimitExceededException => [ 400, '53400', qr/LimitExceeded/ ],
	ProvisionedThroughputExceededException => [ 400, '53400', qr/after 3 attempts.*HINT:.*On-demand/s ],
	ThrottlingException => [ 400, '53400', qr/after 3 attempts/ ],
	RequestLimitExceeded => [ 400, '53400', qr/after 3 attempts/ ],
	InternalServerError => [ 500, '58000', qr/after 3 attempts/ ],
	UnknownOperationException => [ 400, '0A000', qr/UnknownOperation/ ],
	SomethingNew => [ 400, 'HV000', qr/SomethingNew/ ]);
foreach my $name (sort keys %exceptions)
{
	my ($code, $sqlstate, $detail) = @{ $exceptions{$name} };
	script($proxy, { do => 'status', times => 9, code => $code, headers => { 'x-amzn-RequestId' => 'RID' },
			body => qq({"__type":"com.amazonaws.dynamodb.v20120810#$name","message":"told so: $name"}) });
	my $error = error_of($node, 'SELECT * FROM t');
	like($error, qr/ERROR:  $sqlstate: DynamoDB: told so: $name\nDETAIL:  .*request id RID/, "$name is $sqlstate");
	like($error, $detail, '... with its detail');
	is(scalar(requests($proxy)), $detail =~ /3 attempts/ ? 3 : 1, '... after the right number of attempts');
}

# an action that is missing is named: by the service, or after the operation
my $user = 'User: arn:aws:iam::123456789012:user/zoo is not authorized to perform: %s on resource: arn:aws:dynamodb:us-west-2:123456789012:table/tap-errors because no identity-based policy allows the %s action';
my @denied = (
	[ 'Scan', 'SELECT * FROM t', 'Access denied', 'dynamodb:Scan to the IAM user or role' ],
	[ 'Query', "SELECT * FROM wrong_index WHERE d = 'x'", 'Access denied', 'dynamodb:Query to the IAM user or role' ],
	[ 'BatchGetItem', "SELECT * FROM t WHERE id IN ('a', 'b')", 'Access denied', 'dynamodb:BatchGetItem to the IAM user or role' ],
	[ 'PutItem', "INSERT INTO t VALUES ('a')", 'Access denied', 'dynamodb:PutItem to the IAM user or role' ],
	[ 'TransactWriteItems', "INSERT INTO t VALUES ('a'), ('b')", 'Access denied',
		'dynamodb:PutItem, dynamodb:UpdateItem and dynamodb:DeleteItem to the IAM user or role' ],
	[ 'TransactWriteItems', "INSERT INTO t VALUES ('a'), ('b')", sprintf($user, ('dynamodb:PutItem') x 2), 'dynamodb:PutItem to the IAM user or role' ],
	[ 'Scan', 'SELECT * FROM t', sprintf($user, ('kms:Decrypt') x 2), 'kms:Decrypt to the IAM user or role' ],
	[ 'Scan', 'SELECT * FROM t', 'not authorized to perform this', 'dynamodb:Scan to the IAM user or role' ],
	[ 'Scan', 'SELECT * FROM t', 'not authorized to perform: kms:', 'dynamodb:Scan to the IAM user or role' ],
	[ 'Scan', 'SELECT * FROM t', 'not authorized to perform: ', 'dynamodb:Scan to the IAM user or role' ],
	[ 'ListTables', 'IMPORT FOREIGN SCHEMA d FROM SERVER s INTO public', 'Access denied', 'dynamodb:ListTables to the IAM user or role' ],
	[ 'DescribeTable', "SELECT cmz_drop_table('s', 'tap-errors-new')", 'Access denied', 'dynamodb:DescribeTable to the IAM user or role' ],
	[ 'DeleteTable', "SELECT cmz_drop_table('s', 'tap-errors')", 'Access denied', 'dynamodb:DeleteTable to the IAM user or role' ],
	[ 'UpdateTimeToLive', "SELECT cmz_create_table('s', 'tap-errors-new')", 'Access denied', 'dynamodb:UpdateTimeToLive to the IAM user or role' ],
	[ 'UpdateContinuousBackups', "SELECT cmz_create_table('s', 'tap-errors-new')", 'Access denied', 'dynamodb:UpdateContinuousBackups to the IAM user or role' ],
	[ 'CreateTable', "SELECT cmz_create_table('s', 'tap-errors-new')", 'Access denied',
		'dynamodb:CreateTable to the IAM user or role, or deploy the table with CloudFormation' ],
	[ 'CreateTable', "SELECT cmz_create_table('s', 'tap-errors-new')", sprintf($user, ('kms:DescribeKey') x 2),
		'kms:DescribeKey to the IAM user or role, or deploy the table with CloudFormation' ]);
foreach my $case (@denied)
{
	my ($operation, $sql, $message, $hint) = @$case;
	eval { ddb('DeleteTable', { TableName => 'tap-errors-new' }) };
	create_table('tap-errors-new', ['id']) if $operation eq 'DescribeTable';
	script($proxy, { op => $operation, do => 'status', code => 400, times => 9,
			body => qq({"__type":"com.amazon.coral.service#AccessDeniedException","Message":"$message"}) });
	like(error_of($node, $sql), qr/ERROR:  42501: DynamoDB: \Q$message\E\nDETAIL:.*[oO]peration $operation, AccessDeniedException.*\nHINT:  Let an administrator grant \Q$hint\E\.\n/,
		"$operation is denied: $message");
}
eval { ddb('DeleteTable', { TableName => 'tap-errors-new' }) };
script($proxy);
aws_script($aws, { fail => [ { service => 'sts', times => 9, status => 403, code => 'AccessDenied', message => 'Access denied' } ] });
create_server($node, 'by_role', $url, "role_arn 'arn:aws:iam::123456789012:role/zoo'");
$node->safe_psql('postgres', q{
	CREATE USER MAPPING FOR CURRENT_USER SERVER by_role OPTIONS (access_key_id 'AKID', secret_access_key 'sss3cr3t');
	CREATE FOREIGN TABLE by_role (id text COLLATE "C") SERVER by_role OPTIONS (table_name 'tap-errors', key 'id');
});
like(error_of($node, 'SELECT * FROM by_role'),
	qr/42501: could not get credentials from AWS STS, AssumeRole: Access denied\n.*HINT:  Let an administrator grant sts:AssumeRole to the IAM user or role, in its own policy and in the trust policy/s,
	'a role that may not be assumed');
aws_script($aws, { fail => [ { service => 'sts', times => 9, status => 400, code => 'MalformedPolicyDocument', message => 'no' } ] });
unlike(error_of($node, 'SELECT * FROM by_role'), qr/HINT/, 'another error of STS');

# answers that are none
my %garbage = (
	'HTML' => [ { do => 'status', code => 200, body => '<html>hello</html>', times => 9 }, qr/08P01.*malformed answer/s ],
	'a key that is a boolean' => [ { do => 'status', code => 200, body => '{"Count":1,"ScannedCount":1,"Items":[{"x":{"S":"a"},"id":{"BOOL":true}}]}', times => 9 }, qr/HV004.*"id".*found BOOL, expected S/s ],
	'fewer items than counted' => [ { do => 'status', code => 200, body => '{"Count":2,"ScannedCount":2,"Items":[{"id":{"S":"a"}}]}', times => 9 }, qr/08P01.*disagrees/s ],
	'no items but a count' => [ { do => 'status', code => 200, body => '{"Count":2,"ScannedCount":2}', times => 9 }, qr/08P01.*without/s ],
	'nothing' => [ { do => 'status', code => 200, body => '', times => 9 }, qr/08P01.*malformed answer/s ],
	'another document' => [ { do => 'status', code => 200, body => '{"Items":{}}', times => 9 }, qr/08P01.*not an array/s ],
	'10 MB of garbage' => [ { do => 'garbage', bytes => 10_000_000, times => 9 }, qr/08P01.*malformed answer/s ],
	'40 MB of garbage' => [ { do => 'garbage', bytes => 40_000_000, times => 9 }, qr/08P01.*larger than any/s ],
	'gzip' => [ { do => 'gzip', times => 9 }, qr/08P01.*Content-Encoding/s ],
	'HTML error' => [ { do => 'status', code => 404, body => '<html>', times => 9 }, qr/08P01.*HTTP status 404.*endpoint_url/s ],
	'redirect' => [ { do => 'status', code => 302, headers => { Location => dynamodb_url() }, times => 9 }, qr/08P01.*HTTP status 302/s ],
	'bad gateway' => [ { do => 'status', code => 502, body => 'x', times => 9 }, qr/58000.*HTTP status 502.*after 3 attempts/s ],
	'bad checksums' => [ { do => 'crc', times => 9 }, qr/08P01.*checksum.*after 3 attempts/s ],
	'cut short' => [ { do => 'truncate', times => 9 }, qr/08006.*after 3 attempts/s ],
	'resets' => [ { do => 'reset', times => 9 }, qr/08006.*after 3 attempts/s ]);
# a write takes no answer for a success that is none
foreach my $body ('<html>hello</html>', '', '{"x":', '[]')
{
	script($proxy, { op => 'PutItem', do => 'status', code => 200, body => $body });
	like(error_of($node, "INSERT INTO t VALUES ('lost', 'x')"), qr/08P01.*malformed answer, and did not store/s, "a write answered by '$body'");
}
# answers that are of another table, or go round in circles
my %circles = (
	"x FROM t" => [ '{"Items":[],"Count":0,"ScannedCount":0,"LastEvaluatedKey":{"id":{"S":"a"}}}', qr/08P01.*does not go on/ ],
	"id FROM t" => [ '{"Items":[],"Count":0,"ScannedCount":0,"LastEvaluatedKey":{}}', qr/08P01.*does not go on/ ],
	"x FROM t WHERE id IN ('a', 'b')" => [ '{"Responses":{"other":[{"id":{"S":"a"}}]},"UnprocessedKeys":{}}', qr/08P01.*another table/ ],
	"id FROM t WHERE id IN ('a', 'b')" => [ '{"Responses":{},"UnprocessedKeys":{"tap-errors":{"Keys":[]}}}', qr/08P01.*without keys/ ],
	"id, x FROM t WHERE id IN ('a', 'b')" => [ '{"Responses":{},"UnprocessedKeys":{"other":{"Keys":[{"id":{"S":"a"}}]}}}', qr/08P01.*another table/ ]);
foreach my $query (sort keys %circles)
{
	my ($body, $pattern) = @{ $circles{$query} };
	script($proxy, { do => 'status', code => 200, body => $body, times => 9 });
	like(error_of($node, "SELECT $query"), $pattern, "$query: $body");
	script($proxy);
}

foreach my $name (sort keys %garbage)
{
	my ($action, $pattern) = @{ $garbage{$name} };
	script($proxy, $action);
	like(error_of($node, 'SELECT * FROM t'), $pattern, $name);
	script($proxy);
	$ok->();
}
script($proxy, { do => 'hang', seconds => 10 }, { do => 'hang', seconds => 10 }, { do => 'hang', seconds => 10 });
my $start = time;
like(error_of($node, 'SELECT * FROM t'), qr/08006.*timed out.*after 3 attempts/si, 'an endpoint that hangs');
ok(time - $start < 8, 'times out');
script($proxy);
$ok->();

# no server, no such host, a host that does not speak HTTP
$node->safe_psql('postgres', "ALTER SERVER s OPTIONS (SET endpoint_url 'http://127.0.0.1:9')");
like(error_of($node, 'SELECT * FROM t'), qr/08001.*127\.0\.0\.1.*endpoint http:\/\/127\.0\.0\.1:9.*HINT:.*endpoint_url/s, 'no server');
$node->safe_psql('postgres', "ALTER SERVER s OPTIONS (SET endpoint_url 'https://$proxy')");
like(error_of($node, 'SELECT * FROM t'), qr/28000.*no AWS credentials for user "\w+" on server "s".*HINT:.*CREATE USER MAPPING/s, 'no credentials');
$node->safe_psql('postgres', "CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (access_key_id 'AKID', secret_access_key 'sss3cr3t')");
like(error_of($node, 'SELECT * FROM t'), qr/08001.*SSL.*HINT:.*ca_file/si, 'no TLS there');
# the region makes the endpoint; one that does not exist has none
$node->safe_psql('postgres', "ALTER SERVER s OPTIONS (DROP endpoint_url, ADD region 'mars-north-1')");
my $error = error_of($node, 'SELECT * FROM t');
like($error, qr/08001.*endpoint https:\/\/dynamodb\.mars-north-1\.amazonaws\.com.*HINT:.*region/s, 'no such region');
unlike($error, qr/sss3cr3t/, 'the secret is not told');
done_testing();
