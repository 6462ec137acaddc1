# Credentials: the order of their sources, that a source that is set up but does
# not work is an error, and who may use which.
use strict;
use warnings;
use CmzCredentials;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my ($node, $aws, $dir) = start_all();

# Each source has credentials of its own, and the stub knows those that it does
# not issue itself.
my %keys = map { $_->[0] => { secret => $_->[1] } }[ 'AKIAMAPPING00001', 'mappings3cret' ], [ 'AKIAENVIRON00002', 'environs3cret' ],
  [ 'AKIAPROFILE00003', 'profiles3cret' ], [ 'AKIATESTING00004', 'testings3cret' ];
my %behaviour = (
	keys => \%keys,
	sts => { access_key_id => 'ASIAWEBROLE00005', secret_access_key => 'webs3cret' },
	container => { access_key_id => 'ASIACONTAIN00006', authorization => 'Bearer of container' },
	imds => { access_key_id => 'ASIAINSTANC00007' });
my %key = (AWS_ACCESS_KEY_ID => 'AKIAENVIRON00002', AWS_SECRET_ACCESS_KEY => 'environs3cret');
my %web = (AWS_WEB_IDENTITY_TOKEN_FILE => write_file('token', "web.token\n"), AWS_ROLE_ARN => role_of('web'));
my %container = (
	AWS_CONTAINER_CREDENTIALS_FULL_URI => "http://$aws/container/credentials",
	AWS_CONTAINER_AUTHORIZATION_TOKEN => 'Bearer of container');
my $profiles = "[default]\naws_access_key_id = AKIAPROFILE00003\naws_secret_access_key = profiles3cret\n"
  . "[testing]\naws_access_key_id = AKIATESTING00004\naws_secret_access_key = testings3cret\n[nothing]\nregion = eu-west-1\n";

sub behave { my (%more) = @_; aws_script($aws, { %behaviour, %more }); return }
behave();

# who answers, and who really signs
sub is_who
{
	my ($source, $id, $expires, $name) = @_;
	is(who(), "$source|" . ('*' x 12) . substr($id, -4) . '|' . ($expires ? 't' : ''), $name);
	is(signer(), $id, '... and signs');
	return;
}

write_file('.aws/credentials', $profiles);
environment(%key, %web, %container);
$node->safe_psql('postgres', q{CREATE USER MAPPING FOR postgres SERVER s OPTIONS (access_key_id 'AKIAMAPPING00001', secret_access_key 'mappings3cret')});
is_who('user mapping', 'AKIAMAPPING00001', 0, 'the mapping comes first');
$node->safe_psql('postgres', q{ALTER USER MAPPING FOR postgres SERVER s OPTIONS (ADD profile 'testing')});
is_who('user mapping', 'AKIAMAPPING00001', 0, '... also before a profile');
$node->safe_psql('postgres', q{ALTER USER MAPPING FOR postgres SERVER s OPTIONS (DROP access_key_id, DROP secret_access_key)});
is_who('profile testing', 'AKIATESTING00004', 0, 'an option names a profile, which passes over the environment');
$node->safe_psql('postgres', q{ALTER USER MAPPING FOR postgres SERVER s OPTIONS (SET profile 'nothing')});
like(refused(), qr/28000: profile "nothing" has no credentials$/m, '... even if the profile has none');
$node->safe_psql('postgres', q{ALTER USER MAPPING FOR postgres SERVER s OPTIONS (SET profile 'missing')});
like(refused(), qr/28000: there is no profile "missing".*HINT:  AWS_CONFIG_FILE/s, '... or is none');
$node->safe_psql('postgres', q{DROP USER MAPPING FOR postgres SERVER s; ALTER SERVER s OPTIONS (ADD profile 'testing')});
is_who('profile testing', 'AKIATESTING00004', 0, 'the server too can name one');
$node->safe_psql('postgres', q{ALTER SERVER s OPTIONS (DROP profile)});
is_who('environment', 'AKIAENVIRON00002', 0, 'the environment is next');

