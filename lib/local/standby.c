/*
 * standby.c - see standby.h.
 *
 * The marker lies in RUNTIME_DIRECTORY, which the unit preserves over restarts.
 * Only its age counts, so that "systemctl restart" next week fails visibly
 * again.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "notify.h"
#include "standby.h"

/* The error of the last attempt; set while the program stands by. */
#define STANDBY_REASON "MSGRAPH_STANDBY_REASON"

/* More than RestartSec= of the units and a start on a busy host. */
#define STANDBY_MARKER_SECONDS 10

/* --- the marker --- */

static int
standby_marker(char *path, size_t size)
{
	const char *folder = getenv("RUNTIME_DIRECTORY");

	return folder != NULL && getenv("NOTIFY_SOCKET") != NULL &&
		snprintf(path, size, "%s/failed", folder) < (int)size
	    ? 0
	    : -1;
}

static int
standby_is_recent(const struct stat *st)
{
	time_t age = time(NULL) - st->st_mtime;

	return age >= 0 && age < STANDBY_MARKER_SECONDS;
}

/*
 * Returns 1 when the attempt before this one failed just now, and takes its
 * marker away. Otherwise leaves a marker, for the next.
 */
static int
standby_take_marker(void)
{
	char path[4096];
	struct stat st;
	int fd, recent;

	if (standby_marker(path, sizeof(path)) == -1)
		return 0;
	recent = lstat(path, &st) == 0 && standby_is_recent(&st);
	unlink(path);
	if (recent)
		return 1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd != -1)
		close(fd);
	return 0;
}

/* --- public --- */

static void
standby_tell(const char *state, const struct error *err)
{
	char text[sizeof(err->text) + 64];

	snprintf(text, sizeof(text), "%s: %s", state, err->text);
	notify_systemd(text);
}

int
standby_is_retry(void)
{
	return getenv(STANDBY_REASON) != NULL;
}

int
standby_begin(const struct error *err)
{
	const char *last = getenv(STANDBY_REASON);
	struct error text = *err;

	if (last == NULL && !standby_take_marker()) {
		/* a log line of a process that ends may miss its unit's name */
		standby_tell("STATUS=cannot start", err);
		log_fatal(err->text);
		return 0;
	}
	error_prefix(&text,
	    "standing by, clients are told to come back later; goes on by "
	    "itself once this is mended");
	if (last == NULL || strcmp(last, err->text) != 0)
		log_fatal(text.text);
	setenv(STANDBY_REASON, err->text, 1);
	return 1;
}

void
standby_announce(const struct error *err)
{
	standby_tell("READY=1\nWATCHDOG=1\nSTATUS=standing by", err);
}

int
standby_try_again(char **argv, struct error *err)
{
	sigset_t none;

	/* a mask outlives execv(2) */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(argv[0], argv);
	return error_set(err, ERROR_OURS, "4.3.0", "execute %s: %s", argv[0],
	    strerror(errno));
}

void
standby_end(void)
{
	char path[4096];

	unsetenv(STANDBY_REASON);
	if (standby_marker(path, sizeof(path)) == 0)
		unlink(path);
	notify_systemd("READY=1\nSTATUS=");
}
