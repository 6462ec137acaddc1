/*
 * unit.h
 *	  A unit test says ok() and is(); the program prints TAP.
 */
#ifndef CMZ_UNIT_H
#define CMZ_UNIT_H

#include "base/base.h"

extern void ok(bool passed, const char *name,...) pg_attribute_printf(2, 3);
extern void is(const char *got, const char *expected, const char *name);

/* A reproducible random number below n. */
extern uint32 roll(uint32 n);

extern void test_number(void);
extern void test_isotime(void);
extern void test_layout(void);
extern void test_expression(void);
extern void test_keyrange(void);
extern void test_itemreader(void);
extern void test_misc(void);
extern void test_frontier(void);
extern void test_records(void);
extern void test_config(void);
extern void test_metric(void);
extern void test_image(void);
extern void test_writerequest(void);

/* Sign the requests on standard input; see tests/t/006_signatures.pl. */
extern int	sign_from_stdin(void);

#endif							/* CMZ_UNIT_H */
