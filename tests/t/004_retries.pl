# Faults that pass are survived, and a repeated write writes once.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_table('tap-retries', ['id']);
create_server($node, 's', "http://$proxy", "request_timeout '1s'");
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE t (id text COLLATE "C", x text, n numeric, a text[] OPTIONS (dynamodb_type 'SS')) SERVER s OPTIONS (table_name 'tap-retries', estimated_items '100', key 'id');
	INSERT INTO t SELECT i::text, 'x' FROM generate_series(1, 5) i;
});
my %throttle = (do => 'status', code => 400, body => '{"__type":"x#ThrottlingException","message":"slow down"}');
my @faults = (
	[ 'throttled three times', { %throttle, times => 3 } ],
	[ 'an internal error', { do => 'status', code => 500, body => '{"__type":"x#InternalServerError"}' } ],
	[ 'a bad gateway', { do => 'status', code => 503, body => '<html>' } ],
	[ 'a reset', { do => 'reset' } ],
	[ 'a lost answer', { do => 'lose' } ],
	[ 'an answer cut short', { do => 'truncate' } ],
	[ 'a bad checksum', { do => 'crc' } ],
	[ 'a time-out', { do => 'hang', seconds => 2 } ]);
my $id = 100;
foreach my $fault (@faults)
{
	my ($name, $action) = @$fault;
	script($proxy, { %$action, op => 'Scan' });
	is($node->safe_psql('postgres', 'SELECT count(*) FROM t WHERE id < \'6\' AND length(id) = 1'), '5', "$name: a read survives");
	script($proxy, { %$action, op => 'PutItem' });
	$id++;
	is($node->safe_psql('postgres', "INSERT INTO t VALUES ('$id', '$name', 1.50, '{b,a}') RETURNING id"), $id, "$name: a write survives");
	my @puts = grep { $_->{op} eq 'PutItem' } requests($proxy);
	cmp_ok(scalar(@puts), '>=', 2, '... by trying again');
	is(ddb('GetItem', { TableName => 'tap-retries', Key => { id => { S => "$id" } } })->{Item}{x}{S}, $name, '... and is there');
	script($proxy, { %$action, op => 'PutItem' });
	like(error_of($node, "INSERT INTO t VALUES ('$id', 'another')"), qr/23505/, "$name: a duplicate is one");
	is(ddb('GetItem', { TableName => 'tap-retries', Key => { id => { S => "$id" } } })->{Item}{x}{S}, $name, '... and changes nothing');
}
# the same row again is a duplicate when no answer was lost
$node->safe_psql('postgres', "INSERT INTO t VALUES ('same', 'x')");
like(error_of($node, "INSERT INTO t VALUES ('same', 'x')"), qr/23505/, 'the same row again is a duplicate');

# EXPLAIN counts them
script($proxy, { %throttle, times => 2, op => 'Query' });
like($node->safe_psql('postgres', "EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM t WHERE id = '1'"), qr/Requests: 3  Pages: 1 .* Retries: 2/, 'retries are counted');
# a page in the middle that fails for good fails the statement
$node->safe_psql('postgres', "INSERT INTO t SELECT 'big' || i, repeat('x', 200000) FROM generate_series(1, 15) i");
script($proxy, { do => 'pass', op => 'Scan' }, { do => 'status', code => 400, op => 'Scan', body => '{"__type":"x#AccessDeniedException","message":"no more"}' });
like(error_of($node, 'SELECT count(*) FROM t'), qr/42501/, 'never fewer rows and no error');
done_testing();
