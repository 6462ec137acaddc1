/*
 * http.h
 *	  HTTP exchanges on kept-alive connections, several at once.
 */
#ifndef CMZ_HTTP_H
#define CMZ_HTTP_H

#include <curl/curl.h>

#include "postgres.h"

#include "base/sigv4.h"

typedef struct CmzHttpOptions
{
	const char *ca_file;		/* NULL: the system's trust store */
	int			connect_timeout_ms;
	int			request_timeout_ms; /* of the whole exchange */
	bool		no_proxy;		/* go there directly whatever the environment says */
} CmzHttpOptions;

#define CMZ_REQUEST_ID_SIZE 128
#define CMZ_HTTP_DATE_SIZE 40

/* One request and its answer.  Lives in the context that it was started in. */
typedef struct CmzExchange
{
	CURL	   *easy;			/* NULL when it is over and cleaned up */
	struct curl_slist *headers;
	bool		done;
	CURLcode	result;			/* once done */
	char		error[CURL_ERROR_SIZE];

	int			sends;			/* how often the request was put on the wire:
								 * libcurl itself repeats one that died with a
								 * kept connection */
	long		status;			/* HTTP status, once done */
	char	   *body;			/* malloc'd, zero-terminated */
	size_t		body_len;
	size_t		body_room;
	bool		too_large;		/* the body exceeded our limit */
	bool		encoded;		/* it carries a Content-Encoding */
	bool		has_crc32;
	uint32		crc32;			/* x-amz-crc32 */
	uint32		body_crc32;		/* of the body so far, if that is to be checked */
	char		request_id[CMZ_REQUEST_ID_SIZE];
	char		date[CMZ_HTTP_DATE_SIZE];	/* header Date, "" if there is none */
} CmzExchange;

/*
 * Start a request in the current memory context; deleting or resetting the
 * context ends the exchange, wherever it is.  method is a literal, POST and PUT
 * have a payload.  url and headers are copied, payload must stay.  Raises
 * FDW_ERROR if libcurl refuses an option.
 */
extern CmzExchange *cmz_http_start(const char *method, const char *url,
								   int nheaders, const CmzHeader *headers,
								   const char *payload, size_t payload_len,
								   const CmzHttpOptions *options);

/*
 * Wait until that one exchange has ended; others go on meanwhile.  Raises what an
 * interrupt raises.
 */
extern void cmz_http_wait(CmzExchange *exchange);

/* Note which exchanges have ended since the last call. */
extern void cmz_http_collect(void);

/* Free what the exchange holds outside of palloc; it can be repeated. */
extern void cmz_http_release(CmzExchange *exchange);

/* The host of a URL is this machine itself. */
extern bool cmz_http_is_loopback(const char *url);

#endif							/* CMZ_HTTP_H */
