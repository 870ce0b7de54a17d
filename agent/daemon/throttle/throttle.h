/*
 * throttle.h - who must not be asked before when: a mailbox or an application
 * that Graph throttles, an application or a tenant that Entra throttles.
 *
 * What is told to slow down is held as narrowly as the answer allows. A second
 * one beside it, within a minute, means what the two have in common.
 *
 * Holds survive a restart: a daemon that forgets a Retry-After and asks again
 * makes the throttling longer.
 */
#ifndef MSGRAPHD_THROTTLE_H
#define MSGRAPHD_THROTTLE_H

#include "agent/daemon/base/limits.h"
#include "agent/daemon/store/state.h"
#include "lib/base/error.h"
#include "lib/local/identity.h"

/* For an answer that asks to slow down and does not say for how long. */
#define THROTTLE_SECONDS_DEFAULT 10L

/* Within so many ms two of a kind mean what they have in common. */
#define THROTTLE_TOGETHER_MS (60 * 1000LL)

#define THROTTLE_NAME_SIZE 512

struct throttles;

/* Reads what the last daemon knew. NULL with *err. The state is borrowed. */
struct throttles *throttles_new(struct state *state, struct error *err);
void throttles_free(struct throttles **throttlesp);

/* Names an application's mailbox, for what is counted by it. Returns name. */
char *throttle_mailbox(const struct identity *id, const char *mailbox,
    char name[THROTTLE_NAME_SIZE]);

/*
 * Take down that Graph asks to slow down: for this mailbox of the application,
 * or for the whole application (also when a second mailbox of it is told so
 * within THROTTLE_TOGETHER_MS); or that Entra does, for the application (with a
 * second one, for the tenant). seconds: 0 means the default, too many are cut;
 * nothing is held shorter than it is already. What cannot be written to the
 * state is held in memory all the same; -1 with *err then.
 */
int throttle_by_graph(struct throttles *throttles, const struct identity *id,
    const char *mailbox, int of_mailbox, long seconds, struct error *err);
int throttle_by_entra(struct throttles *throttles, const struct identity *id,
    long seconds, struct error *err);

/*
 * Tell for how many milliseconds Graph must not be asked for this mailbox, or
 * Entra for this application; 0 when they may be.
 */
long long throttle_left_graph(struct throttles *throttles,
    const struct identity *id, const char *mailbox);
long long throttle_left_entra(
    struct throttles *throttles, const struct identity *id);

#endif
