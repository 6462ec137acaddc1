/*
 * main.c
 *	  The base layer's unit tests, as TAP.  With --sign it is an oracle's peer.
 */
#include "unit.h"

#include <stdarg.h>

static int	ntests = 0;
static int	nfailed = 0;
static uint64 seed = 20250119;

void
ok(bool passed, const char *name,...)
{
	va_list		args;

	va_start(args, name);
	printf("%s %d - ", passed ? "ok" : "not ok", ++ntests);
	vprintf(name, args);
	printf("\n");
	va_end(args);
	nfailed += !passed;
}

void
is(const char *got, const char *expected, const char *name)
{
	bool		same = got && expected ? strcmp(got, expected) == 0 : got == expected;

	ok(same, "%s", name);
	if (!same)
		printf("#      got: %s\n# expected: %s\n", got ? got : "(null)", expected ? expected : "(null)");
}

uint32
roll(uint32 n)
{
	seed = seed * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
	return (uint32) (seed >> 33) % n;
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--sign") == 0)
		return sign_from_stdin();
	if (argc > 1)
		seed = strtoull(argv[1], NULL, 10);
	test_number();
	test_isotime();
	test_layout();
	test_expression();
	test_keyrange();
	test_misc();
	test_config();
	test_metric();
	test_image();
	test_writerequest();
	test_itemreader();
	test_frontier();
	test_records();
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