environment(%key, %web, %container, AWS_SECRET_ACCESS_KEY => undef);
like(refused(), qr/28000: there is only one half of an access key in: environment$/m, 'half a key in the environment is an error');
environment(%key, %web, %container, AWS_ACCESS_KEY_ID => '');
like(refused(), qr/28000: there is only one half/, '... also if it is the other half');
environment(%key, %web, %container, AWS_ACCESS_KEY_ID => "AKIAENVIRON00002\r");
like(refused(), qr/28000: invalid character in the access key.* in: environment$/m, '... and one with a line break');

environment(%web, %container, AWS_ACCESS_KEY_ID => '', AWS_SECRET_ACCESS_KEY => '');
is_who('web identity, role ' . role_of('web'), 'ASIAWEBROLE00005', 1, 'a web identity is next, and empty variables are none');
is(error_of($node, q{SELECT cmz_credentials('s')}) =~ /webs3cret|web\.token/, '', '... whose token stays where it is');
behave(fail => [ { service => 'sts', status => 400, code => 'InvalidIdentityToken', message => 'No OpenIDConnect provider found' } ]);
like(refused(), qr/28000: could not get credentials from AWS STS, AssumeRoleWithWebIdentity: No OpenIDConnect.*InvalidIdentityToken/s, 'one that is refused is an error');
rename "$dir/token", "$dir/gone";
like(refused(), qr{28000: could not read file "\Q$dir\E/token": No such file}, '... and one whose file is missing');
write_file('token', "\n");
like(refused(), qr{28000: could not read file .*: it is empty}, '... or empty');
environment(%web, %container, AWS_ROLE_ARN => undef);
like(refused(), qr/28000: environment variable AWS_ROLE_ARN is not set/, '... or has no role');

environment(%container);
behave();
is_who('profile default', 'AKIAPROFILE00003', 0, 'the shared files are next');
write_file('.aws/credentials', "[default]\nthis is nothing\n");
like(refused(), qr{F0000: invalid AWS configuration file "\Q$dir\E/.aws/credentials".*DETAIL:  Line 2 }s, 'a file that makes no sense is an error');
write_file('.aws/credentials', $profiles =~ s/default/others/r);
is_who('container endpoint', 'ASIACONTAIN00006', 1, 'a container is next');
behave(fail => [ { service => 'container', status => 400, code => 'Nope' } ]);
like(refused(), qr/28000: could not get credentials from the container endpoint: HTTP status 400/, 'one that refuses is an error');
environment(%container, AWS_CONTAINER_AUTHORIZATION_TOKEN => 'wrong');
like(refused(), qr/28000: could not get credentials from the container endpoint: HTTP status 401/, '... and one that wants another token');

environment(AWS_PROFILE => 'others');
is_who('profile others', 'AKIAPROFILE00003', 0, 'a variable can name the profile');
environment(AWS_PROFILE => 'missing');
like(refused(), qr/28000: there is no profile "missing"/, '... which must be there');
environment(AWS_PROFILE => 'nothing');
is_who('instance metadata, role stub-role', 'ASIAINSTANC00007', 1, '... but need not have credentials');
environment();
behave();
is_who('instance metadata, role stub-role', 'ASIAINSTANC00007', 1, 'the instance is last');
behave(fail => [ { service => 'imds', op => 'credentials', status => 400, times => 2 } ]);
like(refused(), qr/28000: could not get credentials from instance metadata: HTTP status 400/, 'one that refuses is an error');
behave(imds => { code => 'AssumeRoleUnauthorizedAccess', message => 'EC2 cannot assume the role' });
like(refused(), qr/28000: .*the answer has none\nDETAIL:  It says: AssumeRoleUnauthorizedAccess, EC2 cannot/, '... also if it does so in a document');
behave(imds => { role => undef });
is(who(), 'none needed|*****|', 'without all of them a local endpoint gets made-up ones');
like(refused('remote'), qr/28000: no AWS credentials for user "postgres" on server "remote".*variables, web identity.*HINT:  Set access_key_id/s, '... another one none');

