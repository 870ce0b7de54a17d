/*
 * account.h - the identities that are in use: whose secret was accepted, which
 * token they have, and at most one question to Entra a time for each.
 */
#ifndef MSGRAPHD_ACCOUNT_H
#define MSGRAPHD_ACCOUNT_H

#include <event2/event.h>

#include "agent/daemon/net/http.h"
#include "agent/daemon/store/state.h"
#include "agent/daemon/throttle/throttle.h"
#include "lib/base/secret.h"
#include "lib/conf/conf.h"
#include "lib/local/identity.h"

struct accounts;
struct waiter;

enum account_result {
	ACCOUNT_OK,
	ACCOUNT_REFUSED, /* by Entra: the secret or the application */
	ACCOUNT_REFUSED_REQUEST, /* by Entra, for what may be no fault of it */
	ACCOUNT_UNKNOWN, /* no secret is held (the state was lost) */
	ACCOUNT_THROTTLED, /* Entra slows it down: see throttle_left_entra() */
	ACCOUNT_UNAVAILABLE
};

/*
 * token is set on ACCOUNT_OK and borrowed during the call; text says in one
 * line why not, otherwise.
 */
typedef void (*account_done)(void *ctx, enum account_result result,
    const struct secret *token, const char *text);

/* Everything is borrowed and must outlive the accounts. */
struct accounts *accounts_new(struct event_base *base, const struct conf *conf,
    struct http *http, struct state *state, struct throttles *throttles);
void accounts_free(struct accounts **accountsp);

/*
 * Asks whether Entra accepts this secret. *secretp becomes the account's and
 * NULL, whatever the outcome. done is called once, from the event loop. NULL
 * without memory.
 */
struct waiter *account_verify(struct accounts *accounts,
    const struct identity *id, struct secret **secretp, account_done done,
    void *ctx);

/*
 * Asks for a token to deliver with. rejected is a token that Graph has just
 * called invalid, or NULL: it is not given again.
 */
struct waiter *account_token(struct accounts *accounts,
    const struct identity *id, const struct secret *rejected, account_done done,
    void *ctx);

/* Gives an ask up; done is not called. Takes NULL. */
void account_cancel(struct waiter **waiterp);

#endif
