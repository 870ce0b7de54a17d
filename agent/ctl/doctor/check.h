/*
 * check.h - one check of the doctor: a function that looks at one thing and
 * says what it found.
 *
 * Each runs in a process of its own, which may become another user or enter a
 * chroot, may hang, and is ended when its time is up. A check changes nothing,
 * sends no mail, and reports no secret.
 */
#ifndef MSGRAPHCTL_CHECK_H
#define MSGRAPHCTL_CHECK_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "host.h"

#define CHECK_SECONDS 12 /* for one check */
#define CHECK_WAIT_MS 5000 /* for one answer of somebody else */
#define CHECK_FINDINGS_MAX 12
#define CHECKS_MAX 64

/* The first four are exit statuses of monitoring plugins. */
enum check_status {
	CHECK_OK,
	CHECK_WARNING,
	CHECK_CRITICAL,
	CHECK_UNKNOWN,
	CHECK_SKIPPED
};

struct finding {
	enum check_status status;
	char text[640];
	char remedy[400]; /* may be empty */
};

/* What a check has found. */
struct report {
	struct finding findings[CHECK_FINDINGS_MAX];
	size_t count;
};

struct check {
	const char *name;
	/*
	 * Names of checks before this one, with blanks between: where one of
	 * them has found a fault, its consequences would show here, so this
	 * one is not run.
	 */
	const char *after;
	const char *about; /* what is so where nothing was found */
	void (*run)(const struct host *host, struct report *report);
};

/* All checks, in the order of reports; the last one has no name. */
extern const struct check checks[];

/*
 * Adds a finding. A check that adds none is ok, and one that adds CHECK_OK says
 * something in the place of about. What does not fit is counted in the last
 * one.
 */
void check_say(struct report *report, enum check_status status, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* Names the remedy of the finding added last: the command to type, if any. */
void check_remedy(struct report *report, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Makes this process the user's, with its groups, in the chroot root_directory
 * unless that is NULL. There is no way back. 0; or -1 after a finding.
 */
int check_become(
    struct report *report, const char *user, const char *root_directory);

/*
 * Runs a program, as run() does, and keeps at most 1 MB of what it prints, with
 * its errors, in out, which the caller frees. Returns the exit status; or -1
 * after a finding (unknown).
 */
int check_run(struct report *report, const char *const *argv, struct buf *out);

/*
 * Takes the next line out of a text, from *at on: terminates it, moves *at, and
 * returns it, or NULL at the end.
 */
char *check_line(struct buf *text, size_t *at);

#endif
