/*
 * control.h
 *	  Calls of DynamoDB's control plane, with their answers as documents.
 */
#ifndef CMZ_CONTROL_H
#define CMZ_CONTROL_H

#include "base/json.h"
#include "client/call.h"

/* How a call ended, whatever the service said. */
typedef struct CmzProbe
{
	const CmzClient *client;
	const char *operation;
	const char *table;			/* may be NULL */
	json_t	   *answer;			/* in the current context; NULL: it failed */
	CmzFailure	failure;		/* the caller may change sqlstate and hint */
	int			attempts;
	bool		ambiguous;		/* it may have been carried out nevertheless */
} CmzProbe;

/*
 * Call an operation and wait for its answer; the document lives in the current
 * context.  If the call fails with exception allowed (may be NULL), returns
 * NULL; other failures are raised, among them an answer that is none
 * (PROTOCOL_VIOLATION).
 */
extern json_t *cmz_control_call(const CmzClient *client, const char *operation,
								const char *table, const StringInfoData *body,
								const char *allowed);

/*
 * The same, but a failure is only noted in *probe, from which it can be raised.
 * Returns the answer, NULL for a failure.
 */
extern json_t *cmz_control_probe(const CmzClient *client, const char *operation,
								 const char *table, const StringInfoData *body,
								 CmzProbe *probe);

/* The same with a body that only names the table. */
extern json_t *cmz_control_probe_table(const CmzClient *client, const char *operation,
									   const char *table, CmzProbe *probe);

/* Raise the failure of a probe; account, if not NULL, is more of its DETAIL. */
pg_noreturn extern void cmz_control_raise(const CmzProbe *probe, const char *account);

/* Begin a body: {"TableName":table, with the object left open. */
extern void cmz_control_begin_body(StringInfo body, const char *table);

/*
 * DescribeTable: its member "Table"; NULL if there is no such table, which is no
 * failure, or if it failed.
 */
extern json_t *cmz_control_probe_description(const CmzClient *client, const char *table,
											 CmzProbe *probe);

/* The same; what has failed is raised. */
extern json_t *cmz_control_describe(const CmzClient *client, const char *table);

#endif							/* CMZ_CONTROL_H */
