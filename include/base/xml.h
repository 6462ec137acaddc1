/*
 * xml.h
 *	  The XML answers of AWS's query protocol, as JSON.
 */
#ifndef CMZ_XML_H
#define CMZ_XML_H

#include "base/base.h"

/*
 * Append the root element of an XML document (len bytes of UTF-8) as JSON, inside
 * an object: <A><B>x</B></A> becomes {"A":{"B":"x"}}.  An element whose children
 * are all called "member" becomes an array, one without children a string, and
 * attributes and prefixes of namespaces are dropped.  False with *error set (a
 * static string) for what is no XML, has a document type or nests too deep; buf
 * then holds rubbish.
 *
 * Source: AWS query protocol, "Serialization of responses" (Smithy, awsQuery).
 */
extern bool cmz_xml_append_json(StringInfo buf, const char *data, size_t len, const char **error);

#endif							/* CMZ_XML_H */
