# A write whose answer is lost is neither repeated nor reported as failed: the
# proxy forwards it and drops the connection, or drops it before.
# CMZ_LOST_TRIES says how often (of each kind).
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
my $tries = $ENV{CMZ_LOST_TRIES} || 25;
create_table('tap-lost', ['id']);
create_server($node, 's', "http://$proxy", "request_timeout '2s'");
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE t (id text COLLATE "C", n integer, note text) SERVER s OPTIONS (table_name 'tap-lost', key 'id', estimated_items '10');
	CREATE FOREIGN TABLE now (id text COLLATE "C", n integer, note text) SERVER s OPTIONS (table_name 'tap-lost', key 'id', estimated_items '10', write_mode 'immediate');
	CREATE FOREIGN TABLE require (id text COLLATE "C", n integer, note text) SERVER s OPTIONS (table_name 'tap-lost', key 'id', estimated_items '10', atomic_writes 'require');
});

sub items
{
	my $answer = ddb('Scan', { TableName => 'tap-lost', ConsistentRead => \1 });
	return { map { $_->{id}{S} => $_->{n}{N} } @{ $answer->{Items} } };
}

# The statement runs with the answers to its first writes lost; it must succeed.
my $tried = 0;
sub lost
{
	my ($name, $operation, $do, $times, $sql, $expected) = @_;
	script($proxy, { op => $operation, do => $do, times => $times });
	my ($status, $out, $err) = $node->psql('postgres', $sql);
	my $after = items();
	$tried += $times;
	return is("$status $err" . join(' ', map { "$_=" . ($after->{$_} // 'none') } sort keys %$expected),
		'0 ' . join(' ', map { "$_=" . ($expected->{$_} // 'none') } sort keys %$expected), $name);
}

my $all = 1;
foreach my $do ('lose', 'reset', 'truncate')
{
	foreach my $i (1 .. $tries)
	{
		my $id = "$do$i";
		my $times = 1 + $i % 2;
		$all &= lost("$id: INSERT", 'PutItem', $do, $times, "INSERT INTO t VALUES ('$id', 1)", { $id => 1 });
		$all &= lost("$id: UPDATE", 'UpdateItem', $do, $times, "UPDATE t SET n = n + 1 WHERE id = '$id'", { $id => 2 });
		$all &= lost("$id: several", 'TransactWriteItems', $do, $times,
			"BEGIN; UPDATE t SET n = n + 1 WHERE id = '$id'; INSERT INTO t VALUES ('${id}b', 1); COMMIT", { $id => 3, "${id}b" => 1 });
		$all &= lost("$id: one as a transaction", 'TransactWriteItems', $do, $times, "UPDATE require SET n = n + 1 WHERE id = '$id'", { $id => 4 });
		$all &= lost("$id: at once", 'UpdateItem', $do, $times, "UPDATE now SET n = n + 1 WHERE id IN ('$id', '${id}b')", { $id => 5, "${id}b" => 2 });
		$all &= lost("$id: DELETE", 'DeleteItem', $do, $times, "DELETE FROM t WHERE id = '$id'", { $id => undef });
		last unless $all;
	}
}
cmp_ok($tried, '>=', 3 * 6 * $tries, "answers lost: $tried");

# what is really there, or has really changed, is still said
$node->safe_psql('postgres', "INSERT INTO t VALUES ('there', 1)");
script($proxy, { op => 'PutItem', do => 'lose' });
like(error_of($node, "INSERT INTO t VALUES ('there', 2)"), qr/23505/, 'a duplicate is one, though its answer was lost');
is(items()->{there}, 1, '... and changes nothing');

# an item that others change in between: it cannot be known, and is said
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query('\set VERBOSITY verbose');
$session->query_safe("BEGIN");
$session->query_safe("UPDATE t SET n = n + 1 WHERE id = 'there'");
ddb('UpdateItem', { TableName => 'tap-lost', Key => { id => { S => 'there' } }, UpdateExpression => 'SET n = :n', ExpressionAttributeValues => { ':n' => { N => '7' } } });
script($proxy, { op => 'UpdateItem', do => 'lose' });
$session->query_until(qr/done/, "COMMIT;\n\\echo done\n");
like($session->{stderr}, qr/08007.*could not find out whether a write was stored/s, 'an update that cannot be settled says so');
$session->quit;
is(items()->{there}, 7, '... and has not been repeated');

# an endpoint that never answers a transaction
script($proxy, { op => 'TransactWriteItems', do => 'reset', times => 99 });
$node->safe_psql('postgres', "ALTER SERVER s OPTIONS (ADD max_retries '1')");
like(error_of($node, "INSERT INTO t VALUES ('x', 1), ('y', 1)"), qr/08007.*writes of the transaction/s, 'a transaction that cannot be settled says so');
script($proxy);
done_testing();
