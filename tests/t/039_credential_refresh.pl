# Credentials: kept for a session, renewed before they expire, forgotten when
# they are refused; clocks that are wrong.
use strict;
use warnings;
use CmzCredentials;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my ($node, $aws, $dir) = start_all(AWS_EC2_METADATA_DISABLED => 'true', AWS_WEB_IDENTITY_TOKEN_FILE => '~/none', AWS_ROLE_ARN => role_of('web'));
my $token = write_file('token', 'token.1');
environment(AWS_EC2_METADATA_DISABLED => 'true', AWS_WEB_IDENTITY_TOKEN_FILE => $token, AWS_ROLE_ARN => role_of('web'));
my $query = q{SELECT count(*) FROM t WHERE id = 'a'; };
my $session;
sub begin { $session->quit if $session; $session = $node->background_psql('postgres', on_error_stop => 0); return }
sub run { return $session->query($query) }

# The session's error, if there is one.
sub complaint { run(); my $error = $session->{stderr}; $session->{stderr} = ''; return $error }
sub behave { aws_script($aws, {@_}); return }

# How often each was asked since the last look.
sub counts
{
	my %n;
	$n{ $_->{service} }++ foreach aws_log($aws);
	return join ' ', map { "$_:$n{$_}" } sort keys %n;
}

# Kept
behave();
begin();
$session->query($query x 100);
is(counts(), 'dynamodb:100 sts:1', '100 statements, one request for credentials');
$session->query("BEGIN; SAVEPOINT a; SELECT 1 / 0; ROLLBACK TO a; $query ROLLBACK; $query");
is(counts(), 'dynamodb:2', '... also after an error');
begin();
run();
is(counts(), 'dynamodb:1 sts:1', 'another session asks for itself');

# Renewed when a fifth of a short life is over
behave(sts => { expires_in => 10 });
begin();
run();
write_file('token', 'token.2');
aws_log($aws);
sleep 2.1;
run();
my @log = aws_log($aws);
is(join(' ', map { "$_->{service}/$_->{op}" } @log), 'sts/AssumeRoleWithWebIdentity dynamodb/Query', 'they are renewed before they expire');
is($log[0]{params}{WebIdentityToken}, 'token.2', '... with the token that is in the file now');
unlink $token;
sleep 2.1;
is(run(), '0', 'while there are no new ones the old ones do');
like($session->query(q{SELECT source FROM cmz_credentials('s')}), qr/^web identity/, '... as one can see');
is(counts(), 'dynamodb:1', '... without another request');
like(slurp_file($node->logfile), qr/LOG:  could not renew AWS credentials, those at hand are used until they expire\n.*DETAIL:  could not read file "\Q$token\E"/, '... which the log says');
is(() = slurp_file($node->logfile) =~ /could not renew/g, 1, '... once');
write_file('token', 'token.3');
behave(sts => { expires_in => 1 });
begin();
run();
unlink $token;
sleep 1.1;
like(complaint(), qr/could not read file "\Q$token\E"/, '... until they have expired');
write_file('token', 'token.4');
is(run(), '0', '... or there are new ones');
behave(delay => { sts => 3 });
begin();
$session->query(q{SET statement_timeout = '300ms'});
like(complaint(), qr/canceling statement due to statement timeout/, 'asking can be cancelled');
behave();
is(run(), '0', '... and begins anew');
behave(sts => { expires_in => -60 });
begin();
run();
run();
is(counts(), 'dynamodb:2 sts:2', 'those that have expired are not kept');

# Refused
my %expired = (service => 'dynamodb', status => 400, code => 'com.amazon.coral.service#ExpiredTokenException', message => 'The security token included in the request is expired');
behave();
begin();
run();
behave(fail => [ {%expired} ]);
is(run(), '0', 'what DynamoDB says has expired is renewed');
is(counts(), 'dynamodb:2 sts:1', '... once');
behave(fail => [ { %expired, times => 9 } ]);
like(complaint(), qr/DynamoDB: The security token included in the request is expired/, 'if that too has expired it is an error');
is(counts(), 'dynamodb:2 sts:1', '... and no more');
behave(fail => [ {%expired}, { service => 'sts', status => 403, code => 'AccessDenied', message => 'no longer' } ]);
like(complaint(), qr/could not get credentials from AWS STS.*no longer/, 'if there are no others it is their error');
$node->safe_psql('postgres', q{CREATE FOREIGN TABLE many (id text COLLATE "C") SERVER s OPTIONS (table_name 'cred-t', key 'id', concurrency '4')});
behave();
begin();
run();
behave(delay => { dynamodb => 0.2 }, fail => [ { %expired, times => 4 } ]);
is($session->query(q{SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM many WHERE id IN ('a', 'b', 'c', 'd') OR id > 'e'}), '0', 'several requests are told so at once');
like(counts(), qr/ sts:1$/, '... and renew once, together');
$node->safe_psql('postgres', q{CREATE USER MAPPING FOR postgres SERVER s OPTIONS (access_key_id 'AKIAMAPPING', secret_access_key 's3cret', session_token 't0ken')});
behave(keys => { AKIAMAPPING => { secret => 's3cret', token => 't0ken' } }, fail => [ { %expired, times => 9 } ]);
begin();
like(complaint(), qr/DynamoDB: The security token/, 'what the mapping has cannot be renewed');
is(counts(), 'dynamodb:1', '... nor tried again');
$node->safe_psql('postgres', q{DROP USER MAPPING FOR postgres SERVER s});

