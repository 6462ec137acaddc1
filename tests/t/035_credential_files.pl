# Credentials: the shared config and credentials files in every shape, and
# commands in them.
use strict;
use warnings;
use CmzCredentials;
use CmzTest;
use Fcntl qw(O_NONBLOCK O_RDONLY);
use POSIX qw(mkfifo);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my ($node, $aws, $dir) = start_all(AWS_EC2_METADATA_DISABLED => 'true');
my ($id, $secret) = ('AKIAFILEFILE0001', 'file/s3cret+files3cret');
my $key = "aws_access_key_id = $id\naws_secret_access_key = $secret\n";
aws_script($aws, { keys => { $id => { secret => $secret }, AKIAOTHER0000002 => { secret => 'others3cret', token => 'othert0ken' } } });

# A credentials file of that text gives the key, which DynamoDB accepts.
sub sound
{
	my ($text, $name) = @_;
	write_file('.aws/credentials', $text);
	is(signer(), $id, $name);
	return;
}

# One of that text is an error, which does not show what is in it.
sub unsound
{
	my ($text, $error, $name) = @_;
	write_file('.aws/credentials', $text);
	my $shown = refused();
	like($shown, $error, $name);
	unlike($shown, qr/s3cret|AKIA/, '... and its contents are not shown');
	return;
}

