/*
 * json.h
 *	  Writing JSON safely, and reading small JSON documents with jansson.
 */
#ifndef CMZ_JSON_H
#define CMZ_JSON_H

#include "base/base.h"

/*
 * A parsed document.  jansson.h itself stays inside json.c: the server has a
 * function json_object() too, and its declaration clashes with jansson's.
 */
typedef struct json_t json_t;

/* Append s (len bytes of UTF-8) as a JSON string, quoted and escaped. */
extern void cmz_json_append_string(StringInfo buf, const char *s, int len);

/* The same for a zero-terminated string. */
extern void cmz_json_append_cstring(StringInfo buf, const char *s);

/* Append a comma unless buf stands behind an opening brace or bracket, or a name. */
extern void cmz_json_separate(StringInfo buf);

/* Separate, then append "name": so that a value can follow. */
extern void cmz_json_append_name(StringInfo buf, const char *name);

/* A whole member whose value is a string; nothing if value is NULL. */
extern void cmz_json_append_member(StringInfo buf, const char *name, const char *value);

/* Append len bytes as base64, without quotes. */
extern void cmz_json_append_base64(StringInfo buf, const char *data, int len);

/*
 * Parse len bytes with jansson; the document lives as long as the current
 * memory context (in a front-end program, until the program ends).  NULL with
 * *error set (palloc'd) if it is not JSON.
 */
extern json_t *cmz_json_parse(const char *data, size_t len, char **error);

/*
 * Look into a document.  Each takes NULL and what is of another kind, and then
 * gives NULL, 0 or the default.
 */
extern json_t *cmz_json_member(const json_t *object, const char *name);
extern json_t *cmz_json_element(const json_t *array, int i);
extern int	cmz_json_length(const json_t *array);
extern const char *cmz_json_text(const json_t *string);
extern double cmz_json_number(const json_t *number, double def);

/* The text of a member, NULL if it is none. */
extern const char *cmz_json_member_text(const json_t *object, const char *name);

/*
 * A string, number or boolean as text, palloc'd; NULL for what is none.  path is the
 * names of members from the document to it, with periods between.
 */
extern char *cmz_json_path_text(const json_t *document, const char *path);

/* Append the document as JSON; numbers keep 15 digits. */
extern void cmz_json_append_document(StringInfo buf, const json_t *document);

#endif							/* CMZ_JSON_H */
