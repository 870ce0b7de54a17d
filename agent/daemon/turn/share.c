/*
 * share.c - see share.h.
 *
 * The time that a delivery of an application takes is the greater of two: the
 * average of the deliveries that have ended, and the average time that those
 * inside have been there so far. The second tells at once when Graph begins to
 * hang.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/wake.h"
#include "share.h"

/* Of process_limit, in per cent: */
#define SHARE_OF_QUICK 95 /* for one application whose deliveries are quick */
#define SHARE_OF_OTHERS 60 /* for all together whose deliveries are not */
#define SHARE_OF_EACH 4 /* for each of these in any case */

/* One in so many is the weight of the latest delivery in the average. */
#define AVERAGE_OF 8

struct application {
	TAILQ_ENTRY(application) entry;
	struct shares *shares;
	struct identity id;
	TAILQ_HEAD(place_queue, place) queue;
	long waiting, inside;
	long long since; /* the sum of clock_ms() when those inside began */
	long long average; /* ms of a delivery; -1: not known */
	long long used; /* clock_ms() when the last one ended */
};

TAILQ_HEAD(application_list, application);

struct place {
	TAILQ_ENTRY(place) entry;
	struct application *application;
	long long since; /* clock_ms(); 0: it is waited for */
	place_open open;
	void *ctx;
};

struct shares {
	struct application_list busy, idle;
	const struct conf *conf;
	struct wake wake;
};

/* --- how many --- */

static long
share_of(const struct shares *shares, long percent)
{
	long places = shares->conf->process_limit * percent / 100;

	return places > 0 ? places : 1;
}

/* Returns what a delivery takes in ms. */
static long long
share_pace(const struct application *a)
{
	long long age = a->inside == 0 ? 0 : clock_ms() - a->since / a->inside;

	return age > a->average ? age : a->average;
}

static int
share_is_quick(const struct application *a)
{
	return a->average >= 0 && share_pace(a) <= SHARE_QUICK_MS;
}

/* Counts the applications that are not quick, and their places. */
static long
share_count_others(const struct shares *shares, long *inside)
{
	const struct application *a;
	long count = 0;

	*inside = 0;
	for (a = TAILQ_FIRST(&shares->busy); a != NULL;
	     a = TAILQ_NEXT(a, entry)) {
		if (share_is_quick(a))
			continue;
		count++;
		*inside += a->inside;
	}
	return count;
}

/* Returns how many places the application may have. */
static long
share_limit(const struct application *a)
{
	const struct shares *shares = a->shares;
	long each = share_of(shares, SHARE_OF_EACH);
	long count, inside, limit;

	if (share_is_quick(a))
		return share_of(shares, SHARE_OF_QUICK);
	count = share_count_others(shares, &inside);
	limit = share_of(shares, SHARE_OF_OTHERS);
	/* all of it is taken: no more than what each has in any case */
	if (inside >= limit)
		return each;
	limit /= count > 0 ? count : 1;
	return limit > each ? limit : each;
}

/* --- which applications there are --- */

static struct application *
share_search(struct application_list *list, const struct identity *id)
{
	struct application *a;

	for (a = TAILQ_FIRST(list); a != NULL; a = TAILQ_NEXT(a, entry))
		if (strcmp(a->id.client, id->client) == 0 &&
		    strcmp(a->id.tenant, id->tenant) == 0)
			return a;
	return NULL;
}

static struct application *
share_find(struct shares *shares, const struct identity *id)
{
	struct application *a = share_search(&shares->busy, id);

	if (a == NULL)
		a = share_search(&shares->idle, id);
	if (a != NULL || (a = calloc(1, sizeof(*a))) == NULL)
		return a;
	a->shares = shares;
	a->id = *id;
	a->average = -1;
	a->used = clock_ms();
	TAILQ_INIT(&a->queue);
	TAILQ_INSERT_TAIL(&shares->idle, a, entry);
	return a;
}

static void
share_move(struct application *a, struct application_list *from,
    struct application_list *to)
{
	TAILQ_REMOVE(from, a, entry);
	TAILQ_INSERT_TAIL(to, a, entry);
}

static void
share_free_list(struct application_list *list)
{
	struct application *a;

	while ((a = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, a, entry);
		free(a);
	}
}

