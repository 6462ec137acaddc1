# Credentials: those of a container and of an instance.
use strict;
use warnings;
use CmzCredentials;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

# proxies are not for what is here
my ($node, $aws, $dir) = start_all(http_proxy => 'http://127.0.0.1:1');
sub behave { aws_script($aws, {@_}); return }

# In a container
my %container = (AWS_CONTAINER_CREDENTIALS_FULL_URI => "http://$aws/container/credentials?id=1");
behave(container => { authorization => undef });
environment(%container, http_proxy => 'http://127.0.0.1:1');
is(who(), 'container endpoint|*********INER|t', 'a container without a token');
is(calls(), 'container/credentials', '... one request');
is(signer(), 'ASIACONTAINER', '... signs');
only_sound('... as it should be');
foreach ([ 2, 3, qr/^container/ ], [ 3, 3, qr/could not get credentials from the container endpoint: HTTP status 500/ ])
{
	behave(fail => [ { service => 'container', status => 500, times => $_->[0] } ]);
	like(who(), $_->[2], "it fails $_->[0] times");
	is(calls(), join(' ', ('container/credentials') x $_->[1]), "... of $_->[1]");
}
foreach ([ '', 'nothing' ], [ '[]', 'no object' ], [ '{"AccessKeyId": "ASIAX", "SecretAccessKey": "s3cret", "Token": "t0ken"}', 'no time' ],
	[ '{"AccessKeyId": "ASIAX", "SecretAccessKey": 1, "Expiration": "2098-01-01T00:00:00Z"}', 'a number' ],
	[ '{"AccessKeyId": "ASIAX", "SecretAccessKey": "s3cret", "Token": "t0ken", "Expiration": null}', 'null' ],
	[ '{"AccessKeyId": "ASIAX\r\nX-Evil: 1", "SecretAccessKey": "s3cret", "Token": "t0ken", "Expiration": "2098-01-01T00:00:00Z"}', 'a line break' ])
{
	behave(raw => { 'container/credentials' => { status => 200, body => $_->[0] } });
	my $shown = refused();
	like($shown, qr/28000: (?:could not get credentials from container endpoint: the answer has none|invalid character)/, "an answer with $_->[1]");
	unlike($shown, qr/s3cret|t0ken/, '... is not shown');
}

my $token = write_file('token', "Bearer of one\n");
environment(%container, AWS_CONTAINER_AUTHORIZATION_TOKEN => 'Bearer of none', AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => $token);
behave(container => { authorization => 'Bearer of one' });
like(who(), qr/^container/, 'the file of a token comes before its variable');
write_file('token', 'Bearer of two');
behave(container => { authorization => 'Bearer of two' });
like(who(), qr/^container/, '... and is read each time');
only_sound('... without what surrounds it');
behave();
foreach ([ "Bearer\r\nX-Evil: 1", qr/28000: the authorization token of the container endpoint has a line break/, 'a token in two lines' ],
	[ " \n", qr/28000: could not read file .*token": it is empty/, 'an empty one' ], [ 'x' x 300000, qr/28000: could not read file .*token": it is larger than 256 kB/, 'one of 300 kB' ])
{
	write_file('token', $_->[0]);
	like(refused(), $_->[1], $_->[2]);
}
unlink $token;
like(refused(), qr/28000: could not read file "\Q$token\E": No such file/, 'none');
is(calls(), '', '... and nobody is asked');

