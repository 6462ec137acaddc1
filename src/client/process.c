/*
 * process.c
 *	  Credentials that a command prints (credential_process of a profile).
 *
 * A command in a file is a way for whoever can write the file to run programs as
 * the server's user; so only the environment of the server process can allow it.
 *
 * Source: AWS SDKs and Tools reference guide, "Process credential provider".
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/provider.h"
#include "client/wait.h"
#include "utils/timestamp.h"

#define ALLOW_VARIABLE	"CMZ_FDW_ALLOW_CREDENTIAL_PROCESS"
#define TIMEOUT_MS		60000
#define POLL_MS			10
#define MAX_OUTPUT		(64 * 1024)

extern char **environ;

/* A command under way; ended with its memory context at the latest. */
typedef struct Command
{
	pid_t		pid;			/* 0: it has ended */
	int			fd;				/* its standard output, -1: closed */
} Command;

static void
end_command(void *arg)
{
	Command    *command = arg;

	if (command->fd >= 0)
		close(command->fd);
	command->fd = -1;
	if (command->pid > 0)
	{
		kill(-command->pid, SIGKILL);
		(void) waitpid(command->pid, NULL, 0);
	}
	command->pid = 0;
}

/* Run a shell in a process group of its own, with no signal blocked or ignored. */
static bool
spawn(const char *text, int output, pid_t *pid)
{
	char	   *const argv[] = {"sh", "-c", unconstify(char *, text), NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t	none,
				all;
	int			error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	/* else it would go to the server's log */
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	error = posix_spawn(pid, "/bin/sh", &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error == 0;
}

static Command *
start_command(const char *text)
{
	Command    *command = palloc0(sizeof(Command));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	int			ends[2];

	command->fd = -1;
	callback->func = end_command;
	callback->arg = command;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	if (pipe(ends) != 0)
		return NULL;
	command->fd = ends[0];
	(void) fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	(void) fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	/* our end only: requests in flight go on while we wait for it */
	(void) fcntl(ends[0], F_SETFL, O_NONBLOCK);
	if (!spawn(text, ends[1], &command->pid))
		command->pid = 0;
	close(ends[1]);
	return command->pid > 0 ? command : NULL;
}

/* All that it prints; NULL if that takes too long or is too much. */
static char *
read_output(Command *command, TimestampTz end)
{
	char	   *output = palloc(MAX_OUTPUT + 1);
	size_t		len = 0;
	ssize_t		n = 1;

	while (n != 0)
	{
		if (len == MAX_OUTPUT || GetCurrentTimestamp() >= end)
			return NULL;
		n = read(command->fd, output + len, MAX_OUTPUT - len);
		if (n < 0 && errno == EAGAIN)
			cmz_wait_sleep(POLL_MS);
		else if (n < 0 && errno != EINTR)
			return NULL;
		len += Max(n, 0);
	}
	output[len] = '\0';
	return output;
}

/* It has ended, with success; what has closed its output may go on for long. */
static bool
has_succeeded(Command *command, TimestampTz end)
{
	int			status;
	pid_t		pid;

	while ((pid = waitpid(command->pid, &status, WNOHANG)) == 0)
	{
		if (GetCurrentTimestamp() >= end)
			return false;
		cmz_wait_sleep(POLL_MS);
	}
	command->pid = 0;
	return pid > 0 && status == 0;
}

/* What a command prints; NULL if it fails. */
static char *
run(const char *text)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), TIMEOUT_MS);
	Command    *command = start_command(text);
	char	   *output = command ? read_output(command, end) : NULL;

	if (output != NULL && !has_succeeded(command, end))
		output = NULL;
	if (command != NULL)
		end_command(command);
	return output;
}

CmzProvision
cmz_provide_process(const CmzCredentialConfig *config, const char *command_text,
					CmzCredentials *credentials, CmzProblem *problem)
{
	static const CmzCredentialNames names = {
		"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", .may_last = true
	};
	const char *allowed = getenv(ALLOW_VARIABLE);
	char	   *output;
	char	   *error;
	json_t	   *document;

	if (allowed == NULL || strcmp(allowed, "1") != 0)
		return cmz_provision_fail(problem, "credential_process is not allowed to run", NULL,
								  "Set " ALLOW_VARIABLE "=1 in the environment of the server process to allow it.");
	output = run(command_text);
	if (output == NULL)
		return cmz_provision_fail(problem, "credential_process failed", NULL,
								  "Run it by hand as the user that the server process runs as.");
	document = *output ? cmz_json_parse(output, strlen(output), &error) : NULL;
	if (document != NULL && cmz_json_number(cmz_json_member(document, "Version"), 0) != 1)
		return cmz_provision_fail(problem, "credential_process gave another version than 1", NULL, NULL);
	return cmz_provision_read(document, &names, "credential_process", credentials, problem);
}
