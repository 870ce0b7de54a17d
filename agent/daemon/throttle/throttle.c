/*
 * throttle.c - see hold.h.
 *
 * Few things are held at a time, so they stand in a list. One that has run out
 * goes when it is next met.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/store/throttle_store.h"
#include "throttle.h"

struct hold {
	LIST_ENTRY(hold) entry;
	long long until; /* clock_ms() */
	char name[];
};

struct holds {
	LIST_HEAD(hold_list, hold) list;
	struct state *state;
};

char *
hold_mailbox(
    const struct identity *id, const char *mailbox, char name[HOLD_NAME_SIZE])
{
	snprintf(name, HOLD_NAME_SIZE, "mailbox %s/%s %s", id->tenant,
	    id->client, mailbox);
	return name;
}

char *
hold_identity(const struct identity *id, char name[HOLD_NAME_SIZE])
{
	snprintf(name, HOLD_NAME_SIZE, "client %s/%s", id->tenant, id->client);
	return name;
}

char *
hold_tenant(const struct identity *id, char name[HOLD_NAME_SIZE])
{
	snprintf(name, HOLD_NAME_SIZE, "tenant %s", id->tenant);
	return name;
}

/* The hold of that name that still counts; those that do not are dropped. */
static struct hold *
find(struct holds *holds, const char *name)
{
	struct hold *hold, *next, *found = NULL;
	long long now = clock_ms();

	for (hold = LIST_FIRST(&holds->list); hold != NULL; hold = next) {
		next = LIST_NEXT(hold, entry);
		if (hold->until <= now) {
			LIST_REMOVE(hold, entry);
			free(hold);
		} else if (strcmp(hold->name, name) == 0) {
			found = hold;
		}
	}
	return found;
}

static struct hold *
add(struct holds *holds, const char *name)
{
	struct hold *hold = calloc(1, sizeof(*hold) + strlen(name) + 1);

	if (hold == NULL)
		return NULL;
	strcpy(hold->name, name);
	LIST_INSERT_HEAD(&holds->list, hold, entry);
	return hold;
}

static void
load_row(void *ctx, const char *name, long long until)
{
	/* the wall clock may have been anything when it was written */
	long long left = until - clock_wall();
	struct hold *hold;

	if (left <= 0)
		return;
	if (left > HOLD_SECONDS_MAX)
		left = HOLD_SECONDS_MAX;
	hold = add(ctx, name);
	if (hold != NULL)
		hold->until = clock_ms() + left * 1000;
}

struct holds *
holds_new(struct state *state, struct error *err)
{
	struct holds *holds = calloc(1, sizeof(*holds));

	if (holds == NULL) {
		error_set(err, ERROR_TEMPORARY, "4.3.0", "memory is short");
		return NULL;
	}
	LIST_INIT(&holds->list);
	holds->state = state;
	if (hold_store_load(state, load_row, holds, err) == -1)
		holds_free(&holds);
	return holds;
}

void
holds_free(struct holds **holdsp)
{
	struct holds *holds = *holdsp;
	struct hold *hold;

	*holdsp = NULL;
	if (holds == NULL)
		return;
	while ((hold = LIST_FIRST(&holds->list)) != NULL) {
		LIST_REMOVE(hold, entry);
		free(hold);
	}
	free(holds);
}

int
hold_set(struct holds *holds, const char *name, long seconds, struct error *err)
{
	struct hold *hold = find(holds, name);
	long long until;

	if (seconds <= 0)
		seconds = HOLD_SECONDS_DEFAULT;
	if (seconds > HOLD_SECONDS_MAX)
		seconds = HOLD_SECONDS_MAX;
	until = clock_ms() + seconds * 1000LL;
	if (hold != NULL && hold->until >= until)
		return 0;
	if (hold == NULL && (hold = add(holds, name)) == NULL)
		return error_set(
		    err, ERROR_TEMPORARY, "4.3.0", "memory is short");
	hold->until = until;
	return hold_store_put(holds->state, name, clock_wall() + seconds, err);
}

int
hold_throttled(struct holds *holds, const struct identity *id,
    const char *mailbox, const char *code, long seconds, struct error *err)
{
	char name[HOLD_NAME_SIZE];

	if (strcmp(code, "ApplicationThrottled") == 0)
		hold_mailbox(id, mailbox, name);
	else
		hold_identity(id, name);
	return hold_set(holds, name, seconds, err);
}

long long
hold_left(struct holds *holds, const char *name)
{
	const struct hold *hold = find(holds, name);

	return hold == NULL ? 0 : hold->until - clock_ms();
}
