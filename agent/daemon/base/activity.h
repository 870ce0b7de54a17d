/*
 * activity.h - remembers what has happened since msgraphd started: counts, and
 * for each application and entry when it last signed in and sent, and since
 * when it gets no token. For msgraphctl (services/admin_service.c); no decision
 * depends on it.
 *
 * Only what Entra or Graph has accepted gets a row, or had one before: nobody
 * can fill this table with made-up names. A row takes about 250 bytes. Rows
 * live in memory and end with the process.
 *
 * Every function takes a NULL activity, and does nothing then. A note for which
 * there is no memory is lost.
 */
#ifndef MSGRAPHD_ACTIVITY_H
#define MSGRAPHD_ACTIVITY_H

#include <stddef.h>
#include <sys/queue.h>

#include "lib/local/identity.h"

/* Counts since the start. */
struct activity_counts {
	unsigned long long sent, deferred, bounced; /* answers to the agent */
	unsigned long long signed_in, refused, put_off; /* sign-ins */
};

/* The key of a row; zeroed before it is filled, and compared whole. */
struct activity_key {
	struct identity id;
	char entry[ENTRY_NAME_SIZE]; /* empty: no entry decided */
};

/* Times are on clock_wall(); 0: never. */
struct activity_row {
	struct activity_key key;
	TAILQ_ENTRY(activity_row) failing;
	long long signed_in, sent;
	long long failing_since;
	long long failed; /* the last time; while failing_since is set */
	char *why; /* owned; while failing_since is set */
};

struct activity;

/* Makes an empty one. NULL when out of memory. */
struct activity *activity_new(void);

/* Frees *activityp and makes it NULL. Takes NULL. */
void activity_free(struct activity **activityp);

/* Returns the counts, which the caller may change; a spare one for NULL. */
struct activity_counts *activity_counts(struct activity *activity);

/* Notes that a client has signed in, or that Graph has taken a message. */
void activity_signed_in(
    struct activity *activity, const struct identity *id, const char *entry);
void activity_sent(
    struct activity *activity, const struct identity *id, const char *entry);

/*
 * Notes that there is no token for the application (for the entry's own
 * credential where entry is not empty), and why in one line. The time stays
 * that of the first failure.
 */
void activity_fails(struct activity *activity, const struct identity *id,
    const char *entry, const char *why);

/* Notes that there is a token, or nothing to get one with: nothing fails. */
void activity_works(
    struct activity *activity, const struct identity *id, const char *entry);

/*
 * Ends the failures that were not noted again since wall (clock_wall()): nobody
 * asks for that token any more.
 */
void activity_expire(struct activity *activity, long long wall);

/* Returns the row, or NULL. It is valid until the next note. */
const struct activity_row *activity_find(const struct activity *activity,
    const struct identity *id, const char *entry);

/*
 * Returns the row at a place among those that fail, the one that has failed
 * longest first, or NULL past the end; and how many fail.
 */
const struct activity_row *activity_failing_at(
    const struct activity *activity, size_t place);
size_t activity_count_failing(const struct activity *activity);

#endif
