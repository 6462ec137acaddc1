# cmz_changes(): the example of docs/changes.md keeps a local table the same as
# the remote one, whatever is written between and during its calls; and what the
# function gives and refuses.
use strict;
use warnings;
use CmzTest;
use FindBin;
use JSON::PP qw(decode_json encode_json);
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

srand(20250119);
my $page = slurp_file("$FindBin::Bin/../../docs/changes.md");
my ($signature, $once, $copy, $procedure, $call, @more) = $page =~ /^```sql\n(.*?)^```$/msg;
like($call, qr/^CALL refresh_messages/, 'the page has an example');
is(scalar(@more), 0, '... and no SQL besides');

my $node = start_node();
my $aws = start_aws('--upstream', dynamodb_url());
$node->safe_psql('postgres', q{CREATE DATABASE docs ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0});
eval { ddb('DeleteTable', { TableName => "chg-$_" }) } foreach 'docs', 'none', 'keys';

# all in database docs
sub sql { return $node->safe_psql('docs', $_[0]) }

sub fails
{
	my ($sql, $state, $name) = @_;
	my (undef, undef, $err) = $node->psql('docs', $sql, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	like($err, $state, $name);
	return;
}

sql(qq{
	CREATE EXTENSION cmz_fdw;
	CREATE SERVER cmz FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url '${\dynamodb_url()}');
	CREATE SERVER aws FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'http://$aws');
	SELECT cmz_create_table('cmz', 'chg-docs');
	IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (chg_docs) FROM SERVER cmz INTO public;
	ALTER FOREIGN TABLE chg_docs RENAME TO cmz_conversations;
	CREATE FOREIGN TABLE elsewhere ("userId" text, extra jsonb OPTIONS (attribute '*'))
		SERVER aws OPTIONS (table_name 'chg-docs', key 'userId, sessionIdTimestamp', indexes 'none');
	SELECT cmz_insert_test_data('cmz_conversations', 3, 1, 4)});

#
# The example
#
sql($once);
sql($copy);
sql($procedure);

sub differences
{
	return sql(q{SELECT count(*) FROM ((TABLE messages EXCEPT ALL TABLE cmz_conversations)
		UNION ALL (TABLE cmz_conversations EXCEPT ALL TABLE messages)) d});
}

# A random key of few, so that keys are written, removed and written again.
sub some_key
{
	return (sprintf('u%d', int rand 3), sprintf('s#2025-01-19T12:00:0%dZ', int rand 8));
}

# A write by hand, with attributes that no column shows.
sub write_by_hand
{
	my ($user, $composite) = some_key();
	my $key = { userId => { S => $user }, sessionIdTimestamp => { S => $composite } };
	if (rand() < 0.3)
	{
		ddb('DeleteItem', { TableName => 'chg-docs', Key => $key });
		return;
	}
	my %item = (%$key, sessionId => { S => 's' }, timestamp => { S => substr($composite, 2) },
		content => { S => "by hand \x{e9}" . rand() });
	$item{tokensUsed} = { N => int rand 1000 } if rand() < 0.5;
	$item{ttl} = { N => 1900000000 + int rand 1000 } if rand() < 0.5;
	$item{animalId} = { S => 'lion' } if rand() < 0.5;
	$item{sets} = { SS => [ 'a', 'b' ] } if rand() < 0.3;
	$item{more} = { M => { b => { B => 'AAE=' }, l => { L => [ { N => '1.5' }, { NULL => JSON::PP::true } ] } } } if rand() < 0.3;
	ddb('PutItem', { TableName => 'chg-docs', Item => \%item });
	return;
}

