# Five ways in which others that put SQL over DynamoDB give wrong rows.
use strict;
use warnings;
use CmzTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node();
my $proxy = start_proxy(dynamodb_url());
create_server($node, 's', "http://$proxy");
create_table('tap-wrong', [ 'pk', 'sk' ],
	{ name => 'Sparse', keys => [ 'tag', 'rank:N' ] },
	{ name => 'Keys', keys => [ 'tag', 'sk' ], projection => { ProjectionType => 'KEYS_ONLY' } });
my $columns = 'pk text COLLATE "C", sk text COLLATE "C", tag text COLLATE "C", rank numeric, n integer, t text COLLATE "C", x text';
my $indexes = 'Sparse (tag, rank), Keys (tag, sk) keys_only';
$node->safe_psql('postgres', qq{
	CREATE FOREIGN TABLE w ($columns) SERVER s OPTIONS (table_name 'tap-wrong', key 'pk, sk', indexes '$indexes', estimated_items '100000');
	CREATE FOREIGN TABLE vouched ($columns) SERVER s OPTIONS (table_name 'tap-wrong', key 'pk, sk', indexes 'Sparse (tag, rank) complete', estimated_items '100000');
	CREATE FOREIGN TABLE lenient ($columns) SERVER s OPTIONS (table_name 'tap-wrong', key 'pk, sk', indexes '$indexes', on_type_mismatch 'null');
});
sub put
{
	my (%item) = @_;
	ddb('PutItem', { TableName => 'tap-wrong', Item => \%item });
	return;
}
sub rows
{
	my ($sql) = @_;
	my $on = $node->safe_psql('postgres', $sql);
	is($node->safe_psql('postgres', "SET cmz_fdw.enable_pushdown = off; $sql"), $on, "the same without pushdown: $sql");
	return $on =~ s/\n/ /gr;
}
sub plan_of
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', "EXPLAIN (COSTS OFF) $sql");
}
# 12 items: every third has no rank, every fourth no tag, some values of another type
foreach my $i (1 .. 12)
{
	my %item = (pk => { S => 'p' }, sk => { S => sprintf('%02d', $i) });
	$item{tag} = { S => 'a' } if $i % 4;
	$item{rank} = { N => "$i" } if $i % 3;
	$item{n} = { N => "$i" } if $i % 2;
	$item{t} = { S => $i % 2 ? 'odd' : 'even' } if $i % 5;
	put(%item);
}

# 1. a sparse index lacks the items that lack its sort key
is(rows(q{SELECT sk FROM w WHERE tag = 'a' AND x IS NULL ORDER BY sk}), '01 02 03 05 06 07 09 10 11', 'a sparse index is not taken for the table');
unlike(plan_of(q{SELECT rank FROM w WHERE tag = 'a'}), qr/Query Sparse/, '... nor offered');
is(rows(q{SELECT sk FROM w WHERE tag = 'a' AND rank > 5 ORDER BY rank DESC}), '11 10 07', '... but where its sort key is constrained');
like(plan_of(q{SELECT rank FROM w WHERE tag = 'a' AND rank > 5}), qr/Query Sparse/, '... it is');
unlike(plan_of(q{SELECT rank FROM w WHERE tag = 'a' AND rank IS NULL}), qr/Query Sparse/, '... by a condition that rejects NULL');
like(plan_of(q{SELECT rank FROM vouched WHERE tag = 'a'}), qr/Query Sparse/, '... or who made it vouches for it');
is(rows(q{SELECT sk FROM w WHERE tag = 'a' OR (pk = 'p' AND sk = '04') ORDER BY sk}), '01 02 03 04 05 06 07 09 10 11', '... also below an OR');
is(rows(q{SELECT count(*) FROM w WHERE tag = 'a'}), '9', '... and a count');
is(rows(q{SELECT min(rank) || ' ' || max(rank) FROM w WHERE tag = 'a'}), '1 11', '... min and max do not need what lacks it');

# 2. a page may be empty and yet not the last; DynamoDB Local has such pages
# under a Limit only, which a LIMIT above a filter makes us ask for
foreach my $i (1 .. 90)
{
	put(pk => { S => 'many' }, sk => { S => sprintf('%03d', $i) }, t => { S => $i == 90 ? 'last' : 'not' });
}
requests($proxy);
is(rows(q{SELECT sk FROM w WHERE pk = 'many' AND t = 'last' LIMIT 1}), '090', 'empty pages are passed over');
my @pages = grep { $_->{op} eq 'Query' } requests($proxy);
cmp_ok(scalar(@pages), '>=', 3, '... several of them');
is(rows(q{SELECT sk FROM w WHERE pk = 'many' AND t = 'last' ORDER BY sk LIMIT 1}), '090', '... in order');
is(rows(q{SELECT sk FROM w WHERE pk IN ('many', 'p') AND t = 'last' ORDER BY sk LIMIT 2}), '090', '... by a merge');
is(rows(q{SELECT max(sk) FROM w WHERE pk = 'many' AND t = 'not'}), '089', '... by max');
is(rows(q{SELECT EXISTS (SELECT FROM w WHERE pk = 'many' AND t = 'last')}), 't', '... by EXISTS');
is(rows(q{SELECT sk FROM w WHERE t = 'last' LIMIT 1}), '090', '... by a Scan');

