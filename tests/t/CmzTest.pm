# What the TAP tests share: a cluster with the extension, the proxy in front of
# DynamoDB Local, and DynamoDB by hand.
package CmzTest;

use strict;
use warnings;
use Exporter 'import';
use File::Basename qw(dirname);
use HTTP::Tiny;
use IPC::Run ();
use JSON::PP qw(decode_json encode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(dynamodb_url start_node restart_node start_proxy script requests start_aws aws_script aws_log ddb create_table
  create_conversations create_server error_of item count_items writes written spelled);

my $stubs = dirname(__FILE__) . '/../stubs';
# head and body are two writes: on a kept connection the second waits for an ACK
my $http = HTTP::Tiny->new(timeout => 60, keep_alive => 0);
my @children;

sub dynamodb_url
{
	return $ENV{DYNAMODB_ENDPOINT_URL} || die "DYNAMODB_ENDPOINT_URL is not set\n";
}

# Do it in the environment of a server process: without the AWS variables and
# files of this machine, but with these variables (undef: not set).
sub in_environment
{
	my ($do, %env) = @_;
	my %all = (%ENV, HOME => PostgreSQL::Test::Utils::tempdir(), map({ $_ => undef } grep { /^AWS_/ } keys %ENV),
		DYNAMODB_ENDPOINT_URL => undef, %env);

	local %ENV = map { $_ => $all{$_} } grep { defined $all{$_} } keys %all;
	return $do->();
}

# A running cluster with the extension in database postgres.
sub start_node
{
	my (%env) = @_;
	my $node = PostgreSQL::Test::Cluster->new('main');

	# the environment's locale might give another encoding
	$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
	$node->append_conf('postgresql.conf', "timezone = 'UTC'\ndatestyle = 'ISO'\n");
	in_environment(sub { $node->start }, %env);
	$node->safe_psql('postgres', 'CREATE EXTENSION cmz_fdw');
	return $node;
}

# The same cluster in another environment.
sub restart_node
{
	my ($node, %env) = @_;
	in_environment(sub { $node->restart }, %env);
	return;
}

# Start a stub; it prints its port.  Returns its address.
sub start_stub
{
	my (@command) = @_;
	my ($in, $out) = ('', '');

	my $child = IPC::Run::start([ 'python3', @command ], \$in, \$out);
	push @children, $child;
	IPC::Run::pump($child) until $out =~ /^(\d+)\n/;
	return "127.0.0.1:$1";
}

sub start_proxy
{
	my ($upstream, @args) = @_;

	$upstream =~ s{^https?://}{};
	return start_stub("$stubs/proxy.py", $upstream, @args);
}

# The stub of the services that DynamoDB Local does not have.
sub start_aws
{
	my (@args) = @_;

	s{^https?://}{} for @args;
	return start_stub("$stubs/aws.py", @args);
}

END
{
	my $status = $?;
	$_->kill_kill for @children;
	$? = $status;
}

# Give the proxy its next actions, and forget what it logged.
sub script
{
	my ($proxy, @actions) = @_;
	my $answer = $http->post("http://$proxy/__script", { content => encode_json(\@actions) });
	die "proxy: $answer->{status}\n" unless $answer->{success};
	requests($proxy);
	return;
}

# What DynamoDB received through the proxy since the last look.
sub requests
{
	my ($proxy) = @_;
	my $answer = $http->get("http://$proxy/__log");
	return @{ decode_json($answer->{content}) };
}

# How the stub of AWS behaves from now on, and forget what it logged.
sub aws_script
{
	my ($aws, $script) = @_;
	my $answer = $http->post("http://$aws/__script", { content => encode_json($script) });
	die "aws: $answer->{status} $answer->{content}\n" unless $answer->{success};
	aws_log($aws);
	return;
}

# What the stub of AWS received since the last look.
sub aws_log
{
	my ($aws) = @_;
	my $answer = $http->get("http://$aws/__log");
	die "aws: $answer->{status} $answer->{content}\n" unless $answer->{success};
	return @{ decode_json($answer->{content}) };
}

# A call of DynamoDB Local by hand.
sub ddb
{
	my ($operation, $request) = @_;
	my $answer = $http->post(
		dynamodb_url(),
		{
			content => encode_json($request),
			headers => {
				'X-Amz-Target' => "DynamoDB_20120810.$operation",
				'X-Amz-Date' => '20250119T120000Z',
				'Content-Type' => 'application/x-amz-json-1.0',
				'Authorization' =>
				  'AWS4-HMAC-SHA256 Credential=local/20250119/us-west-2/dynamodb/aws4_request, SignedHeaders=host, Signature=0'
			}
		});
	die "$operation: $answer->{content}\n" unless $answer->{success};
	return decode_json($answer->{content});
}

# A fresh table: name, then key attributes "name:type", then indexes
# {name, keys, projection}.
sub create_table
{
	my ($name, $keys, @indexes) = @_;
	my %types;
	my $schema = sub {
		my @kinds = ('HASH', 'RANGE');
		return [ map { my ($n, $t) = split /:/; $types{$n} = $t || 'S'; { AttributeName => $n, KeyType => shift @kinds } } @_ ];
	};
	my %request = (TableName => $name, BillingMode => 'PAY_PER_REQUEST', KeySchema => $schema->(@$keys));
	$request{GlobalSecondaryIndexes} = [
		map {
			{
				IndexName => $_->{name},
				KeySchema => $schema->(@{ $_->{keys} }),
				Projection => $_->{projection} || { ProjectionType => 'ALL' }
			}
		} @indexes
	  ]
	  if @indexes;
	$request{AttributeDefinitions} =
	  [ map { { AttributeName => $_, AttributeType => $types{$_} } } sort keys %types ];
	eval { ddb('DeleteTable', { TableName => $name }) };
	ddb('CreateTable', \%request);
	return;
}

# A table of conversations without a stream, of which DynamoDB Local looks
# through all records at each write.
sub create_conversations
{
	my ($name) = @_;
	create_table($name, [ 'userId', 'sessionIdTimestamp' ],
		map { { name => $_->[0], keys => [ $_->[1], 'timestamp' ] } }
		  [ 'SessionIndex', 'sessionId' ], [ 'AnimalIndex', 'animalId' ], [ 'ParentUserIndex', 'parentUserId' ]);
	return;
}

# A server of that name at a URL, with more options as SQL.
sub create_server
{
	my ($node, $name, $url, $options) = @_;
	$options = $options ? ", $options" : '';
	$node->safe_psql('postgres',
		"CREATE SERVER $name FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url '$url'$options)");
	return;
}

# The SQLSTATE and message of a statement that must fail.
sub error_of
{
	my ($node, $sql) = @_;
	my ($status, $out, $err) =
	  $node->psql('postgres', $sql, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $status == 0 ? "no error: $out" : $err;
}

# An item as DynamoDB has it, undef if there is none.
sub item
{
	my ($table, $key) = @_;
	return ddb('GetItem', { TableName => $table, Key => $key, ConsistentRead => JSON::PP::true })->{Item};
}

# How many items a table has.
sub count_items
{
	my ($table) = @_;
	my $count = 0;
	my $answer = {};
	do
	{
		$answer = ddb('Scan', { TableName => $table, Select => 'COUNT', ConsistentRead => JSON::PP::true,
				$answer->{LastEvaluatedKey} ? (ExclusiveStartKey => $answer->{LastEvaluatedKey}) : () });
		$count += $answer->{Count};
	} while ($answer->{LastEvaluatedKey});
	return $count;
}

# The requests through the proxy since the last look that write.
sub writes
{
	my ($proxy) = @_;
	return grep { $_->{op} =~ /^(?:Put|Update|Delete|TransactWrite)Item/ } requests($proxy);
}

# The same in short, such as "PutItem, TransactWriteItems(Delete Put)".
sub written
{
	my ($proxy) = @_;
	return join ', ', map {
		my $actions = $_->{body}{TransactItems};
		$_->{op} . ($actions ? '(' . join(' ', map { keys %$_ } @$actions) . ')' : '')
	} writes($proxy);
}

# An expression of a write with its names and values filled in.
sub spelled
{
	my ($write, $expression) = @_;
	my $text = $write->{$expression} // return;
	my $json = JSON::PP->new->canonical;
	$text =~ s/(#\w+)/$write->{ExpressionAttributeNames}{$1}/g;
	$text =~ s/(:\w+)/$json->encode($write->{ExpressionAttributeValues}{$1})/ge;
	return $text;
}

1;
