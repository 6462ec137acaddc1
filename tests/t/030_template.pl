# The CloudFormation template and cmz_create_table() describe the same table,
# property by property; the template's names, parameters and outputs.
use strict;
use warnings;
use CmzTest;
use FindBin;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::Bin/../..";
my $json = JSON::PP->new->canonical->allow_nonref;

# AWS::DynamoDB::Table in the CloudFormation reference: what each property is.
# [] is a list, '' any other type that the template does not use.
my %types = (
	Table => {
		AttributeDefinitions => ['AttributeDefinition'],
		BillingMode => 'String',
		ContributorInsightsSpecification => '',
		DeletionProtectionEnabled => 'Boolean',
		GlobalSecondaryIndexes => ['GlobalSecondaryIndex'],
		ImportSourceSpecification => '',
		KeySchema => ['KeySchema'],
		KinesisStreamSpecification => '',
		LocalSecondaryIndexes => '',
		OnDemandThroughput => '',
		PointInTimeRecoverySpecification => 'PointInTimeRecoverySpecification',
		ProvisionedThroughput => '',
		ResourcePolicy => '',
		SSESpecification => 'SSESpecification',
		StreamSpecification => 'StreamSpecification',
		TableClass => 'String',
		TableName => 'String',
		Tags => '',
		TimeToLiveSpecification => 'TimeToLiveSpecification',
		WarmThroughput => ''
	},
	AttributeDefinition => { AttributeName => 'String', AttributeType => 'String' },
	GlobalSecondaryIndex => {
		ContributorInsightsSpecification => '',
		IndexName => 'String',
		KeySchema => ['KeySchema'],
		OnDemandThroughput => '',
		Projection => 'Projection',
		ProvisionedThroughput => '',
		WarmThroughput => ''
	},
	KeySchema => { AttributeName => 'String', KeyType => 'String' },
	PointInTimeRecoverySpecification => { PointInTimeRecoveryEnabled => 'Boolean', RecoveryPeriodInDays => 'Integer' },
	Projection => { NonKeyAttributes => ['String'], ProjectionType => 'String' },
	SSESpecification => { KMSMasterKeyId => 'String', SSEEnabled => 'Boolean', SSEType => 'String' },
	StreamSpecification => { ResourcePolicy => '', StreamViewType => 'String' },
	TimeToLiveSpecification => { AttributeName => 'String', Enabled => 'Boolean' });

# What DynamoDB takes for a setting that a request does not have.
my %defaults = (
	'CreateTable DeletionProtectionEnabled' => 'false',
	'CreateTable TableClass' => '"STANDARD"',
	'UpdateContinuousBackups PointInTimeRecoverySpecification RecoveryPeriodInDays' => '35');

# The template with these parameters, or why it cannot be deployed with them.
sub resolve
{
	my @parameters = @_;
	my ($out, $err) = run_command([ 'python3', "$root/tests/stubs/template.py",
			"$root/infrastructure/cloudformation/conversation-dynamodb.yaml", @parameters ]);
	return $out eq '' ? $err : $json->decode($out);
}

sub table_of { return $_[0]{Resources}{ConversationsTable}{Properties} }

# Check the properties in place, and make true of "true"; complaints, if any.
sub check_type
{
	my ($value, $type, $path) = @_;
	my $ref = ref $value;

	return "$path is null" unless defined $value;
	return $ref eq 'ARRAY' ? map { check_type($_, $type->[0], $path) } @$value : "$path is no list" if ref $type;
	return $ref || $value eq '' ? "$path is no string" : () if $type eq 'String';
	return $ref || $value !~ /^\d+$/ ? "$path is no number" : () if $type eq 'Integer';
	if ($type eq 'Boolean')
	{
		return "$path is no boolean" unless JSON::PP::is_bool($value) || $value =~ /^(?:true|false)$/;
		$_[0] = $json->decode($value) unless $ref;
		return;
	}
	return "$path is of an unknown type" unless $types{$type};
	return "$path is no $type" unless $ref eq 'HASH';
	return map { exists $types{$type}{$_} ? check_type($value->{$_}, $types{$type}{$_}, "$path $_") : "$path has no $_" } sort keys %$value;
}

# The requests that make a table with these properties.
sub requests_of
{
	my (%table) = @_;
	my @later = ([ UpdateTimeToLive => 'TimeToLiveSpecification' ], [ UpdateContinuousBackups => 'PointInTimeRecoverySpecification' ]);
	my %requests = map { $_->[0] => { TableName => $table{TableName}, $_->[1] => delete $table{ $_->[1] } } } grep { $table{ $_->[1] } } @later;

	if ($table{SSESpecification})
	{
		my %sse = %{ $table{SSESpecification} };
		$sse{Enabled} = delete $sse{SSEEnabled};
		$table{SSESpecification} = \%sse;
	}
	$table{StreamSpecification} = { StreamEnabled => JSON::PP::true, %{ $table{StreamSpecification} } } if $table{StreamSpecification};
	return { CreateTable => \%table, %requests };
}

