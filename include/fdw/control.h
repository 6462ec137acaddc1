/*
 * control.h
 *	  Calls of DynamoDB's control plane, with their answers as documents.
 */
#ifndef CMZ_CONTROL_H
#define CMZ_CONTROL_H

#include "base/json.h"
#include "client/call.h"

/*
 * Call an operation and wait for its answer; the document lives in the current
 * context.  If the call fails with exception allowed (may be NULL), returns
 * NULL; other failures are raised, and PROTOCOL_VIOLATION for no JSON.
 */
extern json_t *cmz_control_call(const CmzClient *client, const char *operation,
								const char *table, const StringInfoData *body,
								const char *allowed);

/* DescribeTable: its member "Table"; NULL if there is no such table. */
extern json_t *cmz_control_describe(const CmzClient *client, const char *table);

#endif							/* CMZ_CONTROL_H */
