/*
 * account.h - answers sign-ins and gets deliveries their tokens: what others
 * may use of this folder.
 *
 * It has three layers, and each uses only those behind it. sign_in.c has the
 * queue of those who wait, and is the only one that answers them; refresh.c
 * makes one request to Entra; account_known.c and account_table.c keep what is
 * known.
 */
#ifndef MSGRAPHD_ACCOUNT_H
#define MSGRAPHD_ACCOUNT_H

#include <event2/event.h>

#include "agent/daemon/base/activity.h"
#include "agent/daemon/net/http.h"
#include "agent/daemon/store/state.h"
#include "agent/daemon/throttle/throttle.h"
#include "lib/base/secret.h"
#include "lib/conf/conf.h"
#include "lib/local/identity.h"
#include "credential.h"

struct accounts;
struct waiter;

/* Returns a resource by the settings; a constant. */
typedef const char *(*account_resource)(const struct conf *conf);

enum account_result {
	ACCOUNT_OK,
	ACCOUNT_REFUSED, /* by Entra: the secret or the application */
	ACCOUNT_REFUSED_REQUEST, /* by Entra, for what may be no fault of it */
	ACCOUNT_UNKNOWN, /* there is nothing to ask with: no secret is stored */
	ACCOUNT_MISCONFIGURED, /* the relay's own credential is not usable */
	ACCOUNT_THROTTLED, /* by Entra: see throttle_left_entra() */
	ACCOUNT_UNAVAILABLE
};

/*
 * token is set on ACCOUNT_OK, and borrowed during the call. Otherwise text says
 * in one line why there is none.
 */
typedef void (*account_done)(void *ctx, enum account_result result,
    const struct secret *token, const char *text);

/*
 * Makes the queues and the table of what is known. Tokens are for the resource
 * that the function returns at each request ("https://storage.azure.com"), or
 * for Graph where it is NULL. For another resource than Graph only entries' own
 * credentials are used, never what clients sign in with, and nobody signs in.
 * Everything is borrowed and must outlive the accounts. NULL when out of
 * memory.
 */
struct accounts *accounts_new(struct event_base *base, const struct conf *conf,
    struct http *http, struct state *state, struct throttles *throttles,
    account_resource resource);
void accounts_free(struct accounts **accountsp);

/*
 * Forgets applications whose accounts could be read from the state again; for
 * housekeeping.
 */
void accounts_sweep(struct accounts *accounts);

/*
 * Asks whether Entra accepts this secret. *secretp becomes the account's and
 * NULL, whatever the outcome. done is called once, from the event loop. NULL
 * when out of memory, or when too many wait for this application.
 */
struct waiter *account_verify(struct accounts *accounts,
    const struct identity *id, struct secret **secretp, account_done done,
    void *ctx);

/*
 * Lets requests be made with the relay's own credentials. Without this call
 * only clients' secrets are used. The argument is borrowed and must outlive the
 * accounts.
 */
void accounts_use_credentials(
    struct accounts *accounts, const struct credentials *credentials);

/*
 * Lets it be noted which applications have no token, and why. The argument is
 * borrowed and must outlive the accounts.
 */
void accounts_use_activity(
    struct accounts *accounts, struct activity *activity);

/*
 * Returns until when the token of the application is valid (clock_wall()), or
 * of the entry's own credential where entry is not empty; 0 where memory has
 * none.
 */
long long account_token_until(
    struct accounts *accounts, const struct identity *id, const char *entry);

/* What was there to be forgotten; 1 or 0, or a count. */
struct account_forgotten {
	int stored, token, accepted; /* accepted: in the auth cache */
	size_t refusals;
};

/*
 * Forgets an application: its stored secret, its token, and what Entra has said
 * about secrets lately; where entry is not empty, the token of the entry's own
 * credential. A request with what is forgotten is given up, and whoever waits
 * for it is answered that nothing is stored. What has its token already goes
 * on. Adds to *what. 0 when that is durable, or -1 with *err.
 */
int account_forget(struct accounts *accounts, const struct identity *id,
    const char *entry, struct account_forgotten *what, struct error *err);

/*
 * Warns of own credentials that end soon or are not usable, some at a time; for
 * housekeeping. 1 when there are more, or 0.
 */
int accounts_warn(struct accounts *accounts);

/*
 * Asks for a token to deliver with, for mail of an entry of the table of
 * identities, or of none (""). The entry's own credential is used, if it has
 * one; else the secret that a client signed in with last; else the own
 * credential of another entry of the application. rejected is a token that
 * Graph has just called invalid, or NULL; it is not given again. With an own
 * credential the result is never ACCOUNT_REFUSED: a refusal by Entra is the
 * admin's matter and not the client's. The rest is as in account_verify().
 */
struct waiter *account_token(struct accounts *accounts,
    const struct identity *id, const char *entry, const struct secret *rejected,
    account_done done, void *ctx);

/*
 * Has a new token asked for with an entry's own credential, whatever is known
 * of it. Until there is one, the token that is there counts for all others. The
 * rest is as in account_token().
 */
struct waiter *account_renew(struct accounts *accounts,
    const struct identity *id, const char *entry, account_done done, void *ctx);

/* Stops waiting; done is not called. Takes NULL. */
void account_cancel(struct waiter **waiterp);

#endif
