# Signatures agree with botocore's: over generated requests, and of a request
# that went over the wire.
use strict;
use warnings;
use CmzTest;
use File::Basename qw(dirname);
use JSON::PP qw(encode_json);
use PostgreSQL::Test::Utils;
use Test::More;

my $tests = dirname(__FILE__) . '/..';
my ($out, $err) = run_command([ 'python3', "$tests/stubs/signatures.py", "$tests/unit/unit" ]);
is($out, '3000 requests, 0 differences', '3000 generated requests') or diag($err);

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_table('tap-signed', ['id']);
create_server($node, 's', "http://$proxy", "region 'eu-central-1'");
$node->safe_psql('postgres', q{
	CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key 'wJalr/XUtn+FEMI', session_token 'tok/en+==');
	CREATE FOREIGN TABLE t (id text COLLATE "C", x text) SERVER s OPTIONS (table_name 'tap-signed', key 'id');
	INSERT INTO t VALUES ('löwe 🦁', E'a\nb"c\\d');
	SELECT * FROM t WHERE id = 'löwe 🦁';
});
my @sent = requests($proxy);
is(scalar(@sent), 2, 'two requests went out');
foreach my $request (@sent)
{
	is($request->{headers}{'X-Amz-Security-Token'}, 'tok/en+==', "$request->{op} carries the session token");
	my ($verdict) = run_command([
		'python3', "$tests/stubs/signatures.py", '--verify', 'AKIDEXAMPLE', 'wJalr/XUtn+FEMI', 'tok/en+==', 'eu-central-1',
		"http://$proxy/", encode_json($request) ]);
	is($verdict, 'valid', '... and a valid signature');
}
done_testing();
