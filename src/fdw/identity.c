/*
 * identity.c
 *	  cmz_credentials(): whose credentials sign the current user's requests.
 */
#include "postgres.h"

#include "fdw/session.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* So much of an access key id is shown. */
#define SHOWN	4

/* All but the end as asterisks, as the AWS CLI has it. */
static char *
mask(const char *access_key_id)
{
	size_t		len = strlen(access_key_id);
	char	   *text = pstrdup(access_key_id);

	memset(text, '*', len > 2 * SHOWN ? len - SHOWN : len);
	return text;
}

PG_FUNCTION_INFO_V1(cmz_credentials);

Datum
cmz_credentials(PG_FUNCTION_ARGS)
{
	Oid			serverid = cmz_session_usable_server(NameStr(*PG_GETARG_NAME(0)));
	CmzClient  *client = cmz_session_client(serverid, GetUserId());
	CmzCredentials credentials;
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	cmz_credentials_get(&client->credential_config, &credentials);
	values[0] = CStringGetTextDatum(cmz_error_printable(credentials.source));
	values[1] = CStringGetTextDatum(mask(credentials.access_key_id));
	values[2] = TimestampTzGetDatum(credentials.expires_at);
	nulls[2] = credentials.expires_at == DT_NOEND;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
