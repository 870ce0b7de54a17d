/*
 * throttle.c - see hold.h.
 *
 * Few things are held at a time, so they stand in a list. One that has run out
 * goes when it is next met. So do the notes of who was told last.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/store/throttle_store.h"
#include "throttle.h"

struct hold {
	LIST_ENTRY(hold) entry;
	long long until; /* clock_ms() */
	char name[];
};

/* Of what several have in common, the one that was told last. */
struct told {
	LIST_ENTRY(told) entry;
	long long at; /* clock_ms() */
	char common[HOLD_NAME_SIZE], one[HOLD_NAME_SIZE];
};

struct holds {
	LIST_HEAD(hold_list, hold) list;
	LIST_HEAD(told_list, told) told;
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

/* As Graph knows it; the next as Entra does. */
static char *
hold_application(const struct identity *id, char name[HOLD_NAME_SIZE])
{
	snprintf(name, HOLD_NAME_SIZE, "client %s/%s", id->tenant, id->client);
	return name;
}

static char *
hold_sign_in(const struct identity *id, char name[HOLD_NAME_SIZE])
{
	snprintf(name, HOLD_NAME_SIZE, "sign-in %s/%s", id->tenant, id->client);
	return name;
}

static char *
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
	LIST_INIT(&holds->told);
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
	struct told *told;

	*holdsp = NULL;
	if (holds == NULL)
		return;
	while ((hold = LIST_FIRST(&holds->list)) != NULL) {
		LIST_REMOVE(hold, entry);
		free(hold);
	}
	while ((told = LIST_FIRST(&holds->told)) != NULL) {
		LIST_REMOVE(told, entry);
		free(told);
	}
	free(holds);
}

/* Holds one name. As hold_by_graph(). */
static int
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

/* The note about what is common; those that are too old are dropped. */
static struct told *
find_told(struct holds *holds, const char *common)
{
	struct told *told, *next, *found = NULL;
	long long now = clock_ms();

	for (told = LIST_FIRST(&holds->told); told != NULL; told = next) {
		next = LIST_NEXT(told, entry);
		if (now - told->at >= HOLD_TOGETHER_MS) {
			LIST_REMOVE(told, entry);
			free(told);
		} else if (strcmp(told->common, common) == 0) {
			found = told;
		}
	}
	return found;
}

/* Notes who was told. 1 when somebody else of the same was, a moment ago. */
static int
is_second(struct holds *holds, const char *common, const char *one)
{
	struct told *told = find_told(holds, common);
	/* one mailbox may be spelled in two ways */
	int second = told != NULL && strcasecmp(told->one, one) != 0;

	if (told == NULL) {
		told = calloc(1, sizeof(*told));
		if (told == NULL)
			return 0; /* the third will tell */
		snprintf(told->common, sizeof(told->common), "%s", common);
		LIST_INSERT_HEAD(&holds->told, told, entry);
	}
	snprintf(told->one, sizeof(told->one), "%s", one);
	told->at = clock_ms();
	return second;
}

/* Holds one, and what it has in common with another that was told as well. */
static int
hold_one(struct holds *holds, const char *common, const char *one, long seconds,
    struct error *err)
{
	int result = hold_set(holds, one, seconds, err);

	if (is_second(holds, common, one) &&
	    hold_set(holds, common, seconds, err) == -1)
		result = -1;
	return result;
}

int
hold_by_graph(struct holds *holds, const struct identity *id,
    const char *mailbox, int of_mailbox, long seconds, struct error *err)
{
	char one[HOLD_NAME_SIZE], all[HOLD_NAME_SIZE];

	hold_application(id, all);
	if (!of_mailbox)
		return hold_set(holds, all, seconds, err);
	return hold_one(
	    holds, all, hold_mailbox(id, mailbox, one), seconds, err);
}

int
hold_by_entra(struct holds *holds, const struct identity *id, long seconds,
    struct error *err)
{
	char one[HOLD_NAME_SIZE], all[HOLD_NAME_SIZE];

	return hold_one(
	    holds, hold_tenant(id, all), hold_sign_in(id, one), seconds, err);
}

static long long
hold_left(struct holds *holds, const char *one, const char *common)
{
	const struct hold *hold = find(holds, one);
	long long left, until = hold == NULL ? 0 : hold->until;

	hold = find(holds, common);
	if (hold != NULL && hold->until > until)
		until = hold->until;
	left = until - clock_ms();
	return left > 0 ? left : 0;
}

long long
hold_left_graph(
    struct holds *holds, const struct identity *id, const char *mailbox)
{
	char one[HOLD_NAME_SIZE], all[HOLD_NAME_SIZE];

	return hold_left(
	    holds, hold_mailbox(id, mailbox, one), hold_application(id, all));
}

long long
hold_left_entra(struct holds *holds, const struct identity *id)
{
	char one[HOLD_NAME_SIZE], all[HOLD_NAME_SIZE];

	return hold_left(holds, hold_sign_in(id, one), hold_tenant(id, all));
}