# Each setting of the requests, by its path.  Definitions and indexes are in no
# order, so they go by name; a key's attributes are in order.
sub settings
{
	my ($value, $path, $found) = @_;
	my %members;

	if (ref $value eq 'HASH')
	{
		%members = %$value;
	}
	elsif (ref $value eq 'ARRAY')
	{
		my $name = $path =~ /AttributeDefinitions$/ ? 'AttributeName' : 'IndexName';
		foreach my $i (0 .. $#$value)
		{
			my $label = ref $value->[$i] && $value->[$i]{$name} || $i;
			$label .= ' again' while exists $members{$label};
			$members{$label} = $value->[$i];
		}
	}
	settings($members{$_}, $path eq '' ? $_ : "$path $_", $found) foreach keys %members;
	$found->{$path} = $json->encode($value) unless %members;
	return $found;
}

my $production = resolve('Environment=production', 'AWS::StackName=cmz-conversations-table');
my $same = resolve('Environment=production', 'TableName=tap-template');
is(ref $production, 'HASH', 'the template resolves') or BAIL_OUT($production);
is_deeply([ keys %{ $production->{Resources} } ], ['ConversationsTable'], 'it has the table and nothing else');
my $resource = $production->{Resources}{ConversationsTable};
is($resource->{Type}, 'AWS::DynamoDB::Table', '... a table of DynamoDB');
is_deeply([ sort keys %$resource ], [ 'DeletionPolicy', 'Properties', 'Type', 'UpdateReplacePolicy' ], '... that has no other attributes');
is($resource->{$_}, 'Retain', "$_ keeps the table") foreach 'DeletionPolicy', 'UpdateReplacePolicy';
is_deeply([ check_type(table_of($_), 'Table', 'Table') ], [], 'its properties are such of the type') foreach $production, $same;

# What cmz_create_table() sends
eval { ddb('DeleteTable', { TableName => 'tap-template' }) };
delete $ENV{CONVERSATION_TABLE_NAME};
my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_server($node, 's', "http://$proxy");
$node->safe_psql('postgres', q{SELECT cmz_create_table('s', 'tap-template')});
my @sent = grep { $_->{op} ne 'DescribeTable' } requests($proxy);
is(join(' ', map { $_->{op} } @sent), 'CreateTable UpdateTimeToLive UpdateContinuousBackups', 'cmz_create_table() sends three requests that change something');

my $function = { %defaults, %{ settings({ map { $_->{op} => $_->{body} } @sent }, '', {}) } };
my $template = { %defaults, %{ settings(requests_of(%{ table_of($same) }), '', {}) } };
foreach my $setting (sort keys %{ { %$function, %$template } })
{
	is($template->{$setting} // 'not there', $function->{$setting} // 'not there', "template and function agree on $setting");
}

# Names
is(table_of($production)->{TableName}, 'cmz-conversations', 'production has the bare name');
script($proxy, { do => 'status', code => 400, op => 'CreateTable', body => '{"__type":"com.amazon.coral.validate#ValidationException","message":"no"}' });
like(error_of($node, q{SELECT cmz_create_table('s')}), qr/: no$/m, 'the table of the default name is not made');
is((requests($proxy))[0]{body}{TableName}, 'cmz-conversations', '... whose name is that of production');
foreach my $environment ('staging', 'development')
{
	my $stack = resolve("Environment=$environment", 'AWS::StackName=other');
	is(table_of($stack)->{TableName}, "cmz-conversations-$environment", "$environment has a suffix");
	is($stack->{Outputs}{TableName}{Value}, "cmz-conversations-$environment", '... in the output too');
	is_deeply([ sort grep { $json->encode(table_of($stack)->{$_}) ne $json->encode(table_of(resolve('Environment=production'))->{$_}) } keys %{ table_of($stack) } ],
		['TableName'], '... and is otherwise the same');
}
is(table_of(resolve('Environment=staging', 'TableName=talk'))->{TableName}, 'talk-staging', 'a name of one\'s own has it too');

# Outputs
my $arn = 'arn:aws:dynamodb:us-west-2:123456789012:table/cmz-conversations';
my %expected = (TableName => 'cmz-conversations', TableArn => $arn, StreamArn => "$arn/stream/2025-01-19T12:00:00.000",
	map { ("${_}Arn" => "$arn/index/$_") } map { $_->{IndexName} } @{ table_of($production)->{GlobalSecondaryIndexes} });
my $outputs = $production->{Outputs};
is_deeply({ map { $_ => $outputs->{$_}{Value} } keys %$outputs }, \%expected, 'the outputs are the name, the ARNs, and one for each index');
is_deeply({ map { $_ => $outputs->{$_}{Export}{Name} } keys %$outputs }, { map { $_ => "cmz-conversations-table-$_" } keys %$outputs },
	'... exported under names of the stack');

# Parameters
my $table = table_of(resolve('Environment=production', 'DeletionProtection=true', 'TableClass=STANDARD_INFREQUENT_ACCESS'));
check_type($table, 'Table', 'Table');
is($json->encode($table->{DeletionProtectionEnabled}), 'true', 'deletion protection can be had');
is($table->{TableClass}, 'STANDARD_INFREQUENT_ACCESS', '... and another table class');
my ($base, $suffix) = ('n' x 214, 'e' x 40);
is(length(table_of(resolve("Environment=$suffix", "TableName=$base"))->{TableName}), 255, 'the longest name is as long as DynamoDB allows');
foreach ([], ['Environment='], ['Environment=my stage'], ["Environment=${suffix}e"],
	map { [ 'Environment=production', $_ ] } 'TableName=ab', "TableName=${base}n", 'TableName=a/b', 'TableClass=COLD', 'DeletionProtection=yes')
{
	like(resolve(@$_), qr/^parameter /, 'refused: ' . (substr("@$_", 0, 60) || 'no environment'));
}

ddb('DeleteTable', { TableName => 'tap-template' });
done_testing();
