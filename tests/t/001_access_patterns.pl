# Each access pattern is one Query on the right index with the tightest key
# condition: judged by what DynamoDB received.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_server($node, 'cmz', "http://$proxy");
eval { ddb('DeleteTable', { TableName => 'tap-conversations' }) };
$node->safe_psql('postgres', "SELECT cmz_create_table('cmz', 'tap-conversations')");
my @made = requests($proxy);
my ($create) = grep { $_->{op} eq 'CreateTable' } @made;
is($create->{body}{BillingMode}, 'PAY_PER_REQUEST', 'on-demand');
is_deeply($create->{body}{StreamSpecification},
	{ StreamEnabled => JSON::PP::true, StreamViewType => 'NEW_AND_OLD_IMAGES' }, 'stream');
is($create->{body}{SSESpecification}{SSEType}, 'KMS', 'encryption by KMS');
is_deeply(
	[ map { "$_->{IndexName} " . join(',', map { "$_->{AttributeName} $_->{KeyType}" } @{ $_->{KeySchema} }) . " $_->{Projection}{ProjectionType}" }
		  @{ $create->{body}{GlobalSecondaryIndexes} } ],
	[
		'SessionIndex sessionId HASH,timestamp RANGE ALL',
		'AnimalIndex animalId HASH,timestamp RANGE ALL',
		'ParentUserIndex parentUserId HASH,timestamp RANGE ALL'
	],
	'three indexes');
my ($ttl) = grep { $_->{op} eq 'UpdateTimeToLive' } @made;
is_deeply($ttl->{body}{TimeToLiveSpecification}, { AttributeName => 'ttl', Enabled => JSON::PP::true }, 'TTL');
ok((grep { $_->{op} eq 'UpdateContinuousBackups' } @made), 'backups are asked for');

$node->safe_psql('postgres', q{
	IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (tap_conversations) FROM SERVER cmz INTO public;
	SELECT cmz_insert_test_data('tap_conversations', 4, 3, 10);
});

# The expression with its placeholders filled in.
sub expand
{
	my ($body, $member) = @_;
	my $text = $body->{$member};
	return '' unless defined $text;
	$text =~ s/(#\d+)/$body->{ExpressionAttributeNames}{$1}/g;
	$text =~ s/(:\d+)/(values %{ $body->{ExpressionAttributeValues}{$1} })[0]/ge;
	return $text;
}

my @cases = (
	[ "user_id = 'student_001'", 30, '', 'userId = student_001' ],
	[ "session_id = 'session_004'", 10, 'SessionIndex', 'sessionId = session_004' ],
	[ "animal_id = 'lion_001'", 20, 'AnimalIndex', 'animalId = lion_001' ],
	[ "parent_user_id = 'parent_001'", 60, 'ParentUserIndex', 'parentUserId = parent_001' ],
	[
		"user_id = 'student_001' AND session_id = 'session_001'", 10, '',
		'userId = student_001 AND begins_with(sessionIdTimestamp, session_001#)'
	],
	[
		"user_id = 'student_001' AND session_id = 'session_001' AND \"timestamp\" BETWEEN '2025-01-19 12:01:00' AND '2025-01-19 12:01:59'", 2, '',
		'userId = student_001 AND sessionIdTimestamp BETWEEN session_001#2025-01-19T12:01:00 AND session_001#2025-01-19T12:01:59Z'
	],
	[
		"animal_id = 'lion_001' AND \"timestamp\" >= '2025-01-19 12:04:00'", 12, 'AnimalIndex',
		'animalId = lion_001 AND timestamp >= 2025-01-19T12:04:00'
	],
	[
		"session_id = 'session_001' AND \"timestamp\" < '2025-01-19 12:01:00'", 2, 'SessionIndex',
		'sessionId = session_001 AND timestamp <= 2025-01-19T12:00:59Z'
	],
	[
		"parent_user_id = 'parent_001' AND \"timestamp\" > '2025-01-21 12:04:00' AND \"timestamp\" <= '2025-01-21 13:00:00' AND tokens_used > 0", 2, 'ParentUserIndex',
		'parentUserId = parent_001 AND timestamp BETWEEN 2025-01-21T12:04:00 AND 2025-01-21T13:00:00Z'
	],
	[
		"user_id = 'student_001' AND session_id_timestamp LIKE 'session\\_002#%'", 10, '',
		'userId = student_001 AND begins_with(sessionIdTimestamp, session_002#)'
	]);
foreach my $case (@cases)
{
	my ($where, $rows, $index, $key) = @$case;
	requests($proxy);
	is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT content FROM tap_conversations WHERE $where OFFSET 0) q"),
		$rows, "$where: rows");
	my @sent = requests($proxy);
	is(scalar(@sent), 1, '... in one request');
	is($sent[0]{op}, 'Query', '... a Query');
	is($sent[0]{body}{IndexName} || '', $index, '... on ' . ($index || 'the table'));
	is(expand($sent[0]{body}, 'KeyConditionExpression'), $key, '... with this key condition');
	ok($sent[0]{body}{ProjectionExpression}, '... of named attributes');
}
is(expand({}, 'x'), '', 'no expression');

