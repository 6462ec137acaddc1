# Credentials: no secret is seen anywhere, whatever happens, and none stays in
# memory.
use strict;
use warnings;
use CmzCredentials;
use CmzTest;
use Digest::SHA qw(sha1_hex);
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $aws, $dir) = start_all();
my $seen = '';

# Each secret has this in it
sub secret { return "S3CR3T-$_[0]" }
sub issued { my ($what) = @_; return { access_key_id => uc "ASIA${what}0001", secret_access_key => secret("$what-key"), session_token => secret("$what-token") } }
my %keys = map { +"AKIA\U$_\E00001" => { secret => secret($_) } } qw(mapping environment file process);
my %behaviour = (keys => \%keys, sts => issued('sts'), container => { %{ issued('container') }, authorization => secret('authorization') },
	imds => issued('imds'), sso => { %{ issued('sso') }, token => secret('bearer') });

# All that a client can see of it, now and with each request failing in turn
sub look
{
	my ($name, $source) = @_;
	my @statements = (
		q{SELECT * FROM cmz_credentials('s')}, q{SELECT count(*) FROM t WHERE id = 'a'}, q{INSERT INTO t VALUES ('a')},
		(map { "EXPLAIN (ANALYZE, VERBOSE, FORMAT $_) SELECT * FROM t" } qw(TEXT JSON YAML XML)),
		q{SELECT * FROM pg_stat_activity}, q{SELECT * FROM nothing}, q{SELECT * FROM pg_options_to_table(array(SELECT unnest(srvoptions) FROM pg_foreign_server))});
	aws_script($aws, \%behaviour);
	like(who(), $source, $name);
	foreach my $fail ([], [ { service => 'dynamodb', status => 400, code => 'ExpiredTokenException', times => 1 } ],
		[ { service => 'dynamodb', status => 403, code => 'SignatureDoesNotMatch', times => 99 } ], [ { status => 403, code => 'AccessDenied', times => 99 } ],
		[ { status => 200, times => 99 } ])
	{
		aws_script($aws, { %behaviour, fail => $fail });
		my ($status, $out, $err) = $node->psql('postgres', join('; ', 'SET client_min_messages = debug5', @statements),
			extra_params => [ '-v', 'VERBOSITY=verbose' ], on_error_stop => 0);
		$seen .= "$out\n$err\n";
	}
	aws_script($aws, { %behaviour, raw => { map { $_ => { status => 200, body => '{"a": "' . secret('answer') . '", "AccessKeyId": "' . secret('id') . '"' } }
			'sts/AssumeRole', 'sts/AssumeRoleWithWebIdentity', 'container/credentials', 'imds/credentials', 'sso/GetRoleCredentials' } });
	$seen .= error_of($node, q{SELECT * FROM cmz_credentials('s')});
	return;
}

# What is in a statement is PostgreSQL's to log, so these come before
my $mapping = q{ALTER USER MAPPING FOR postgres SERVER s OPTIONS };
$node->safe_psql('postgres', q{CREATE USER MAPPING FOR postgres SERVER s OPTIONS (access_key_id 'AKIAMAPPING00001', secret_access_key '} . secret('mapping') . q{', role_arn '} . role_of('x') . q{')});
$node->append_conf('postgresql.conf', "log_min_messages = debug5\nlog_statement = 'all'\nlog_min_error_statement = debug5\nlog_error_verbosity = verbose\n"
	  . "log_min_duration_statement = 0\nlog_connections = on\n");
