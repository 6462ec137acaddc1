# Credentials: roles of options and profiles, with whatever they are assumed, and
# IAM Identity Center.
use strict;
use warnings;
use CmzCredentials;
use CmzTest;
use Digest::SHA qw(sha1_hex);
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $aws, $dir) = start_all(AWS_EC2_METADATA_DISABLED => 'true');
my %behaviour = (keys => { AKIABASE00000001 => { secret => 'bases3cret' }, AKIATEMP00000002 => { secret => 'temps3cret', token => 'temptoken' } });
my $base = "aws_access_key_id = AKIABASE00000001\naws_secret_access_key = bases3cret\n";
sub behave { my (%more) = @_; aws_script($aws, { %behaviour, %more }); return }
sub server { $node->safe_psql('postgres', "ALTER SERVER s OPTIONS ($_[0])"); return }

# The roles that were assumed since the last look, with whose key.
sub assumed
{
	my @log = grep { $_->{service} eq 'sts' } aws_log($aws);
	my @flaws = map { @{ $_->{problems} } } @log;
	return "problems: @flaws" if @flaws;
	return join ' ', map { ($_->{headers}{Authorization} // '') =~ s/.*Credential=(\w+).*/$1/r . '>' . $_->{params}{RoleArn} =~ s/.*role.//r } @log;
}

# The parameters of the last AssumeRole.
sub params { my @log = aws_log($aws); return @log ? $log[-1]{params} : {} }

# Options of the server
behave();
write_file('.aws/credentials', "[default]\n$base");
server("ADD role_arn '" . role_of('plain') . "'");
is(who(), 'role ' . role_of('plain') . ', assumed with: profile default|*******|t', 'the role of an option');
is_deeply(params(), { RoleArn => role_of('plain'), RoleSessionName => 'cmz_fdw' }, '... with a session name of ours, no more');
is(signer(), 'ASIASTS', '... signs');
server("ADD external_id 'zoo:42/x', ADD role_session_name 'zoo=keeper\@x.y'");
who();
is_deeply(params(), { RoleArn => role_of('plain'), RoleSessionName => 'zoo=keeper@x.y', ExternalId => 'zoo:42/x' }, 'external id and session name');

# Mappings have their own, and share nothing that they should not
$node->safe_psql('postgres', qq{
	CREATE ROLE alice; CREATE ROLE bob; GRANT USAGE ON FOREIGN SERVER s TO alice, bob; GRANT SELECT ON t TO alice, bob;
	GRANT EXECUTE ON FUNCTION cmz_credentials TO alice, bob;
	CREATE USER MAPPING FOR alice SERVER s OPTIONS (access_key_id 'AKIABASE00000001', secret_access_key 'bases3cret', external_id 'of-alice');
	CREATE USER MAPPING FOR bob SERVER s OPTIONS (access_key_id 'AKIABASE00000001', secret_access_key 'bases3cret', external_id 'of-bob');
});
aws_log($aws);
my $by_turns = join ' ', map { "SET ROLE $_; SELECT count(*) FROM t WHERE id = 'a'; SELECT source FROM cmz_credentials('s');" } qw(alice bob alice bob);
my $sources = $node->safe_psql('postgres', $by_turns);
is_deeply([ map { $_->{params}{ExternalId} } grep { $_->{service} eq 'sts' } aws_log($aws) ], [ 'of-alice', 'of-bob' ],
	'two users with one key and two external ids have credentials of their own, each once');
like($sources, qr/^role \S+, assumed with: user mapping$/m, '... by their own keys');
$node->safe_psql('postgres', q{ALTER USER MAPPING FOR bob SERVER s OPTIONS (ADD role_arn '} . role_of('bobs') . q{', ADD session_token 'temptoken', SET access_key_id 'AKIATEMP00000002', SET secret_access_key 'temps3cret')});
aws_log($aws);
$node->safe_psql('postgres', $by_turns . "RESET ROLE; SELECT count(*) FROM t WHERE id = 'a'");
is(assumed(), 'AKIABASE00000001>plain AKIATEMP00000002>bobs AKIABASE00000001>plain', 'a mapping has a role of its own, and the superuser the server\'s');
server('DROP external_id, DROP role_session_name');

# What goes wrong
foreach (
	[ { status => 403, code => 'AccessDenied', message => 'User: x is not authorized to perform: sts:AssumeRole' }, qr/42501: could not get credentials from AWS STS, AssumeRole: User: x is not.*HINT:  Let an administrator grant sts:AssumeRole to/s, 1 ],
	[ { status => 403, code => 'ExpiredToken', message => 'The security token included in the request is expired' }, qr/28000: .*is expired.*ExpiredToken/s, 1 ],
	[ { status => 400, code => 'ValidationError', message => 'bad' }, qr/28000: .*: bad$/m, 1 ],
	[ { status => 503, code => 'ServiceUnavailable', times => 9 }, qr/58000: could not get credentials from AWS STS/, 4 ],
	[ { status => 400, code => 'Throttling', message => 'Rate exceeded', times => 9 }, qr/53400: .*Rate exceeded/, 4 ])
{
	my ($failure, $error, $times) = @$_;
	behave(fail => [ { service => 'sts', %$failure } ]);
	like(refused(), $error, "STS says $failure->{code}");
	is(scalar(split / /, calls()), $times, "... to $times");
}
foreach ([ { status => 503, code => 'ServiceUnavailable', times => 2 }, 3 ], [ { status => 400, code => 'Throttling' }, 2 ])
{
	behave(fail => [ { service => 'sts', %{ $_->[0] } } ]);
	like(who(), qr/^role/, "$_->[0]{code} passes");
	is(scalar(split / /, calls()), $_->[1], '... with another request');
}
my $credentials = '<AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey><SessionToken>t0ken</SessionToken>';
sub answer { return "<AssumeRoleResponse><AssumeRoleResult><Credentials>$_[0]</Credentials></AssumeRoleResult></AssumeRoleResponse>" }
foreach (
	[ '', 'nothing' ], [ 'hello', 'no XML' ], [ answer($credentials . '<Expiration>2098-01-01T00:00:00Z</Expiration>') =~ s/.$//r, 'XML without its end' ],
	[ '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', 'an entity' ], [ answer($credentials), 'no time' ],
	[ answer("$credentials<Expiration>soon</Expiration>"), 'an odd time' ], [ answer("$credentials<Expiration>2098-01-01T00:00:00Z</Expiration>") =~ s/s3cret/s3 cret/r, 'an odd key' ],
	[ '<a>' x 100000, 'deep XML' ], [ answer('<AccessKeyId>' . 'x' x 10_000_000 . '</AccessKeyId>'), '10 MB' ], [ answer("\xFF\xFE"), 'no UTF-8' ])
{
	behave(raw => { 'sts/AssumeRole' => { status => 200, body => $_->[0] } });
	my $shown = refused();
	like($shown, qr/28000: (?:could not get credentials from role \S+, assumed with: profile default: the answer has none|invalid character)/, "an answer with $_->[1]");
	unlike($shown, qr/s3 ?cret|t0ken/, '... is not shown');
}
behave(delay => { sts => 2 });
server("ADD request_timeout '100ms'");
like(refused(), qr/08006: could not get credentials from AWS STS, AssumeRole: .*tim/i, 'STS does not answer in time');
server('DROP request_timeout');
server('DROP role_arn');

# Profiles
sub config { write_file('.aws/config', $_[0]); behave(sts => { access_key_id => 'ASIAOFROLE000003' }); return }
sub role { my ($name, @settings) = @_; return join "\n", "[profile $name]", 'role_arn = ' . role_of($name), @settings, '' }
server("ADD profile 'top'");
config(role('top', 'source_profile = default', 'external_id = e x&t=1', 'role_session_name = me', 'duration_seconds = 900'));
who();
is_deeply(params(), { RoleArn => role_of('top'), RoleSessionName => 'me', ExternalId => 'e x&t=1', DurationSeconds => 900 }, 'a profile with all settings');
foreach (
	[ role('top', 'source_profile = mid') . role('mid', 'source_profile = default'), 'AKIABASE00000001>mid ASIAOFROLE000003>top', 'three levels' ],
	[ role('top', 'source_profile = top', $base), 'AKIABASE00000001>top', 'its own source' ],
	[ role('top', 'source_profile = mid') . role('mid', 'source_profile = mid', $base), 'AKIABASE00000001>mid ASIAOFROLE000003>top', '... at the end of a chain' ],
	[ role('top', 'source_profile = default', $base =~ s/BASE/ELSE/r), 'AKIABASE00000001>top', 'a role comes before keys' ])
{
	config($_->[0]);
	like(who(), qr/^role \S+, assumed with/, "profiles: $_->[2]");
	is(assumed(), $_->[1], '... in that order');
}
foreach (
	[ role('top', 'source_profile = mid') . role('mid', 'source_profile = top'), qr/profile "top" is, over source_profile, its own source/, 'a circle' ],
	[ role('top', 'source_profile = top'), qr/profile "top" is its own source_profile and has no access key/, 'its own source, without keys' ],
	[ role('top', 'source_profile = away'), qr/there is no profile "away"/, 'a missing source' ],
	[ role('top', 'source_profile = mid') . "[profile mid]\nregion = x\n", qr/profile "mid" has no credentials\nDETAIL:  Profile "top" leads to it/, 'a source without any' ],
	[ role('top'), qr/profile "top" does not say with which.*HINT:  Set one/s, 'no source' ],
	[ role('top', 'source_profile = default', 'credential_source = Environment'), qr/profile "top" does not say with which/, 'two sources' ],
	[ role('top', 'credential_source = Nowhere'), qr/invalid credential_source.*HINT:  Valid values are/s, 'an unknown source' ],
	[ role('top', 'credential_source = EcsContainer'), qr/credential_source "EcsContainer" of profile "top" has no credentials/, 'a source that is not there' ],
	[ role('top', 'source_profile = default', 'mfa_serial = x'), qr/profile "top" wants a code of a multi-factor/, 'a code' ],
	[ role('top', 'source_profile = p1') . join('', map { role("p$_", 'source_profile = p' . ($_ + 1)) } 1 .. 20), qr/too many profiles/, '20 levels' ])
{
	config($_->[0]);
	like(refused(), qr/28000: $_->[1]/, "profiles: $_->[2]");
	is(calls(), '', '... and nobody is asked');
}
config(role('top', "web_identity_token_file = $dir/token"));
write_file('token', 'web.token');
is(who(), 'web identity, role ' . role_of('top') . '|************0003|t', 'profiles: a web identity');
is_deeply(params(), { RoleArn => role_of('top'), RoleSessionName => 'cmz_fdw', WebIdentityToken => 'web.token' }, '... sends its token');
server("ADD role_arn '" . role_of('last') . "'");
config(role('top', 'source_profile = default'));
who();
is(assumed(), 'AKIABASE00000001>top ASIAOFROLE000003>last', 'the role of an option comes after that of its profile');
server('DROP role_arn');

# changed files count at once, although what a role gave is kept
my $session = $node->background_psql('postgres', on_error_stop => 0);
sub ask { return $session->query(q{SELECT source FROM cmz_credentials('s')}) }
ask();
is(ask(), 'role ' . role_of('top') . ', assumed with: profile default', 'a session');
is(assumed(), 'AKIABASE00000001>top', '... asks once');
config(role('top', 'source_profile = default') =~ s/role.top/role\/new/r);
is(ask(), 'role ' . role_of('new') . ', assumed with: profile default', '... and again when the file has changed');
config("[top\n");
is(ask(), '', '... of which it complains if it makes no sense');
$session->quit;

# names in files may be in no encoding
config(role('top', "source_profile = r\xF6le"));
like(refused(), qr/28000: there is no profile "r\?le"/, 'a name that is no UTF-8');
config(role('top', 'source_profile = default') =~ s/role.top/role\/t\xF6p/r);
# of such a form the stub does not even see the operation
behave(raw => { 'sts/' => { status => 200, body => answer("$credentials<Expiration>2098-01-01T00:00:00Z</Expiration>") } });
like(who(), qr{^role \S+role/t\?p, assumed with}, '... is shown without it');
aws_log($aws);

# credential_source
my %container = (AWS_CONTAINER_CREDENTIALS_FULL_URI => "http://$aws/container/credentials");
environment(%container, AWS_ACCESS_KEY_ID => 'AKIABASE00000001', AWS_SECRET_ACCESS_KEY => 'bases3cret');
foreach ([ 'Environment', 'AKIABASE00000001' ], [ 'EcsContainer', 'ASIACONTAINER' ], [ 'Ec2InstanceMetadata', 'ASIAIMDS' ])
{
	config(role('top', "credential_source = $_->[0]"));
	who();
	is(assumed(), "$_->[1]>top", "credential_source $_->[0]");
}

# IAM Identity Center
my $account = "sso_account_id = 123456789012\nsso_role_name = Zoo Keeper\n";
my $login = "sso_start_url = https://zoo.awsapps.com/start\nsso_region = eu-west-1\n";
my %forms = (
	'an sso-session' => [ "[profile top]\nsso_session = zoo\n$account\[sso-session zoo]\n$login", 'zoo' ],
	'the older form' => [ "[profile top]\n$account$login", 'https://zoo.awsapps.com/start' ]);
mkdir "$dir/.aws/$_" foreach 'sso', 'sso/cache';
sub token { my ($of, $expires) = @_; return write_file('.aws/sso/cache/' . sha1_hex($of) . '.json', qq({"accessToken": "ssotoken", "expiresAt": "$expires"})) }
foreach my $form (sort keys %forms)
{
	my ($text, $of) = @{ $forms{$form} };
	config($text);
	like(refused(), qr/28000: profile "top" is not logged in.*HINT:  Run "aws sso login"/s, "$form: without a login");
	foreach my $time ('2098-01-01T00:00:00Z', '2098-01-01T00:00:00UTC')
	{
		token($of, $time);
		is(who(), 'IAM Identity Center, profile top|*******|t', "$form: with one until $time");
		is_deeply(params(), { roleName => 'Zoo Keeper', accountId => '123456789012', accessToken => 'ssotoken' }, '... which is asked for that role');
	}
	behave(sso => { token => 'another' });
	like(refused(), qr/28000: could not get credentials from IAM Identity Center: Session token not found.*HINT:  Run/s, '... which is refused');
	aws_log($aws);
	foreach my $time ('2020-01-01T00:00:00Z', 'never')
	{
		token($of, $time);
		like(refused(), qr/28000: the login of profile "top" to IAM Identity Center has expired/, "$form: one until $time");
	}
	is(calls(), '', '... asks nobody');
	unlink token($of, '');
}
config("[profile top]\nsso_role_name = x\n$login");
like(refused(), qr/28000: profile "top" does not say all of its login/, 'half a login');
$login =~ s{eu-west-1}{evil.example/};
config("[profile top]\n$account$login");
token('https://zoo.awsapps.com/start', '2098-01-01T00:00:00Z');

# Endpoints that credentials must not travel to
environment(AWS_ENDPOINT_URL_SSO => undef);
like(refused(), qr{28000: invalid region of IAM Identity Center: "evil.example/"}, 'a region that would be another host');
config(role('top', 'source_profile = default'));
foreach my $url ('http://sts.example.com', 'http://127.0.0.1:80@sts.example.com')
{
	environment(AWS_ENDPOINT_URL_STS => $url);
	like(refused(), qr/28000: AWS STS would be asked for credentials without encryption.*AWS_ENDPOINT_URL_STS/s, "an endpoint that is not safe: $url");
}
environment(AWS_ENDPOINT_URL_STS => 'http://127.0.0.1:1');
like(refused(), qr/08001: could not get credentials from AWS STS/, 'one that is not there');
ddb('DeleteTable', { TableName => 'cred-t' });
done_testing();
