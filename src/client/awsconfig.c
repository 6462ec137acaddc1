/*
 * awsconfig.c
 *	  The shared config and credentials files of the server process.
 *
 * They are kept parsed for the session, and read again when their size, time or
 * inode says that they have changed.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "base/ini.h"
#include "client/awsconfig.h"
#include "utils/memutils.h"

#define MAX_FILE	(1024 * 1024)

typedef struct ConfigFile
{
	const char *variable;		/* of the environment, with its path */
	const char *path;			/* without it, below the home directory */
	bool		is_config;
	CmzIni	   *ini;			/* NULL: not there, or not sound */
	struct stat seen;			/* when it was last read; zeros: not there */
} ConfigFile;

/* What stands in the second wins. */
static ConfigFile files[] = {
	{"AWS_CONFIG_FILE", ".aws/config", true},
	{"AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", false},
};

static uint64 version = 0;

char *
cmz_awsconfig_home_path(const char *path)
{
	const char *home = cmz_provision_environment("HOME");

	return home ? psprintf("%s/%s", home, path) : NULL;
}

static char *
file_path(const ConfigFile *file)
{
	const char *path = cmz_provision_environment(file->variable);

	if (path == NULL)
		return cmz_awsconfig_home_path(file->path);
	return strncmp(path, "~/", 2) == 0 ? cmz_awsconfig_home_path(path + 2) : pstrdup(path);
}

static bool
is_named(const ConfigFile *file)
{
	return cmz_provision_environment(file->variable) != NULL;
}

/* The parts of a second go by another name elsewhere. */
static bool
has_changed(const ConfigFile *file, const struct stat *now)
{
#ifdef __linux__
	if (file->seen.st_mtim.tv_nsec != now->st_mtim.tv_nsec ||
		file->seen.st_ctim.tv_nsec != now->st_ctim.tv_nsec)
		return true;
#endif
	return file->seen.st_ino != now->st_ino ||
		file->seen.st_dev != now->st_dev || file->seen.st_size != now->st_size ||
		file->seen.st_mtime != now->st_mtime || file->seen.st_ctime != now->st_ctime;
}

static void
forget(ConfigFile *file)
{
	if (file->ini != NULL)
		cmz_ini_free(file->ini);
	file->ini = NULL;
}

static bool
cannot_read(const char *path, CmzProblem *problem)
{
	(void) cmz_provision_fail(problem, psprintf("could not read AWS configuration file \"%s\": %s",
												path, strerror(errno)), NULL, NULL);
	return false;
}

static bool
parse_file(ConfigFile *file, const char *path, CmzProblem *problem)
{
	MemoryContext old;
	int			line = 0;
	char	   *text = palloc(MAX_FILE + 1);
	ssize_t		len = cmz_provision_read_file(path, text, MAX_FILE + 1);

	/* a home directory that is not for us to look into is like none */
	if (len < 0 && errno == EACCES && !is_named(file))
		return true;
	if (len < 0)
		return cannot_read(path, problem);
	old = MemoryContextSwitchTo(TopMemoryContext);
	file->ini = len <= MAX_FILE ? cmz_ini_parse(text, len, file->is_config, &line) : NULL;
	MemoryContextSwitchTo(old);
	explicit_bzero(text, len);
	pfree(text);
	if (file->ini != NULL)
		return true;
	(void) cmz_provision_fail(problem, psprintf("invalid AWS configuration file \"%s\"", path),
							  len > MAX_FILE ? pstrdup("It is larger than 1 MB.")
							  : psprintf("Line %d is neither a section nor a setting of one.", line),
							  NULL);
	problem->sqlstate = ERRCODE_CONFIG_FILE_ERROR;
	return false;
}

static bool
refresh_file(ConfigFile *file, CmzProblem *problem)
{
	char	   *path = file_path(file);
	struct stat now;

	if (path == NULL || stat(path, &now) != 0)
	{
		bool		may_be_missing = path == NULL || errno == ENOENT || errno == ENOTDIR ||
			!is_named(file);

		if (!may_be_missing)
			(void) cannot_read(path, problem);
		forget(file);
		version += file->seen.st_ino != 0;
		memset(&file->seen, 0, sizeof(file->seen));
		return may_be_missing;
	}
	if (has_changed(file, &now))
		version++;
	else if (file->ini != NULL)
		return true;
	forget(file);
	file->seen = now;
	return parse_file(file, path, problem);
}

bool
cmz_awsconfig_load(CmzProblem *problem)
{
	for (int i = 0; i < (int) lengthof(files); i++)
		if (!refresh_file(&files[i], problem))
			return false;
	return true;
}

uint64
cmz_awsconfig_version(void)
{
	CmzProblem	problem;

	(void) cmz_awsconfig_load(&problem);
	return version;
}

static char *
section_of(const char *kind, const char *name)
{
	return psprintf("%s %s", kind, name);
}

/* An empty value is like none. */
static const char *
get_from(const ConfigFile *file, const char *section, const char *name)
{
	const char *value = cmz_ini_get(file->ini, section, name);

	return value && *value ? value : NULL;
}

static const char *
get(const char *section, const char *name)
{
	const char *value = NULL;

	for (int i = (int) lengthof(files) - 1; i >= 0 && value == NULL; i--)
		value = get_from(&files[i], section, name);
	return value;
}

bool
cmz_awsconfig_has_profile(const char *profile)
{
	char	   *section = section_of("profile", profile);

	for (int i = 0; i < (int) lengthof(files); i++)
		if (cmz_ini_has_section(files[i].ini, section))
			return true;
	return false;
}

const char *
cmz_awsconfig_get(const char *profile, const char *name)
{
	return get(section_of("profile", profile), name);
}

const char *
cmz_awsconfig_get_beside(const char *profile, const char *name, const char *beside)
{
	char	   *section = section_of("profile", profile);

	for (int i = (int) lengthof(files) - 1; i >= 0; i--)
		if (get_from(&files[i], section, beside) != NULL)
			return get_from(&files[i], section, name);
	return NULL;
}

const char *
cmz_awsconfig_get_sso(const char *session, const char *name)
{
	return get(section_of("sso-session", session), name);
}

const char *
cmz_awsconfig_profile(const char *option)
{
	const char *variable = cmz_provision_environment("AWS_PROFILE");

	if (option != NULL)
		return option;
	return variable ? variable : "default";
}