void
shares_forget(struct shares *shares)
{
	struct application *a, *next;

	for (a = TAILQ_FIRST(&shares->idle); a != NULL; a = next) {
		next = TAILQ_NEXT(a, entry);
		if (clock_ms() - a->used < SHARE_FORGET_MS)
			continue;
		TAILQ_REMOVE(&shares->idle, a, entry);
		free(a);
	}
}

/* --- places --- */

/* Gives a place to the first who waits. Returns 0 when no application may. */
static int
share_give_one(struct shares *shares)
{
	struct application *a;
	struct place *place;

	for (a = TAILQ_FIRST(&shares->busy); a != NULL;
	     a = TAILQ_NEXT(a, entry)) {
		place = TAILQ_FIRST(&a->queue);
		if (place == NULL || a->inside >= share_limit(a))
			continue;
		TAILQ_REMOVE(&a->queue, place, entry);
		a->waiting--;
		a->inside++;
		place->since = clock_ms();
		a->since += place->since;
		/* the others' turn */
		share_move(a, &shares->busy, &shares->busy);
		place->open(place->ctx);
		return 1;
	}
	return 0;
}

static void
share_on_wake(void *ctx)
{
	while (share_give_one(ctx))
		;
}

long long
share_patience(struct shares *shares, const struct identity *id)
{
	struct application *a = share_find(shares, id);
	long limit, first; /* so many must end before */
	long long wait = 0;

	if (a == NULL)
		return SHARE_WAIT_UNKNOWN_MS; /* place_ask() will tell */
	limit = share_limit(a);
	first = a->inside + a->waiting + 1 - limit;
	if (first > 0)
		wait = first * share_pace(a) /
		    (a->inside > limit ? a->inside : limit);
	if (wait > SHARE_WAIT_MS)
		return 0;
	if (a->average < 0)
		return SHARE_WAIT_UNKNOWN_MS;
	wait = 2 * wait + SHARE_QUICK_MS; /* it is no more than a guess */
	return wait < SHARE_WAIT_MS ? wait : SHARE_WAIT_MS;
}

struct place *
place_ask(struct shares *shares, const struct identity *id, place_open open,
    void *ctx)
{
	struct application *a = share_find(shares, id);
	struct place *place;

	if (a == NULL || (place = calloc(1, sizeof(*place))) == NULL)
		return NULL;
	if (a->inside + a->waiting == 0)
		share_move(a, &shares->idle, &shares->busy);
	place->application = a;
	place->open = open;
	place->ctx = ctx;
	a->waiting++;
	TAILQ_INSERT_TAIL(&a->queue, place, entry);
	wake_up(&shares->wake);
	return place;
}

static void
share_learn(struct application *a, long long took)
{
	if (a->average < 0)
		a->average = took;
	else
		a->average += (took - a->average) / AVERAGE_OF;
}

void
place_leave(struct place **placep)
{
	struct place *place = *placep;
	struct application *a;

	*placep = NULL;
	if (place == NULL)
		return;
	a = place->application;
	a->used = clock_ms();
	if (place->since == 0) {
		a->waiting--;
		TAILQ_REMOVE(&a->queue, place, entry);
	} else {
		a->inside--;
		a->since -= place->since;
		share_learn(a, a->used - place->since);
	}
	if (a->inside + a->waiting == 0)
		share_move(a, &a->shares->busy, &a->shares->idle);
	wake_up(&a->shares->wake);
	free(place);
}

struct shares *
shares_new(struct event_base *base, const struct conf *conf)
{
	struct shares *shares = calloc(1, sizeof(*shares));

	if (shares == NULL)
		return NULL;
	TAILQ_INIT(&shares->busy);
	TAILQ_INIT(&shares->idle);
	shares->conf = conf;
	if (wake_init(&shares->wake, base, share_on_wake, shares) == -1)
		shares_free(&shares);
	return shares;
}

void
shares_free(struct shares **sharesp)
{
	struct shares *shares = *sharesp;

	*sharesp = NULL;
	if (shares == NULL)
		return;
	wake_free(&shares->wake);
	share_free_list(&shares->busy);
	share_free_list(&shares->idle);
	free(shares);
}
