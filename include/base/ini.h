/*
 * ini.h
 *	  Reads the shared config and credentials files of the AWS tools.
 */
#ifndef CMZ_INI_H
#define CMZ_INI_H

#include "base/base.h"

typedef struct CmzIniEntry
{
	const char *section;		/* "profile NAME", "sso-session NAME"; belongs to the
								 * entry of the section itself */
	const char *name;			/* in lower case; NULL: the section itself */
	const char *value;
} CmzIniEntry;

typedef struct CmzIni
{
	int			nentries;
	CmzIniEntry *entries;
} CmzIni;

/*
 * Parse a file of len bytes.  is_config: sections of profiles are written
 * [profile NAME] there, but for [default]; in the credentials file [NAME].  The
 * result is palloc'd and refers to nothing of data.  NULL with *line set to the
 * number of the line that makes no sense.
 *
 * Source: AWS SDKs and Tools reference guide, "Shared config and credentials
 * files"; indented lines are taken as Python's configparser takes them, since the
 * AWS CLI reads the files with that.
 */
extern CmzIni *cmz_ini_parse(const char *data, size_t len, bool is_config, int *line);

/* The section is there, even if it has nothing in it. */
extern bool cmz_ini_has_section(const CmzIni *ini, const char *section);

/* The last value of that name in the section, NULL if there is none. */
extern const char *cmz_ini_get(const CmzIni *ini, const char *section, const char *name);

/* Write the values over with zeros and free everything. */
extern void cmz_ini_free(CmzIni *ini);

#endif							/* CMZ_INI_H */
