/*
 * turn.h - permission for one request to Graph, as an application, to a
 * mailbox.
 *
 * A turn waits for what is throttled, for its application's share of the
 * deliveries that may be inside (share.h), for a token from Entra and for the
 * gate. Afterwards it writes down whom the answer asked to slow down. Each
 * delivery, and the trash, has one turn for all its requests, which come one
 * after the other.
 *
 * A request that can be made within seconds waits here. Any other is told at
 * once that it cannot: a delivery that waits keeps one of pipe(8)'s processes
 * from the mail of others. A place of the share is kept from the first
 * permission until turn_free(), but for a long wait for what is throttled.
 */
#ifndef MSGRAPHD_TURN_H
#define MSGRAPHD_TURN_H

#include <event2/event.h>

#include "agent/daemon/base/limits.h"
#include "agent/daemon/base/throttle_scope.h"
#include "agent/daemon/entra/account.h"
#include "agent/daemon/throttle/throttle.h"
#include "lib/base/error.h"
#include "lib/base/secret.h"
#include "lib/conf/conf.h"
#include "lib/local/identity.h"

struct turns;
struct turn;

enum turn_result {
	TURN_READY, /* the request may be made now */
	TURN_REFUSED, /* Entra refuses the stored secret, as text says */
	TURN_THROTTLED, /* by Graph, for longer than this turn waits */
	TURN_LATER /* anything else that is over soon */
};

/* Why there is no permission; all but result is unset with TURN_READY. */
struct turn_answer {
	enum turn_result result;
	const char *dsn, *reason; /* of a deferral; NULL with TURN_REFUSED */
	char text[448];
};

/* Called from the event loop, never from inside turn_ask(). */
typedef void (*turn_done)(void *ctx, const struct turn_answer *answer);

/* Whose requests, and how long they may wait. */
struct turn_for {
	const struct identity *identity; /* copied, as is the next */
	const char *mailbox;
	const char *entry; /* copied; "": none. Only the token depends on it */
	long long deadline; /* clock_ms(): no request begins after it */
	long long patience; /* ms that throttling is waited out, in all */
	int is_delivery; /* 1: it holds one of process_limit while it waits */
};

/* Makes the daemon's turns. The arguments are borrowed. NULL with *err. */
struct turns *turns_new(struct event_base *base, const struct conf *conf,
    struct accounts *accounts, struct throttles *throttles, struct error *err);

/* Frees *turnsp and makes it NULL. No turn may be left. Takes NULL. */
void turns_free(struct turns **turnsp);

/* Makes a turn that has not asked for anything. NULL without memory. */
struct turn *turn_new(struct turns *turns, const struct turn_for *whose);

/* Stops waiting, gives the permission back, and frees the turn. Takes NULL. */
void turn_free(struct turn **turnp);

/*
 * Asks for permission; done is called once, unless turn_end() or turn_free()
 * comes first. The permission lasts until turn_end().
 */
void turn_ask(struct turn *turn, turn_done done, void *ctx);

/*
 * Gives the permission back, or stops waiting for it: another request to the
 * mailbox may begin.
 */
void turn_end(struct turn *turn);

/*
 * Answers every turn that waits, or asks later, with TURN_LATER: the daemon is
 * about to end.
 */
void turns_stop(struct turns *turns);

/* Forgets the shares of applications that send nothing any more. */
void turns_forget(struct turns *turns);

/*
 * Returns the token of the last permission, NULL before the first. It is
 * borrowed until the next turn_ask() or turn_free().
 */
const struct secret *turn_token(const struct turn *turn);

/* Notes that Graph does not take the token: the next permission has another. */
void turn_reject_token(struct turn *turn);

/*
 * Notes that Graph asks to slow down, for so many seconds (0: it did not say).
 * A note that cannot be written to the state counts all the same.
 */
void turn_throttle(struct turn *turn, enum throttle_scope scope, long seconds);

#endif
