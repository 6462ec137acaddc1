# What DynamoDB says of a transaction that it cancels: some reasons pass, others
# are errors with the item's key.
use strict;
use warnings;
use CmzTest;
use JSON::PP;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_table('tap-cancelled', ['id']);
create_server($node, 's', "http://$proxy", "max_retries '2'");
$node->safe_psql('postgres', q{CREATE FOREIGN TABLE t (id text COLLATE "C", n integer) SERVER s OPTIONS (table_name 'tap-cancelled', key 'id')});

sub cancelled
{
	my (@codes) = @_;
	return { do => 'status', op => 'TransactWriteItems', code => 400,
		body => encode_json({ __type => 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException', Message => 'Transaction cancelled',
			CancellationReasons => [ map { { Code => $_ } } @codes ] }) };
}

sub tries { return scalar grep { $_->{op} eq 'TransactWriteItems' } requests($proxy); }

my $id = 0;
sub insert { $id += 2; return sprintf "INSERT INTO t VALUES ('%d', 1), ('%d', 1)", $id - 1, $id; }

script($proxy, cancelled('None', 'TransactionConflict'), cancelled('ThrottlingError', 'None'));
$node->safe_psql('postgres', insert());
my @tokens = map { $_->{body}{ClientRequestToken} } grep { $_->{op} eq 'TransactWriteItems' } requests($proxy);
is(scalar(@tokens), 3, 'conflicts with other transactions and throttling are tried again');
is("$tokens[1]$tokens[2]", "$tokens[0]$tokens[0]", '... with the same token');
is(count_items('tap-cancelled'), 2, '... until it is stored');

foreach my $case (
	[ 'TransactionConflict', 3, qr/40001.*Item \(id\)=\(\d*[02468]\)/s ],
	[ 'ProvisionedThroughputExceeded', 3, qr/53400.*Item \(id\)=\(\d*[02468]\).*HINT/s ],
	[ 'ConditionalCheckFailed', 1, qr/23505.*Key \(id\)=\(\d*[02468]\) already exists/s ],
	[ 'ItemCollectionSizeLimitExceeded', 1, qr/54000.*Item \(id\)=\(\d*[02468]\)/s ],
	[ 'ValidationError', 1, qr/HV000.*Item \(id\)=\(\d*[02468]\)/s ],
	[ 'SomethingNew', 1, qr/40001.*Item \(id\)=\(\d*[02468]\)/s ])
{
	my ($reason, $tries, $pattern) = @$case;
	script($proxy, map { cancelled('None', $reason) } 1 .. 9);
	like(error_of($node, insert()), $pattern, $reason);
	is(tries(), $tries, "... after $tries tries");
}
script($proxy, cancelled('TransactionConflict', 'ConditionalCheckFailed'));
like(error_of($node, insert()), qr/23505.*Key \(id\)=\(\d*[02468]\)/s, 'a reason that does not pass decides');
is(tries(), 1, '... at once');
script($proxy, { do => 'status', op => 'TransactWriteItems', code => 400, body => '{"__type":"x#TransactionInProgressException","message":"wait"}' });
$node->safe_psql('postgres', insert());
is(count_items('tap-cancelled'), 4, 'a transaction that is still in progress is waited for');
script($proxy, { do => 'garbage', op => 'TransactWriteItems', bytes => 1000000 });
like(error_of($node, insert()), qr/08007.*malformed/s, 'garbage for an answer: it is not known');
script($proxy);
done_testing();
