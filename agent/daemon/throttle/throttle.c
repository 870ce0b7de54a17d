/*
 * throttle.c - see throttle.h.
 *
 * There are few throttles at a time, so they stand in a list. A throttle that
 * has run out is removed when the list is next searched, and so are the notes
 * about answers of the last minute.
 *
 * All deliveries of an application may be told within a second, and a write to
 * the disk is long. So what is new is written for all at once, and not again
 * before half a second has passed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/wake.h"
#include "agent/daemon/store/throttle_store.h"
#include "lib/base/log.h"
#include "throttle.h"

#define WRITE_MS 500 /* from one write to the next */
#define WRITE_ROWS 256 /* at a time, so that nobody waits for it */

struct throttle {
	LIST_ENTRY(throttle) entry;
	long long until; /* clock_ms() */
	int is_new; /* the state does not say so yet */
	char name[];
};

/* The last throttle of a kind, to find what two of them have in common. */
struct told {
	LIST_ENTRY(told) entry;
	long long at; /* clock_ms() */
	char common[THROTTLE_NAME_SIZE], one[THROTTLE_NAME_SIZE];
};

struct throttles {
	LIST_HEAD(throttle_list, throttle) list;
	LIST_HEAD(told_list, told) told;
	struct state *state;
	struct wake write;
	long long written; /* clock_ms() */
};

char *
throttle_mailbox(const struct identity *id, const char *mailbox,
    char name[THROTTLE_NAME_SIZE])
{
	snprintf(name, THROTTLE_NAME_SIZE, "mailbox %s/%s %s", id->tenant,
	    id->client, mailbox);
	return name;
}

/* Names an application as Graph knows it. */
static char *
throttle_application(const struct identity *id, char name[THROTTLE_NAME_SIZE])
{
	snprintf(
	    name, THROTTLE_NAME_SIZE, "client %s/%s", id->tenant, id->client);
	return name;
}

/* Names a tenant as Graph knows it. */
static char *
throttle_all_mail(const struct identity *id, char name[THROTTLE_NAME_SIZE])
{
	snprintf(name, THROTTLE_NAME_SIZE, "mail of tenant %s", id->tenant);
	return name;
}

/* Names an application, and the next function a tenant, as Entra knows it. */
static char *
throttle_sign_in(const struct identity *id, char name[THROTTLE_NAME_SIZE])
{
	snprintf(
	    name, THROTTLE_NAME_SIZE, "sign-in %s/%s", id->tenant, id->client);
	return name;
}

static char *
throttle_tenant(const struct identity *id, char name[THROTTLE_NAME_SIZE])
{
	snprintf(name, THROTTLE_NAME_SIZE, "tenant %s", id->tenant);
	return name;
}

/* Returns the throttle of that name, or NULL. Drops those that have run out. */
static struct throttle *
throttle_find(struct throttles *throttles, const char *name)
{
	struct throttle *throttle, *next, *found = NULL;
	long long now = clock_ms();

	for (throttle = LIST_FIRST(&throttles->list); throttle != NULL;
	     throttle = next) {
		next = LIST_NEXT(throttle, entry);
		if (throttle->until <= now) {
			LIST_REMOVE(throttle, entry);
			free(throttle);
		} else if (strcmp(throttle->name, name) == 0) {
			found = throttle;
		}
	}
	return found;
}

static struct throttle *
throttle_add(struct throttles *throttles, const char *name)
{
	struct throttle *throttle =
	    calloc(1, sizeof(*throttle) + strlen(name) + 1);

	if (throttle == NULL)
		return NULL;
	strcpy(throttle->name, name);
	LIST_INSERT_HEAD(&throttles->list, throttle, entry);
	return throttle;
}

static void
throttle_load_row(void *ctx, const char *name, long long until)
{
	/* the wall clock may have been anything when it was written */
	long long left = until - clock_wall();
	struct throttle *throttle;

	if (left <= 0)
		return;
	if (left > THROTTLE_SECONDS_MAX)
		left = THROTTLE_SECONDS_MAX;
	throttle = throttle_add(ctx, name);
	if (throttle != NULL)
		throttle->until = clock_ms() + left * 1000;
}

