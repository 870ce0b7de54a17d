/*
 * gate.c - see gate.h.
 *
 * A key exists while somebody has a slot of it or waits for one. Keys stand in
 * one list, and a key that a slot was given of goes to the list's end. Slots
 * are given from a wake, never inside gate_enter() or gate_leave(), so that
 * callers are not called back while they are busy.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "agent/daemon/base/wake.h"
#include "gate.h"

struct slot {
	TAILQ_ENTRY(slot) entry;
	struct key *key;
	int inside; /* 0: waits */
	gate_open open;
	void *ctx;
};

struct key {
	TAILQ_ENTRY(key) entry;
	struct gate *gate;
	TAILQ_HEAD(slot_queue, slot) waiting;
	unsigned int inside, limit, slots;
	char name[];
};

struct gate {
	TAILQ_HEAD(key_list, key) keys;
	struct wake wake;
	unsigned int inside, ceiling;
};

static struct key *
gate_find_key(struct gate *gate, const char *name)
{
	struct key *key;

	TAILQ_FOREACH(key, &gate->keys, entry)
	if (strcmp(key->name, name) == 0)
		return key;
	key = calloc(1, sizeof(*key) + strlen(name) + 1);
	if (key == NULL)
		return NULL;
	strcpy(key->name, name);
	key->gate = gate;
	TAILQ_INIT(&key->waiting);
	TAILQ_INSERT_TAIL(&gate->keys, key, entry);
	return key;
}

static void
gate_release_key(struct key *key)
{
	if (key->slots > 0)
		return;
	TAILQ_REMOVE(&key->gate->keys, key, entry);
	free(key);
}

/* Gives one slot. Returns 0 when nobody may have one. */
static int
gate_give_turn(struct gate *gate)
{
	struct key *key;
	struct slot *slot;

	if (gate->inside >= gate->ceiling)
		return 0;
	TAILQ_FOREACH(key, &gate->keys, entry)
	{
		slot = TAILQ_FIRST(&key->waiting);
		/* cppcheck-suppress uninitvar ; calloc(3) in gate_find_key() */
		if (slot == NULL || key->inside >= key->limit)
			continue;
		TAILQ_REMOVE(&key->waiting, slot, entry);
		TAILQ_REMOVE(&gate->keys, key, entry);
		TAILQ_INSERT_TAIL(&gate->keys, key, entry);
		slot->inside = 1;
		key->inside++;
		gate->inside++;
		slot->open(slot->ctx);
		return 1;
	}
	return 0;
}

static void
gate_on_wake(void *ctx)
{
	while (gate_give_turn(ctx))
		;
}

struct gate *
gate_new(struct event_base *base, unsigned int ceiling)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	if (gate == NULL)
		return NULL;
	TAILQ_INIT(&gate->keys);
	gate->ceiling = ceiling;
	if (wake_init(&gate->wake, base, gate_on_wake, gate) == -1)
		gate_free(&gate);
	return gate;
}

void
gate_free(struct gate **gatep)
{
	struct gate *gate = *gatep;

	*gatep = NULL;
	if (gate == NULL)
		return;
	wake_free(&gate->wake);
	free(gate);
}

struct slot *
gate_enter(struct gate *gate, const char *name, unsigned int limit,
    gate_open open, void *ctx)
{
	struct key *key = gate_find_key(gate, name);
	struct slot *slot;

	if (key == NULL)
		return NULL;
	if ((slot = calloc(1, sizeof(*slot))) == NULL) {
		gate_release_key(key);
		return NULL;
	}
	slot->key = key;
	slot->open = open;
	slot->ctx = ctx;
	key->limit = limit;
	key->slots++;
	TAILQ_INSERT_TAIL(&key->waiting, slot, entry);
	wake_up(&gate->wake);
	return slot;
}

void
gate_leave(struct slot **slotp)
{
	struct slot *slot = *slotp;
	struct key *key;
	struct gate *gate;

	*slotp = NULL;
	if (slot == NULL)
		return;
	key = slot->key;
	gate = key->gate;
	if (slot->inside) {
		key->inside--;
		gate->inside--;
		wake_up(&gate->wake);
	} else {
		TAILQ_REMOVE(&key->waiting, slot, entry);
	}
	key->slots--;
	gate_release_key(key);
	free(slot);
}
