/*
 * throttle.h - until when no request is made: for a mailbox, application or
 * tenant that Graph throttles, or an application or tenant that Entra
 * throttles.
 *
 * Throttles are as narrow as the answer allows. When a second mailbox (or, for
 * Entra, a second application) is throttled within a minute, the application
 * (the tenant) is throttled. This file knows nothing of the wording of answers:
 * the outcome table has a column for the scope.
 *
 * Throttles survive a restart: a daemon that forgets a Retry-After and asks
 * again makes the throttling longer.
 */
#ifndef MSGRAPHD_THROTTLE_H
#define MSGRAPHD_THROTTLE_H

#include <event2/event.h>

#include "agent/daemon/base/limits.h"
#include "agent/daemon/base/throttle_scope.h"
#include "agent/daemon/store/state.h"
#include "lib/base/error.h"
#include "lib/local/identity.h"

/* For an answer that asks to slow down and does not say for how long. */
#define THROTTLE_SECONDS_DEFAULT 10L

/* Two throttles of a kind within so many ms mean what they have in common. */
#define THROTTLE_TOGETHER_MS (60 * 1000LL)

#define THROTTLE_NAME_SIZE 512

struct throttles;

/*
 * Makes the throttles and reads those of the state, which is borrowed. Without
 * a state (NULL) nothing is kept. NULL with *err.
 */
struct throttles *throttles_new(
    struct event_base *base, struct state *state, struct error *err);

/* Writes what is not written yet, frees *throttlesp and makes it NULL. */
void throttles_free(struct throttles **throttlesp);

/* Names an application's mailbox, for what is counted by it. Returns name. */
char *throttle_mailbox(const struct identity *id, const char *mailbox,
    char name[THROTTLE_NAME_SIZE]);

/*
 * Notes that Graph asks to slow down: for the mailbox, the application or the
 * tenant, as scope says. A second mailbox of the application within
 * THROTTLE_TOGETHER_MS means the application. 0 seconds mean the default, too
 * many are cut, and no throttle becomes shorter. The throttle is written to the
 * state before any later event is served, or half a second after the last such
 * write; one that cannot be written counts in memory all the same. 0, or -1
 * with *err without memory.
 */
int throttle_by_graph(struct throttles *throttles, const struct identity *id,
    const char *mailbox, enum throttle_scope scope, long seconds,
    struct error *err);

/*
 * Notes that Entra asks the application to slow down; a second one within
 * THROTTLE_TOGETHER_MS means the tenant. seconds, result: as above.
 */
int throttle_by_entra(struct throttles *throttles, const struct identity *id,
    long seconds, struct error *err);

/*
 * Called for a throttle: what is throttled, in words; until, on clock_wall().
 */
typedef void (*throttle_visit)(void *ctx, const char *name, long long until);

/*
 * Calls visit for up to most throttles that have not run out, from a place on
 * that is 0 at first. Returns the place after the last, or 0 when there are no
 * more. Where throttles come or go meanwhile, one may be left out or come
 * twice.
 */
size_t throttles_each(const struct throttles *throttles, size_t place,
    size_t most, throttle_visit visit, void *ctx);

/*
 * Returns for how many milliseconds Graph must not be asked for this mailbox,
 * or Entra for this application; 0 when a request may be made.
 */
long long throttle_left_graph(struct throttles *throttles,
    const struct identity *id, const char *mailbox);
long long throttle_left_entra(
    struct throttles *throttles, const struct identity *id);

#endif