environment();
look('a mapping\'s', qr/^role .*user mapping/);
$node->safe_psql('postgres', $mapping . '(DROP access_key_id, DROP secret_access_key)');
my %key = (AWS_ACCESS_KEY_ID => 'AKIAENVIRONMENT00001', AWS_SECRET_ACCESS_KEY => secret('environment'));
environment(%key);
look('the environment\'s', qr/^role .*environment/);
environment(%key, AWS_SECRET_ACCESS_KEY => secret('environment') . ' ');
$seen .= refused();
$node->safe_psql('postgres', $mapping . '(DROP role_arn)');
write_file('token', secret('web'));
environment(AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/token", AWS_ROLE_ARN => role_of('web'));
look('a web identity\'s', qr/^web identity/);
environment(AWS_CONTAINER_CREDENTIALS_FULL_URI => "http://$aws/container/credentials", AWS_CONTAINER_AUTHORIZATION_TOKEN => secret('authorization'));
look('a container\'s', qr/^container/);
environment(AWS_CONTAINER_CREDENTIALS_FULL_URI => "http://$aws/container/credentials", AWS_CONTAINER_AUTHORIZATION_TOKEN => secret('authorization') . "\nx");
$seen .= refused();
environment(CMZ_FDW_ALLOW_CREDENTIAL_PROCESS => '1');
look('an instance\'s', qr/^instance/);

# files, while the server runs
my $file = "aws_access_key_id = AKIAFILE00001\naws_secret_access_key = " . secret('file');
my $role = "[default]\nrole_arn = " . role_of('y') . "\nsource_profile = base\n";
write_file('.aws/config', "$role\[profile base]\n$file\n");
look('a role of a profile\'s', qr/^role .*profile base/);
foreach ("[default]\n$file\n" . secret('line'), "[default]\n$file\n[" . secret('section'), "[default]\n$file " . secret('word'), secret('start'))
{
	write_file('.aws/config', $_);
	$seen .= refused();
}
mkdir "$dir/.aws/$_" foreach 'sso', 'sso/cache';
write_file('.aws/sso/cache/' . sha1_hex('x') . '.json', '{"accessToken": "' . secret('bearer') . '", "expiresAt": "2098-01-01T00:00:00Z"}');
write_file('.aws/config', "[default]\nsso_start_url = x\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = zoo\n");
look('a login\'s', qr/^IAM Identity Center/);
write_file('run.sh', "echo '" . secret('line') . "' >&2\necho '{\"Version\": 1, \"AccessKeyId\": \"AKIAPROCESS00001\", \"SecretAccessKey\": \"" . secret('process') . "\"}'\n");
write_file('.aws/config', "[default]\ncredential_process = sh $dir/run.sh\n");
look('a command\'s', qr/^credential_process/);
write_file('run.sh', "echo '" . secret('line') . "'\n");
$seen .= refused();

is_deeply([ $seen =~ /^.*S3CR3T.*$/mg ], [], 'no client has seen a secret');
my $log = slurp_file($node->logfile);
ok($log =~ /statement: SET client_min_messages = debug5/, 'the log has it all');
# the postmaster itself writes its environment there
is_deeply([ grep { !/\tAWS_\w+=/ && !/CREATE USER MAPPING/ } $log =~ /^.*S3CR3T.*$/mg ], [], '... but for the secrets');
ok($seen =~ /DynamoDB: Scan/, 'plans were seen');

# Memory: 2,000 statements with credentials got anew for each, and files that change
$node->append_conf('postgresql.conf', "log_min_messages = warning\nlog_statement = none\nlog_min_duration_statement = -1\n");
write_file('token', 'token');
unlink "$dir/.aws/config";
environment(AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/token", AWS_ROLE_ARN => role_of('web'), AWS_CONFIG_FILE => "$dir/config");
aws_script($aws, { sts => { expires_in => 0 } });
my @growth = split /\n/, $node->safe_psql('postgres', qq{
	CREATE PROCEDURE renew(n int) LANGUAGE plpgsql AS \$\$ BEGIN
		FOR i IN 1 .. n LOOP PERFORM source FROM cmz_credentials('s'); COMMIT; END LOOP; END \$\$;
	CREATE PROCEDURE change(n int) LANGUAGE plpgsql AS \$\$ BEGIN
		FOR i IN 1 .. n LOOP
			EXECUTE format('COPY (SELECT %L UNION ALL SELECT %L UNION ALL SELECT s FROM generate_series(1, 9) n, LATERAL (VALUES (format(%L, n)), (%L)) v (s)) TO %L',
				'[default]', 'region = eu-west-' || repeat('1', i % 2 + 1), '[profile p%s]', 'a = ' || repeat('x', 50), '$dir/config');
			PERFORM count(*) FROM t WHERE id = 'none';
			COMMIT;
		END LOOP; END \$\$;
} . q{
	CREATE VIEW top AS SELECT used_bytes, (SELECT count(*) FROM pg_backend_memory_contexts) FROM pg_backend_memory_contexts WHERE name = 'TopMemoryContext';
	CALL renew(100); CALL change(10);
	SELECT * FROM top \gset
	CALL renew(2000);
	SELECT used_bytes - :used_bytes, count - :count FROM top;
	SELECT * FROM top \gset
	CALL change(200);
	SELECT used_bytes - :used_bytes, count - :count FROM top;
});
is(scalar(grep { $_->{service} eq 'sts' } aws_log($aws)), 2310, 'renewed again and again');
like($growth[0], qr/^-?\d{1,4}\|-?[0-3]$/, '... nothing is left of what has been replaced') or diag("@growth");
like($growth[1], qr/^-?\d{1,4}\|-?[0-3]$/, '... nor of files that have changed') or diag("@growth");
ddb('DeleteTable', { TableName => 'cred-t' });
done_testing();
