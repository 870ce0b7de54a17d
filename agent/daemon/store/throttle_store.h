/*
 * throttle_store.h - the throttles and their ends, as the state has them.
 */
#ifndef MSGRAPHD_THROTTLE_STORE_H
#define MSGRAPHD_THROTTLE_STORE_H

#include <stddef.h>

#include "lib/base/error.h"
#include "state.h"

/* until is on clock_wall(), and may lie in the past. name is borrowed. */
typedef void (*throttle_store_row)(
    void *ctx, const char *name, long long until);

/* Calls row for each row. 0, or -1 with *err. */
int throttle_store_load(
    struct state *state, throttle_store_row row, void *ctx, struct error *err);

struct throttle_row {
	const char *name;
	long long until; /* clock_wall() */
};

/*
 * Stores the rows, replaces those of the same name, and drops all rows that
 * have run out, in one transaction. 0, or -1 with *err.
 */
int throttle_store_put(struct state *state, const struct throttle_row *rows,
    size_t count, struct error *err);

#endif
