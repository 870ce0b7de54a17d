/*
 * outside_slots.c - the slots of outside.c: see outside_private.h.
 *
 * They are found by a tree. Slots with an entry and others are in
 * two lists, each with its own limit, so that names which do not exist push out
 * none that do. A slot that is not idle stays.
 */
#include <stdlib.h>
#include <string.h>

#include "outside_private.h"
#include "outside_tree.h"
#include "table_row.h"

void
outside_slots_init(struct outside *outside)
{
	TAILQ_INIT(&outside->found.slots);
	TAILQ_INIT(&outside->others.slots);
	TAILQ_INIT(&outside->known_turns);
	TAILQ_INIT(&outside->turns);
}

void
outside_slot_set(
    struct outside *outside, struct outside_slot *slot, struct entry *entry)
{
	size_t i, bytes = sizeof(*entry);

	table_row_free(&slot->entry);
	outside->bytes -= slot->bytes;
	for (i = 0; entry != NULL && i < TABLE_ATTRIBUTES_MAX; i++)
		if (entry->values[i] != NULL)
			/* as text, and as a list of items */
			bytes += 2 * strlen(entry->values[i]);
	slot->entry = entry;
	slot->bytes = entry == NULL ? 0 : bytes;
	outside->bytes += slot->bytes;
}

/* Frees a slot that is idle. */
static void
outside_slots_drop(struct outside *outside, struct outside_slot *slot)
{
	outside_slot_set(outside, slot, NULL);
	if (slot->list != NULL) {
		TAILQ_REMOVE(&slot->list->slots, slot, kept);
		slot->list->count--;
	}
	outside_tree_remove(&outside->tree, slot);
	free(slot);
}

/*
 * Drops the idle slot of a list that was used last before all others, but for
 * one that is just being used, or NULL. 0, or -1.
 */
static int
outside_slots_drop_oldest(struct outside *outside, struct outside_list *list,
    const struct outside_slot *used)
{
	struct outside_slot *slot;

	slot = TAILQ_FIRST(&list->slots);
	while (slot != NULL && (slot->phase != OUTSIDE_IDLE || slot == used))
		slot = TAILQ_NEXT(slot, kept);
	if (slot == NULL)
		return -1;
	outside_slots_drop(outside, slot);
	return 0;
}

/* Puts a slot at the end of a list, and out of the one that it is in. */
static void
outside_slots_move(struct outside_slot *slot, struct outside_list *list)
{
	if (slot->list != NULL) {
		TAILQ_REMOVE(&slot->list->slots, slot, kept);
		slot->list->count--;
	}
	slot->list = list;
	TAILQ_INSERT_TAIL(&list->slots, slot, kept);
	list->count++;
}

void
outside_slot_place(struct outside *outside, struct outside_slot *slot)
{
	outside_slots_move(
	    slot, slot->entry != NULL ? &outside->found : &outside->others);
	/* those that are not idle may be all others */
	while ((outside->found.count > OUTSIDE_FOUND_MAX ||
		   outside->bytes > OUTSIDE_BYTES_MAX) &&
	    outside_slots_drop_oldest(outside, &outside->found, slot) == 0)
		;
	while (outside->others.count > OUTSIDE_OTHERS_MAX &&
	    outside_slots_drop_oldest(outside, &outside->others, slot) == 0)
		;
}

struct outside_slot *
outside_slot_find(struct outside *outside, const char *key)
{
	return outside_tree_find(&outside->tree, key);
}

struct outside_slot *
outside_slot_get(struct outside *outside, const char *key)
{
	struct outside_slot *slot = outside_slot_find(outside, key);

	if (slot != NULL)
		return slot;
	if (strlen(key) >= sizeof(slot->key) ||
	    (outside->others.count >= OUTSIDE_OTHERS_MAX &&
		outside_slots_drop_oldest(outside, &outside->others, NULL) ==
		    -1) ||
	    (slot = calloc(1, sizeof(*slot))) == NULL)
		return NULL;
	strcpy(slot->key, key);
	slot->outside = outside;
	LIST_INIT(&slot->waiters);
	if (outside_tree_add(&outside->tree, slot) == -1) {
		free(slot);
		return NULL;
	}
	outside_slot_place(outside, slot);
	return slot;
}