# nothing is sent to plan, nor for what cannot match
requests($proxy);
$node->safe_psql('postgres', "EXPLAIN SELECT * FROM tap_conversations WHERE user_id = 'x'");
is($node->safe_psql('postgres', "SELECT count(*) FROM tap_conversations WHERE user_id = '' OR user_id = NULL"), 0, 'no rows');
is($node->safe_psql('postgres', "SELECT count(*) FROM tap_conversations WHERE animal_id = 'a' AND \"timestamp\" > '2030-01-01' AND \"timestamp\" < '2020-01-01'"), 0, 'no rows');
is(scalar(grep { $_->{op} eq 'Query' } requests($proxy)), 0, 'and no Query');

# pages: all of them, one request each, on one connection
$node->safe_psql('postgres', q{
	INSERT INTO tap_conversations (user_id, session_id, "timestamp", content)
	SELECT 'pages', 's', '2100-01-01'::timestamptz + i * interval '1 s', repeat('x', 100000) FROM generate_series(1, 35) i});
requests($proxy);
is($node->safe_psql('postgres', "SELECT count(*), sum(length(content)) FROM tap_conversations WHERE user_id = 'pages'"), '35|3500000', 'four pages');
my @pages = requests($proxy);
is(scalar(@pages), 4, 'four requests');
is(scalar(grep { $_->{body}{ExclusiveStartKey} } @pages), 3, 'three go on');
my %ports = map { $_->{port} => 1 } @pages;
is(scalar(keys %ports), 1, 'on one connection');
# an empty page is not the end: the filter leaves nothing of the first ones
is($node->safe_psql('postgres', "SELECT count(*) FROM tap_conversations WHERE user_id = 'pages' AND ttl > '2100-04-01 00:00:34'"), '1', 'empty pages are passed over');
is($node->safe_psql('postgres', "SELECT count(*) FROM tap_conversations WHERE content LIKE 'nothing has this%'"), '0', 'also when all are empty');

# connections are kept from one statement to the next
requests($proxy);
$node->safe_psql('postgres', join(';', ("SELECT count(*) FROM tap_conversations WHERE user_id = 'student_001'") x 5));
%ports = map { $_->{port} => 1 } requests($proxy);
is(scalar(keys %ports), 1, 'five statements, one connection');

# reads are consistent if asked for
$node->safe_psql('postgres', "ALTER FOREIGN TABLE tap_conversations OPTIONS (consistent_read 'true')");
requests($proxy);
$node->safe_psql('postgres', "SELECT count(*) FROM tap_conversations WHERE user_id = 'student_001'");
my ($consistent) = requests($proxy);
ok($consistent->{body}{ConsistentRead}, 'ConsistentRead');
done_testing();
