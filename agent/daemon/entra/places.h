/*
 * places.h - limits how many secrets that nobody has vouched for are asked
 * about at once, and chooses the next.
 *
 * Anybody can name tenants, applications and secrets. So requests about them
 * have a bounded number of places, apart from requests with a stored secret.
 * The tenants that wait take turns, and within a tenant one waiter is picked at
 * random. So many waiters of one tenant keep another tenant waiting for one
 * turn only, and nobody gains by being first. When the queue is full, a waiter
 * of the tenant with the most goes.
 */
#ifndef MSGRAPHD_PLACES_H
#define MSGRAPHD_PLACES_H

#include <event2/event.h>

struct places;
struct typed_place;

/*
 * Tells, from the event loop, that the place is taken (given is 1), or that
 * there is no room to wait (0): then the place is gone.
 */
typedef void (*places_done)(void *ctx, int given);

/* Makes places for max at once while others wait. NULL when out of memory. */
struct places *places_new(
    struct event_base *base, unsigned int max, unsigned int waiting_max);

/* Frees the places. Nobody may be there, nor wait. */
void places_free(struct places **placesp);

/*
 * Waits for a place. The tenant's name is copied. NULL when out of memory, or
 * when there is no room to wait.
 */
struct typed_place *places_enter(
    struct places *places, const char *tenant, places_done done, void *ctx);

/* Gives a place back, or no longer waits for it. Takes NULL. */
void places_leave(struct typed_place **placep);

#endif