foreach my $url ('http://evil.example/', 'http://127.0.0.1:80@evil.example/', 'http://169.254.170.2@evil.example/', 'http://169.254.170.2:1@evil.example/',
	'http://169.254.170.2.evil.example/', 'http://127.evil.example/', 'http://[::1]:80@evil.example/', 'file:///etc/passwd', 'container')
{
	environment(AWS_CONTAINER_CREDENTIALS_FULL_URI => $url);
	like(refused(), qr/28000: AWS_CONTAINER_CREDENTIALS_FULL_URI names an endpoint that is not safe/, "refused: $url");
}
environment(%container, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI => 'container/credentials');
like(refused(), qr/28000: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with a slash/, 'a path that would be a host');
environment(%container, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI => '/no/such/credentials');
$node->safe_psql('postgres', q{ALTER SERVER s OPTIONS (ADD connect_timeout '50ms', ADD request_timeout '50ms')});
like(refused(), qr{could not get credentials from the container endpoint.*DETAIL:  Endpoint http://169\.254\.170\.2/no/such/credentials}s, 'a path is one of the host of ECS');
is(calls(), '', '... and comes before the URL');
$node->safe_psql('postgres', q{ALTER SERVER s OPTIONS (DROP connect_timeout, DROP request_timeout)});

# On an instance
environment(http_proxy => 'http://127.0.0.1:1');
behave(imds => { role => 'Zoo+keeper=1,a.b@c-d_e' });
aws_log($aws);
$node->safe_psql('postgres', q{SELECT count(*) FROM t WHERE id = 'a'; } x 3);
my @log = aws_log($aws);
is(join(' ', map { "$_->{service}/$_->{op}" } @log), 'imds/token imds/list imds/credentials' . ' dynamodb/Query' x 3, 'an instance is asked once a session');
is_deeply([ map { @{ $_->{problems} } } @log ], [], '... by version 2');
is($log[0]{method}, 'PUT', '... for a token first');
is($log[-1]{headers}{'X-Amz-Security-Token'}, 'imdstoken', 'its token is sent');
is(who(), 'instance metadata, role Zoo+keeper=1,a.b@c-d_e|********|t', 'its role is shown');
behave(imds => { v2 => JSON::PP::false });
is(who(), 'none needed|*****|', 'one of version 1 only is not used');
is(calls(), 'imds/token', '... and not asked by it');
behave(imds => { role => undef });
aws_log($aws);
is($node->safe_psql('postgres', q{SELECT source FROM cmz_credentials('s'); } x 3), join("\n", ('none needed') x 3), 'one without a role has none');
is(calls(), 'imds/token imds/list', '... and is not asked again at once');
foreach my $status (403, 404, 405)
{
	behave(fail => [ { service => 'imds', op => 'token', status => $status, times => 9 } ]);
	like(refused('remote'), qr/28000: no AWS credentials for user/, "what says $status has no metadata");
	is(calls(), 'imds/token', '... and is not asked again');
}
foreach my $op (qw(token list credentials))
{
	behave(fail => [ { service => 'imds', op => $op, status => 500 } ]);
	like(who(), qr/^instance metadata/, "$op fails once");
	behave(fail => [ { service => 'imds', op => $op, status => 500, times => 2 } ]);
	like(refused(), qr/58000: could not get credentials from instance metadata: HTTP status 500/, '... twice');
	only_sound('... and stays with version 2');
	behave(fail => [ { service => 'imds', op => $op, status => 401, times => 2 } ]);
	like(refused(), qr/28000: could not get credentials from instance metadata: HTTP status 401/, '... or refuses');
}
foreach ([ 'token', '', qr/gave no token/ ], [ 'token', "a\nX-Evil: 1", qr/gave no token/ ], [ 'list', '', qr/gave no name of a role/ ],
	[ 'list', '../../user-data', qr/gave no name of a role/ ], [ 'list', 'role?x', qr/gave no name/ ], [ 'list', "r\xC3\xB6le", qr/gave no name/ ],
	[ 'credentials', '<html></html>', qr/the answer has none/ ], [ 'credentials', '{"Code": "Success"}', qr/the answer has none/ ])
{
	behave(raw => { "imds/$_->[0]" => { status => 200, body => $_->[1] } });
	like(refused(), qr/28000: .*$_->[2]/, "an odd $_->[0]: " . $_->[1] =~ s/\n.*//sr);
}
behave(imds => { role => 'first' }, raw => { 'imds/list' => { status => 200, body => "first\nsecond\n" } });
is(who() =~ s/\|.*//r, 'instance metadata, role first', 'of several roles the first');

environment(AWS_METADATA_SERVICE_TIMEOUT => '1', AWS_METADATA_SERVICE_NUM_ATTEMPTS => '1');
behave(delay => { 'imds/list' => 2 });
like(refused(), qr/08006: could not get credentials from instance metadata: .*tim/i, 'one that does not answer in time');
is(calls(), 'imds/token imds/list', '... is asked as often as the variable says');
environment(AWS_EC2_METADATA_DISABLED => 'true');
is(who(), 'none needed|*****|', 'it can be turned off');
like(refused('remote'), qr/28000: no AWS credentials for user/, '... for all endpoints');
is(calls(), '', '... and is not asked');
environment(AWS_EC2_METADATA_SERVICE_ENDPOINT => 'http://127.0.0.1:1');
like(refused('remote'), qr/28000: no AWS credentials for user/, 'one that is not there has none');
foreach my $endpoint (undef, '')
{
	environment(AWS_EC2_METADATA_SERVICE_ENDPOINT => $endpoint, AWS_METADATA_SERVICE_TIMEOUT => '60');
	is($node->safe_psql('postgres', q{SET statement_timeout = '10s'; SELECT source FROM cmz_credentials('s')}), 'none needed',
		'beside a local endpoint there is none, unless somebody says where' . (defined $endpoint ? ', which an empty variable does not' : ''));
}
ddb('DeleteTable', { TableName => 'cred-t' });
done_testing();