# Rights
environment(%key, AWS_EC2_METADATA_DISABLED => 'true');
$node->safe_psql('postgres', q{
	CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN;
	GRANT USAGE ON FOREIGN DATA WRAPPER cmz_fdw TO bob;
	GRANT USAGE ON FOREIGN SERVER s, remote TO alice, bob;
	GRANT SELECT ON t TO alice, bob;
});
like(who(undef, as_user('alice')), qr/permission denied for function cmz_credentials/, 'who answers is not for everyone to know');
$node->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION cmz_credentials TO alice, bob');
is(who(undef, as_user('alice')), 'none needed|*****|', 'another user has no part in the environment');
like(who('remote', as_user('alice')), qr/no AWS credentials for user "alice".*only a superuser's requests/s, '... at another endpoint neither');
behave(sts => { access_key_id => 'ASIAROLE00000008' });
$node->safe_psql('postgres', 'ALTER SERVER s OPTIONS (ADD role_arn \'' . role_of('shared') . "')");
is(signer(), 'ASIAROLE00000008', 'a role of the server is assumed');
like(who(undef, as_user('alice')), qr/no AWS credentials for user "alice"/, 'made-up credentials assume no role');
$node->safe_psql('postgres', q{CREATE USER MAPPING FOR alice SERVER s OPTIONS (access_key_id 'AKIAMAPPING00001', secret_access_key 'mappings3cret')});
aws_log($aws);
is(who(undef, as_user('alice')), 'role ' . role_of('shared') . ', assumed with: user mapping|************0008|t', '... but her own do');
is_deeply([ map { $_->{headers}{Authorization} =~ /Credential=(\w+)/ } aws_log($aws) ], ['AKIAMAPPING00001'], '... and sign for it');
foreach my $option ("profile 'testing'", "ambient_credentials 'true'")
{
	my ($status, $out, $err) = $node->psql('postgres', "ALTER USER MAPPING FOR alice SERVER s OPTIONS (ADD $option)", extra_params => [ as_user('alice') ]);
	like($err, qr/permission denied to set option/, 'not for her to set: ' . $option =~ s/ .*//r);
}

# bob owns a server, and writes what the superuser's requests would be signed with
my $evil = role_of('evil');
$node->safe_psql('postgres', "SET ROLE bob; CREATE SERVER bobs FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'http://$aws', role_arn '$evil')");
my $denied = qr/28000: no AWS credentials for user "\w+" on server "bobs".*at servers that belong to a superuser/s;
like(refused('bobs'), $denied, 'the identity of the server process is not lent to a server of anybody');
$node->safe_psql('postgres', "CREATE USER MAPPING FOR postgres SERVER bobs OPTIONS (ambient_credentials 'true')");
like(refused('bobs'), qr/42501: permission denied to assume role "\Q$evil\E".*Server "bobs" does not belong to a superuser/s, '... for its role, not even where a superuser allows its use');
$node->safe_psql('postgres', "DROP USER MAPPING FOR postgres SERVER bobs; SET ROLE bob; ALTER SERVER bobs OPTIONS (DROP role_arn); CREATE USER MAPPING FOR postgres SERVER bobs OPTIONS (role_arn '$evil')");
like(refused('bobs'), $denied, '... nor through a mapping that its owner writes');
$node->safe_psql('postgres', "SET ROLE bob; DROP USER MAPPING FOR postgres SERVER bobs; CREATE USER MAPPING FOR PUBLIC SERVER bobs OPTIONS (role_arn '$evil')");
like(refused('bobs'), $denied, '... or one for everybody');
is(calls(), '', '... and nobody is asked');
$node->safe_psql('postgres', "CREATE USER MAPPING FOR postgres SERVER bobs OPTIONS (role_arn '$evil', ambient_credentials 'true')");
like(who('bobs'), qr/^role \Q$evil\E, assumed with: environment/, 'a superuser may want that');
my ($status, $out, $err) = $node->psql('postgres', "ALTER USER MAPPING FOR postgres SERVER bobs OPTIONS (SET role_arn '$evil-2')", extra_params => [ as_user('bob') ]);
like($err, qr/permission denied to set option "ambient_credentials"/, '... in a mapping that is not the owner\'s to change');
$node->safe_psql('postgres', 'DROP USER MAPPING FOR postgres SERVER bobs; CREATE USER MAPPING FOR bob SERVER bobs OPTIONS (access_key_id \'AKIAMAPPING00001\', secret_access_key \'mappings3cret\', role_arn \'' . role_of('own') . "')");
like(who('bobs', as_user('bob')), qr/^role \S*own, assumed with: user mapping/, 'with his own keys he assumes what he likes');
only_sound('all requests were such of AWS');
ddb('DeleteTable', { TableName => 'cred-t' });
done_testing();
