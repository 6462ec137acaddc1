# Credentials: who may use which, that TLS is verified, that secrets stay.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
	'-addext', 'subjectAltName=DNS:localhost', '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem");
my $proxy = start_proxy(dynamodb_url());
my $tls = start_proxy(dynamodb_url(), '--tls', "$dir/cert.pem", "$dir/key.pem");
$tls =~ s/127\.0\.0\.1/localhost/;
create_table('tap-security', ['id']);

# the server process has an identity of its own
my $node = start_node(AWS_ACCESS_KEY_ID => 'AMBIENTKEY', AWS_SECRET_ACCESS_KEY => 'ambients3cret');
$node->append_conf('postgresql.conf', "log_min_messages = debug5\nlog_statement = none\n");
$node->reload;
create_server($node, 's', "http://$proxy");
create_server($node, 'tls', "https://$tls", "max_retries '0'");
$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE t (id text COLLATE "C") SERVER s OPTIONS (table_name 'tap-security', key 'id');
	CREATE FOREIGN TABLE tt (id text COLLATE "C") SERVER tls OPTIONS (table_name 'tap-security', key 'id');
	CREATE ROLE alice LOGIN;
	GRANT SELECT, INSERT ON t, tt TO alice;
	CREATE VIEW v AS SELECT * FROM t;
	GRANT SELECT ON v TO alice;
});
sub key_of { my ($request) = requests($proxy); return $request ? $request->{headers}{Authorization} =~ s/.*Credential=(\w+).*/$1/r : 'none' }
sub as_alice { my ($query) = @_; return $node->psql('postgres', $query, extra_params => [ '-U', 'alice', '-v', 'VERBOSITY=verbose' ]) }

$node->safe_psql('postgres', 'SELECT * FROM t');
is(key_of(), 'AMBIENTKEY', 'a superuser has the identity of the server process');
as_alice('SELECT * FROM t');
is(key_of(), 'local', 'another user does not: a local endpoint gets dummy credentials');
as_alice('SELECT * FROM v');
is(key_of(), 'AMBIENTKEY', 'a view works as its owner');
my ($status, $out, $err) = as_alice('SELECT * FROM tt');
like($err, qr/28000.*no AWS credentials for user "alice".*only a superuser/s, 'a remote one gets none');
$node->safe_psql('postgres', q{CREATE USER MAPPING FOR alice SERVER s OPTIONS (ambient_credentials 'true')});
as_alice('SELECT * FROM t');
is(key_of(), 'AMBIENTKEY', 'unless a superuser allows it');
$node->safe_psql('postgres', q{ALTER USER MAPPING FOR alice SERVER s OPTIONS (DROP ambient_credentials, ADD access_key_id 'ALICEKEY', ADD secret_access_key 'alices3cret')});
as_alice('SELECT * FROM t');
is(key_of(), 'ALICEKEY', 'a mapping comes first');
$node->safe_psql('postgres', q{CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (access_key_id 'PUBLICKEY', secret_access_key 'x')});
$node->safe_psql('postgres', 'SELECT * FROM t');
is(key_of(), 'PUBLICKEY', 'also that of PUBLIC');
($status, $out, $err) = as_alice(q{ALTER USER MAPPING FOR alice SERVER s OPTIONS (ADD ambient_credentials 'true')});
isnt($status, 0, 'nobody allows it to themselves');
($status, $out, $err) = as_alice(q{SELECT cmz_create_table('s')});
like($err, qr/42501.*permission denied for function cmz_create_table/s, 'creating tables is not for everyone');
$node->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION cmz_create_table, cmz_drop_table TO alice');
($status, $out, $err) = as_alice(q{SELECT cmz_create_table('s', 'alices-table')});
like($err, qr/42501.*permission denied for foreign server s/s, 'and needs the server too');

# who opened a cursor decides, not who fetches from it
$node->safe_psql('postgres', q{
	CREATE FUNCTION fetch_one(c refcursor) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS
	$$ DECLARE r record; BEGIN FETCH c INTO r; RETURN r; END $$});
requests($proxy);
as_alice(q{BEGIN; DECLARE cc CURSOR FOR SELECT id FROM t; SELECT fetch_one('cc'); COMMIT});
is(key_of(), 'ALICEKEY', 'a cursor is its opener\'s');

# TLS: an unknown certificate, a known one, one of another name
like(error_of($node, 'SELECT * FROM tt'), qr/08001.*certificate.*HINT:.*ca_file/si, 'an unknown certificate is refused');
$node->safe_psql('postgres', "ALTER SERVER tls OPTIONS (ADD ca_file '$dir/cert.pem')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM tt'), '0', 'a known one is accepted');
(my $address = $tls) =~ s/localhost/127.0.0.1/;
$node->safe_psql('postgres', "ALTER SERVER tls OPTIONS (SET endpoint_url 'https://$address')");
like(error_of($node, 'SELECT * FROM tt'), qr/08001.*HINT:.*ca_file/s, 'one of another name is refused');
$node->safe_psql('postgres', "ALTER SERVER tls OPTIONS (SET ca_file '$dir/nothing.pem')");
like(error_of($node, 'SELECT * FROM tt'), qr/08001/, 'a missing trust store is an error');

# no secret in plans, messages or the log, at any level
my $seen = join "\n", $node->safe_psql('postgres', q{EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) SELECT * FROM t}),
  error_of($node, 'SELECT * FROM tt'), slurp_file($node->logfile);
unlike($seen, qr/ambients3cret|alices3cret/, 'secrets appear nowhere');
done_testing();
