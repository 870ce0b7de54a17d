/*
 * share.c - see share.h.
 *
 * Deliveries that wait for a place are looked at four times a second, and
 * refused as soon as it turns out that the place will not come within seconds,
 * or that the process is needed for others' mail.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "share_private.h"

#define SHARE_LOOK_MS 250

/* One in so many is the weight of the latest delivery in the average. */
#define AVERAGE_OF 8

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

/* Returns the application that holds most processes, of those that wait. */
static struct application *
share_find_greatest(const struct shares *shares)
{
	struct application *a, *greatest = NULL;

	for (a = TAILQ_FIRST(&shares->busy); a != NULL;
	     a = TAILQ_NEXT(a, entry))
		if (a->waiting > 0 &&
		    (greatest == NULL ||
			a->inside + a->waiting >
			    greatest->inside + greatest->waiting))
			greatest = a;
	return greatest;
}

static void
share_unqueue(struct place *place)
{
	TAILQ_REMOVE(&place->application->queue, place, entry);
	place->application->waiting--;
	place->application->shares->waiting--;
}

/* To be called when one of its deliveries has left. */
static void
share_settle(struct application *a)
{
	a->used = a->shares->freed = clock_ms();
	if (a->inside + a->waiting == 0)
		share_move(a, &a->shares->busy, &a->shares->idle);
	wake_up(&a->shares->wake);
}

static void
share_refuse(struct place *place)
{
	struct application *a = place->application;

	share_unqueue(place);
	share_settle(a);
	place->state = PLACE_REFUSED;
	place->application = NULL; /* it may be forgotten */
	place->done(place->ctx, 0);
}

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
		share_unqueue(place);
		place->state = PLACE_INSIDE;
		place->since = clock_ms();
		a->inside++;
		a->since += place->since;
		shares->inside++;
		/* the others' turn */
		share_move(a, &shares->busy, &shares->busy);
		place->done(place->ctx, 1);
		return 1;
	}
	return 0;
}

/* Refuses one that has waited for long enough, or would. Returns 0 without. */
static int
share_refuse_one(struct shares *shares)
{
	struct application *a;
	struct place *place;
	long limit, position;

	for (a = TAILQ_FIRST(&shares->busy); a != NULL;
	     a = TAILQ_NEXT(a, entry)) {
		limit = share_limit(a);
		position = 0;
		for (place = TAILQ_FIRST(&a->queue); place != NULL;
		     place = TAILQ_NEXT(place, entry)) {
			if (clock_ms() < place->until &&
			    share_expect(a, limit, ++position) <= SHARE_WAIT_MS)
				continue;
			share_refuse(place);
			return 1;
		}
	}
	return 0;
}

/* Refuses those that came last, where processes must become free. */
static void
share_keep_reserve(struct shares *shares)
{
	struct application *a = share_find_greatest(shares);
	long count = share_excess(shares);

	if (a == NULL || !share_is_full(a))
		return;
	while (count-- > 0 && (a = share_find_greatest(shares)) != NULL)
		share_refuse(TAILQ_LAST(&a->queue, place_queue));
}

static void
share_on_wake(void *ctx)
{
	struct shares *shares = ctx;
	long long now = clock_ms();

	while (share_give_one(shares))
		;
	if (now >= shares->look) {
		shares->look = now + SHARE_LOOK_MS;
		while (share_refuse_one(shares))
			;
		share_keep_reserve(shares);
	}
	if (shares->waiting > 0)
		wake_in(&shares->wake, SHARE_LOOK_MS);
}

void
shares_rest(struct shares *shares, int more)
{
	shares->resting += more;
	wake_up(&shares->wake);
}

struct place *
place_ask(struct shares *shares, const struct identity *id, place_done done,
    void *ctx)
{
	struct application *a = share_find(shares, id);
	struct place *place;
	long long patience;

	if (a == NULL || (place = calloc(1, sizeof(*place))) == NULL)
		return NULL;
	if (a->inside + a->waiting == 0)
		share_move(a, &shares->idle, &shares->busy);
	place->application = a;
	place->done = done;
	place->ctx = ctx;
	a->waiting++;
	shares->waiting++;
	TAILQ_INSERT_TAIL(&a->queue, place, entry);
	if ((patience = share_patience(a)) == 0)
		shares->look = 0;
	place->until = clock_ms() + patience;
	if (share_excess(shares) <= 0)
		shares->freed = clock_ms();
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
	if (place->state == PLACE_WAITS) {
		share_unqueue(place);
	} else if (place->state == PLACE_INSIDE) {
		a->inside--;
		a->shares->inside--;
		a->since -= place->since;
		share_learn(a, clock_ms() - place->since);
	}
	if (a != NULL)
		share_settle(a);
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
