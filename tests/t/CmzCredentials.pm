# What the tests of credentials share: a cluster whose server process finds all
# services of AWS at the stub, and questions about who signs.
#
# Server s, with table t, is the stub, a local endpoint; remote is none, so that
# nobody gets made-up credentials for it.  Nothing is sent there.
package CmzCredentials;

use strict;
use warnings;
use CmzTest;
use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(start_all environment who signer refused calls only_sound write_file as_user role_of);

my ($node, $aws, $dir);
my $services;

# (node, stub, folder)
sub start_all
{
	my (%env) = @_;

	$dir = PostgreSQL::Test::Utils::tempdir();
	$aws = start_aws('--upstream', dynamodb_url());
	$services = {
		AWS_ENDPOINT_URL_STS => "http://$aws",
		AWS_ENDPOINT_URL_SSO => "http://$aws",
		AWS_EC2_METADATA_SERVICE_ENDPOINT => "http://$aws/",
		HOME => $dir
	};
	mkdir "$dir/.aws";
	$node = start_node(%$services, %env);
	create_server($node, 's', "http://$aws", "max_retries '0'");
	create_server($node, 'remote', 'https://localhost:1');
	create_table('cred-t', ['id']);
	$node->safe_psql('postgres', q{CREATE FOREIGN TABLE t (id text COLLATE "C") SERVER s OPTIONS (table_name 'cred-t', key 'id')});
	return ($node, $aws, $dir);
}

# Start the server process again, in an environment with these besides the services.
sub environment
{
	my (%env) = @_;
	restart_node($node, %$services, %env);
	return;
}

# What cmz_credentials() says, without the time: "source|masked id|expires".
sub who
{
	my ($server, @params) = @_;
	my ($status, $out, $err) = $node->psql('postgres',
		"SELECT source, access_key_id, expires_at > now() FROM cmz_credentials('" . ($server // 's') . "')", extra_params => \@params);
	return $status == 0 ? $out : $err;
}

# The id of the key that signs a scan of t.
sub signer
{
	my (@params) = @_;
	aws_log($aws);
	my ($status, $out, $err) = $node->psql('postgres', q{SELECT count(*) FROM t WHERE id = 'a'}, extra_params => \@params);
	my @log = grep { $_->{service} eq 'dynamodb' } aws_log($aws);
	return $err unless $status == 0;
	return join ' ', map { $_->{headers}{Authorization} =~ s/.*Credential=(\w+).*/$1/r } @log;
}

# The error of cmz_credentials(), with its SQLSTATE.
sub refused
{
	my ($server) = @_;
	return error_of($node, "SELECT * FROM cmz_credentials('" . ($server // 's') . "')");
}

# The requests since the last look, as "service/op" in order.
sub calls
{
	return join ' ', map { "$_->{service}/$_->{op}" } aws_log($aws);
}

# The requests since the last look conform to the models of their services.
sub only_sound
{
	my ($name) = @_;
	is_deeply([ map { @{ $_->{problems} } } aws_log($aws) ], [], $name);
	return;
}

# Write a file below the folder.
sub write_file
{
	my ($name, $text) = @_;
	open my $file, '>:raw', "$dir/$name" or die "$dir/$name: $!\n";
	print $file $text;
	close $file;
	return "$dir/$name";
}

sub as_user { return ('-U', $_[0]) }

sub role_of { return "arn:aws:iam::123456789012:role/$_[0]" }

1;
