/*
 * awsconfig.h
 *	  The shared config and credentials files of the server process.
 */
#ifndef CMZ_AWSCONFIG_H
#define CMZ_AWSCONFIG_H

#include "client/provider.h"

/*
 * Bring both files up to date; they are read again only if they have changed.
 * False with *problem set if one cannot be read or parsed.
 */
extern bool cmz_awsconfig_load(CmzProblem *problem);

/*
 * Another number each time that one of the files has changed; what is wrong with
 * them is not said.
 */
extern uint64 cmz_awsconfig_version(void);

/* A profile of that name is in one of them. */
extern bool cmz_awsconfig_has_profile(const char *profile);

/* A setting of a profile, NULL if it has none; valid until the next load. */
extern const char *cmz_awsconfig_get(const char *profile, const char *name);

/* The same, from the file that has the setting beside. */
extern const char *cmz_awsconfig_get_beside(const char *profile, const char *name, const char *beside);

/* A setting of an sso-session. */
extern const char *cmz_awsconfig_get_sso(const char *session, const char *name);

/* The profile to use: the option's, AWS_PROFILE or "default". */
extern const char *cmz_awsconfig_profile(const char *option);

/* A path below the home directory of the server process; NULL if it has none. */
extern char *cmz_awsconfig_home_path(const char *path);

#endif							/* CMZ_AWSCONFIG_H */