void
outside_cancel(struct outside_waiter **waiterp)
{
	struct outside_waiter *waiter = *waiterp;

	*waiterp = NULL;
	if (waiter == NULL)
		return;
	LIST_REMOVE(waiter, entry);
	free(waiter);
}

/* --- turns --- */

static struct outside_slots *
outside_slots_queue(struct outside *outside, const struct outside_slot *slot)
{
	return slot->entry != NULL ? &outside->known_turns : &outside->turns;
}

void
outside_slot_begin(struct outside *outside, struct outside_slot *slot)
{
	slot->phase = OUTSIDE_PENDING;
	TAILQ_INSERT_TAIL(outside_slots_queue(outside, slot), slot, turn);
	wake_up(&outside->work);
}

struct outside_slot *
outside_slot_next(struct outside *outside)
{
	struct outside_slot *slot = TAILQ_FIRST(&outside->known_turns);

	if (slot == NULL)
		slot = TAILQ_FIRST(&outside->turns);
	if (slot != NULL)
		TAILQ_REMOVE(outside_slots_queue(outside, slot), slot, turn);
	return slot;
}

/* --- all of them --- */

static void
outside_slots_expire_list(struct outside_list *list)
{
	struct outside_slot *slot;

	for (slot = TAILQ_FIRST(&list->slots); slot != NULL;
	     slot = TAILQ_NEXT(slot, kept))
		slot->is_expired = 1;
}

void
outside_expire(struct outside *outside)
{
	outside_slots_expire_list(&outside->found);
	outside_slots_expire_list(&outside->others);
}

static void
outside_slots_give_up(struct outside *outside, struct outside_slot *slot)
{
	if (slot->phase == OUTSIDE_PENDING)
		TAILQ_REMOVE(outside_slots_queue(outside, slot), slot, turn);
	if (slot->phase == OUTSIDE_ASKED)
		outside->asked--;
	map_cancel(&slot->query);
	slot->phase = OUTSIDE_IDLE;
}

/* Those who wait keep their slot, which knows nothing any more. */
static void
outside_slots_forget_list(
    struct outside *outside, struct outside_list *list, int is_end)
{
	struct outside_slot *slot, *next;
	struct outside_waiter *waiter;

	for (slot = TAILQ_FIRST(&list->slots); slot != NULL; slot = next) {
		next = TAILQ_NEXT(slot, kept);
		outside_slots_give_up(outside, slot);
		while (is_end && (waiter = LIST_FIRST(&slot->waiters)) != NULL)
			outside_cancel(&waiter);
		if (LIST_EMPTY(&slot->waiters)) {
			outside_slots_drop(outside, slot);
			continue;
		}
		outside_slot_set(outside, slot, NULL);
		slot->is_known = 0;
		slot->failed = 0;
		if (list != &outside->others)
			outside_slots_move(slot, &outside->others);
	}
}

void
outside_slots_forget(struct outside *outside)
{
	outside_slots_forget_list(outside, &outside->found, 0);
	outside_slots_forget_list(outside, &outside->others, 0);
}

/* Slots that stay are in use: their number is that of those who wait. */
void
outside_slots_restart(struct outside *outside)
{
	struct outside_slot *slot;

	for (slot = TAILQ_FIRST(&outside->others.slots); slot != NULL;
	     slot = TAILQ_NEXT(slot, kept))
		if (slot->phase == OUTSIDE_IDLE) {
			slot->map = 0;
			outside_slot_begin(outside, slot);
		}
}

void
outside_slots_free(struct outside *outside)
{
	outside_slots_forget_list(outside, &outside->found, 1);
	outside_slots_forget_list(outside, &outside->others, 1);
}
