/*
 * test_config.c
 *	  Files of the AWS tools, forms, and XML answers.
 */
#include "unit.h"

#include "base/form.h"
#include "base/ini.h"
#include "base/xml.h"

/* The value in a file, "(none)", or where the file makes no sense. */
static char *
value_in(const char *text, bool is_config, const char *section, const char *name)
{
	int			line;
	CmzIni	   *ini = cmz_ini_parse(text, strlen(text), is_config, &line);
	const char *value;
	char	   *result;

	if (ini == NULL)
		return psprintf("line %d", line);
	value = cmz_ini_get(ini, section, name);
	result = pstrdup(value ? value : cmz_ini_has_section(ini, section) ? "(none)" : "(no section)");
	cmz_ini_free(ini);
	return result;
}

static void
test_ini(void)
{
	const char *nested = "[default]\ns3 =\n  aws_access_key_id = wrong\n  region = wrong\nregion = right\n";
	const char *indented = "[default]\n   region = a\n   output = b\n";
	int			line;

	is(value_in("[profile a]\nregion=x\n", true, "profile a", "region"), "x", "a profile");
	is(value_in("[a]\nregion=x\n", true, "profile a", "region"), "(no section)", "config wants the word profile");
	is(value_in("[a]\nregion=x\n", false, "profile a", "region"), "x", "the credentials file does not");
	is(value_in("[default]\nregion=x", true, "profile default", "region"), "x", "default needs no word, the last line no end");
	is(value_in("[profile default]\nregion=x", true, "profile default", "region"), "x", "but may have it");
	is(value_in("[profile \"zoo keeper\"]\nregion=x", true, "profile zoo keeper", "region"), "x", "a name in quotes");
	is(value_in("[ profile\ta ] ; c\nregion = x", true, "profile a", "region"), "x", "blanks and a comment in a heading");
	is(value_in("[sso-session s]\nsso_region = x", true, "sso-session s", "sso_region"), "x", "an sso-session");
	is(value_in("\xEF\xBB\xBF[default]\r\nRegion  =  x y \r\n\r\n", true, "profile default", "region"), "x y", "BOM, CRLF, case, blanks");
	is(value_in("[default]\rregion=x\r", true, "profile default", "region"), "x", "lines of an old Mac");
	is(value_in("# c\n; c\n[default]\n  # c\nregion = x # c\n", true, "profile default", "region"), "x", "comments");
	is(value_in("[default]\nsecret = a#b;c=\n", true, "profile default", "secret"), "a#b;c=", "no comments inside of words");
	is(value_in("[default]\nregion = # nothing\n", true, "profile default", "region"), "", "a comment for a value");
	is(value_in("[default]\nregion = x\nregion = y\n[default]\nregion = z\n", true, "profile default", "region"), "z", "the last one wins");
	is(value_in(nested, true, "profile default", "aws_access_key_id"), "(none)", "settings of a setting are not ours");
	is(value_in(nested, true, "profile default", "region"), "right", "what follows is");
	is(value_in(indented, true, "profile default", "output"), "b", "all may be indented");
	is(value_in("[services x]\na = b\n[plugins]\nc = d\n[profile p]\ne = f\n", true, "profile p", "e"), "f", "other sections are passed over");
	is(value_in("", true, "profile default", "region"), "(no section)", "an empty file");
	is(value_in("[default]\n", true, "profile default", "region"), "(none)", "an empty section");
	is(value_in("region = x\n", true, "profile default", "region"), "line 1", "a setting of no section");
	is(value_in("[default]\n\nregion\n", true, "profile default", "region"), "line 3", "neither one nor the other");
	is(value_in("[default\nregion = x\n", true, "profile default", "region"), "line 1", "a heading without its end");
	is(value_in("[default] x\n", true, "profile default", "region"), "line 1", "a heading with more behind it");
	is(value_in("[]\n", false, "profile ", "region"), "line 1", "a heading without a name");
	is(value_in("[default]\n= x\n", true, "profile default", ""), "line 2", "a value without a name");
	ok(cmz_ini_parse("[a]\nx=\0y\n", 9, false, &line) == NULL && line == 2, "a zero byte");
	ok(cmz_ini_parse("[a]\nx=y\0", 8, false, &line) == NULL && line == 2, "a zero byte at the end");
	is(value_in("[a]\nb = c", false, "profile a", "b"), "c", "a last line without an end");
	is(value_in("[a]\n[b]\nx = y\n[a]\nx = z\n[b]\n", false, "profile b", "x"), "y", "sections by turns");
	is(value_in("[profile]\nx = y\n[profile ]\n[sso-session\n", true, "profile ", "x"), "line 4", "headings with half a name");
	is(value_in("[profile \"\"]\nx = y\n", true, "profile ", "x"), "y", "an empty name in quotes");
	is(value_in("[\"]\nx = y\n", false, "profile \"", "x"), "y", "half a pair of quotes");
	is(value_in("[default]\n x = a\n y = b\n  z = c\nx = d\n", true, "profile default", "y"), "b", "depths by turns");
	is(value_in("[default]\nx = a\n  [profile b]\ny = c\n", true, "profile default", "y"), "c", "an indented heading belongs to the setting");
	is(value_in("[default]\n  [profile b]\ny = c\n", true, "profile b", "y"), "c", "but not without one");
}

