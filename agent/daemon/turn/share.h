/*
 * share.h - limits the deliveries of one application that are inside at once.
 *
 * A delivery holds one of pipe(8)'s processes, and there are process_limit of
 * them for all applications. A delivery that will have a place within seconds
 * waits for it in its process. Any other is sent back to Postfix's queue, so
 * that the process is free for other mail.
 *
 * An application whose deliveries are quick may have nearly all places: each is
 * free again at once. Applications whose deliveries are slow, or not known yet,
 * have a larger part together and divide it evenly, so that the rest is left
 * for others. Each has a few places in any case.
 */
#ifndef MSGRAPHD_SHARE_H
#define MSGRAPHD_SHARE_H

#include <event2/event.h>

#include "lib/conf/conf.h"
#include "lib/local/identity.h"

/* Longest wait for a place, when it is known how long deliveries take. */
#define SHARE_WAIT_MS (5 * 1000LL)

/* The same when it is not. */
#define SHARE_WAIT_UNKNOWN_MS 1500LL

/* Deliveries that take so long on average are quick. */
#define SHARE_QUICK_MS (2 * 1000LL)

/* After so long without a delivery, an application is forgotten. */
#define SHARE_FORGET_MS (600 * 1000LL)

struct shares;
struct place;

/* Is called from the event loop when the place is free. */
typedef void (*place_open)(void *ctx);

/*
 * Makes the shares, without any application. Both arguments are borrowed; conf
 * has process_limit. NULL without memory.
 */
struct shares *shares_new(struct event_base *base, const struct conf *conf);

/* Frees *sharesp and makes it NULL. No place may be left. Takes NULL. */
void shares_free(struct shares **sharesp);

/*
 * Returns for how many ms a delivery of the application that comes now should
 * wait for a place at most; 0 when it would not get one within seconds.
 */
long long share_patience(struct shares *shares, const struct identity *id);

/*
 * Joins the application's queue for a place. open is called once, unless
 * place_leave() comes first. NULL without memory.
 */
struct place *place_ask(struct shares *shares, const struct identity *id,
    place_open open, void *ctx);

/*
 * Gives a place back, or stops waiting for it, and sets *placep to NULL. The
 * time that it was held counts as the time of a delivery. Takes NULL.
 */
void place_leave(struct place **placep);

/* Forgets applications that had no delivery for SHARE_FORGET_MS. */
void shares_forget(struct shares *shares);

#endif
