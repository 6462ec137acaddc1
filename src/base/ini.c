/*
 * ini.c
 *	  Reads the shared config and credentials files of the AWS tools.
 */
#include "base/base.h"

#include "base/ini.h"

#define BLANKS	" \t\v\f"

typedef struct IniReader
{
	CmzIni	   *ini;
	int			room;
	bool		is_config;
	char	   *section;		/* belongs to its entry; NULL: before the first one,
								 * or one that is of no interest */
	bool		in_section;
	int			option_indent;	/* of the last option, -1: none in this section */
} IniReader;

static void
add_entry(IniReader *reader, const char *name, const char *value)
{
	CmzIni	   *ini = reader->ini;
	CmzIniEntry *entry;

	if (ini->nentries == reader->room)
	{
		reader->room *= 2;
		ini->entries = repalloc(ini->entries, sizeof(CmzIniEntry) * reader->room);
	}
	entry = &ini->entries[ini->nentries++];
	entry->section = reader->section;
	entry->name = name ? pstrdup(name) : NULL;
	entry->value = value ? pstrdup(value) : NULL;
}

/* Cut blanks off both ends, in place. */
static char *
trim(char *text)
{
	size_t		len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

/* Names of sections may stand in quotes. */
static char *
unquote(char *text)
{
	size_t		len = strlen(text);

	if (len < 2 || (text[0] != '"' && text[0] != '\'') || text[len - 1] != text[0])
		return text;
	text[len - 1] = '\0';
	return text + 1;
}

/* What stands behind a word and blanks, NULL if text begins otherwise. */
static char *
behind_word(char *text, const char *word)
{
	size_t		len = strlen(word);

	if (strncmp(text, word, len) != 0 || strchr(BLANKS, text[len]) == NULL || text[len] == '\0')
		return NULL;
	return unquote(trim(text + len));
}

static bool
read_section(IniReader *reader, char *line)
{
	char	   *close = strchr(line, ']');
	char	   *rest;
	char	   *name;

	if (close == NULL)
		return false;
	*close = '\0';
	rest = trim(close + 1);
	if (*rest != '\0' && *rest != '#' && *rest != ';')
		return false;
	name = trim(line + 1);
	if (*name == '\0')
		return false;
	reader->in_section = true;
	reader->option_indent = -1;
	reader->section = NULL;
	if (!reader->is_config)
		reader->section = psprintf("profile %s", unquote(name));
	else if (strcmp(name, "default") == 0)
		reader->section = psprintf("profile default");
	else if ((rest = behind_word(name, "profile")) != NULL)
		reader->section = psprintf("profile %s", rest);
	else if ((rest = behind_word(name, "sso-session")) != NULL)
		reader->section = psprintf("sso-session %s", rest);
	if (reader->section)
		add_entry(reader, NULL, NULL);
	return true;
}

/* A comment begins behind a blank. */
static void
cut_comment(char *value)
{
	for (char *p = value; *p; p++)
		if ((*p == '#' || *p == ';') && (p == value || strchr(BLANKS, p[-1]) != NULL))
		{
			*p = '\0';
			return;
		}
}

static bool
read_option(IniReader *reader, char *line)
{
	char	   *equals = strchr(line, '=');
	char	   *name;

	if (equals == NULL || !reader->in_section)
		return false;
	*equals = '\0';
	name = trim(line);
	if (*name == '\0')
		return false;
	for (char *p = name; *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	cut_comment(equals + 1);
	if (reader->section)
		add_entry(reader, name, trim(equals + 1));
	return true;
}

static bool
read_line(IniReader *reader, char *line)
{
	int			indent = (int) strspn(line, BLANKS);
	char	   *text = line + indent;

	if (*text == '\0' || *text == '#' || *text == ';')
		return true;
	/* belongs to the option before, such as a setting below "s3 =" */
	if (reader->option_indent >= 0 && indent > reader->option_indent)
		return true;
	if (*text == '[')
		return read_section(reader, text);
	reader->option_indent = indent;
	return read_option(reader, text);
}

CmzIni *
cmz_ini_parse(const char *data, size_t len, bool is_config, int *line)
{
	IniReader	reader = {0};
	char	   *copy = palloc(len + 1);
	char	   *next = copy;
	bool		sound = true;

	/* all of it, whatever zero bytes there are */
	memcpy(copy, data, len);
	copy[len] = '\0';
	*line = 1;
	reader.is_config = is_config;
	reader.room = 16;
	reader.ini = palloc0(sizeof(CmzIni));
	reader.ini->entries = palloc(sizeof(CmzIniEntry) * reader.room);
	/* editors leave byte order marks */
	if (strncmp(next, "\xEF\xBB\xBF", 3) == 0)
		next += 3;
	while (sound && next < copy + len)
	{
		size_t		n = strcspn(next, "\r\n");
		char	   *text = next;

		next += n;
		sound = *next != '\0' || next == copy + len;	/* no zero bytes */
		next += strncmp(next, "\r\n", 2) == 0 ? 2 : 1;
		text[n] = '\0';
		sound = sound && read_line(&reader, text);
		if (sound)
			(*line)++;
	}
	explicit_bzero(copy, len);
	pfree(copy);
	if (sound)
		return reader.ini;
	cmz_ini_free(reader.ini);
	return NULL;
}

bool
cmz_ini_has_section(const CmzIni *ini, const char *section)
{
	for (int i = 0; ini && i < ini->nentries; i++)
		if (strcmp(ini->entries[i].section, section) == 0)
			return true;
	return false;
}

const char *
cmz_ini_get(const CmzIni *ini, const char *section, const char *name)
{
	for (int i = ini ? ini->nentries - 1 : -1; i >= 0; i--)
	{
		const CmzIniEntry *entry = &ini->entries[i];

		if (entry->name && strcmp(entry->name, name) == 0 && strcmp(entry->section, section) == 0)
			return entry->value;
	}
	return NULL;
}

void
cmz_ini_free(CmzIni *ini)
{
	for (int i = 0; i < ini->nentries; i++)
	{
		CmzIniEntry *entry = &ini->entries[i];

		if (entry->name == NULL)
		{
			pfree(unconstify(char *, entry->section));
			continue;
		}
		explicit_bzero(unconstify(char *, entry->value), strlen(entry->value));
		pfree(unconstify(char *, entry->value));
		pfree(unconstify(char *, entry->name));
	}
	pfree(ini->entries);
	pfree(ini);
}