is(who(), 'none needed|*****|', 'no files');
sound("[default]\n$key", 'a plain one');
sound("\xEF\xBB\xBF[default]\n$key", 'a byte order mark');
sound("[default]\n$key" =~ s/\n/\r\n/gr, 'lines of DOS');
sound("[default]\n$key" =~ s/\n/\r/gr, 'lines of an old Mac');
sound("[default]\n$key" =~ s/\n$//r, 'a last line without an end');
sound("# note\n; note = x\n\n[default] # note\n" . $key =~ s/\n/ # note\n/gr . '# note', 'comments');
sound("[other]\nregion = x\n[default]\n" . $key =~ s/^/   /gmr, 'indented settings');
sound("[default]\n" . $key =~ s/ = /=/gr =~ s/^(\w+)/\U$1/gmr, 'no blanks, capital letters');
sound("[default]\naws_access_key_id = x\n[other]\na = b\n[default]\n$key", 'a section twice: the last value counts');
sound("[default]\nregion = us-east-1\n[default]\n$key", '... and each adds to it');
sound("[default]\ns3 =\n  aws_access_key_id = x\n$key", 'a setting with settings below it');
sound("[default]\naws_session_token =\n$key", 'an empty setting is none');
write_file('.aws/config', "[default]\naws_access_key_id = AKIAOTHER0000002\naws_secret_access_key = others3cret\naws_session_token = othert0ken\n");
sound("[default]\n$key", 'the token in the other file belongs to the key there');
write_file('.aws/credentials', "[other]\n$key");
is(signer(), 'AKIAOTHER0000002', '... with which it is used');
unlink "$dir/.aws/config";

my $invalid = qr{F0000: invalid AWS configuration file "\Q$dir/.aws/credentials\E"};
unsound("[default]\n$key$secret\n", qr/$invalid\nDETAIL:  Line 4 is neither a section nor a setting of one\./, 'a line that is nothing');
unsound("$key\[default]\n", qr/$invalid\nDETAIL:  Line 1 /, 'settings before a section');
unsound("[default\n$key", qr/$invalid\nDETAIL:  Line 1 /, 'a section without its end');
unsound("[default]\naws_access_key_id = $id\n\0$secret\n", qr/$invalid\nDETAIL:  Line 3 /, 'a zero byte');
unsound(join('', map { "$_\0" } split //, "[default]\n$key"), qr/$invalid\nDETAIL:  Line 1 /, 'UTF-16');
unsound(join('', map { chr(($_ * 7919) % 255 + 1) } 1 .. 5000) . $secret, qr/$invalid\nDETAIL:  Line \d+ /, 'noise');
unsound("[default]\n$key" . "# $secret\n" x 90000, qr/$invalid\nDETAIL:  It is larger than 1 MB\./, '2 MB');
unsound("[default]\n$key" =~ s/files3cret\n/files3cr\xC3\xA9t\n/r, qr/28000: invalid character in the access key.* in: profile default/, 'a key with an accent');
unsound("[default]\n" . $key =~ s{\Q$secret\E}{$secret $secret}r, qr/28000: invalid character/, 'a key in two words');
unsound("[default]\naws_access_key_id = $id\n", qr/28000: there is only one half of an access key in: profile default/, 'half a key');
unsound("[default]\naws_secret_access_key = $secret\n", qr/28000: there is only one half of an access key in: profile default/, 'the other half');
unlink "$dir/.aws/credentials";
mkdir "$dir/.aws/credentials";
like(refused(), qr{28000: could not read AWS configuration file "\Q$dir\E/.aws/credentials": Is a directory}, 'a folder');
rmdir "$dir/.aws/credentials";
mkfifo("$dir/.aws/credentials", 0600);
is(who(), 'none needed|*****|', 'a pipe to which nobody writes is not waited for');
unlink "$dir/.aws/credentials";
write_file('.aws/credentials', "[default]\n$key");
chmod 0, "$dir/.aws/credentials";
is(who(), 'none needed|*****|', 'a file at home that is not for us is like none');

# changes are seen by the next statement
write_file('.aws/config', "[default]\nregion = eu-north-1\n");
chmod 0600, "$dir/.aws/credentials";
my $session = $node->background_psql('postgres', on_error_stop => 0);
sub masked { return $session->query(q{SELECT source || access_key_id FROM cmz_credentials('s')}) =~ s/\*//gr }
is(masked(), 'profile default0001', 'a session');
write_file('.aws/credentials', "[default]\naws_access_key_id = AKIAOTHER0000002\naws_secret_access_key = others3cret\n");
is(masked(), 'profile default0002', '... sees a changed file');
write_file('.aws/credentials.new', "[default]\n$key");
rename "$dir/.aws/credentials.new", "$dir/.aws/credentials";
is(masked(), 'profile default0001', '... and one in its place');
write_file('.aws/credentials', "nonsense\n");
is(masked(), '', '... one that makes no sense');
like($session->{stderr}, qr/invalid AWS configuration file/, '... of which it complains');
unlink "$dir/.aws/credentials";
is(masked(), 'none needed', '... that there is none');
write_file('.aws/credentials', "[default]\n$key");
is(masked(), 'profile default0001', '... and that there is one again');
$session->quit;

# regions
sub region
{
	aws_log($aws);
	$node->psql('postgres', q{SELECT count(*) FROM t WHERE id = 'a'});
	return join ' ', map { $_->{headers}{Authorization} =~ s{.*Credential=\w+/\d+/([\w-]+)/.*}{$1}r } grep { $_->{service} eq 'dynamodb' } aws_log($aws);
}
write_file('.aws/config', "[default]\nregion = eu-north-1\n[profile \"zoo keeper\"]\nregion = ap-south-1\n$key");
is(region(), 'eu-north-1', 'the region of the profile');
$node->safe_psql('postgres', q{ALTER SERVER s OPTIONS (ADD profile 'zoo keeper')});
is(region(), 'ap-south-1', '... of the option\'s');
$node->safe_psql('postgres', q{ALTER SERVER s OPTIONS (DROP profile)});
environment(AWS_EC2_METADATA_DISABLED => 'TRUE', AWS_PROFILE => 'zoo keeper');
is(region(), 'ap-south-1', '... of the variable\'s');
environment(AWS_EC2_METADATA_DISABLED => 'true', AWS_PROFILE => 'zoo keeper', AWS_REGION => 'us-east-1');
is(region(), 'us-east-1', 'a variable comes before');
$node->safe_psql('postgres', q{ALTER SERVER s OPTIONS (ADD region 'us-west-1')});
is(region(), 'us-west-1', '... and the option before that');
$node->safe_psql('postgres', q{ALTER SERVER s OPTIONS (DROP region)});
environment(HOME => undef, AWS_EC2_METADATA_DISABLED => 'true');
is(who(), 'none needed|*****|', 'without a home there are no files');
is(region(), 'us-west-2', '... and the region is the usual one');

# named by variables, and a command
my $config = write_file('command', '');
my %process = (AWS_EC2_METADATA_DISABLED => 'true', AWS_CONFIG_FILE => '~/command', AWS_SHARED_CREDENTIALS_FILE => "$dir/missing");
sub command { write_file('command', "[default]\ncredential_process = sh $dir/run.sh\n"); write_file('run.sh', $_[0]); return }
sub printing { my ($rest) = @_; return "cat <<'END'\n{\"Version\": 1, \"AccessKeyId\": \"$id\", \"SecretAccessKey\": \"$secret\"$rest}\nEND\n" }
environment(%process);
command("touch $dir/ran\n" . printing(''));
like(refused(), qr/28000: credential_process is not allowed to run\nHINT:  Set CMZ_FDW_ALLOW_CREDENTIAL_PROCESS=1/, 'no command without leave');
ok(!-e "$dir/ran", '... none has run');
environment(%process, CMZ_FDW_ALLOW_CREDENTIAL_PROCESS => 'no');
like(refused(), qr/is not allowed to run/, 'the leave is spelled 1');
environment(%process, CMZ_FDW_ALLOW_CREDENTIAL_PROCESS => '1');
command("echo run >>$dir/runs\necho $secret >&2\n" . printing(''));
is(who(), 'credential_process|************0001|', 'a command');
is(signer(), $id, '... is believed');
unlink "$dir/runs";
$node->safe_psql('postgres', q{SELECT count(*) FROM t WHERE id = 'a'; } x 5);
is(slurp_file("$dir/runs"), "run\n", '... and run once a session');
unlike(slurp_file($node->logfile), qr/s3cret/, 'what it complains of is not in the log');
command(printing(', "SessionToken": "t", "Expiration": "2098-01-01T00:00:00+00:00"'));
is(who(), 'credential_process|************0001|t', 'one that says how long');
foreach (['exits with 3', printing('') . "exit 3\n"], [ 'prints nothing', '' ], [ 'prints no JSON', "echo '$secret'\n" ],
	[ 'has no key', "echo '{\"Version\": 1, \"SecretAccessKey\": \"$secret\"}'\n" ], [ 'is of another version', printing(', "Version": 2') ],
	[ 'prints much', "head -c 200000 /dev/zero\n" ], [ 'has an odd time', printing(', "Expiration": "tomorrow"') ],
	[ 'is killed', printing('') . "kill -9 \$\$\n" ])
{
	command($_->[1]);
	my $shown = refused();
	like($shown, qr/28000: .*credential_process/, "one that $_->[0] is an error");
	unlike($shown, qr/s3cret|AKIA/, '... without what it printed');
}

# requests of another scan that are in flight go on meanwhile
write_file('command', "[default]\n$key\[profile slow]\ncredential_process = sh $dir/run.sh\n");
write_file('run.sh', "sleep 2.5\n" . printing(''));
create_server($node, 'slow', "http://$aws", "profile 'slow'");
$node->safe_psql('postgres', q{ALTER SERVER s OPTIONS (ADD request_timeout '2s');
	CREATE TABLE parts (id text COLLATE "C") PARTITION BY LIST (id);
	CREATE FOREIGN TABLE part_a PARTITION OF parts FOR VALUES IN ('a') SERVER s OPTIONS (table_name 'cred-t', key 'id');
	CREATE FOREIGN TABLE part_b PARTITION OF parts FOR VALUES IN ('b') SERVER slow OPTIONS (table_name 'cred-t', key 'id')});
like($node->safe_psql('postgres', q{EXPLAIN (COSTS OFF) SELECT id FROM parts}), qr/Async Foreign Scan.*Async Foreign Scan/s, 'two scans at once');
is(error_of($node, q{SELECT id FROM parts}), 'no error: ', '... of which one does not wait for the other\'s command');
$node->safe_psql('postgres', q{DROP TABLE parts; ALTER SERVER s OPTIONS (DROP request_timeout)});

# a command that hangs is ended with all that it has started; while one of them
# lives, the pipe has a writer
sub hanging
{
	my ($script) = @_;
	unlink "$dir/alive";
	mkfifo("$dir/alive", 0600);
	sysopen(my $alive, "$dir/alive", O_RDONLY | O_NONBLOCK) or die;
	command("exec 3>$dir/alive\necho up >&3\n$script\n");
	return $alive;
}

# The next byte, '' once nobody can write one, undef if nothing happens.
sub next_byte
{
	my ($alive) = @_;
	my $byte;
	for (1 .. 500) { return $byte if defined sysread($alive, $byte, 1) && ($_[1] || $byte ne ''); sleep 0.02 }
	return;
}
foreach (['hangs', 'sleep 600'], [ 'hangs with its output closed', "exec >&-\nsleep 600" ],
	[ 'leaves a child', printing('') . 'sleep 600 &' ], [ 'ignores signals', "trap '' INT TERM HUP\nwhile :; do sleep 600; done" ])
{
	my $alive = hanging($_->[1]);
	like(error_of($node, q{SET statement_timeout = '300ms'; SELECT cmz_credentials('s')}), qr/57014: canceling statement/, "a command that $_->[0] can be cancelled");
	is(join('', map { next_byte($alive) } 1 .. 3), "up\n", '... when it has begun');
	is(next_byte($alive, 1), '', '... and nothing of it is left');
}
my $alive = hanging('sleep 600');
my $gone = $node->background_psql('postgres', on_error_stop => 0);
$gone->query_until(qr/started/, "\\echo started\nSELECT cmz_credentials('s');\n");
is(join('', map { next_byte($alive) } 1 .. 3), "up\n", 'a command has begun');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT cmz_credentials%'});
is(next_byte($alive, 1), '', '... and ends with its session');
eval { $gone->quit };
only_sound('all requests were such of AWS');
ddb('DeleteTable', { TableName => 'cred-t' });
done_testing();