# 3. LIMIT counts what remains, not what is read
is(rows(q{SELECT sk FROM w WHERE pk = 'p' AND t = 'even' ORDER BY sk LIMIT 3}), '02 04 06', 'LIMIT above a filter that DynamoDB applies');
is(rows(q{SELECT sk FROM w WHERE pk = 'p' AND n % 3 = 0 ORDER BY sk LIMIT 2}), '03 09', '... above one that it cannot');
is(rows(q{SELECT sk FROM w WHERE pk = 'p' ORDER BY rank DESC NULLS LAST LIMIT 3}), '11 10 08', '... above a sort');
is(rows(q{SELECT a.sk FROM w a JOIN w b ON b.pk = a.pk AND b.n = a.n + 8 WHERE a.pk = 'p' ORDER BY a.sk LIMIT 2}), '01 03', '... above a join');
is(rows(q{SELECT DISTINCT t FROM w WHERE pk = 'p' AND t IS NOT NULL ORDER BY t LIMIT 2}), 'even odd', '... above DISTINCT');
is(rows(q{SELECT sk FROM w WHERE pk = 'p' AND t = 'even' ORDER BY sk OFFSET 2 LIMIT 2}), '06 08', '... and OFFSET');

# 4. what is not there is neither equal nor unequal
is(rows(q{SELECT sk FROM w WHERE pk = 'p' AND t <> 'odd' ORDER BY sk}), '02 04 06 08 12', '<> leaves out what is missing');
is(rows(q{SELECT sk FROM w WHERE pk = 'p' AND NOT (t = 'odd') ORDER BY sk}), '02 04 06 08 12', 'NOT does');
is(rows(q{SELECT sk FROM w WHERE pk = 'p' AND t NOT IN ('odd', 'x') ORDER BY sk}), '02 04 06 08 12', 'NOT IN does');
is(rows(q{SELECT sk FROM w WHERE pk = 'p' AND t IS NULL ORDER BY sk}), '05 10', 'IS NULL finds it');
is(rows(q{SELECT sk FROM w WHERE pk = 'p' AND t IS DISTINCT FROM 'odd' ORDER BY sk}), '02 04 05 06 08 10 12', 'IS DISTINCT FROM too');
is(rows(q{SELECT sk FROM w WHERE pk = 'p' AND (t <> 'odd') IS NOT TRUE ORDER BY sk}), '01 03 05 07 09 10 11', 'a condition that is not true');
put(pk => { S => 'p' }, sk => { S => '13' }, t => { NULL => JSON::PP::true });
is(rows(q{SELECT sk FROM w WHERE pk = 'p' AND t IS NULL ORDER BY sk}), '05 10 13', '... a stored NULL is one');
is(rows(q{SELECT count(t) FROM w WHERE pk = 'p'}), '10', '... and not counted');

# 5. a value is what it is: no other type, no rounding, no order of another kind
put(pk => { S => 'types' }, sk => { S => '1' }, n => { S => '45' }, t => { N => '45' }, rank => { N => '0.1' });
put(pk => { S => 'types' }, sk => { S => '2' }, n => { N => '45' }, t => { S => '45' }, rank => { N => '12345678901234567890.5' });
put(pk => { S => 'types' }, sk => { S => '3' }, n => { N => '45.5' }, t => { S => "\x{e9}" }, rank => { N => '9' });
like(error_of($node, q{SELECT n FROM w WHERE pk = 'types'}), qr/HV004: attribute "n" has a value that column "n" does not take.*sk = '1'.*found S 45, expected N/s, 'a value of another type is an error that names the item');
is(rows(q{SELECT sk FROM lenient WHERE pk = 'types' AND n = 45}), '2', '... or NULL, and matches nothing');
is(rows(q{SELECT sk FROM lenient WHERE pk = 'types' AND n > 0 ORDER BY sk}), '2', '... in a range');
is(rows(q{SELECT sk FROM lenient WHERE pk = 'types' AND n IS NULL ORDER BY sk}), '1 3', '... but IS NULL');
is(rows(q{SELECT count(*) FROM lenient WHERE pk = 'types' AND n <> 45}), '0', '... in a count');
is(rows(q{SELECT sk FROM lenient WHERE pk = 'types' AND t = '45'}), '2', 'a number is not its text');
is(rows(q{SELECT sk FROM lenient WHERE pk = 'types' AND rank = 12345678901234567890.5}), '2', 'numbers keep their digits');
is(rows(q{SELECT sk FROM lenient WHERE pk = 'types' ORDER BY rank}), '1 3 2', '... and their order');
is(rows(q{SELECT sk FROM lenient WHERE pk = 'types' AND t > 'z'}), '3', 'text compares by its collation');
done_testing();
