/*
 * outside_private.h - what outside.c and outside_slots.c share. Others use
 * outside.h.
 */
#ifndef MSGRAPHD_OUTSIDE_PRIVATE_H
#define MSGRAPHD_OUTSIDE_PRIVATE_H

#include <sys/queue.h>

#include "agent/daemon/base/wake.h"
#include "outside.h"

struct outside_waiter {
	LIST_ENTRY(outside_waiter) entry;
	void (*done)(void *ctx);
	void *ctx;
};

LIST_HEAD(outside_waiters, outside_waiter);

enum outside_phase { OUTSIDE_IDLE, OUTSIDE_PENDING, OUTSIDE_ASKED };

/* What is known of a key. */
struct outside_slot {
	char key[MAP_KEY_SIZE]; /* comes first: outside_tree.h */
	struct outside *outside;
	TAILQ_ENTRY(outside_slot) kept, turn;
	struct outside_list *list; /* that kept is of */
	enum outside_phase phase;
	size_t map; /* that is asked */
	struct map_query *query; /* OUTSIDE_ASKED */
	struct outside_waiters waiters; /* none while it is idle */
	int is_known; /* an answer came: the entry, or that there is none */
	int is_expired; /* and is to be asked for anew */
	struct entry *entry; /* owned; NULL: none */
	size_t bytes; /* of the entry */
	long long good, failed; /* clock_ms(); failed 0: not since good */
	char text[300]; /* why it failed */
	struct rate rate;
};

TAILQ_HEAD(outside_slots, outside_slot);

/* Slots, the one that was used last at the end. */
struct outside_list {
	struct outside_slots slots;
	size_t count;
};

struct outside_map {
	struct map *map;
	int is_warned; /* the log has it that it does not answer */
};

struct outside {
	const struct map_with *with; /* borrowed, as the next */
	struct seldom *seldom;
	struct outside_map *maps;
	size_t map_count;
	void *tree; /* of slots */
	struct outside_list found, others; /* with an entry, and without */
	size_t bytes; /* of all entries */
	struct outside_slots known_turns, turns; /* OUTSIDE_PENDING */
	unsigned int asked; /* OUTSIDE_ASKED */
	struct wake work; /* asks for those whose turn it is */
};

/* Makes the lists of slots empty. */
void outside_slots_init(struct outside *outside);

/* Frees all slots. */
void outside_slots_free(struct outside *outside);

/* Returns the slot of a key, or NULL. */
struct outside_slot *outside_slot_find(
    struct outside *outside, const char *key);

/*
 * Returns the slot of a key, and makes it where there is none. NULL out of
 * memory, or where all others are in use.
 */
struct outside_slot *outside_slot_get(struct outside *outside, const char *key);

/* Gives the slot another entry, which becomes its own, or none. */
void outside_slot_set(
    struct outside *outside, struct outside_slot *slot, struct entry *entry);

/*
 * Puts a slot at the end of the list that it belongs to: it is in use. Then
 * those that were not used for the longest time go where there are too many.
 */
void outside_slot_place(struct outside *outside, struct outside_slot *slot);

/* Lets a slot wait for its turn: those that had an entry before the others. */
void outside_slot_begin(struct outside *outside, struct outside_slot *slot);

/* Takes the slot off the queue whose turn it is; or NULL. */
struct outside_slot *outside_slot_next(struct outside *outside);

/* Forgets what is known, and gives up what is asked for. */
void outside_slots_forget(struct outside *outside);

/* Asks again for those who wait, after outside_slots_forget(). */
void outside_slots_restart(struct outside *outside);

#endif