static char *
json_of(const char *xml)
{
	StringInfoData buf;
	const char *error;

	initStringInfo(&buf);
	return cmz_xml_append_json(&buf, xml, strlen(xml), &error) ? buf.data : psprintf("error: %s", error);
}

static void
test_xml(void)
{
	StringInfoData deep;

	is(json_of("<a/>"), "{\"a\":\"\"}", "an empty element");
	is(json_of("<?xml version=\"1.0\"?>\n<a x=\"1>\" y='/'><b>t</b><c/></a>"), "{\"a\":{\"b\":\"t\",\"c\":\"\"}}", "children, attributes");
	is(json_of("<a><member>1</member> <member>2</member></a>"), "{\"a\":[\"1\",\"2\"]}", "a list");
	is(json_of("<x:a><y:b>1</y:b></x:a>"), "{\"a\":{\"b\":\"1\"}}", "prefixes go");
	is(json_of("<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x1F981;</a>"), "{\"a\":\"<&>\\\"'A\xF0\x9F\xA6\x81\"}", "entities");
	is(json_of("<a>x<!-- <b> -->y<?p ?>z</a>"), "{\"a\":\"xyz\"}", "asides");
	is(json_of("<a>\n <b> v </b>\n</a>"), "{\"a\":{\"b\":\" v \"}}", "white space");
	is(json_of("<a>&x;</a>"), "error: unknown entity", "no entities but the five");
	is(json_of("<a>&#0;</a>"), "error: invalid character reference", "no zero");
	is(json_of("<a>&#xD800;</a>"), "error: invalid character reference", "no surrogates");
	is(json_of("<a>&#"), "error: unknown entity", "half a reference");
	is(json_of("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"), "error: unexpected declaration", "no document type");
	is(json_of("<a><b></a></b>"), "error: tags do not match", "crossed tags");
	is(json_of("<a>"), "error: unexpected end", "no end");
	is(json_of("<a b=\"c"), "error: unexpected end", "no end of a tag");
	is(json_of("<>"), "error: name expected", "no name");
	is(json_of(""), "error: < expected", "nothing");
	is(json_of("hello"), "error: < expected", "no XML");
	is(json_of("<a/><b/>"), "error: unexpected text behind the end", "two roots");
	is(json_of("<a/>b"), "error: unexpected text behind the end", "text behind the root");
	is(json_of("<a/>\n<!-- b --><?c?>\n"), "{\"a\":\"\"}", "asides behind the root");
	is(json_of("<a/><!-- b"), "error: unexpected end", "half an aside");
	is(json_of("<a></b>"), "error: tags do not match", "another end");
	is(json_of("<a></a b>"), "error: > expected", "an end with attributes");
	is(json_of("<a b='</a>'>c</a>"), "{\"a\":\"c\"}", "what looks like a tag in an attribute");
	is(json_of("<a><![CDATA[b]]></a>"), "error: unexpected declaration", "no sections of text");
	is(json_of("<a:>"), "error: name expected", "a prefix without a name");
	is(json_of("<a><member/></a>"), "{\"a\":[\"\"]}", "a list of one");
	is(json_of("<a>&#1114112;</a>"), "error: invalid character reference", "no such character");
	is(json_of("<a>&#99999999999999999999999;</a>"), "error: invalid character reference", "a number without end");
	initStringInfo(&deep);
	for (int i = 0; i < 100000; i++)
		appendStringInfoString(&deep, "<a>");
	is(json_of(deep.data), "error: nested too deep", "100,000 levels");
}

static void
test_form(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	cmz_form_append(&buf, "Action", "AssumeRole");
	cmz_form_append(&buf, "Nothing", NULL);
	cmz_form_append(&buf, "RoleArn", "arn:aws:iam::1:role/a b&c=d%+\xC3\xA4~");
	is(buf.data, "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%20b%26c%3Dd%25%2B%C3%A4~", "a form");
}

/* Whatever comes: an answer or an error, and no byte beyond the end. */
static void
test_noise(void)
{
	static const char pieces[] = "<>/&;#x=[]\"'!-? \n\t\rapm\xC3";
	int			answers = 0;

	for (int i = 0; i < 200000; i++)
	{
		int			len = (int) roll(40);
		char	   *text = palloc(len);
		StringInfoData buf;
		const char *error = NULL;
		CmzIni	   *ini;
		int			line;

		for (int k = 0; k < len; k++)
			text[k] = pieces[roll(sizeof(pieces) - 1)];
		initStringInfo(&buf);
		answers += cmz_xml_append_json(&buf, text, len, &error) ? buf.len > 0 : error != NULL;
		ini = cmz_ini_parse(text, len, roll(2) == 0, &line);
		if (ini)
			cmz_ini_free(ini);
		pfree(text);
		pfree(buf.data);
	}
	ok(answers == 200000, "200000 pieces of noise");
}

void
test_config(void)
{
	test_ini();
	test_xml();
	test_form();
	test_noise();
}
