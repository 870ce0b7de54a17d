/*
 * outside.h - entries that stand in maps outside: each is asked for when it is
 * needed, and then known for a while (identity_cache_ttl,
 * identity_cache_grace).
 *
 * That there is no such entry is known for as long. Names that do not exist,
 * for which anybody can ask at will, have room of their own and push out
 * nothing else.
 */
#ifndef MSGRAPHD_OUTSIDE_H
#define MSGRAPHD_OUTSIDE_H

#include "agent/daemon/maps/map.h"
#include "entry.h"
#include "rate.h"
#include "seldom.h"
#include "table_source.h"

struct outside;
struct outside_waiter;

/* Entries that are known, and keys that have none or are asked for. */
#define OUTSIDE_FOUND_MAX 10000
#define OUTSIDE_OTHERS_MAX 1000

/* The text of all entries together. */
#define OUTSIDE_BYTES_MAX (16UL * 1024 * 1024)

/* Keys that the maps are asked for at once; others wait for their turn. */
#define OUTSIDE_ASKED_MAX 8

/* For so long a failure is the answer, before a map is asked again. */
#define OUTSIDE_RETRY_MS 1000

/* How long who asks may have waited since an answer came. */
#define OUTSIDE_SLACK_MS (10 * 1000)

/*
 * Makes a cache without maps. with and seldom are borrowed. NULL out of memory.
 */
struct outside *outside_new(const struct map_with *with, struct seldom *seldom);

/* Closes the maps and frees *outsidep; calls nobody. Takes NULL. */
void outside_free(struct outside **outsidep);

/*
 * Opens the maps that are asked, in their order. The same ones as before go on;
 * with others nothing is known any more. 0; or -1 with *err, and the old maps
 * stay.
 */
int outside_use(struct outside *outside, const struct table_sources *sources,
    struct error *err);

/* Has each key asked for anew when it is needed. */
void outside_expire(struct outside *outside);

/* Returns 1 when there is a map to ask. Takes NULL. */
int outside_is_used(const struct outside *outside);

enum outside_result {
	OUTSIDE_FOUND, /* entry and rate are set */
	OUTSIDE_NONE,
	OUTSIDE_UNAVAILABLE, /* text is set */
	OUTSIDE_UNKNOWN /* outside_wait() comes first */
};

/* Everything is borrowed, until the event loop goes on. */
struct outside_answer {
	const struct entry *entry;
	struct rate *rate;
	const char *text; /* one line: why nothing is known */
	int is_old; /* the maps do not answer: it was so once */
};

/*
 * Finds out what is known of a key. Who has waited for it (is_asked) never gets
 * OUTSIDE_UNKNOWN.
 */
enum outside_result outside_find(struct outside *outside, const char *key,
    int is_asked, struct outside_answer *answer);

/*
 * Asks the maps for a key, one after the other until one has it, unless that is
 * under way. done is called once, from the event loop. NULL out of memory, or
 * when too many keys are asked for.
 */
struct outside_waiter *outside_wait(struct outside *outside, const char *key,
    void (*done)(void *ctx), void *ctx);

/* Stops waiting; done is not called. Takes NULL. */
void outside_cancel(struct outside_waiter **waiterp);

#endif