/* Writes what is new. Returns 1 when there is more. */
static int
throttle_write_some(struct throttles *throttles)
{
	struct throttle_row rows[WRITE_ROWS];
	struct throttle *throttle;
	struct error err;
	size_t count = 0;

	for (throttle = LIST_FIRST(&throttles->list);
	     throttle != NULL && count < WRITE_ROWS;
	     throttle = LIST_NEXT(throttle, entry)) {
		if (!throttle->is_new)
			continue;
		throttle->is_new = 0;
		rows[count].name = throttle->name;
		rows[count++].until =
		    clock_wall() + (throttle->until - clock_ms() + 999) / 1000;
	}
	if (count > 0 && throttles->state != NULL &&
	    throttle_store_put(throttles->state, rows, count, &err) == -1)
		log_error("%s", err.text);
	return count == WRITE_ROWS;
}

static void
throttle_on_write(void *ctx)
{
	struct throttles *throttles = ctx;

	throttles->written = clock_ms();
	if (throttle_write_some(throttles))
		wake_in(&throttles->write, 0);
}

struct throttles *
throttles_new(struct event_base *base, struct state *state, struct error *err)
{
	struct throttles *throttles = calloc(1, sizeof(*throttles));

	if (throttles == NULL) {
		error_no_memory(err);
		return NULL;
	}
	LIST_INIT(&throttles->list);
	LIST_INIT(&throttles->told);
	throttles->state = state;
	throttles->written = clock_ms() - WRITE_MS;
	if (wake_init(&throttles->write, base, throttle_on_write, throttles) ==
	    -1) {
		error_no_memory(err);
		throttles_free(&throttles);
	} else if (state != NULL &&
	    throttle_store_load(state, throttle_load_row, throttles, err) == -1)
		throttles_free(&throttles);
	return throttles;
}

void
throttles_free(struct throttles **throttlesp)
{
	struct throttles *throttles = *throttlesp;
	struct throttle *throttle;
	struct told *told;

	*throttlesp = NULL;
	if (throttles == NULL)
		return;
	while (throttle_write_some(throttles))
		;
	wake_free(&throttles->write);
	while ((throttle = LIST_FIRST(&throttles->list)) != NULL) {
		LIST_REMOVE(throttle, entry);
		free(throttle);
	}
	while ((told = LIST_FIRST(&throttles->told)) != NULL) {
		LIST_REMOVE(told, entry);
		free(told);
	}
	free(throttles);
}

/* Has what is new written; at once means before anybody is answered. */
static void
throttle_write_soon(struct throttles *throttles)
{
	long long left = throttles->written + WRITE_MS - clock_ms();

	if (left <= 0)
		wake_up(&throttles->write);
	else
		wake_in(&throttles->write, left);
}

/* Throttles one name. As throttle_by_graph(). */
static int
throttle_set(struct throttles *throttles, const char *name, long seconds,
    struct error *err)
{
	struct throttle *throttle = throttle_find(throttles, name);
	long long until;

	if (seconds <= 0)
		seconds = THROTTLE_SECONDS_DEFAULT;
	if (seconds > THROTTLE_SECONDS_MAX)
		seconds = THROTTLE_SECONDS_MAX;
	until = clock_ms() + seconds * 1000LL;
	if (throttle != NULL && throttle->until >= until)
		return 0;
	if (throttle == NULL &&
	    (throttle = throttle_add(throttles, name)) == NULL)
		return error_no_memory(err);
	throttle->until = until;
	throttle->is_new = 1;
	throttle_write_soon(throttles);
	return 0;
}

/* Returns the note about what is common, or NULL. Drops those that are old. */
static struct told *
throttle_find_told(struct throttles *throttles, const char *common)
{
	struct told *told, *next, *found = NULL;
	long long now = clock_ms();

	for (told = LIST_FIRST(&throttles->told); told != NULL; told = next) {
		next = LIST_NEXT(told, entry);
		if (now - told->at >= THROTTLE_TOGETHER_MS) {
			LIST_REMOVE(told, entry);
			free(told);
		} else if (strcmp(told->common, common) == 0) {
			found = told;
		}
	}
	return found;
}

