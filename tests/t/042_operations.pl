# docs/operations.md is true: its SQL runs, its commands are such of the AWS CLI, each
# feature sends what the table of rights lists and what the policies allow, and
# the errors are those that are shown.
use strict;
use warnings;
use CmzTest;
use FindBin;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

my $json = JSON::PP->new->canonical;
my $root = "$FindBin::Bin/../..";

# A DynamoDB Local that is used for something else may have a table of the real name.
my $page = slurp_file("$root/docs/operations.md") =~ s/cmz-conversations(?!-table)/ops-conversations/gr =~ s/cmz_conversations/ops_conversations/gr;
sub drop { foreach my $table (@_) { eval { ddb('DeleteTable', { TableName => $table }) } } return }
drop('ops-conversations', 'ops-conversations-restored');

# --- What the page has

# The sections of a level: each heading, and what is below it.
sub sections
{
	my ($level, $text) = @_;
	my (undef, @found) = split /^#{$level} (.*)\n/m, $text;
	return @found;
}

# The fenced blocks of a language.
sub blocks
{
	my ($language, $text) = @_;
	my @found;
	while ($text =~ /^```(\w*)\n(.*?)^```$/msg) { push @found, $2 if $1 eq $language }
	return @found;
}

my %chapters = sections(2, $page);
is_deeply([ sort keys %chapters ], [ 'Cost', 'Daily checks', 'Retention and backups', 'Set-up', 'Troubleshooting', 'Upgrades and logs' ], 'the page has its chapters');

