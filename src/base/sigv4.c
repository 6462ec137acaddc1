/*
 * sigv4.c
 *	  AWS Signature Version 4, in the stages that AWS names.
 *
 * Requests carry no query string: every DynamoDB operation is a POST to one
 * path.
 */
#include "base/base.h"

#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/sigv4.h"

#define ALGORITHM	"AWS4-HMAC-SHA256"
#define DATE_LENGTH 8

static void
append_hex(StringInfo buf, const unsigned char *data, int len)
{
	for (int i = 0; i < len; i++)
		appendStringInfo(buf, "%02x", data[i]);
}

static void
append_sha256(StringInfo buf, const char *data, size_t len)
{
	unsigned char digest[CMZ_SHA256_SIZE];

	SHA256((const unsigned char *) data, len, digest);
	append_hex(buf, digest, sizeof(digest));
}

static void
hmac_sha256(const void *key, int key_len, const char *data, unsigned char *digest)
{
	unsigned int len = CMZ_SHA256_SIZE;

	HMAC(EVP_sha256(), key, key_len, (const unsigned char *) data, strlen(data), digest, &len);
}

/* Remove "." and ".." segments and empty ones (RFC 3986, 5.2.4). */
static char *
normalize_path(const char *path)
{
	StringInfoData buf;
	const char *p = path;
	bool		slash = true;	/* ends with one */

	initStringInfo(&buf);
	while (*p)
	{
		size_t		len;

		p += strspn(p, "/");
		len = strcspn(p, "/");
		slash = p[len] == '/' || len == 0;
		if (len == 2 && strncmp(p, "..", 2) == 0)
		{
			while (buf.len > 0 && buf.data[--buf.len] != '/')
				;
			buf.data[buf.len] = '\0';
		}
		else if (len > 0 && !(len == 1 && *p == '.'))
		{
			appendStringInfoChar(&buf, '/');
			appendBinaryStringInfo(&buf, p, len);
		}
		p += len;
	}
	if (slash || buf.len == 0)
		appendStringInfoChar(&buf, '/');
	return buf.data;
}

/* Every service but S3 encodes the path of the URL once more. */
static void
append_canonical_path(StringInfo buf, const char *path)
{
	char	   *normal = normalize_path(path);

	for (const char *p = normal; *p; p++)
	{
		unsigned char c = (unsigned char) *p;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			strchr("-_.~/", c) != NULL)
			appendStringInfoChar(buf, c);
		else
			appendStringInfo(buf, "%%%02X", c);
	}
	pfree(normal);
}

static int
compare_headers(const void *a, const void *b)
{
	return pg_strcasecmp(((const CmzHeader *) a)->name, ((const CmzHeader *) b)->name);
}

static CmzHeader *
sorted_headers(const CmzSigningRequest *request)
{
	CmzHeader  *headers = palloc(sizeof(CmzHeader) * Max(request->nheaders, 1));

	memcpy(headers, request->headers, sizeof(CmzHeader) * request->nheaders);
	qsort(headers, request->nheaders, sizeof(CmzHeader), compare_headers);
	return headers;
}

static void
append_lower(StringInfo buf, const char *s)
{
	for (; *s; s++)
		appendStringInfoChar(buf, pg_ascii_tolower((unsigned char) *s));
}

/* A header's value without outer spaces, inner runs folded to one. */
static void
append_trimmed(StringInfo buf, const char *s)
{
	bool		gap = false;
	int			start = buf->len;

	for (; *s; s++)
	{
		if (*s == ' ' || *s == '\t')
		{
			gap = buf->len > start;
			continue;
		}
		if (gap)
			appendStringInfoChar(buf, ' ');
		gap = false;
		appendStringInfoChar(buf, *s);
	}
}

static void
append_signed_headers(StringInfo buf, const CmzHeader *headers, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(buf, ';');
		append_lower(buf, headers[i].name);
	}
}

