/*
 * session.h
 *	  From a foreign server and a user to a client of DynamoDB.
 */
#ifndef CMZ_SESSION_H
#define CMZ_SESSION_H

#include "client/call.h"

/*
 * The client for requests of a user on a server, from its options, those of
 * the user mapping (none is needed) and the environment.  Palloc'd in the
 * current context; opens nothing.  Raises FDW_INVALID_ATTRIBUTE_VALUE for a
 * bad value in the environment.
 */
extern CmzClient *cmz_session_client(Oid serverid, Oid userid);

/*
 * The same client for another service of AWS: at the endpoint that the environment
 * names for it, at the region's, or, for DynamoDB Streams beside a DynamoDB that is
 * none of AWS's, at the same.  Raises FEATURE_NOT_SUPPORTED if the endpoint is a
 * local one that has no such service.
 */
extern CmzClient *cmz_session_service(const CmzClient *client, const CmzService *service);

/* False where cmz_session_service would raise FEATURE_NOT_SUPPORTED. */
extern bool cmz_session_has_service(const CmzClient *client, const CmzService *service);

/*
 * The server of that name.  Raises UNDEFINED_OBJECT, WRONG_OBJECT_TYPE, or
 * INSUFFICIENT_PRIVILEGE if the current user lacks USAGE on it.
 */
extern Oid	cmz_session_usable_server(const char *name);

/* Raise WRONG_OBJECT_TYPE unless the server is one of this wrapper. */
extern void cmz_session_check_server(Oid serverid);

#endif							/* CMZ_SESSION_H */
