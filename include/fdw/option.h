/*
 * option.h
 *	  The options of servers, user mappings, foreign tables and columns.
 */
#ifndef CMZ_OPTION_H
#define CMZ_OPTION_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* The value of an option in a list of DefElem, NULL if it is not there. */
extern const char *cmz_option_find(List *options, const char *name);

/*
 * Values of options, valid since the validator has seen them; value NULL gives
 * the default.
 */
extern bool cmz_option_bool(const char *value, bool def);
extern int	cmz_option_int(const char *value, int def);
extern double cmz_option_double(const char *value, double def);
extern int	cmz_option_milliseconds(const char *value, int def);

/* The first of these environment variables that is set and not empty. */
extern const char *cmz_option_environment(const char *const *variables);

/* The value is one that the option of that name takes. */
extern bool cmz_option_is_valid(const char *name, const char *value);

/*
 * Check a value that comes from elsewhere (the environment, a function's
 * argument) as the option of that name; source says where it is from.
 * Raises FDW_INVALID_ATTRIBUTE_VALUE.
 */
extern void cmz_option_check(const char *name, const char *value, const char *source);

/* Raise an error unless plain http may be used for this endpoint. */
extern void cmz_option_check_endpoint(const char *url, bool allow_http, const char *source);

/* GUCs. */
extern bool cmz_enable_pushdown;
extern void cmz_option_define_gucs(void);

#endif							/* CMZ_OPTION_H */
