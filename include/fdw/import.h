/*
 * import.h
 *	  IMPORT FOREIGN SCHEMA: foreign tables from the account's tables.
 */
#ifndef CMZ_IMPORT_H
#define CMZ_IMPORT_H

#include "foreign/fdwapi.h"

extern List *cmzImportForeignSchema(ImportForeignSchemaStmt *stmt, Oid serverid);

#endif							/* CMZ_IMPORT_H */