char *
cmz_sigv4_canonical_request(const CmzSigningRequest *request)
{
	CmzHeader  *headers = sorted_headers(request);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s\n", request->method);
	append_canonical_path(&buf, request->path);
	appendStringInfoString(&buf, "\n\n");	/* no query string */
	for (int i = 0; i < request->nheaders; i++)
	{
		append_lower(&buf, headers[i].name);
		appendStringInfoChar(&buf, ':');
		append_trimmed(&buf, headers[i].value);
		appendStringInfoChar(&buf, '\n');
	}
	appendStringInfoChar(&buf, '\n');
	append_signed_headers(&buf, headers, request->nheaders);
	appendStringInfoChar(&buf, '\n');
	append_sha256(&buf, request->payload, request->payload_len);
	pfree(headers);
	return buf.data;
}

static void
append_scope(StringInfo buf, const CmzSigningRequest *request)
{
	appendBinaryStringInfo(buf, request->amz_date, DATE_LENGTH);
	appendStringInfo(buf, "/%s/%s/aws4_request", request->region, request->service);
}

char *
cmz_sigv4_string_to_sign(const CmzSigningRequest *request, const char *canonical)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s\n%s\n", ALGORITHM, request->amz_date);
	append_scope(&buf, request);
	appendStringInfoChar(&buf, '\n');
	append_sha256(&buf, canonical, strlen(canonical));
	return buf.data;
}

/* The key is derived from the secret by date, region and service. */
static void
signing_key(const CmzSigningRequest *request, unsigned char *key)
{
	char		date[DATE_LENGTH + 1];
	char	   *secret = psprintf("AWS4%s", request->secret_access_key);

	strlcpy(date, request->amz_date, sizeof(date));
	hmac_sha256(secret, strlen(secret), date, key);
	hmac_sha256(key, CMZ_SHA256_SIZE, request->region, key);
	hmac_sha256(key, CMZ_SHA256_SIZE, request->service, key);
	hmac_sha256(key, CMZ_SHA256_SIZE, "aws4_request", key);
	explicit_bzero(secret, strlen(secret));
	pfree(secret);
}

char *
cmz_sigv4_authorization(const CmzSigningRequest *request)
{
	CmzHeader  *headers = sorted_headers(request);
	char	   *canonical = cmz_sigv4_canonical_request(request);
	char	   *to_sign = cmz_sigv4_string_to_sign(request, canonical);
	unsigned char key[CMZ_SHA256_SIZE];
	unsigned char signature[CMZ_SHA256_SIZE];
	StringInfoData buf;

	signing_key(request, key);
	hmac_sha256(key, sizeof(key), to_sign, signature);
	explicit_bzero(key, sizeof(key));

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s Credential=%s/", ALGORITHM, request->access_key_id);
	append_scope(&buf, request);
	appendStringInfoString(&buf, ", SignedHeaders=");
	append_signed_headers(&buf, headers, request->nheaders);
	appendStringInfoString(&buf, ", Signature=");
	append_hex(&buf, signature, sizeof(signature));
	pfree(headers);
	pfree(canonical);
	pfree(to_sign);
	return buf.data;
}

/* Where the authority of a URL begins, and how long it is. */
static const char *
find_authority(const char *url, size_t *len)
{
	const char *p = strstr(url, "://");

	p = p ? p + 3 : url;
	*len = strcspn(p, "/?#");
	return p;
}

char *
cmz_sigv4_host(const char *url)
{
	bool		tls = pg_strncasecmp(url, "https:", 6) == 0;
	const char *port = tls ? ":443" : ":80";
	StringInfoData buf;
	size_t		len;
	const char *authority = find_authority(url, &len);

	initStringInfo(&buf);
	for (size_t i = 0; i < len; i++)
		appendStringInfoChar(&buf, pg_ascii_tolower((unsigned char) authority[i]));
	if (buf.len > (int) strlen(port) &&
		strcmp(buf.data + buf.len - strlen(port), port) == 0)
		buf.data[buf.len - strlen(port)] = '\0';
	return buf.data;
}

char *
cmz_sigv4_path(const char *url)
{
	size_t		len;
	const char *path = find_authority(url, &len) + len;

	return *path == '/' ? pnstrdup(path, strcspn(path, "?#")) : pstrdup("/");
}
