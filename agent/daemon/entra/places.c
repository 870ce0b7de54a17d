/*
 * places.c - see places.h.
 *
 * A tenant stands in the list while one of its requests waits, and goes to the
 * end when it had its turn. Places are given from a wake, never inside a
 * caller's call.
 */
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "agent/daemon/base/wake.h"
#include "lib/local/identity.h"
#include "places.h"

enum place_state { PLACE_WAITS, PLACE_TAKEN, PLACE_TOO_MANY };

struct typed_place {
	TAILQ_ENTRY(typed_place)
	entry; /* of its tenant, or of those too many */
	struct places *places;
	struct place_tenant *tenant; /* while it waits */
	enum place_state state;
	places_done done;
	void *ctx;
};

TAILQ_HEAD(place_queue, typed_place);

struct place_tenant {
	TAILQ_ENTRY(place_tenant) entry;
	struct place_queue waiting;
	unsigned int count;
	char name[UUID_TEXT_SIZE];
};

struct places {
	TAILQ_HEAD(place_tenant_queue, place_tenant) tenants;
	struct place_queue too_many;
	struct wake wake;
	unsigned int taken, max, waiting, waiting_max;
};

/* --- tenants --- */

static struct place_tenant *
places_find_tenant(struct places *places, const char *name)
{
	struct place_tenant *tenant;

	TAILQ_FOREACH(tenant, &places->tenants, entry)
	if (strcmp(tenant->name, name) == 0)
		return tenant;
	if ((tenant = calloc(1, sizeof(*tenant))) == NULL)
		return NULL;
	strncpy(tenant->name, name, sizeof(tenant->name) - 1);
	TAILQ_INIT(&tenant->waiting);
	TAILQ_INSERT_TAIL(&places->tenants, tenant, entry);
	return tenant;
}

static void
places_release_tenant(struct places *places, struct place_tenant *tenant)
{
	if (tenant->count > 0)
		return;
	TAILQ_REMOVE(&places->tenants, tenant, entry);
	free(tenant);
}

static struct typed_place *
places_pick(const struct place_tenant *tenant)
{
	struct typed_place *place = TAILQ_FIRST(&tenant->waiting);
	unsigned int n;

	evutil_secure_rng_get_bytes(&n, sizeof(n));
	for (n %= tenant->count; n > 0; n--)
		place = TAILQ_NEXT(place, entry);
	return place;
}

static void
places_stop_waiting(struct typed_place *place)
{
	struct place_tenant *tenant = place->tenant;

	TAILQ_REMOVE(&tenant->waiting, place, entry);
	tenant->count--;
	place->places->waiting--;
	place->tenant = NULL;
	places_release_tenant(place->places, tenant);
}

/* --- turns --- */

/* Gives one free place away. 0 when there is none, or nobody waits. */
static int
places_give(struct places *places)
{
	struct place_tenant *tenant = TAILQ_FIRST(&places->tenants);
	struct typed_place *place;

	if (tenant == NULL || places->taken >= places->max)
		return 0;
	TAILQ_REMOVE(&places->tenants, tenant, entry);
	TAILQ_INSERT_TAIL(&places->tenants, tenant, entry);
	place = places_pick(tenant);
	places_stop_waiting(place);
	place->state = PLACE_TAKEN;
	places->taken++;
	place->done(place->ctx, 1);
	return 1;
}

static void
places_on_wake(void *ctx)
{
	struct places *places = ctx;
	struct typed_place *place;
	places_done done;
	void *of;

	while ((place = TAILQ_FIRST(&places->too_many)) != NULL) {
		done = place->done;
		of = place->ctx;
		places_leave(&place);
		done(of, 0);
	}
	while (places_give(places))
		;
}

struct places *
places_new(struct event_base *base, unsigned int max, unsigned int waiting_max)
{
	struct places *places = calloc(1, sizeof(*places));

	if (places == NULL)
		return NULL;
	TAILQ_INIT(&places->tenants);
	TAILQ_INIT(&places->too_many);
	places->max = max;
	places->waiting_max = waiting_max;
	if (wake_init(&places->wake, base, places_on_wake, places) == -1)
		places_free(&places);
	return places;
}

void
places_free(struct places **placesp)
{
	struct places *places = *placesp;

	*placesp = NULL;
	if (places == NULL)
		return;
	wake_free(&places->wake);
	free(places);
}

/*
 * Makes room for one more of the tenant, at the cost of the tenant that has the
 * most waiting. 0, or -1 when that is the tenant itself.
 */
static int
places_make_room(struct places *places, const struct place_tenant *one)
{
	struct place_tenant *tenant, *most = NULL;
	struct typed_place *place;

	TAILQ_FOREACH(tenant, &places->tenants, entry)
	if (most == NULL || tenant->count > most->count)
		most = tenant;
	if (most == NULL || most == one || most->count <= one->count + 1)
		return -1;
	place = places_pick(most);
	places_stop_waiting(place);
	place->state = PLACE_TOO_MANY;
	TAILQ_INSERT_TAIL(&places->too_many, place, entry);
	return 0;
}

struct typed_place *
places_enter(
    struct places *places, const char *name, places_done done, void *ctx)
{
	struct place_tenant *tenant = places_find_tenant(places, name);
	struct typed_place *place = NULL;

	if (tenant == NULL)
		return NULL;
	if ((places->waiting >= places->waiting_max &&
		places_make_room(places, tenant) == -1) ||
	    (place = calloc(1, sizeof(*place))) == NULL) {
		places_release_tenant(places, tenant);
		return NULL;
	}
	place->places = places;
	place->tenant = tenant;
	place->done = done;
	place->ctx = ctx;
	TAILQ_INSERT_TAIL(&tenant->waiting, place, entry);
	tenant->count++;
	places->waiting++;
	wake_up(&places->wake);
	return place;
}

void
places_leave(struct typed_place **placep)
{
	struct typed_place *place = *placep;
	struct places *places;

	*placep = NULL;
	if (place == NULL)
		return;
	places = place->places;
	if (place->state == PLACE_WAITS)
		places_stop_waiting(place);
	else if (place->state == PLACE_TOO_MANY)
		TAILQ_REMOVE(&places->too_many, place, entry);
	else
		places->taken--;
	wake_up(&places->wake);
	free(place);
}
