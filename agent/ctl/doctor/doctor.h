/*
 * doctor.h - runs checks, several at once, each after those that it depends on.
 */
#ifndef MSGRAPHCTL_DOCTOR_H
#define MSGRAPHCTL_DOCTOR_H

#include "check.h"

#define DOCTOR_SECONDS 25 /* for all of them */

struct doctor; /* checks and what became of each */

/* Begins with a list of checks; none is to be run yet. NULL without memory. */
struct doctor *doctor_new(const struct check *list);
void doctor_free(struct doctor **doctor);

/*
 * Has the check of this name run, and those it depends on; NULL: all. 0, or -1
 * when there is none.
 */
int doctor_want(struct doctor *doctor, const char *name);

/*
 * Runs what is wanted. Returns after at most DOCTOR_SECONDS, with no process
 * left behind: what has not ended by then is CHECK_UNKNOWN.
 */
void doctor_run(struct doctor *doctor, const struct host *host);

/*
 * Returns what the check at this place of the list has found, at least one
 * finding; NULL: it was not wanted.
 */
const struct report *doctor_report(const struct doctor *doctor, size_t place);

/*
 * Returns the worst status of what was found; CHECK_SKIPPED counts as nothing.
 */
enum check_status doctor_worst(const struct doctor *doctor);

#endif
