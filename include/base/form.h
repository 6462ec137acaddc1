/*
 * form.h
 *	  Writes the forms of AWS's query protocol.
 */
#ifndef CMZ_FORM_H
#define CMZ_FORM_H

#include "base/base.h"

/*
 * Append name=value, both encoded, with & before it unless buf is empty; nothing
 * for a NULL value.  Source: AWS query protocol (Smithy, awsQuery).
 */
extern void cmz_form_append(StringInfo buf, const char *name, const char *value);

/* Append text with what is not unreserved in a URI as %XX (RFC 3986). */
extern void cmz_form_append_encoded(StringInfo buf, const char *text);

#endif							/* CMZ_FORM_H */
