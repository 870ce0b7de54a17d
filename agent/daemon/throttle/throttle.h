/*
 * throttle.h - who must not be asked before when: a mailbox or an identity that
 * Graph throttles, a tenant that Entra throttles.
 *
 * Holds survive a restart: a daemon that forgets a Retry-After and asks again
 * makes the throttling longer.
 */
#ifndef MSGRAPHD_HOLD_H
#define MSGRAPHD_HOLD_H

#include "agent/daemon/base/limits.h"
#include "agent/daemon/store/state.h"
#include "lib/base/error.h"
#include "lib/local/identity.h"

/* For an answer that asks to slow down and does not say for how long. */
#define HOLD_SECONDS_DEFAULT 10L

#define HOLD_NAME_SIZE 512

struct holds;

/* Reads what the last daemon knew. NULL with *err. The state is borrowed. */
struct holds *holds_new(struct state *state, struct error *err);
void holds_free(struct holds **holdsp);

/* The names of what can be held. */
char *hold_mailbox(
    const struct identity *id, const char *mailbox, char name[HOLD_NAME_SIZE]);
char *hold_identity(const struct identity *id, char name[HOLD_NAME_SIZE]);
char *hold_tenant(const struct identity *id, char name[HOLD_NAME_SIZE]);

/*
 * Holds name for seconds (0: the default; too many: cut), never shorter than
 * it is held already. What cannot be written to the state is held in memory
 * all the same; -1 with *err then.
 */
int hold_set(
    struct holds *holds, const char *name, long seconds, struct error *err);

/*
 * Graph has answered 429 or the like with this code of its own (or ""). Its
 * limits are per application and mailbox; after an answer that does not say so
 * the whole application slows down.
 */
int hold_throttled(struct holds *holds, const struct identity *id,
    const char *mailbox, const char *code, long seconds, struct error *err);

/* Milliseconds that name is still held; 0 when it is not. */
long long hold_left(struct holds *holds, const char *name);

#endif
