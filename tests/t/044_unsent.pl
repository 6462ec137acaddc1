# Credentials that are gone when a request is to be sent again: what became of the
# request that was sent is not forgotten over it.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
mkdir "$dir/.aws";
append_to_file("$dir/.aws/config", "[profile p]\ncredential_process = sh $dir/run.sh\n");
sub credentials_for
{
	my ($seconds) = @_;
	unlink "$dir/run.sh";
	append_to_file("$dir/run.sh", $seconds == 0 ? "exit 1\n"
		: qq{echo '{"Version": 1, "AccessKeyId": "AKIAPROCESS00001", "SecretAccessKey": "x", "Expiration": "'\$(date -u -d '$seconds seconds' +%FT%TZ)'"}'; echo exit 1 > $dir/run.sh\n});
	return;
}

my $node = start_node(HOME => $dir, CMZ_FDW_ALLOW_CREDENTIAL_PROCESS => 1);
my $proxy = start_proxy(dynamodb_url());
create_table('tap-unsent', ['id']);
create_server($node, 's', "http://$proxy", "profile 'p'");
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE t (id text COLLATE "C", n int) SERVER s OPTIONS (table_name 'tap-unsent', key 'id');
	CREATE FOREIGN TABLE i (id text COLLATE "C", n int) SERVER s OPTIONS (table_name 'tap-unsent', key 'id', write_mode 'immediate');});

# nothing sent: the reason is the whole story
credentials_for(0);
like(error_of($node, 'SELECT * FROM t'), qr/ERROR:  28000: credential_process failed\nHINT/, 'no credentials for a read');
like(error_of($node, "INSERT INTO t VALUES ('a', 1)"), qr/ERROR:  28000: credential_process failed\n/, '... for a write');
like(error_of($node, "INSERT INTO i VALUES ('a', 1)"), qr/ERROR:  28000: credential_process failed\n/, '... in immediate mode');
is(count_items('tap-unsent'), 0, '... of which nothing is stored');

# the answer was lost, and they were gone meanwhile
foreach my $table ('t', 'i')
{
	credentials_for(3);
	script($proxy, { op => 'PutItem', do => 'lose', seconds => 4 });
	like(error_of($node, "INSERT INTO $table VALUES ('$table', 1)"), qr/ERROR:  08007: could not find out whether a write was stored.*credential_process failed/s,
		"$table: the outcome of what was sent is not known");
	is(item('tap-unsent', { id => { S => $table } })->{n}{N}, 1, '... it is stored');
}

done_testing();