sub write_by_sql
{
	my ($user, $composite) = some_key();
	my $time = substr $composite, 2;
	my $where = "user_id = '$user' AND session_id_timestamp = '$composite'";
	my $value = int rand 1e6;
	return (
		"DELETE FROM cmz_conversations WHERE $where",
		"UPDATE cmz_conversations SET content = 'sql $value', tokens_used = nullif(tokens_used, 3) WHERE $where",
		"UPDATE cmz_conversations SET extra = '{\"n\": $value}' WHERE $where",
		"INSERT INTO cmz_conversations (user_id, session_id, \"timestamp\", content, tokens_used)
			VALUES ('$user', 's', '$time', 'sql $value', 3) ON CONFLICT DO NOTHING")[ int rand 4 ];
}

is(differences(), 0, 'the first copy is the table');
sql($call);
is(differences(), 0, '... and stays so, if nothing has changed');
foreach my $round (1 .. 4)
{
	write_by_hand() foreach 1 .. 5 + int rand 10;
	sql(join ";\n", map { write_by_sql() } 1 .. 1 + int rand 4) foreach 1 .. 4;
	write_by_hand() foreach 1 .. 5;
	cmp_ok(differences(), '>', 0, "round $round: much is written") or diag 'nothing to do';
	sql($call);
	is(differences(), 0, '... and followed');
}
cmp_ok(sql('SELECT count(*) FROM messages'), '>', 10, 'there is something to compare');

write_by_hand() foreach 1 .. 14;
my $read = sql(q{SELECT count(*) FROM messages_bookmark, cmz_changes('cmz_conversations', bookmark) WHERE event IS NOT NULL});
my $steps = 0;
do { sql('CALL refresh_messages(3)'); $steps++ } while ($steps < 20 && differences() > 0);
cmp_ok($steps, '<=', int(($read + 2) / 3), "$read changes in $steps small steps");
is(differences(), 0, '... are all');
sql('CALL refresh_messages(0)');
is(differences(), 0, '... also with one of none');

# somebody writes all the time
my $writer = fork() // die "fork: $!";
if ($writer == 0)
{
	my $ok = eval { write_by_hand() foreach 1 .. 50; 1 };
	POSIX::_exit($ok ? 0 : 1);
}
my $calls = 0;
do { sql('CALL refresh_messages(5)'); $calls++ } while (waitpid($writer, POSIX::WNOHANG()) == 0);
is($?, 0, 'while somebody writes');
sql($call);
is(differences(), 0, '... the copy follows');

# a job that fails has not had its changes
write_by_hand() foreach 1 .. 10;
my $before = sql('SELECT bookmark FROM messages_bookmark');
fails('BEGIN; CALL refresh_messages(); SELECT 1/0', qr/22012/, 'a job that fails');
is(sql('SELECT bookmark FROM messages_bookmark'), $before, '... moves no bookmark');
sql($call);
is(differences(), 0, '... and the next one has the changes');

#
# What the rows are
#
my $bookmark = sql('SELECT bookmark FROM messages_bookmark');
my $since = "'$bookmark'";
is(sql("SELECT event IS NULL AND \"time\" IS NULL AND keys IS NULL AND old_image IS NULL AND new_image IS NULL
	AND sequence_number IS NULL AND expired IS NULL, bookmark IS NOT NULL FROM cmz_changes('cmz_conversations', $since)"),
	't|t', 'without changes there is the bookmark alone');
my %key = (userId => { S => 'types' }, sessionIdTimestamp => { S => 's#t' });
ddb('PutItem', { TableName => 'chg-docs', Item => { %key, n => { N => '1.50' }, b => { B => 'AAE=' }, set => { NS => ['7'] },
	m => { M => { 'a"b' => { BOOL => JSON::PP::true } } } } });
ddb('UpdateItem', { TableName => 'chg-docs', Key => \%key, UpdateExpression => 'REMOVE n, b, m SET x = :x',
	ExpressionAttributeValues => { ':x' => { S => "\x{20ac}" } } });
ddb('DeleteItem', { TableName => 'chg-docs', Key => \%key });
my $keys = '{"userId": "types", "sessionIdTimestamp": "s#t"}';
my $first = '{"b": "AAE=", "m": {"a\"b": true}, "n": 1.5, "set": [7], "userId": "types", "sessionIdTimestamp": "s#t"}';
my $second = qq({"x": "\xe2\x82\xac", "set": [7], "userId": "types", "sessionIdTimestamp": "s#t"});
utf8::decode($second);
my $rows = sql("SELECT event, keys, old_image, new_image, expired, abs(extract(epoch FROM now() - \"time\")) < 600, sequence_number ~ '^\\d+\$', bookmark IS NULL
	FROM cmz_changes('cmz_conversations', $since) WITH ORDINALITY ORDER BY ordinality");
utf8::decode($rows) unless utf8::is_utf8($rows);
is($rows, "INSERT|$keys||$first|f|t|t|t\nMODIFY|$keys|$first|$second|f|t|t|t\nREMOVE|$keys|$second||f|t|t|t\n||||||" . "|f",
	'images are what a jsonb column has');
is(sql("SELECT string_agg(coalesce(event, 'end'), ' ' ORDER BY ordinality) FROM cmz_changes('cmz_conversations', $since, 2) WITH ORDINALITY"),
	'INSERT MODIFY end', 'no more changes than are wanted');
is(sql("BEGIN; INSERT INTO cmz_conversations (user_id, session_id) VALUES ('mine', 's');
	SELECT count(*) FROM cmz_changes('cmz_conversations', $since); ROLLBACK"), 4, 'nothing of the transaction itself');

# what jsonb does not take
ddb('PutItem', { TableName => 'chg-docs', Item => { %key, z => { S => "a\0b" }, y => { S => 'y' } } });
fails("SELECT * FROM cmz_changes('cmz_conversations', $since)", qr/HV004: attribute "z".*DETAIL:  Change \d+: found S.*HINT/s, 'what jsonb does not take');
sql(q{ALTER FOREIGN TABLE cmz_conversations ALTER extra OPTIONS (ADD on_type_mismatch 'null')});
is(sql("SELECT new_image - ARRAY['userId', 'sessionIdTimestamp'] FROM cmz_changes('cmz_conversations', $since) WHERE new_image ? 'y'"),
	'{"y": "y"}', '... can be left out');
ddb('DeleteItem', { TableName => 'chg-docs', Key => \%key });

# a stream of keys only
ddb('CreateTable', { TableName => 'chg-keys', BillingMode => 'PAY_PER_REQUEST', KeySchema => [ { AttributeName => 'k', KeyType => 'HASH' } ],
	AttributeDefinitions => [ { AttributeName => 'k', AttributeType => 'N' } ],
	StreamSpecification => { StreamEnabled => JSON::PP::true, StreamViewType => 'KEYS_ONLY' } });
sql(q{CREATE FOREIGN TABLE keys_only (k numeric, extra jsonb OPTIONS (attribute '*')) SERVER cmz OPTIONS (table_name 'chg-keys', key 'k', indexes 'none');
	INSERT INTO keys_only VALUES (12, '{"a": 1}')});
is(sql(q{SELECT event, keys, old_image, new_image FROM cmz_changes('keys_only') WHERE event IS NOT NULL}), 'INSERT|{"k": 12}||', 'keys only');
is(sql(q{SELECT count(*) FROM cmz_changes('keys_only', NULL, 0)}), 1, 'no change wanted, none given');

#
# What is refused
#
create_table('chg-none', ['k']);
sql(q{CREATE FOREIGN TABLE no_stream (k text) SERVER cmz OPTIONS (table_name 'chg-none', key 'k', indexes 'none');
	CREATE FOREIGN TABLE no_table (k text) SERVER cmz OPTIONS (table_name 'chg-nowhere', key 'k', indexes 'none')});
fails(q{SELECT * FROM cmz_changes('no_stream')}, qr/55000: DynamoDB table "chg-none" has no stream.*HINT/s, 'no stream');
fails(q{SELECT * FROM cmz_changes('no_table')}, qr/42P01/, 'no table');
fails(q{SELECT * FROM cmz_changes('messages')}, qr/42809/, 'a local table');
fails(q{SELECT * FROM cmz_changes(NULL)}, qr/42809/, 'NULL');
fails(q{CREATE FOREIGN DATA WRAPPER other; CREATE SERVER other FOREIGN DATA WRAPPER other; CREATE FOREIGN TABLE foreign_one (k text) SERVER other;
	SELECT * FROM cmz_changes('foreign_one')}, qr/ERROR:  (?:42809|55000)/, 'a foreign table of another wrapper');
fails(q{SELECT * FROM cmz_changes('keys_only', NULL, -1)}, qr/22023/, 'fewer than no changes');
fails("SELECT * FROM cmz_changes('keys_only', '$_')", qr/22P02: invalid bookmark.*HINT/s, "no bookmark: $_")
  foreach '', 'x', '{}', '{"v":1,"stream":"s","shards":[["a",1,"b"]]}';
fails("SELECT * FROM cmz_changes('keys_only', $since)", qr/22023: the bookmark is of another table/, 'the bookmark of another table');
(my $replaced = $since) =~ s{/stream/[^"]*}{/stream/2025-01-19T12:00:00.000};
fails("SELECT * FROM cmz_changes('cmz_conversations', $replaced)", qr/55000: the stream .* has been replaced.*HINT/s, 'the bookmark of a stream before');
sql(q{CREATE ROLE reader; GRANT SELECT ON keys_only TO reader; CREATE ROLE caller;
	CREATE USER MAPPING FOR reader SERVER cmz OPTIONS (access_key_id 'x', secret_access_key 'y')});
fails(q{SET ROLE reader; SELECT * FROM cmz_changes('keys_only')}, qr/42501: permission denied for function/, 'the function is not for all');
sql(q{GRANT EXECUTE ON FUNCTION cmz_changes TO reader, caller});
is(sql(q{SET ROLE reader; SELECT count(*) FROM cmz_changes('keys_only')}), 2, 'but for who is allowed');
fails(q{SET ROLE caller; SELECT * FROM cmz_changes('keys_only')}, qr/42501: permission denied for foreign table/, '... to read the table');

#
# Scripted streams
#
sub record
{
	my ($number, %more) = @_;
	return { eventName => 'INSERT', %more,
		dynamodb => { SequenceNumber => sprintf('%021d', $number), ApproximateCreationDateTime => time,
			Keys => { userId => { S => 'u' }, sessionIdTimestamp => { S => "s#$number" } } } };
}

sub shard
{
	my ($name, $parent, @more) = @_;
	my @numbers = grep { !ref && /^\d+$/ } @more;
	my %more = map { my ($n, $v) = split /=/; ($n => $v + 0) } grep { /=/ } @more;
	return { id => "shardId-0000000000000000000-$name", $parent ? (parent => "shardId-0000000000000000000-$parent") : (),
		records => [ map { record($_) } @numbers ], %more };
}

my $arn = ddb('DescribeTable', { TableName => 'chg-docs' })->{Table}{LatestStreamArn};
my @problems;

# The numbers that a call gives, and its bookmark.
sub changes
{
	my ($script, $from, $max) = @_;
	aws_script($aws, $script) if $script;
	my $out = sql("SELECT coalesce(sequence_number, bookmark) FROM cmz_changes('elsewhere', "
		  . (defined $from ? "'$from'" : 'NULL') . ', ' . ($max // 'NULL') . ') WITH ORDINALITY ORDER BY ordinality');
	my @rows = split /\n/, $out;
	$from = pop @rows;
	push @problems, map { @{ $_->{problems} } } aws_log($aws);
	return (join(' ', map { $_ + 0 } @rows), $from);
}

# The same as an error; scripts are as before or given.
sub changes_fail
{
	my ($script, $from, $state, $name) = @_;
	aws_script($aws, $script);
	fails("SELECT * FROM cmz_changes('elsewhere', " . (defined $from ? "'$from'" : 'NULL') . ')', $state, $name);
	push @problems, map { @{ $_->{problems} } } aws_log($aws);
	return;
}

sub streams { return { streams => { shards => [@_], page => 2 } } }

my ($got, $mark) = changes(streams(shard('a', 'z', 1, 2, 3, 'closed=1'), shard('c', 'a', 30 .. 32, 'page=1'), shard('b', 'a', 20 .. 25, 'closed=1'), shard('d', 'b', 40)));
is($got, '1 2 3 20 21 22 23 24 25 30 31 32 40', 'shards that split, over pages of the list: parents first');
($got, my $again) = changes(undef, $mark);
is($got, '', '... and once');
($got) = changes(streams(shard('c', 'a', 30 .. 33), shard('d', 'b', 40, 41, 'closed=1'), shard('e', 'd', 50, 'closed=1'), shard('f', 'd', 60)), $mark);
is($got, '33 41 50 60', '... what comes later, too');
my $split = streams(shard('a', '', 1 .. 4, 'closed=1'), shard('b', 'a', 5 .. 7), shard('c', 'a', 8 .. 9));
my @all;
$mark = undef;
foreach my $step (1 .. 8)
{
	($got, $mark) = changes($split, $mark, 2);
	push @all, $got;
	last if $got eq '';
}
my @sorted = sort { $a <=> $b } split / /, join ' ', grep { $_ ne '' } @all;
is("@sorted", '1 2 3 4 5 6 7 8 9', 'two at a time: each once');
is(scalar(grep { split(/ /) > 2 } @all), 0, '... never more');
($got, $mark) = changes(streams(shard('a', '', 1, 'closed=1')), undef);
my ($later) = changes(streams(shard('a', '', 1, 'closed=1'), shard('b', 'a', 2)), $mark);
is("$got, $later", '1, 2', 'a child that appears later');
($later) = changes(streams(shard('a', '', 1, 'closed=1', 'unlisted=1'), shard('b', 'a', 2)), $mark);
is($later, '2', '... when its parent has gone');
($got) = changes(streams(shard('a', '', 1, 2, 'empty=2', 'page=1')), undef);
is($got, '1 2', 'empty pages before changes');
($got, $mark) = changes(streams(shard('a', '', 1, 'empty=5')), undef);
is($got, '', 'many of an open shard: it is left for now');
($got) = changes(streams(shard('a', '', 1, 'closed=1', 'empty=5')), $mark);
is($got, '1', '... until it is closed');
is(scalar(grep { $_->{op} eq 'GetRecords' } do { aws_script($aws, streams(shard('a', ''))); sql(q{SELECT * FROM cmz_changes('elsewhere')}); aws_log($aws) }),
	3, 'three pages of nothing are the end for now');

# time to live
my $ttl = shard('a', '');
$ttl->{records} = [ record(1, eventName => 'REMOVE', userIdentity => { PrincipalId => 'dynamodb.amazonaws.com', Type => 'Service' }),
	record(2, eventName => 'REMOVE', userIdentity => { PrincipalId => 'arn:aws:iam::1:user/x', Type => 'User' }), record(3, eventName => 'REMOVE') ];
aws_script($aws, streams($ttl));
is(sql(q{SELECT string_agg(expired::text, ' ' ORDER BY sequence_number) FROM cmz_changes('elsewhere')}), 'true false false', 'what has expired');

# iterators that are too old, throttling
my @fail = ({ service => 'streams', op => 'GetRecords', code => 'ExpiredIteratorException', status => 400 });
($got, $mark) = changes({ %{ streams(shard('a', '', 1 .. 3, 'page=1')) }, fail => [@fail] });
is($got, '1 2 3', 'an iterator that is too old');
changes_fail({ %{ streams(shard('a', '', 1)) }, fail => [ { %{ $fail[0] }, times => 100 } ] }, undef, qr/HV000/, '... always');
($got) = changes({ %{ streams(shard('a', '', 1)) }, fail => [ map { { service => 'streams', op => $_, code => 'LimitExceededException', status => 400, times => 2 } } 'GetRecords', 'DescribeStream' ] });
is($got, '1', 'too fast: tried again');
($got) = changes({ %{ streams(shard('a', '', 1)) }, fail => [ { service => 'streams', op => 'GetShardIterator', times => 1 } ] });
is($got, '1', 'a fault of the service: tried again');

# what may be lost
my $day = time - 90000;
sub mark { return qq({"v":1,"stream":"$arn","shards":[) . join(',', map { encode_json($_) } @_) . ']}' }
my ($a, $b) = map { "shardId-0000000000000000000-$_" } 'a', 'b';
my $three = sprintf '%021d', 3;
my $lost = qr/55000: changes of table "chg-docs" may have been lost.*DETAIL.*HINT:  Copy the table again/s;
changes_fail(streams(shard('a', '', 5 .. 6, 'trimmed=5')), mark([ $a, $day, $three ]), $lost, 'trimmed behind the bookmark');
($got) = changes(streams(shard('a', '', 5 .. 6, 'trimmed=5')), mark([ $a, time, $three ]));
is($got, '5 6', '... but not if all that was trimmed had been read');
changes_fail(streams(shard('a', '', 5)), mark([ $a, $day, '' ]), $lost, 'not begun for a day');
changes_fail(streams(shard('b', 'a', 5)), mark([ $a, time, $three ]), $lost, 'an open shard that has gone');
changes_fail(streams(shard('c', 'b', 5)), mark([ $a, time ]), $lost, 'the child of a shard has gone');
changes_fail({ %{ streams(shard('a', '', 5)) }, fail => [ { service => 'streams', op => 'GetRecords', code => 'TrimmedDataAccessException', status => 400, times => 9 } ] },
	mark([ $a, $day, $three ]), $lost, 'trimmed while it is read');
($got) = changes({ %{ streams(shard('a', '', 5)) }, fail => [ { service => 'streams', op => 'GetRecords', code => 'TrimmedDataAccessException', status => 400 } ] });
is($got, '5', '... at the very beginning it does not matter');

# answers that are none
foreach my $raw (
	[ DescribeStream => '{}' ], [ DescribeStream => '{"StreamDescription":{"Shards":[{}]}}' ], [ DescribeStream => 'x' ],
	[ GetShardIterator => '{}' ], [ GetShardIterator => '' ], [ GetRecords => '{}' ], [ GetRecords => '{"Records":[' ],
	[ GetRecords => '{"Records":[{"eventName":"INSERT"}]}' ],
	[ DescribeStream => '{"StreamDescription":{"Shards":[],"LastEvaluatedShardId":"shardId-0000000000000000000-a"}}' ])
{
	changes_fail({ %{ streams(shard('a', '', 1)) }, raw => { "streams/$raw->[0]" => { body => $raw->[1] } } }, undef,
		qr/08P01: DynamoDB Streams sent a malformed answer/, "malformed: $raw->[0] $raw->[1]");
}
aws_script($aws, { %{ streams(shard('a', '', 1)) }, delay => { 'streams/GetRecords' => 5 } });
fails(q{SET statement_timeout = 300; SELECT * FROM cmz_changes('elsewhere')}, qr/57014/, 'it can be cancelled');
aws_log($aws);
is(join("\n", @problems), '', 'every request conforms to the API');
done_testing();