# links lead somewhere
sub anchor { return lc($_[0]) =~ s/[^\w -]//gr =~ s/ /-/gr }
foreach my $link ($page =~ /\]\(([^)]+)\)/g)
{
	my ($file, $anchor) = $link =~ /^([^#]*)#?(.*)$/;
	my $target = $file eq '' ? $page : -f "$root/docs/$file" ? slurp_file("$root/docs/$file") : undef;
	ok(defined $target, "$link exists");
	ok(scalar(grep { anchor($_) eq $anchor } ($target // '') =~ /^#+ (.*)$/mg), '... with its heading') if $anchor ne '';
}

# The table of rights: feature, its actions, its policies.
my @features;
foreach (grep { /^\|/ } split /\n/, ($page =~ /^### Rights in AWS\n(.*?)^### /ms)[0])
{
	my (undef, $feature, $actions, $policies) = map { s/^\s+|\s+$//gr } split /\|/;
	next if $feature eq 'feature' || $feature =~ /^-/;
	my @unknown = split /, /, $actions =~ s/`[\w:]+`//gr =~ s/^[\s,]*$//r;
	push @features, { name => $feature =~ s/`//gr, actions => [ sort $actions =~ /`(\w+:\w+)`/g ], policies => [ split /, /, $policies ] };
	ok(!@unknown || "@unknown" eq 'none', "actions of $features[-1]{name} are actions");
}

# The policies by their names.
my %policies;
while ($page =~ /^\*\*(\w+)\.json\*\*[^\n]*\n\n```json\n(.*?)^```$/msg)
{
	$policies{$1} = eval { $json->decode($2) } // diag("$1: $@");
	ok($policies{$1}, "policy $1 is JSON");
}
is(scalar(blocks('json', $page)), scalar(keys %policies), 'each policy has a name');
my $trust = delete $policies{trust};
sub list { my ($value) = @_; return ref $value eq 'ARRAY' ? @$value : ($value) }
foreach my $name (sort keys %policies)
{
	my $policy = $policies{$name};
	is_deeply([ sort keys %$policy, $policy->{Version} ], [ '2012-10-17', 'Statement', 'Version' ], "policy $name has no more than it needs");
	is(scalar(grep { $_->{Effect} ne 'Allow' || grep { !/^(?:Effect|Action|Resource|Condition)$/ } keys %$_ } @{ $policy->{Statement} }), 0, '... and only allows');
	my %used = map { $_ => 1 } map { @{ $_->{actions} } } grep { grep { $_ eq $name } @{ $_->{policies} } } @features;
	my @has = sort map { list($_->{Action}) } @{ $policy->{Statement} };
	is_deeply([ grep { !$used{$_} } @has ], [], '... what the features that name it need');
}
foreach my $feature (@features)
{
	my %has = map { $_ => 1 } map { list($_->{Action}) } map { @{ $policies{$_}{Statement} } } @{ $feature->{policies} };
	is_deeply([ grep { !$has{$_} } @{ $feature->{actions} } ], [], "$feature->{name} has all its actions from its policies");
}

# --- The services, and a server process that finds them all at the stub
delete @ENV{ grep { /^(?:AWS|CONVERSATION)_/ } keys %ENV };
my $proxy = start_proxy(dynamodb_url());
my $aws = start_aws('--upstream', $proxy);
my %environment = (AWS_ENDPOINT_URL => "http://$aws", CONVERSATION_TABLE_NAME => 'ops-conversations',
	AWS_ACCESS_KEY_ID => 'AKIAOPS', AWS_SECRET_ACCESS_KEY => 'opss3cret');
my $node = start_node(%environment);
# with the settings that are worth having
$node->append_conf('postgresql.conf', (blocks('', $chapters{'Upgrades and logs'}))[0]);
restart_node($node, %environment);
$node->safe_psql('postgres', qq{CREATE DATABASE $_ ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0}) foreach 'conversations', 'work';

# What DynamoDB Local does not tell: encryption.
my %described = (describe => { SSEDescription => { Status => 'ENABLED', SSEType => 'KMS', KMSMasterKeyArn => 'arn:aws:kms:us-west-2:123456789012:key/abc' } });
my @problems;
sub received
{
	my @log = aws_log($aws);
	push @problems, map { map { "$_" } @{ $_->{problems} } } @log;
	return @log;
}
sub behave
{
	received();
	aws_script($aws, { keys => { AKIAOPS => { secret => 'opss3cret' } }, %described, @_ });
	return;
}
behave();

# (status, output, errors) of SQL in a database, as somebody.
sub run
{
	my ($database, $sql, $user) = @_;
	return $node->psql($database, $sql, on_error_stop => 1, extra_params => [ '-v', 'VERBOSITY=verbose', $user ? ('-U', $user) : () ]);
}

# --- The SQL, in order

# What is done before and after a block, by a text in it.
my (%said, $add_stream);
my %before = (
	'FROM cmz_credentials(' => sub { received() },
	'cron.schedule' => sub {
		run('conversations', q{CREATE SCHEMA cron; CREATE FUNCTION cron.schedule(name text, schedule text, command text) RETURNS void
			LANGUAGE plpgsql AS $$ BEGIN EXECUTE command; END $$});
	},
	'DELETE FROM' => sub {
		create_conversations('ops-conversations-restored');
		ddb('PutItem', { TableName => 'ops-conversations-restored', Item => $_ }) foreach @{ ddb('Scan', { TableName => 'ops-conversations' })->{Items} };
	},
	'cmz_configure_table(\'cmz\', ' => sub {
		ok(ddb('UpdateTable', $add_stream->{params}), 'the restored table gets its stream');
	},
	'UPDATE ' => sub {
		run('conversations', q{INSERT INTO ops_conversations (user_id, session_id, "timestamp")
			SELECT 'student_001', 'recent', now() - i * interval '1 day' FROM generate_series(1, 3) i});
	},
	'hide_expired' => sub {
		run('conversations', q{INSERT INTO ops_conversations (user_id, session_id, "timestamp", ttl) VALUES ('late', 's', now() - interval '1 year', now() - interval '1 day')}) });
my %after = (
	'SELECT cmz_create_table' => sub {
		like($said{err}, qr/TTL enabled.*point-in-time recovery enabled/s, '... and makes the table');
	},
	'IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (ops_conversations) ' => sub {
		is((run('conversations', q{SELECT cmz_insert_test_data('ops_conversations', 3, 2, 3)}))[1], 18, '... and the table can be filled');
	},
	'CREATE ROLE ana' => sub {
		is((run('conversations', q{SELECT count(*) > 18 FROM cmz_changes('ops_conversations')}, 'loader'))[1], 't', '... and jobs can follow the stream');
		like((run('conversations', q{SELECT cmz_changes('ops_conversations')}, 'ana'))[2], qr/42501/, '... but analysts cannot');
		like((run('conversations', q{DELETE FROM ops_conversations WHERE user_id = 'x'}, 'ana'))[2], qr/42501/, '... nor write');
	},
	'SELECT item, expected, actual, hint' => sub { is($said{out}, '', '... and finds nothing wrong') },
	'FROM cmz_stat ORDER' => sub { like($said{out}, qr/^\|Scan\|\d+\|[\d.]+\|\d+\|[\d.]+\|0\|0\|0\|0$/m, '... and tells of requests') },
	'HAVING sum(value) > 0;' => sub { is($said{out}, '', '... and finds nothing') },
	'FROM cmz_cost' => sub { like($said{out}, qr/^ops-conversations\|0\.\d+\|0\.\d+\|2/m, '... and tells the cost') },
	'CREATE VIEW cmz_problems' => sub {
		my ($command) = $page =~ /^5 6 \* \* \* psql -XAtq -U ops -d conversations -c '([^']+)'$/m;
		my @sound = run('conversations', $command, 'ops');
		is("@sound[0 .. 2]", '0  ', 'cron sends no mail where all is well');
		behave(describe => { BillingModeSummary => { BillingMode => 'PROVISIONED' } },
			cloudwatch => { pages => [ { results => [ { id => 'm0', timestamps => ['2025-01-19T12:00:00Z'], values => [3] } ] } ] });
		my (undef, $out) = run('conversations', $command, 'ops');
		behave();
		like($out, qr/^setting\|billing mode\|PROVISIONED, expected PAY_PER_REQUEST\. /m, '... one about a setting');
		like($out, qr/^CloudWatch\|ThrottledRequests \w+\|3$/m, '... and one about throttling');
	},
	'cron.schedule' => sub {
		is((run('conversations', 'SELECT (SELECT count(*) > 0 FROM cmz_history), (SELECT count(*) FROM cmz_problem_history)'))[1], 't|0', '... and keeps the history');
	},
	'FROM cmz_credentials(' => sub {
		like($said{out}, qr/^role arn:aws:iam::123456789012:role\/conversations-admin, assumed with: environment\|/m, '... and tells of the role');
		my %sessions = map { $_->{params}{RoleSessionName} => $_->{params}{RoleArn} } grep { $_->{op} eq 'AssumeRole' } received();
		is_deeply(\%sessions, { map { $_ => 'arn:aws:iam::123456789012:role/conversations-admin' } 'ops', 'cmz_admin' }, '... which the owner has as well');
	},
	'read_units_per_second' => sub {
		my $err = (run('conversations', 'SELECT count(*) FROM ops_conversations', 'ana'))[2];
		like($err, qr/53400: query would read the whole table/, '... and a Scan is refused');
		is((run('conversations', 'SHOW cmz_fdw.max_read_units', 'ana'))[1], '10000', '... and units are limited');
	},
	'hide_expired' => sub {
		is((run('conversations', q{SELECT count(*) FROM ops_conversations WHERE user_id = 'late'}, 'ana'))[1], '0', '... and what has expired does not show');
	},
	'UPDATE ' => sub {
		is((run('conversations', q{SELECT count(*), count(*) FILTER (WHERE ttl = date_trunc('second', "timestamp") + interval '180 days')
			FROM ops_conversations WHERE user_id = 'student_001' AND session_id = 'recent'}, 'ana'))[1],
			'3|3', '... and old messages have the new ttl');
		is((run('conversations', q{INSERT INTO ops_conversations (user_id, session_id) VALUES ('new', 's') RETURNING ttl = date_trunc('second', "timestamp") + interval '180 days'}, 'loader'))[1], 't', '... as new ones do');
	},
	'ops_conversations_restored WHERE' => sub {
		is((run('conversations', q{SELECT count(*) FROM ops_conversations WHERE user_id = 'student_002'}, 'ana'))[1], 6, '... and the rows are back');
	},
	'SET table_name' => sub {
		is((run('conversations', q{SELECT count(*) FROM ops_conversations WHERE user_id = 'student_003'}, 'ana'))[1], 6, '... and the other table is read');
		unlike($said{out}, qr/\|/, '... in which nothing is wrong');
		is(ddb('DescribeTimeToLive', { TableName => 'ops-conversations-restored' })->{TimeToLiveDescription}{TimeToLiveStatus}, 'ENABLED', '... which has TTL');
	});

# The commands of all blocks, as the CLI would send them: what a shell makes of them is
# noted, and checked at once.
my $dir = PostgreSQL::Test::Utils::tempdir();
mkdir "$dir/bin";
append_to_file("$dir/bin/aws", qq{#!/bin/sh\nprintf '%s\\0' "\$@" >>'$dir/noted'\nprintf '\\0' >>'$dir/noted'\n});
chmod 0755, "$dir/bin/aws";
mkdir "$dir/infrastructure";
symlink "$root/infrastructure/cloudformation", "$dir/infrastructure/cloudformation" or die $!;
append_to_file("$dir/$_.json", $json->encode($_ eq 'trust' ? $trust : $policies{$_})) foreach 'trust', keys %policies;
foreach my $script (grep { /\baws / } blocks('sh', $page))
{
	local $ENV{PATH} = "$dir/bin:$ENV{PATH}";
	my ($out, $err) = run_command([ 'sh', '-eu', '-c', "cd '$dir'\n$script" ]);
	is("$out$err", '', 'a shell takes ' . ($script =~ /^(.{1,50})/)[0]);
}
my $checked = '';
chdir $dir;
IPC::Run::run([ 'python3', "$root/tests/stubs/cli.py" ], '<', "$dir/noted", '>', \$checked) or die "cli.py failed\n";
chdir $root;
my @sent = map { $json->decode($_) } split /\n/, $checked;
cmp_ok(scalar(@sent), '>=', 20, scalar(@sent) . ' commands of the AWS CLI');
is_deeply([ map { @{ $_->{problems} } } @sent ], [], '... conform to the models');
($add_stream) = grep { $_->{op} eq 'UpdateTable' && $_->{params}{StreamSpecification} } @sent;
ok($add_stream, '... one of them adds a stream');

my $number = 0;
while ($page =~ /^```sql\n(.*?)^```$/msg)
{
	my $block = $1;
	last if $` =~ /^## Troubleshooting/m;
	my ($user) = $block =~ /\A-- as (\w+)$/m;
	ok($user, 'SQL block ' . ++$number . ' says whose it is') or next;
	foreach (sort keys %before) { $before{$_}->() if index($block, $_) >= 0 }
	@said{qw(status out err)} = run('conversations', $block, $user eq 'superuser' ? undef : $user);
	is($said{status}, 0, "... and runs as $user: " . ($block =~ /^(?!--)(.{1,50})/m)[0]) or diag $said{err};
	foreach (sort keys %after) { $after{$_}->() if index($block, $_) >= 0 }
}
cmp_ok($number, '>=', 18, "$number blocks");
is_deeply([ sort map { $_->{params}{RoleName} . ' ' . ($_->{params}{PolicyName} // $_->{op}) } grep { $_->{service} eq 'iam' } @sent ],
	[ sort 'postgres-server assume', (map { ("conversations-$_ CreateRole", "conversations-$_ read") } 'analyst', 'job', 'admin'),
		(map { "conversations-job $_" } 'write', 'stream'), map { "conversations-admin $_" } 'import', 'check', 'metrics', 'provision' ],
	'all policies are given to somebody');
is_deeply([ sort { $a cmp $b } list($policies{assume}{Statement}[0]{Resource}) ], [ sort map { "arn:aws:iam::123456789012:role/$_->{params}{RoleName}" } grep { $_->{op} eq 'CreateRole' } @sent ],
	'... and the roles can be assumed');
is($trust->{Statement}[0]{Action}, 'sts:AssumeRole', '... by whom they trust');
received();
is_deeply(\@problems, [], 'all requests conformed');

# --- Each feature sends what is listed

# The actions that a request needs, each with its resource.
my $region = 'us-west-2:123456789012';
sub table_arn { return "arn:aws:dynamodb:$region:table/$_[0]" }
sub needs
{
	my ($request) = @_;
	my ($service, $op, $params) = @$request{qw(service op params)};
	return [ "sts:$op", $params->{RoleArn} ] if $service eq 'sts';
	return [ "kms:$op", "arn:aws:kms:$region:key/abc" ] if $service eq 'kms';
	return [ "cloudwatch:$op", '*' ] if $service eq 'cloudwatch';
	return [ "dynamodb:$op", table_arn('ops-conversations') . '/stream/2025-01-19T12:00:00.000' ] if $service eq 'streams';
	return [ "dynamodb:$op", '*' ] if $op eq 'ListTables';
	return map { [ "dynamodb:$op", table_arn($_) ] } keys %{ $params->{RequestItems} } if $op eq 'BatchGetItem';
	return map { my ($kind) = keys %$_; [ "dynamodb:${kind}Item", table_arn($_->{$kind}{TableName}) ] } @{ $params->{TransactItems} }
	  if $op eq 'TransactWriteItems';
	return [ "dynamodb:$op", table_arn($params->{TableName}) . ($params->{IndexName} ? "/index/$params->{IndexName}" : '') ];
}

# How policies are judged by AWS, as far as these go: the pairs of action and resource that allow it.
sub allowing
{
	my ($policy, $action, $resource) = @_;
	my @found;
	foreach my $statement (@{ $policies{$policy}{Statement} })
	{
		foreach my $pattern (list($statement->{Resource}))
		{
			my $matching = join '.*', map { quotemeta } split /\*/, $pattern, -1;
			push @found, "$policy $action $pattern" if $resource =~ /^$matching$/ && grep { $_ eq $action } list($statement->{Action});
		}
	}
	return @found;
}

sub work
{
	foreach my $sql (@_)
	{
		my ($status, undef, $err) = run('work', $sql);
		is($status, 0, 'runs: ' . ($sql =~ /^(.{1,60})/)[0]) or diag $err;
	}
	return;
}
sub lose { script($proxy, { op => $_[0], do => 'lose' }); return }
my $one = q{INSERT INTO ops_conversations (user_id, session_id) VALUES ('one', 's')};
my $set = 'UPDATE ops_conversations SET content = \'x\' WHERE';

my @does = (
	cmz_create_table => sub { work(q{SELECT cmz_create_table('cmz')}) },
	cmz_configure_table => sub {
		ddb('UpdateTimeToLive', { TableName => 'ops-conversations', TimeToLiveSpecification => { AttributeName => 'ttl', Enabled => JSON::PP::false } });
		work(q{SELECT cmz_configure_table('cmz', 'ops-conversations')});
	},
	'IMPORT FOREIGN SCHEMA' => sub { work('IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (ops_conversations) FROM SERVER cmz INTO public') },
	'INSERT, COPY FROM' => sub {
		work($one, "BEGIN; $one; $one; COMMIT", "$one ON CONFLICT DO NOTHING", q{SELECT cmz_insert_test_data('ops_conversations', 4, 2, 2)},
			"COPY ops_conversations (user_id, session_id) FROM STDIN;\nc\ts\nd\ts\n\\.\n",
			q{ALTER FOREIGN TABLE ops_conversations OPTIONS (ADD write_mode 'immediate')}, $one, "$one ON CONFLICT DO NOTHING");
		lose('PutItem');
		work($one, q{ALTER FOREIGN TABLE ops_conversations OPTIONS (DROP write_mode)});
		lose('PutItem');
		work($one);
	},
	'SELECT, COPY TO, EXPLAIN ANALYZE' => sub {
		work(map({ "SELECT * FROM ops_conversations WHERE $_" } q{user_id = 'student_001'}, q{user_id IN ('student_001', 'student_002')},
				q{user_id = 'student_001' AND session_id = 'session_001'}, q{animal_id = 'lion_001'}, q{parent_user_id = 'parent_001'},
				q{session_id = 'session_001'}, q{user_id = 'student_001' OR animal_id = 'lion_001'}, q{content LIKE '%lion%'},
				q{user_id = 'student_001' AND session_id_timestamp IN ('a', 'b')}, q{tokens_used > 40 LIMIT 3}),
			'SELECT count(*) FROM ops_conversations', 'SELECT DISTINCT animal_id FROM ops_conversations',
			'COPY (SELECT * FROM ops_conversations) TO STDOUT', q{EXPLAIN ANALYZE SELECT * FROM ops_conversations WHERE animal_id = 'lion_001' ORDER BY "timestamp"},
			q{SELECT count(*) FROM ops_conversations a JOIN ops_conversations b USING (user_id, session_id_timestamp) WHERE a.animal_id = 'lion_001'},
			q{SELECT * FROM (VALUES ('student_001'), ('one')) v (u), LATERAL (SELECT * FROM ops_conversations WHERE user_id = u LIMIT 2) m},
			'BEGIN; DECLARE c CURSOR FOR SELECT user_id FROM ops_conversations; FETCH 3 FROM c; COMMIT',
			'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0; SELECT count(content) FROM ops_conversations',
			q{ALTER FOREIGN TABLE ops_conversations OPTIONS (ADD consistent_read 'true')}, q{SELECT * FROM ops_conversations WHERE session_id = 'session_001'},
			'ALTER FOREIGN TABLE ops_conversations OPTIONS (DROP consistent_read)');
	},
	'IMPORT FOREIGN SCHEMA with sample' => sub {
		work(q{CREATE SCHEMA s; IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (ops_conversations) FROM SERVER cmz INTO s OPTIONS (sample '5')});
	},
	'UPDATE, DELETE' => sub {
		work("$set user_id = 'student_001'", "$set animal_id = 'lion_001'", "$set tokens_used > 40",
			"$set user_id = 'c' AND session_id_timestamp IN (SELECT session_id_timestamp FROM ops_conversations WHERE user_id = 'c')",
			"$set user_id IN ('student_001', 'student_002') AND session_id_timestamp IN ('a', 'b')", q{UPDATE ops_conversations SET session_id = 't' WHERE user_id = 'c'},
			q{DELETE FROM ops_conversations WHERE user_id = 'c'}, q{DELETE FROM ops_conversations WHERE session_id = 'session_001'});
		lose('UpdateItem');
		work(q{UPDATE ops_conversations SET content = 'y' WHERE user_id = 'd'});
		lose('DeleteItem');
		work(q{DELETE FROM ops_conversations WHERE user_id = 'd'});
	},
	# after it, a table so small is read in other ways
	ANALYZE => sub { work('ANALYZE ops_conversations') },
	cmz_check_table => sub { work(q{SELECT * FROM cmz_check_table('ops_conversations')}) },
	cmz_describe_table => sub { work(q{SELECT cmz_describe_table('ops_conversations')}) },
	cmz_cost => sub { work('SELECT * FROM cmz_cost') },
	cmz_metrics => sub { work(map { "SELECT * FROM cmz_metrics('ops_conversations', '$_')" } 'ConsumedReadCapacityUnits', 'ThrottledRequests', 'TransactionConflict') },
	cmz_changes => sub { work(q{SELECT count(*) FROM cmz_changes('ops_conversations')}) },
	'cmz_stat, cmz_progress, cmz_credentials, EXPLAIN' => sub {
		work('TABLE cmz_stat; TABLE cmz_progress', q{SELECT * FROM cmz_credentials('cmz')}, 'EXPLAIN SELECT * FROM ops_conversations');
	},
	role_arn => sub {
		foreach my $role (list($policies{assume}{Statement}[0]{Resource}))
		{
			my $name = $role =~ s/.*\W//r;
			work(qq{CREATE SERVER $name FOREIGN DATA WRAPPER cmz_fdw OPTIONS (role_arn '$role'); SELECT * FROM cmz_credentials('$name')});
		}
	},
	TRUNCATE => sub {
		work(q{ALTER FOREIGN TABLE ops_conversations OPTIONS (ADD truncatable 'true')}, 'TRUNCATE ops_conversations');
		ddb('PutItem', { TableName => 'ops-conversations', Item => { userId => { S => 'u' }, sessionIdTimestamp => { S => 's#2025-01-19T12:00:00Z' } } });
		lose('DeleteItem');
		work('TRUNCATE ops_conversations');
	},
	cmz_drop_table => sub { work(q{SELECT cmz_drop_table('cmz', 'ops-conversations')}) },
	cmz_add_index => sub {
		create_table('ops-conversations', [ 'userId', 'sessionIdTimestamp' ]);
		work(q{SELECT cmz_add_index('ops_conversations', 'AnimalIndex')});
	});

drop('ops-conversations', 'ops-conversations-restored');
run('work', 'CREATE EXTENSION cmz_fdw; CREATE SERVER cmz FOREIGN DATA WRAPPER cmz_fdw');
behave();
my (%used, %ran);
my %listed = map { $_->{name} => $_ } @features;
while (my ($feature, $do) = splice @does, 0, 2)
{
	$ran{$feature} = 1;
	$do->();
	script($proxy);
	my @needs = map { needs($_) } received();
	my %sends = map { $_->[0] => 1 } @needs;
	is_deeply([ sort keys %sends ], $listed{$feature}{actions}, "$feature sends what is listed, no more, no less");
	my @denied;
	foreach my $need (@needs)
	{
		my @by = map { allowing($_, @$need) } @{ $listed{$feature}{policies} };
		@used{@by} = ();
		push @denied, "@$need" unless @by;
	}
	is_deeply(\@denied, [], '... and its policies allow that');
}
is_deeply([ sort keys %ran ], [ sort keys %listed ], 'each feature that is listed was tried');
foreach my $policy (sort keys %policies)
{
	my @pairs = map { my $s = $_; map { my $a = $_; map { "$policy $a $_" } list($s->{Resource}) } list($s->{Action}) } @{ $policies{$policy}{Statement} };
	is_deeply([ grep { !exists $used{$_} } @pairs ], [], "policy $policy allows nothing in vain");
}
is_deeply(\@problems, [], 'all requests conformed');

# --- Each error is as shown

create_conversations('ops-conversations');
my %server = (max_retries => 0, request_timeout => '30s');
# The foreign table of the first part, on a server with these options besides.
sub server
{
	my (%more) = @_;
	my %now = (%server, %more);
	my %has = map { split /=/, $_, 2 } split /\n/, (run('conversations', q{SELECT unnest(srvoptions) FROM pg_foreign_server WHERE srvname = 'cmz'}))[1];
	my @changes = ((map { (exists $has{$_} ? 'SET' : 'ADD') . " $_ '$now{$_}'" } sort keys %now), map { "DROP $_" } grep { !exists $now{$_} } sort keys %has);
	my ($status, undef, $err) = run('conversations', 'ALTER SERVER cmz OPTIONS (' . join(', ', @changes) . ')');
	is($err, '', 'the server is changed') if $status;
	return;
}
sub failure
{
	my ($service, $op, $code, $message, $status) = @_;
	behave(fail => [ { service => $service, op => $op, status => $status // 400, times => 99, code => $code, message => $message } ]);
	return;
}
# What psql says.
sub says
{
	my ($sql, $user) = @_;
	# an error that is known is not waited for
	my ($status, $out, $err) = run('conversations', "SET statement_timeout = '30s'; $sql", $user);
	return ($err ne '' ? $err : $out) =~ s/^psql:\S+ //mgr =~ s/^LOCATION: .*\n?//mgr;
}
sub put { my ($ttl, $user) = @_; ddb('PutItem', { TableName => 'ops-conversations', Item => { userId => { S => $user },
		map({ $_ => { S => 's#2025-01-19T12:00:00Z' } } 'sessionIdTimestamp'), sessionId => { S => 's' }, timestamp => { S => '2025-01-19T12:00:00Z' }, ttl => $ttl } }); return }
sub wrong { return says("SELECT item, actual, hint FROM cmz_check_table('ops_conversations') WHERE item = '$_[0]' AND NOT ok") =~ s/\|/ | /gr }

my $query = q{SELECT content FROM ops_conversations WHERE user_id = 'student_003'};
my $scan = q{SELECT user_id FROM ops_conversations WHERE content LIKE '%lion%'};
my $who = 'User: arn:aws:sts::123456789012:assumed-role/conversations-analyst/ana is not authorized to perform:';
my $dir_tls = PostgreSQL::Test::Utils::tempdir();
my %provoke = (
	'Permission denied' => [
		sub {
			failure('dynamodb', 'CreateTable', 'com.amazon.coral.service#AccessDeniedException',
				"$who dynamodb:CreateTable on resource: arn:aws:dynamodb:us-west-2:123456789012:table/ops-conversations because no identity-based policy allows the dynamodb:CreateTable action");
			return says(q{SELECT cmz_create_table('cmz')});
		},
		sub { failure('sts', 'AssumeRole', 'AccessDenied', "$who sts:AssumeRole on resource: arn:aws:iam::123456789012:role/conversations-analyst", 403); return says($query, 'ana') },
		sub { return says(q{SELECT cmz_create_table('cmz')}, 'ana') } ],
	'Table already exists' => [ sub { return says(q{SELECT cmz_create_table('cmz')}) } ],
	'TTL not working' => [
		sub { return wrong('TTL state') },
		sub {
			put({ N => '1747699200000' }, 'student_001');
			put({ S => '1747699200' }, 'student_003');
			return wrong('TTL values');
		},
		sub { return says(q{SELECT ttl FROM ops_conversations WHERE user_id = 'student_003'}) } ],
	'Query throttling' => [
		sub {
			server(max_retries => 1);
			failure('dynamodb', 'Query', 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
				'The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.');
			return says($query);
		} ],
	'Too much read' => [ sub { return says("SET cmz_fdw.max_read_units = 0.1; $query") } ],
	'No credentials' => [
		sub {
			run('conversations', 'CREATE ROLE guest LOGIN IN ROLE cmz_analyst');
			server(endpoint_url => 'https://localhost:1');
			return says($query, 'guest');
		},
		sub {
			restart_node($node, %environment, AWS_ACCESS_KEY_ID => undef, AWS_SECRET_ACCESS_KEY => undef, AWS_EC2_METADATA_DISABLED => 'true');
			server(endpoint_url => 'https://localhost:1');
			my $said = says($query);
			restart_node($node, %environment);
			return $said;
		} ],
	'Wrong region' => [
		sub { failure('dynamodb', 'Query', 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException', 'Requested resource not found'); return says($query) },
		sub { server(region => 'us-wets-2', endpoint_url => 'https://dynamodb.us-wets-2.amazonaws.com'); return says($query) },
		sub {
			server(region => 'us-east-1', endpoint_url => "http://$aws");
			failure('dynamodb', 'Query', 'com.amazon.coral.service#InvalidSignatureException', 'Credential should be scoped to a valid region. ');
			return says($query);
		} ],
	'Clock' => [
		sub {
			failure('dynamodb', 'Query', 'com.amazon.coral.service#InvalidSignatureException',
				'Signature expired: 20250119T110000Z is now earlier than 20250119T115500Z (20250119T120000Z - 5 min.)');
			return says($query);
		} ],
	'Concurrent changes (40001)' => [
		sub {
			put({ N => '4102444800' }, 'student_003');
			failure('dynamodb', 'UpdateItem', 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException', 'The conditional request failed');
			return says(q{UPDATE ops_conversations SET content = 'x' WHERE user_id = 'student_003'});
		} ],
	'Slow query' => [
		sub { return says("EXPLAIN $scan") },
		sub { server(scan_policy => 'deny'); return says($scan) } ],
	'Endpoint unreachable' => [
		sub { server(max_retries => 2, endpoint_url => 'http://127.0.0.1:9'); return says($query) },
		sub { server(request_timeout => '200ms', max_retries => 1); behave(delay => 1); return says($query) },
		sub {
			system_or_bail('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', "$dir_tls/key.pem", '-out', "$dir_tls/cert.pem");
			server(endpoint_url => 'https://' . start_aws('--tls', "$dir_tls/cert.pem", "$dir_tls/key.pem") =~ s/^127.0.0.1/localhost/r);
			return says($query);
		} ]);

# What is still wrong after what is to be done has been done.
my %healed = (
	'TTL not working' => sub { return wrong('TTL values') },
	'Wrong region' => sub { return (run('conversations', q{SELECT unnest(srvoptions) FROM pg_foreign_server WHERE srvname = 'cmz' AND 'region=us-west-2' <> ALL (srvoptions)}))[1] });
run('conversations', q{ALTER FOREIGN TABLE ops_conversations OPTIONS (SET table_name 'ops-conversations', DROP hide_expired)});
my @entries = sections(3, $chapters{Troubleshooting});
is_deeply([ sort keys %{ {@entries} } ], [ sort keys %provoke ], 'each entry of the troubleshooting list is provoked');
while (my ($entry, $text) = splice @entries, 0, 2)
{
	my @shown = blocks('text', $text);
	my @does = @{ $provoke{$entry} // [] };
	is(scalar(@shown), scalar(@does), "$entry: " . scalar(@shown) . ' errors');
	foreach my $shown (@shown)
	{
		behave();
		server();
		my $said = (shift @does // sub { 'nothing' })->();
		my $pattern = join '.*?', map { quotemeta } split /…/, $shown =~ s/\n\z//r, -1;
		like($said, qr/\A$pattern/s, '... ' . ($shown =~ /^(.{1,60})/)[0]);
	}
	behave();
	server(region => 'us-east-1', endpoint_url => "http://$aws");
	foreach my $sql (blocks('sql', $text))
	{
		my ($user) = $sql =~ /\A-- as (\w+)$/m;
		my ($status, undef, $err) = run('conversations', $sql, $user eq 'superuser' ? undef : $user);
		is($status, 0, "... what is to be done runs: $user") or diag $err;
	}
	is($healed{$entry}->(), '', '... and helps') if $healed{$entry};
}

# --- Upgrades and logs

foreach my $sql (blocks('sql', $chapters{'Upgrades and logs'}))
{
	my @ran = run('conversations', $sql);
	is("@ran[0, 1]", '0 1.0', 'the extension is updated') or diag $ran[2];
}
my ($grep) = $chapters{'Upgrades and logs'} =~ /^(grep .*) \S+\.log$/m;
my ($found) = run_command([ 'sh', '-c', "$grep '" . $node->logfile . q{'} ]);
foreach (53400, 28000, '08001', '08006')
{
	like($found, qr/postgres\@conversations $_ ERROR:/, "the log tells of $_");
}
unlike($found, qr/ 42501 /, '... but not of everything');
unlike(slurp_file($node->logfile), qr/^.*STATEMENT: .*student_003/m, '... and not of statements');

drop('ops-conversations');
done_testing();
