# cmz_create_table(), cmz_configure_table(), cmz_check_table(), cmz_describe_table(),
# cmz_add_index() and cmz_drop_table(): each step, each setting, each failure.
use strict;
use warnings;
use CmzTest;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

my $json = JSON::PP->new->canonical->allow_nonref;
my $arn = 'arn:aws:kms:us-west-2:123456789012:key/abc';
my $dir = PostgreSQL::Test::Utils::tempdir();
system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
	'-addext', 'subjectAltName=DNS:localhost', '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem");
my $aws = start_aws('--upstream', dynamodb_url());
my $tls = start_aws('--upstream', dynamodb_url(), '--tls', "$dir/cert.pem", "$dir/key.pem");

delete @ENV{ grep { /^AWS_ENDPOINT_URL/ } keys %ENV };
my $node = start_node();
create_server($node, 'local', dynamodb_url());
create_server($node, 's', "http://$aws");
create_server($node, 'once', "http://$aws", "max_retries '1'");
create_server($node, 'tls', 'https://localhost:' . ($tls =~ s/.*://r), "ca_file '$dir/cert.pem'");
$node->safe_psql('postgres', qq{
	CREATE USER MAPPING FOR CURRENT_USER SERVER $_ OPTIONS (access_key_id 'AKIAPROV', secret_access_key 'provs3cret')})
  foreach 's', 'once', 'tls';
sub drop { my ($table) = @_; eval { ddb('DeleteTable', { TableName => $table }) }; return }
drop($_) foreach map { "prov-$_" } qw(local later midway table other provisioned);

# Give the stub its script, and what it knows the client by.
sub behave
{
	my ($stub, %script) = @_;
	aws_script($stub, { keys => { AKIAPROV => { secret => 'provs3cret' } }, %script });
	return;
}

# What the stub has received; all of it must conform to the service's model.
sub received
{
	my ($stub) = @_;
	my @log = aws_log($stub);
	is_deeply([ map { map { "$_" } @{ $_->{problems} } } @log ], [], '... by requests that conform');
	return @log;
}

sub ops { return join ' ', map { $_->{op} } @_ }

sub run
{
	my ($sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-v', 'VERBOSITY=verbose' ], on_error_stop => 1);
	return "$out$err";
}

# The rows of cmz_check_table() by item: expected, actual, ok, hint.
sub check
{
	my ($table) = @_;
	my $rows = $json->decode($node->safe_psql('postgres', "SELECT json_agg(c) FROM cmz_check_table('$table') c"));
	return { map { $_->{item} => $_ } @$rows };
}

sub wrong { my ($rows) = @_; return join ', ', sort grep { defined $rows->{$_}{ok} && !$rows->{$_}{ok} } keys %$rows }
sub unknown { my ($rows) = @_; return join ', ', sort grep { !defined $rows->{$_}{ok} } keys %$rows }

sub failure
{
	my ($op, $code, %more) = @_;
	return { service => 'dynamodb', op => $op, status => 400, code => $code, message => "no $op", %more };
}
my $validation = 'com.amazon.coral.validate#ValidationException';

# --- DynamoDB Local alone
like(run(q{SELECT cmz_create_table('local', 'prov-local')}),
	qr/NOTICE: .*"prov-local" is ACTIVE.*TTL enabled on attribute "ttl".*WARNING:  0A000.*UpdateContinuousBackups: the table has no point-in-time recovery/s,
	'DynamoDB Local: the table is made, and a warning names what there is not');
like(error_of($node, q{SELECT cmz_create_table('local', 'prov-local')}),
	qr/42P07: DynamoDB table "prov-local" already exists\nHINT:  Delete the existing table, or use another name or environment suffix/, 'it exists already');
$node->safe_psql('postgres', q{IMPORT FOREIGN SCHEMA x LIMIT TO (prov_local) FROM SERVER local INTO public});
is($node->safe_psql('postgres', q{SELECT string_agg(item, '|') FROM cmz_check_table('prov_local')}), join('|',
	'table status', 'partition key', 'sort key',
	(map { ("index $_ status", "index $_ keys", "index $_ projection") } 'SessionIndex', 'AnimalIndex', 'ParentUserIndex'),
	'billing mode', 'encryption', 'KMS key', 'stream', 'stream view type', 'TTL attribute', 'TTL state', 'TTL values',
	'point-in-time recovery', 'recovery window', 'table class', 'deletion protection', 'option "key"', 'option "indexes"',
	(map { "column \"$_\"" } 'user_id', 'session_id_timestamp', 'session_id', 'animal_id', 'parent_user_id', 'timestamp')),
	'each setting is checked, in a fixed order');
my $rows = check('prov_local');
is(wrong($rows), '', '... and is right');
is(unknown($rows), 'KMS key, TTL values, encryption, point-in-time recovery, recovery window', '... or cannot be known here');
is($rows->{'recovery window'}{actual}, 'not available', '... which is said');
is($rows->{'point-in-time recovery'}{hint}, 'The service does not have operation DescribeContinuousBackups.', '... with the operation that is not there');
is($rows->{'TTL values'}{actual}, 'no items', '... or that there are no items');
is_deeply([ grep { !defined $rows->{$_}{ok} && !$rows->{$_}{hint} } keys %$rows ], [], '... each with a hint');
is_deeply([ grep { $rows->{$_}{ok} && defined $rows->{$_}{hint} } keys %$rows ], [], 'what is right has none');
like(run(q{SELECT d ->> 'TableName', d -> 'TimeToLiveDescription' ->> 'AttributeName', d -> 'ContinuousBackupsDescription'
	FROM cmz_describe_table('prov_local') d}), qr/prov-local\|ttl\|null.*WARNING:  0A000.*DescribeContinuousBackups/s, 'it is described without the backups');
like(run(q{SELECT cmz_configure_table('local', 'prov-local')}), qr/TTL is enabled already.*WARNING/s, 'configuring again does no harm');
$node->safe_psql('postgres', q{SELECT cmz_drop_table('local', 'prov-local')});
like(error_of($node, q{SELECT * FROM cmz_check_table('prov_local')}), qr/42P01.*DescribeTable.*HINT: .*cmz_create_table\(\)/s, 'no table to check');
like(error_of($node, q{SELECT cmz_describe_table('prov_local')}), qr/42P01.*HINT: .*cmz_create_table\(\)/s, '... or to describe');
like(error_of($node, q{SELECT cmz_add_index('prov_local', 'AnimalIndex')}), qr/42P01.*HINT: .*cmz_create_table\(\)/s, '... or to index');
like(error_of($node, q{SELECT cmz_configure_table('local', 'prov-local')}), qr/42P01: DynamoDB table "prov-local" does not exist/, '... or to configure');
like(error_of($node, q{SELECT cmz_drop_table('local', 'prov-local')}), qr/42P01/, '... or to drop');

# --- Creating a table: what is sent, and what is said
behave($aws, pitr_unavailable => 1, describe_list => [
		{ TableStatus => 'CREATING', GlobalSecondaryIndexes => [ map { { IndexName => $_, IndexStatus => 'CREATING' } } 'AnimalIndex', 'SessionIndex' ] },
		{ GlobalSecondaryIndexes => [ { IndexName => 'AnimalIndex', IndexStatus => 'CREATING' } ] }, {} ]);
my $said = run(q{SELECT cmz_create_table('s', 'prov-table')});
like($said, qr/waiting for DynamoDB table "prov-table" to become ACTIVE, 0 s so far: the table is CREATING, index "\w+" is CREATING, index "\w+" is CREATING\n/, 'what is waited for is said');
like($said, qr/is ACTIVE.*TTL enabled.*waiting for continuous backups to become available, 0 s.*point-in-time recovery enabled/s, '... and what is done');
my @log = received($aws);
is(ops(@log), 'CreateTable DescribeTable DescribeTable DescribeTable UpdateTimeToLive UpdateContinuousBackups UpdateContinuousBackups', '... as it is asked for');
is_deeply($log[-1]{params}{PointInTimeRecoverySpecification}, { PointInTimeRecoveryEnabled => JSON::PP::true, RecoveryPeriodInDays => 35 }, '... for 35 days');
is_deeply($log[0]{params}{SSESpecification}, { Enabled => JSON::PP::true, SSEType => 'KMS' }, '... encrypted without a key that is named');

behave($aws, fail => [ failure('UpdateContinuousBackups', $validation, message => q{Value at 'pointInTimeRecoverySpecification.recoveryPeriodInDays' is unknown}) ]);
run(q{SELECT cmz_configure_table('s', 'prov-table')});
@log = received($aws);
is(ops(@log), 'DescribeTable DescribeTimeToLive UpdateContinuousBackups UpdateContinuousBackups', 'configuring asks first; a service may not know the days');
is_deeply($log[-1]{params}{PointInTimeRecoverySpecification}, { PointInTimeRecoveryEnabled => JSON::PP::true }, '... and does without');

# wait => false
like(run(q{SELECT cmz_create_table('s', 'prov-later', false)}),
	qr/"prov-later" is being created\nDETAIL:  TTL and point-in-time recovery.*\nHINT:  SELECT cmz_configure_table\('s', 'prov-later'\) waits/, 'whoever does not wait learns what is left');
is(ops(received($aws)), 'CreateTable', '... and one request is sent');
behave($aws, describe_list => [ { TableStatus => 'CREATING' }, {} ]);
like(run(q{SELECT cmz_configure_table('s', 'prov-later')}), qr/0 s so far: the table is CREATING.*TTL enabled.*recovery enabled/s, 'which the call that is named does');
is(ops(received($aws)), 'DescribeTable DescribeTable DescribeTimeToLive UpdateTimeToLive UpdateContinuousBackups', '... when the table is ACTIVE');

# --- Failures half-way: what has been done, what not, what to do
sub fails
{
	my ($name, $script, $expected, $server) = @_;
	$server //= 's';
	drop('prov-midway');
	behave($aws, %$script);
	like(error_of($node, "SELECT cmz_create_table('$server', 'prov-midway')"), $expected, $name);
	received($aws);
	return;
}
my $call = qr/SELECT cmz_configure_table\('s', 'prov-midway'\)/;
my $nothing_done = qr/The table has been created\. TTL and point-in-time recovery have not been enabled; $call does that\./;
fails('no permission to create', { fail => [ failure('CreateTable', 'AccessDeniedException', message => 'User: x is not authorized to perform: dynamodb:CreateTable') ] },
	qr/42501: DynamoDB: User: x is not.*DETAIL: .*operation CreateTable, AccessDenied.*The table has not been created\.\nHINT: .*grant dynamodb:CreateTable to the IAM user or role, or deploy the table with CloudFormation/s);
fails('too many tables at a time', { fail => [ failure('CreateTable', 'LimitExceededException') ] }, qr/53400.*HINT: .*try again later/s);
fails('no permission to look', { fail => [ failure('DescribeTable', 'AccessDeniedException') ] }, qr/42501.*operation DescribeTable.*$nothing_done\nHINT: /s);
fails('no permission for TTL', { fail => [ failure('UpdateTimeToLive', 'AccessDeniedException') ] }, qr/42501.*operation UpdateTimeToLive.*$nothing_done\nHINT: /s);
fails('no permission for backups', { fail => [ failure('UpdateContinuousBackups', 'AccessDeniedException') ] },
	qr/42501.*operation UpdateContinuousBackups.*The table has been created\. TTL is enabled, point-in-time recovery is not; $call enables it\.\nHINT: /s);
fails('a bad request for backups', { fail => [ failure('UpdateContinuousBackups', $validation) ] }, qr/HV000.*TTL is enabled, point-in-time recovery is not/s);
fails('the table is being deleted', { describe => { TableStatus => 'DELETING' } }, qr/55000: DynamoDB table "prov-midway" is DELETING\nHINT: .*CONTEXT:  $nothing_done/s);
fails('the lost answer of a creation', { fail => [ failure('CreateTable', 'InternalServerError', status => 500, times => 2) ] },
	qr/58000.*The table may have been created nevertheless; if so, SELECT cmz_configure_table\('once', 'prov-midway'\) does what is left/s, 'once');
fails('throttled', { fail => [ failure('CreateTable', 'ThrottlingException', times => 2) ] }, qr/53400.*HINT:  On-demand capacity adapts by itself/s, 'once');
drop('prov-midway');
behave($aws, fail => [ failure('CreateTable', 'InternalServerError', status => 500) ]);
like(error_of($node, q{SELECT cmz_create_table('s', 'prov-table')}), qr/42P07.*DETAIL:  Perhaps it was created just now.*SELECT cmz_configure_table\('s', 'prov-table'\)/s,
	'a table that exists after an answer was lost may be ours');
behave($aws, fail => [ failure('DescribeTable', 'ThrottlingException', times => 2) ]);
unlike(run(q{SELECT cmz_configure_table('s', 'prov-table')}), qr/ERROR/, 'throttling is sat out');
received($aws);
behave($aws, raw => { 'dynamodb/DescribeTimeToLive' => { body => { TimeToLiveDescription => { TimeToLiveStatus => 'ENABLED', AttributeName => 'expires' } } } });
like(error_of($node, q{SELECT cmz_configure_table('s', 'prov-table')}), qr/55000: TTL of DynamoDB table "prov-table" is enabled on another attribute than "ttl".*have not been enabled.*HINT:  Disable it/s,
	'TTL on another attribute');

# ... and answers that are lost
behave($aws, raw => { 'dynamodb/DescribeTimeToLive' => { body => { TimeToLiveDescription => { TimeToLiveStatus => 'ENABLING', AttributeName => 'ttl' } } } },
	fail => [ failure('UpdateTimeToLive', 'InternalServerError', status => 500), failure('UpdateTimeToLive', $validation, message => 'TimeToLive is already enabled') ]);
like(run(q{SELECT cmz_create_table('s', 'prov-midway')}), qr/TTL enabled.*recovery enabled/s, 'TTL that a lost attempt has enabled is enabled');
behave($aws, fail => [ failure('DeleteTable', 'InternalServerError', status => 500) ]);
drop('prov-midway');
unlike(run(q{SELECT cmz_drop_table('s', 'prov-midway')}), qr/ERROR/, 'a table that a lost attempt has deleted is deleted');
received($aws);

# Cancelled while waiting
behave($aws, describe_list => [ { TableStatus => 'CREATING' } ]);
like(error_of($node, q{SET statement_timeout = '1500ms'; SELECT cmz_create_table('s', 'prov-midway')}), qr/57014.*CONTEXT:  $nothing_done/s, 'waiting can be cancelled, and tells what has been done');
is($node->safe_psql('postgres', 'SELECT 1'), '1', '... and the session goes on');
behave($aws);
run(q{SELECT cmz_configure_table('s', 'prov-midway')});
is(ops(received($aws)), 'DescribeTable DescribeTimeToLive UpdateTimeToLive UpdateContinuousBackups', '... what is left can be done then');

# --- Checks: all that is right
$ENV{AWS_ENDPOINT_URL_KMS} = "http://$aws";
my %sse = (SSEDescription => { Status => 'ENABLED', SSEType => 'KMS', KMSMasterKeyArn => $arn });
$node->safe_psql('postgres', q{IMPORT FOREIGN SCHEMA x LIMIT TO (prov_table) FROM SERVER s INTO public});
behave($aws, describe => \%sse);
$rows = check('prov_table');
is($rows->{'KMS key'}{actual}, 'not available', 'a local endpoint has no KMS');
ok(!defined $rows->{'KMS key'}{ok}, '... so that nothing is known of the key');
like($rows->{'KMS key'}{hint}, qr/no AWS KMS to compare key "$arn" with.*AWS_ENDPOINT_URL_KMS/, '... which the hint explains');
$node->restart;
$node->safe_psql('postgres', q{SELECT cmz_insert_test_data('prov_table', 2, 2, 3)});
received($aws);
$rows = check('prov_table');
is(wrong($rows) . unknown($rows), '', 'with KMS and backups all is right') or diag($json->encode($rows));
is($rows->{'TTL values'}{actual}, '12 in Unix seconds', '... the items too');
is($rows->{'KMS key'}{actual}, 'alias/aws/dynamodb', '... and the key');
is(ops(received($aws)), 'DescribeTable DescribeTimeToLive DescribeContinuousBackups DescribeKey Scan', '... as far as was asked');
like($node->safe_psql('postgres', q{SELECT d -> 'SSEDescription' ->> 'KMSMasterKeyArn' || ' ' || (d #>> '{ContinuousBackupsDescription,PointInTimeRecoveryDescription,RecoveryPeriodInDays}')
	|| ' ' || (d #>> '{TimeToLiveDescription,TimeToLiveStatus}') || ' ' || (d ->> 'TableName') FROM cmz_describe_table('prov_table') d}), qr/^$arn 35 ENABLED prov-table$/, 'all is described');
like($node->safe_psql('postgres', q{SELECT cmz_stat_reset(); SELECT count(*) FROM cmz_check_table('prov_table');
	SELECT requests, pages, items, scanned_items, consumed_read_units > 0 FROM cmz_stat WHERE operation = 'Scan'}), qr/^32\n1\|1\|12\|12\|t$/m, 'what the check reads is counted');
behave($aws, describe => \%sse, fail => [ failure('DescribeContinuousBackups', 'AccessDeniedException') ]);
like(error_of($node, q{SELECT cmz_describe_table('prov_table')}), qr/42501.*DescribeContinuousBackups/s, '... unless that is not allowed');

# --- Checks: each setting that is not right
sub described { my (%change) = @_; return (describe => { %sse, %change }) }
sub answered { my ($operation, $body) = @_; return (described(), raw => { "dynamodb/$operation" => { body => $body } }) }
sub index_of { my ($name, %change) = @_; return described(GlobalSecondaryIndexes => [ { IndexName => $name, %change } ]) }
sub finds
{
	my ($item, $actual, $ok, $hint, $wrong, %script) = @_;
	behave($aws, %script);
	my $found = check('prov_table');
	my $name = "$item: $actual";
	is($found->{$item}{actual}, $actual, $name);
	is(defined $found->{$item}{ok} ? $found->{$item}{ok} ? 'true' : 'false' : 'null', $ok, "$name is $ok");
	like($found->{$item}{hint} // '', $hint, "$name has a hint");
	is(wrong($found), $wrong, "$name, and nothing else is wrong");
	received($aws);
	return;
}
my $update = qr/aws dynamodb update-table --table-name prov-table/;
my $configure = qr/SELECT cmz_configure_table\('s', 'prov-table'\)/;
my $add = qr/SELECT cmz_add_index\('public\.prov_table', 'AnimalIndex'\)/;
finds('table status', 'UPDATING', 'false', qr/wait/, 'table status', described(TableStatus => 'UPDATING'));
finds('partition key', 'sessionId (S)', 'false', qr/create another table/, 'option "key", partition key', described(KeySchema => [ { AttributeName => 'sessionId' } ]));
finds('sort key', 'timestamp (S)', 'false', qr/create another table/, 'option "key", sort key', described(KeySchema => [ {}, { AttributeName => 'timestamp' } ]));
finds('index AnimalIndex status', 'CREATING', 'false', qr/becomes ACTIVE by itself/, 'index AnimalIndex status, option "indexes"', index_of('AnimalIndex', IndexStatus => 'CREATING'));
finds('index AnimalIndex status', 'DELETING', 'false', qr/Wait until it is gone, then $add/, 'index AnimalIndex status, option "indexes"', index_of('AnimalIndex', IndexStatus => 'DELETING'));
finds('index AnimalIndex keys', 'animalId (S), sessionId (S)', 'false', qr/$update --global-secondary-index-updates '\[\{"Delete":\{"IndexName":"AnimalIndex"\}\}\]'", then $add/,
	'index AnimalIndex keys, option "indexes"', index_of('AnimalIndex', KeySchema => [ {}, { AttributeName => 'sessionId' } ]));
finds('index AnimalIndex projection', 'INCLUDE (content)', 'false', qr/then $add/, 'index AnimalIndex projection, option "indexes"',
	index_of('AnimalIndex', Projection => { ProjectionType => 'INCLUDE', NonKeyAttributes => ['content'] }));
finds('index AnimalIndex status', 'missing', 'false', qr/$add adds the index/,
	join(', ', (map { my $i = $_; map { "index $i $_" } 'keys', 'projection', 'status' } 'AnimalIndex', 'ParentUserIndex', 'SessionIndex'), 'option "indexes"'),
	described(GlobalSecondaryIndexes => undef));
finds('billing mode', 'PROVISIONED', 'false', qr/throttled.*$update --billing-mode PAY_PER_REQUEST/, 'billing mode', described(BillingModeSummary => undef));
finds('encryption', 'a key of AWS\'s own', 'false', qr/$update --sse-specification Enabled=true,SSEType=KMS/, 'KMS key, encryption', describe => { SSEDescription => { Status => 'DISABLED' } });
finds('KMS key', 'arn:aws:kms:us-west-2:123456789012:key/mine', 'false', qr/another key.*$update --sse-specification/, 'KMS key',
	describe => { SSEDescription => { %{ $sse{SSEDescription} }, KMSMasterKeyArn => 'arn:aws:kms:us-west-2:123456789012:key/mine' } });
finds('KMS key', $arn, 'false', qr/another key/, 'KMS key', described(), kms => { arn => undef });
finds('KMS key', 'access denied', 'null', qr/AWS KMS refuses operation DescribeKey.*kms:DescribeKey/, '', described(), fail => [ failure('DescribeKey', 'AccessDeniedException', service => 'kms') ]);
finds('KMS key', 'not available', 'null', qr/DescribeKey of AWS KMS failed: broken/, '', described(), fail => [ failure('DescribeKey', 'KMSInvalidStateException', service => 'kms', message => 'broken') ]);
finds('KMS key', 'not available', 'null', qr/does not tell which key/, '', describe => { SSEDescription => { Status => 'ENABLED', SSEType => 'KMS' } });
finds('stream', 'false', 'false', qr/$update --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES/, 'stream, stream view type', described(StreamSpecification => undef));
finds('stream view type', 'KEYS_ONLY', 'false', qr/cannot be changed.*StreamEnabled=false.*$update --stream-specification/, 'stream view type', described(StreamSpecification => { StreamViewType => 'KEYS_ONLY' }));
finds('TTL attribute', 'none', 'false', qr/$configure sets it right/, 'TTL attribute, TTL state', answered(DescribeTimeToLive => { TimeToLiveDescription => { TimeToLiveStatus => 'DISABLED' } }));
finds('TTL attribute', 'expires', 'false', qr/$configure sets it right/, 'TTL attribute', answered(DescribeTimeToLive => { TimeToLiveDescription => { TimeToLiveStatus => 'ENABLED', AttributeName => 'expires' } }));
finds('TTL state', 'DISABLING', 'false', qr/wait an hour first\. $configure/, 'TTL state', answered(DescribeTimeToLive => { TimeToLiveDescription => { TimeToLiveStatus => 'DISABLING', AttributeName => 'ttl' } }));
finds('TTL state', 'ENABLING', 'true', qr/^$/, '', answered(DescribeTimeToLive => { TimeToLiveDescription => { TimeToLiveStatus => 'ENABLING', AttributeName => 'ttl' } }));
finds('TTL values', 'access denied', 'null', qr/dynamodb:Scan/, '', described(), fail => [ failure('Scan', 'AccessDeniedException') ]);
finds('point-in-time recovery', 'DISABLED', 'false', qr/restored.*$configure/, 'point-in-time recovery, recovery window',
	answered(DescribeContinuousBackups => { ContinuousBackupsDescription => { ContinuousBackupsStatus => 'ENABLED', PointInTimeRecoveryDescription => { PointInTimeRecoveryStatus => 'DISABLED' } } }));
finds('point-in-time recovery', 'access denied', 'null', qr/dynamodb:DescribeContinuousBackups/, '', described(), fail => [ failure('DescribeContinuousBackups', 'AccessDeniedException') ]);
finds('point-in-time recovery', 'not available', 'null', qr/malformed answer/, '', answered(DescribeContinuousBackups => {}));
sub window { my (%days) = @_; return answered(DescribeContinuousBackups => { ContinuousBackupsDescription => { ContinuousBackupsStatus => 'ENABLED', PointInTimeRecoveryDescription => { PointInTimeRecoveryStatus => 'ENABLED', %days } } }) }
finds('recovery window', '7', 'false', qr/fewer days.*$configure/, 'recovery window', window(RecoveryPeriodInDays => 7));
finds('recovery window', '35', 'true', qr/^$/, '', window());
finds('table class', 'STANDARD_INFREQUENT_ACCESS', 'false', qr/$update --table-class STANDARD/, 'table class', described(TableClassSummary => { TableClass => 'STANDARD_INFREQUENT_ACCESS' }));
finds('deletion protection', 'true', 'true', qr/^$/, '', described(DeletionProtectionEnabled => JSON::PP::true));

# An endpoint that is not local says nothing of encryption if the key is AWS's.
behave($tls);
$node->safe_psql('postgres', q{CREATE FOREIGN TABLE remote (user_id text COLLATE "C") SERVER tls OPTIONS (table_name 'prov-table')});
$rows = check('remote');
is($rows->{encryption}{actual}, 'a key of AWS\'s own', 'no SSEDescription from AWS: a key of its own');
ok(defined $rows->{encryption}{ok} && !$rows->{encryption}{ok}, '... which is wrong');
received($tls);

# TTL Not Working: values that TTL ignores
sub ttl_of
{
	my ($i, $value) = @_;
	ddb('PutItem', { TableName => 'prov-later', Item => { userId => { S => 'u' }, sessionIdTimestamp => { S => "s#$i" }, $value ? (ttl => $value) : () } });
	return;
}
$node->safe_psql('postgres', q{IMPORT FOREIGN SCHEMA x LIMIT TO (prov_later) FROM SERVER s INTO public});
behave($aws);
foreach ([ { N => '1747699200' }, '1 in Unix seconds', 'true', qr/^$/ ], [ undef, '1 without', 'null', qr/none of them will expire.*ttl_days/ ],
	[ { N => '1747699200000' }, '1 too large for seconds', 'false', qr/milliseconds\?.*Unix time in seconds/ ],
	[ { N => '90' }, '1 too small for Unix seconds', 'false', qr/durations\?.*Unix time in seconds/ ],
	[ { S => '2025-05-20T00:00:00Z' }, '1 of type S', 'false', qr/ignores text.*Unix time in seconds/ ],
	[ { BOOL => JSON::PP::true }, '1 of another type than N', 'false', qr/all but numbers.*Unix time in seconds/ ])
{
	my ($value, $actual, $ok, $hint) = @$_;
	ttl_of(1, $value);
	my $found = check('prov_later')->{'TTL values'};
	is($found->{actual}, $actual, "TTL values: $actual");
	is(defined $found->{ok} ? $found->{ok} ? 'true' : 'false' : 'null', $ok, '... is ' . $ok);
	like($found->{hint} // '', $hint, '... with a hint');
}
ttl_of(2, { N => '1747699200' });
ttl_of(3, undef);
is(check('prov_later')->{'TTL values'}{actual}, '1 in Unix seconds, 1 of another type than N, 1 without', 'TTL values: all kinds are counted');

# The foreign table against the live one
sub compares
{
	my ($name, $columns, $options, $item, $ok, $actual, $hint) = @_;
	behave($aws, described(GlobalSecondaryIndexes => [ { IndexName => 'AnimalIndex', Projection => { ProjectionType => 'KEYS_ONLY' } }, { IndexName => 'SessionIndex', IndexStatus => 'UPDATING' } ]));
	$node->safe_psql('postgres', "DROP FOREIGN TABLE IF EXISTS c; CREATE FOREIGN TABLE c ($columns) SERVER s OPTIONS (table_name 'prov-table', $options)");
	my $found = check('c')->{$item};
	is($found->{ok} ? 'right' : 'wrong', $ok, "$name is $ok");
	like($found->{actual}, $actual, '... compared with what there is');
	like($found->{hint} // '', $hint, '... with a hint');
	received($aws);
	return;
}
my $key = "key 'userId, sessionIdTimestamp'";
compares('another key', 'user_id text', q{key 'userId'}, 'option "key"', 'wrong', qr/^userId, sessionIdTimestamp$/, qr/Set option "key"/);
compares('a missing index', 'user_id text', qq{$key, indexes 'Other (content)'}, 'option "indexes"', 'wrong', qr/ParentUserIndex \(parentUserId, timestamp\)/, qr/Index "Other" is missing.*cmz_add_index/);
compares('an index with other keys', 'user_id text', qq{$key, indexes 'ParentUserIndex (parentUserId)'}, 'option "indexes"', 'wrong', qr/\w/, qr/Index "ParentUserIndex" has other keys/);
compares('an index that is not local', 'user_id text', qq{$key, indexes 'ParentUserIndex (userId, timestamp) local'}, 'option "indexes"', 'wrong', qr/\w/, qr/has other keys/);
compares('an index with fewer attributes', 'user_id text', qq{$key, indexes 'AnimalIndex (animalId, timestamp)'}, 'option "indexes"', 'wrong', qr/AnimalIndex \(animalId, timestamp\) keys_only/, qr/Index "AnimalIndex" has fewer attributes/);
compares('an index without an attribute', 'user_id text', qq{$key, indexes 'AnimalIndex (animalId, timestamp) include (content)'}, 'option "indexes"', 'wrong', qr/keys_only/, qr/fewer attributes/);
compares('an index with more attributes', 'user_id text', qq{$key, indexes 'ParentUserIndex (parentUserId, timestamp) include (content)'}, 'option "indexes"', 'right', qr/\w/, qr/^$/);
compares('an index that is not ACTIVE', 'user_id text', qq{$key, indexes 'SessionIndex (sessionId, timestamp)'}, 'option "indexes"', 'wrong', qr/\w/, qr/Index "SessionIndex" is not ACTIVE yet/);
compares('no index', 'user_id text', qq{$key, indexes 'none'}, 'option "indexes"', 'right', qr/SessionIndex/, qr/^$/);
compares('a key column of another type', 'session_id numeric', $key, 'column "session_id"', 'wrong', qr/^S$/, qr/Declare it as text \(S\), numeric/);
compares('a key column of documents', q{session_id jsonb}, $key, 'column "session_id"', 'right', qr/^S$/, qr/^$/);
compares('a time kept as a number', q{"timestamp" timestamptz OPTIONS (dynamodb_type 'N')}, $key, 'column "timestamp"', 'wrong', qr/^S$/, qr/dynamodb_type/);

# --- Adding an index
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE idx (user_id text COLLATE "C", session_id_timestamp text COLLATE "C", animal_id text COLLATE "C",
		"timestamp" timestamptz, tokens_used integer, content jsonb, flag boolean, who numeric OPTIONS (attribute 'kind')) SERVER s
		OPTIONS (table_name 'prov-other', key 'userId, sessionIdTimestamp', indexes $$ParentUserIndex (parentUserId, timestamp), Loc (userId, content) local,
			ByTokens (tokensUsed) keys_only, ByKind (kind, timestamp) include (content, flag), ByFlag (flag), ByContent (content), ByNothing (nothing)$$)});
create_table('prov-other', [ 'userId', 'sessionIdTimestamp' ], { name => 'ParentUserIndex', keys => [ 'parentUserId', 'timestamp' ] });
sub added { my ($name, @more) = @_; return error_of($node, 'SELECT cmz_add_index(' . join(', ', "'idx'", "'$name'", @more) . ')') }
behave($aws);
like(added('X'), qr/22023: foreign table "idx" has no index "X"\nHINT:  Valid names are: ParentUserIndex, Loc, ByTokens, ByKind, ByFlag, ByContent, ByNothing, SessionIndex, AnimalIndex\./, 'an index that nobody knows');
like(added('Loc'), qr/0A000: local index "Loc" cannot be added/, 'a local index');
like(added('ParentUserIndex'), qr/42710: DynamoDB table "prov-other" already has an index "ParentUserIndex"/, 'an index that exists');
like(added('ByFlag'), qr/42804: attribute "flag" cannot be a key\nDETAIL:  Column "flag" takes BOOL/, 'an attribute that cannot be a key');
like(added('ByNothing'), qr/42703: the type of attribute "nothing" is not known/, 'an attribute of which nothing is known');
like(added('ByContent'), qr/42703: the type of attribute "content" is not known/, '... or whose column takes any type');
like(error_of($node, q{SELECT cmz_add_index('idx', NULL)}), qr/22004/, 'no name');
like(error_of($node, q{SELECT cmz_add_index('pg_class', 'x')}), qr/42809: the first argument must be a foreign table of cmz_fdw/, 'no foreign table');
like(error_of($node, q{SELECT * FROM cmz_check_table('pg_class')}), qr/42809/, '... to check');
like(error_of($node, q{SELECT cmz_describe_table('pg_class')}), qr/42809/, '... to describe');
like(error_of($node, q{SELECT cmz_insert_test_data('pg_class')}), qr/42809/, '... to fill');
is(join(' ', grep { $_ ne 'DescribeTable' } map { $_->{op} } received($aws)), '', 'nothing of that is sent');
my %filling = ( GlobalSecondaryIndexes => [ { IndexName => 'AnimalIndex', IndexStatus => 'CREATING', Backfilling => JSON::PP::true } ], TableStatus => 'UPDATING');
behave($aws, describe_list => [ {}, \%filling, {} ]);
$said = run(q{SELECT cmz_add_index('idx', 'AnimalIndex')});
like($said, qr/0 s so far: the table is UPDATING, index "AnimalIndex" is CREATING \(backfilling\)\n.*index "AnimalIndex" of DynamoDB table "prov-other" is ACTIVE\nHINT:  Queries do not use it before option "indexes" of foreign table "idx" names it/s,
	'an index of the guide is added, with progress');
@log = received($aws);
is_deeply($log[1]{params}, { TableName => 'prov-other',
		AttributeDefinitions => [ map { { AttributeName => $_, AttributeType => 'S' } } 'animalId', 'timestamp' ],
		GlobalSecondaryIndexUpdates => [ { Create => { IndexName => 'AnimalIndex', Projection => { ProjectionType => 'ALL' },
					KeySchema => [ { AttributeName => 'animalId', KeyType => 'HASH' }, { AttributeName => 'timestamp', KeyType => 'RANGE' } ] } } ] }, '... as the guide has it');
sub create_of { my @sent = grep { $_->{op} eq 'UpdateTable' } received($aws); return $sent[0]{params} }
unlike(run(q{SELECT cmz_add_index('idx', 'ByTokens')}), qr/HINT|ERROR/, 'an index of the option is added');
my $sent = create_of();
is($json->encode([ $sent->{AttributeDefinitions}, $sent->{GlobalSecondaryIndexUpdates}[0]{Create}{Projection} ]), '[[{"AttributeName":"tokensUsed","AttributeType":"N"}],{"ProjectionType":"KEYS_ONLY"}]', '... a number, keys only');
run(q{SELECT cmz_add_index('idx', 'ByKind')});
$sent = create_of();
is($json->encode($sent->{GlobalSecondaryIndexUpdates}[0]{Create}{Projection}), '{"NonKeyAttributes":["content","flag"],"ProjectionType":"INCLUDE"}', '... or with some attributes');
is(check('idx')->{'index AnimalIndex status'}{ok}, JSON::PP::true, '... and are there');
like($node->safe_psql('postgres', q{SELECT actual FROM cmz_check_table('idx') WHERE item = 'option "indexes"'}), qr/ByKind \(kind, timestamp\) include \(content, flag\), ByTokens \(tokensUsed\) keys_only/, '... as asked for');
$node->safe_psql('postgres', q{ALTER FOREIGN TABLE idx OPTIONS (SET indexes 'ByKind2 (kind2, timestamp)'); ALTER FOREIGN TABLE idx ADD COLUMN kind2 text; ALTER FOREIGN TABLE idx ALTER COLUMN kind2 OPTIONS (ADD attribute 'kind')});
$node->safe_psql('postgres', q{ALTER FOREIGN TABLE idx DROP COLUMN who; ALTER FOREIGN TABLE idx OPTIONS (SET indexes 'ByKind2 (kind)')});
like(added('ByKind2'), qr/42804: attribute "kind" has type N in the keys of DynamoDB table "prov-other", not S\nHINT/, 'an attribute has one type in all keys');

# ... and its failures
sub cannot { my ($name, $expected, $failure) = @_; behave($aws, fail => [$failure]); like(added('SessionIndex'), $expected, $name); received($aws); return }
cannot('another index is being created', qr/53400.*The index has not been added\.\nHINT:  DynamoDB creates or deletes one index of a table at a time/s, failure('UpdateTable', 'LimitExceededException'));
cannot('the table is being changed', qr/55006.*The index has not been added\.\nHINT: .*one index of a table at a time/s, failure('UpdateTable', 'ResourceInUseException'));
cannot('no permission', qr/42501.*operation UpdateTable.*has not been added.*HINT: .*grant dynamodb:UpdateTable/s, failure('UpdateTable', 'AccessDeniedException'));
behave($aws, describe_list => [ {}, { TableStatus => 'UPDATING' } ]);
like(error_of($node, q{SET statement_timeout = '1500ms'; SELECT cmz_add_index('idx', 'SessionIndex')}), qr/57014.*CONTEXT:  DynamoDB is adding index "SessionIndex", whether it is waited for or not/s, 'waiting for an index can be cancelled');
drop('prov-other');
create_table('prov-other', [ 'userId', 'sessionIdTimestamp' ]);
behave($aws);
like(run(q{SELECT cmz_add_index('idx', 'AnimalIndex', false)}), qr/index "AnimalIndex" of DynamoDB table "prov-other" is being created/, 'or is left out');
is(ops(received($aws)), 'DescribeTable UpdateTable', '... and two requests are sent');
behave($aws, describe => { BillingModeSummary => undef, ProvisionedThroughput => { ReadCapacityUnits => 7, WriteCapacityUnits => 3 } },
	raw => { 'dynamodb/UpdateTable' => { body => { TableDescription => { TableStatus => 'UPDATING' } } } });
added('SessionIndex', 'false');
is_deeply(create_of()->{GlobalSecondaryIndexUpdates}[0]{Create}{ProvisionedThroughput}, { ReadCapacityUnits => 7, WriteCapacityUnits => 3 }, 'with provisioned capacity an index gets as much');

# --- Dropping a table
behave($aws, describe => { DeletionProtectionEnabled => JSON::PP::true }, fail => [ failure('DeleteTable', $validation) ]);
like(error_of($node, q{SELECT cmz_drop_table('s', 'prov-other')}), qr/55000: DynamoDB table "prov-other" has deletion protection\nDETAIL:  DynamoDB says: no DeleteTable\nHINT:  Turn it off with "aws dynamodb update-table --table-name prov-other --no-deletion-protection-enabled"/,
	'a protected table stays');
received($aws);
behave($aws, fail => [ failure('DeleteTable', $validation) ]);
like(error_of($node, q{SELECT cmz_drop_table('s', 'prov-other')}), qr/HV000: DynamoDB: no DeleteTable/, 'another bad request is none of protection');
behave($aws, fail => [ failure('DeleteTable', 'ResourceInUseException') ]);
like(error_of($node, q{SELECT cmz_drop_table('s', 'prov-other')}), qr/55006.*HINT: .*wait until it is ACTIVE/s, 'a table that is being changed');
received($aws);
behave($aws, raw => { 'dynamodb/DeleteTable' => { body => { TableDescription => { TableId => 'old', TableStatus => 'DELETING' } } } },
	describe_list => [ (map { { TableStatus => 'DELETING', TableId => 'old' } } 1 .. 3), { TableId => 'new' } ]);
like(run(q{SELECT cmz_drop_table('s', 'prov-other')}), qr/waiting for DynamoDB table "prov-other" to be deleted, \d+ s so far\n/, 'a long deletion is told of, and another table of that name is not waited for');
received($aws);
behave($aws, raw => { 'dynamodb/DeleteTable' => { body => { TableDescription => { TableStatus => 'DELETING' } } } }, describe => { TableStatus => 'DELETING' });
like(error_of($node, q{SET statement_timeout = '1s'; SELECT cmz_drop_table('s', 'prov-other')}), qr/57014.*CONTEXT:  DynamoDB is deleting the table, whether it is waited for or not/s, 'waiting for that can be cancelled');
behave($aws);
unlike(run(q{SELECT cmz_drop_table('s', 'prov-other')}), qr/ERROR/, 'a table is deleted');
received($aws);

# --- Read-only transactions
foreach my $change (q{cmz_create_table('s', 'prov-other')}, q{cmz_configure_table('s', 'prov-table')}, q{cmz_add_index('prov_table', 'AnimalIndex')}, q{cmz_drop_table('s', 'prov-table')})
{
	my ($function) = $change =~ /^(\w+)/;
	like(error_of($node, "BEGIN READ ONLY; SELECT $change"), qr/25006: cannot execute $function\(\) in a read-only transaction/, "$function() is not for a read-only transaction");
}
like(error_of($node, q{BEGIN READ ONLY; SELECT cmz_insert_test_data('prov_table')}), qr/25006: cannot execute INSERT in a read-only/, '... nor are test data');
is(ops(received($aws)), '', '... and nothing is sent');
like(run(q{BEGIN READ ONLY; SELECT count(*) FROM cmz_check_table('prov_table') WHERE ok}), qr/^\d+$/m, 'checking is');

# --- Privileges
$node->safe_psql('postgres', q{
	CREATE ROLE bob LOGIN;
	CREATE USER MAPPING FOR bob SERVER s OPTIONS (access_key_id 'AKIABOB', secret_access_key 'bobs3cret')});
sub as_bob { my ($query) = @_; my ($status, $out, $err) = $node->psql('postgres', $query, extra_params => [ '-U', 'bob', '-v', 'VERBOSITY=verbose' ]); return "$out$err" }
aws_script($aws, { keys => { AKIABOB => { secret => 'bobs3cret' } }, describe => \%sse });
like(as_bob(q{SELECT * FROM cmz_check_table('prov_table')}), qr/42501: permission denied for foreign table prov_table/, 'checking needs SELECT');
like(as_bob(q{SELECT cmz_describe_table('prov_table')}), qr/42501: permission denied for foreign table prov_table/, '... describing too');
like(as_bob(q{SELECT cmz_add_index('prov_table', 'AnimalIndex')}), qr/42501: permission denied for function cmz_add_index/, 'adding an index is not for everyone');
like(as_bob(q{SELECT cmz_configure_table('s', 'prov-table')}), qr/42501: permission denied for function cmz_configure_table/, '... nor is configuring');
is(scalar(received($aws)), 0, '... and nothing is sent');
$node->safe_psql('postgres', 'GRANT SELECT ON prov_table TO bob; GRANT EXECUTE ON FUNCTION cmz_add_index, cmz_configure_table TO bob');
is(as_bob(q{SELECT count(*) FROM cmz_check_table('prov_table') WHERE ok}), '32', 'SELECT suffices');
like(as_bob(q{SELECT cmz_describe_table('prov_table') ->> 'TableName'}), qr/^prov-table$/, '... to describe too');
is_deeply([ grep { $_->{headers}{Authorization} !~ /AKIABOB/ } received($aws) ], [], '... with one\'s own credentials');
like(as_bob(q{SELECT cmz_add_index('prov_table', 'AnimalIndex')}), qr/42501: must be owner of foreign table prov_table/, 'an index is its owner\'s to add');
like(as_bob(q{SELECT cmz_configure_table('s', 'prov-table')}), qr/42501: permission denied for foreign server s/, 'configuring needs the server');
$node->safe_psql('postgres', 'ALTER FOREIGN TABLE prov_table OWNER TO bob');
like(as_bob(q{SELECT cmz_add_index('prov_table', 'AnimalIndex')}), qr/42710/, 'the owner may');

drop("prov-$_") foreach qw(table later midway);

# not everything that answers 200 is DynamoDB
my $proxy = start_proxy(dynamodb_url());
create_server($node, 'odd', "http://$proxy", "max_retries '0'");
foreach my $body ('{}', '[]', '<html>hello</html>', '{"TableDescription":[]}', '{"Table":{}}')
{
	my $answer = { do => 'status', code => 200, body => $body, times => 9 };
	script($proxy, $answer);
	like(run("SELECT cmz_create_table('odd', 'prov-odd')"), qr/08P01: .*malformed answer.*DETAIL: .*may have been created nevertheless/s, "created: $body");
	script($proxy, $answer);
	like(run("SELECT cmz_configure_table('odd', 'prov-odd')"), qr/08P01: .*malformed answer/s, '... configured');
	script($proxy, $answer);
	like(run("SELECT cmz_drop_table('odd', 'prov-odd')"), qr/08P01: .*malformed answer/s, '... dropped');
}
done_testing();
