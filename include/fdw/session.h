/*
 * session.h
 *	  From a foreign server and a user to a client of DynamoDB.
 */
#ifndef CMZ_SESSION_H
#define CMZ_SESSION_H

#include "client/dynamodb.h"

/*
 * The client for requests of a user on a server, from its options, those of
 * the user mapping (none is needed) and the environment.  Palloc'd in the
 * current context; opens nothing.  Raises FDW_INVALID_ATTRIBUTE_VALUE for a
 * bad value in the environment.
 */
extern CmzClient *cmz_session_client(Oid serverid, Oid userid);

/* Raise WRONG_OBJECT_TYPE unless the server is one of this wrapper. */
extern void cmz_session_check_server(Oid serverid);

#endif							/* CMZ_SESSION_H */