# Clocks
sub date { my ($skew) = @_; my ($s, $m, $h, $d, $mon, $y, $w) = gmtime(time + $skew);
	return sprintf '%s, %02d %s %d %02d:%02d:%02d GMT', (qw(Sun Mon Tue Wed Thu Fri Sat))[$w], $d, (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[$mon], $y + 1900, $h, $m, $s }
my $key = q{OPTIONS (access_key_id 'AKIAMAPPING', secret_access_key 's3cret')};
my %known = (keys => { AKIAMAPPING => { secret => 's3cret' } });
$node->safe_psql('postgres', "CREATE USER MAPPING FOR postgres SERVER s $key");
foreach my $skew (3600, -3600, 30 * 86400)
{
	foreach my $refusal (JSON::PP::true, { status => 400, code => 'InvalidSignatureException' }, { status => 403, code => 'SignatureDoesNotMatch' }, { status => 400, code => 'RequestExpired' })
	{
		behave(%known, date => date($skew), skew_check => $refusal);
		begin();
		is(run(), '0', "a clock $skew s off" . (ref $refusal eq 'HASH' ? ", $refusal->{code}" : ''));
		is(counts(), 'dynamodb:2', '... takes one more request');
		run();
		is(counts(), 'dynamodb:1', '... once');
	}
}
behave(%known, date => date(0));
is(run(), '0', 'a clock that is right again is no problem where nobody looks');
behave(%known, skew_check => JSON::PP::true);
is(run(), '0', '... and learned again where somebody does');
is(counts(), 'dynamodb:2', '... by one more request');
my %refused = (service => 'dynamodb', status => 400, code => 'com.amazon.coral.service#InvalidSignatureException', message => 'does not match', times => 9);
begin();
foreach ([ 0, 1, 'none' ], [ 50, 1, 'less than a minute' ], [ 90, 2, 'more' ])
{
	behave(%known, date => date($_->[0]), fail => [ {%refused} ]);
	like(complaint(), qr/DynamoDB: does not match/, "a signature that is wrong for another reason than the clock: $_->[2]");
	is(counts(), "dynamodb:$_->[1]", "... after $_->[1]");
}
behave(%known, date => 'yesterday', fail => [ {%refused} ]);
like(complaint(), qr/DynamoDB: does not match/, 'a date that is none');
is(counts(), 'dynamodb:1', '... is nothing to learn from');

# each endpoint has its own clock
my $other = start_aws('--upstream', dynamodb_url());
$node->safe_psql('postgres', "ALTER SERVER s OPTIONS (ADD role_arn '" . role_of('x') . "'); CREATE SERVER other FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'http://$other', max_retries '0');
	CREATE FOREIGN TABLE o (id text COLLATE \"C\") SERVER other OPTIONS (table_name 'cred-t', key 'id'); CREATE USER MAPPING FOR postgres SERVER other $key");
behave(%known, date => date(7200), skew_check => JSON::PP::true, sts => { expires_in => 3600 });
aws_script($other, { %known, skew_check => JSON::PP::true });
begin();
is(run(), '0', 'the clock of STS is learned too');
is(counts(), 'dynamodb:1 sts:2', '... by one more request');
is($session->query(q{SELECT count(*) FROM o WHERE id = 'a'}), '0', 'another endpoint has a clock of its own');
is(scalar(my @others = aws_log($other)), 1, '... that was never in doubt');
is(run(), '0', 'both are remembered');
like(counts(), qr/^dynamodb:1/, '... each by itself');

# what is kept is not given up while there is room
$node->safe_psql('postgres', "CREATE SERVER elsewhere FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'http://$aws', region 'eu-west-1', max_retries '0');
	CREATE FOREIGN TABLE e (id text COLLATE \"C\") SERVER elsewhere OPTIONS (table_name 'cred-t', key 'id'); DROP USER MAPPING FOR postgres SERVER s; ALTER SERVER s OPTIONS (DROP role_arn)");
write_file('token', 'token.5');
behave();
begin();
run();
behave(fail => [ { %expired, times => 200 } ]);
$session->query(q{SELECT count(*) FROM e WHERE id = 'a';}) foreach 1 .. 40;
$session->{stderr} = '';
behave();
is(run(), '0', 'others have been refused forty times');
is(counts(), 'dynamodb:1', '... and the first are still kept');
$session->quit;

only_sound('all requests were such of AWS');
ddb('DeleteTable', { TableName => 'cred-t' });
done_testing();
