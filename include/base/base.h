/*
 * base.h
 *	  What every file of the base layer includes: PostgreSQL's basic types, in
 *	  the server or (with -DFRONTEND) in a plain program such as a unit test.
 *
 * The base layer is pure: bytes and text in, bytes and text out.  It knows no
 * server, no network and no clock, and it reports errors by return value.
 */
#ifndef CMZ_BASE_H
#define CMZ_BASE_H

#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif
#include "lib/stringinfo.h"

#endif							/* CMZ_BASE_H */
