/*
 * entry_times.h - what msgraphd remembers of entries of the table of identities
 * over a restart: when one was last heard of, and what was said about it.
 */
#ifndef MSGRAPHD_ENTRY_TIMES_H
#define MSGRAPHD_ENTRY_TIMES_H

#include "lib/base/error.h"
#include "state.h"

/* All on clock_wall(). */
struct entry_times {
	long long seen; /* the last message, or since when one is expected */
	long long silence_said; /* the last warning since then; 0: none */
	long long end_said; /* the last warning that a secret ends; 0: none */
};

/* Reads the times of an entry. 1; 0, and all are 0; or -1 with *err. */
int entry_times_get(struct state *state, const char *entry,
    struct entry_times *times, struct error *err);

/* Writes the times of an entry. 0, or -1 with *err. */
int entry_times_put(struct state *state, const char *entry,
    const struct entry_times *times, struct error *err);

/* Forgets entries of which nothing was written since wall (clock_wall()). */
int entry_times_expire(struct state *state, long long wall, struct error *err);

#endif