/* Notes who was told. Returns 1 when another of the same was, lately. */
static int
throttle_is_second(
    struct throttles *throttles, const char *common, const char *one)
{
	struct told *told = throttle_find_told(throttles, common);
	/* one mailbox may be spelled in two ways */
	int second = told != NULL && strcasecmp(told->one, one) != 0;

	if (told == NULL) {
		told = calloc(1, sizeof(*told));
		if (told == NULL)
			return 0; /* the third will tell */
		snprintf(told->common, sizeof(told->common), "%s", common);
		LIST_INSERT_HEAD(&throttles->told, told, entry);
	}
	snprintf(told->one, sizeof(told->one), "%s", one);
	told->at = clock_ms();
	return second;
}

/* Throttles one, and what it has in common with another that was told too. */
static int
throttle_one(struct throttles *throttles, const char *common, const char *one,
    long seconds, struct error *err)
{
	int result = throttle_set(throttles, one, seconds, err);

	if (throttle_is_second(throttles, common, one) &&
	    throttle_set(throttles, common, seconds, err) == -1)
		result = -1;
	return result;
}

int
throttle_by_graph(struct throttles *throttles, const struct identity *id,
    const char *mailbox, enum throttle_scope scope, long seconds,
    struct error *err)
{
	char one[THROTTLE_NAME_SIZE], all[THROTTLE_NAME_SIZE];

	switch (scope) {
	case THROTTLE_NOBODY:
		break;
	case THROTTLE_MAILBOX:
		return throttle_one(throttles, throttle_application(id, all),
		    throttle_mailbox(id, mailbox, one), seconds, err);
	case THROTTLE_APPLICATION:
		return throttle_set(
		    throttles, throttle_application(id, all), seconds, err);
	case THROTTLE_TENANT:
		return throttle_set(
		    throttles, throttle_all_mail(id, all), seconds, err);
	}
	return 0;
}

int
throttle_by_entra(struct throttles *throttles, const struct identity *id,
    long seconds, struct error *err)
{
	char one[THROTTLE_NAME_SIZE], all[THROTTLE_NAME_SIZE];

	return throttle_one(throttles, throttle_tenant(id, all),
	    throttle_sign_in(id, one), seconds, err);
}

/* Returns how many ms are left of the throttle of that name, 0 without one. */
static long long
throttle_left(struct throttles *throttles, const char *name)
{
	const struct throttle *throttle = throttle_find(throttles, name);
	long long left = throttle == NULL ? 0 : throttle->until - clock_ms();

	return left > 0 ? left : 0;
}

static long long
throttle_longer(long long a, long long b)
{
	return a > b ? a : b;
}

long long
throttle_left_graph(
    struct throttles *throttles, const struct identity *id, const char *mailbox)
{
	char name[THROTTLE_NAME_SIZE];
	long long left;

	left = throttle_left(throttles, throttle_mailbox(id, mailbox, name));
	left = throttle_longer(
	    left, throttle_left(throttles, throttle_application(id, name)));
	return throttle_longer(
	    left, throttle_left(throttles, throttle_all_mail(id, name)));
}

long long
throttle_left_entra(struct throttles *throttles, const struct identity *id)
{
	char one[THROTTLE_NAME_SIZE], all[THROTTLE_NAME_SIZE];

	return throttle_longer(
	    throttle_left(throttles, throttle_sign_in(id, one)),
	    throttle_left(throttles, throttle_tenant(id, all)));
}

size_t
throttles_each(const struct throttles *throttles, size_t place, size_t most,
    throttle_visit visit, void *ctx)
{
	const struct throttle *throttle = LIST_FIRST(&throttles->list);
	size_t i;

	for (i = 0; throttle != NULL && i < place; i++)
		throttle = LIST_NEXT(throttle, entry);
	for (; throttle != NULL && i < place + most; i++) {
		if (throttle->until > clock_ms())
			visit(ctx, throttle->name,
			    clock_wall() +
				(throttle->until - clock_ms() + 999) / 1000);
		throttle = LIST_NEXT(throttle, entry);
	}
	return throttle == NULL ? 0 : i;
}
