/*
 * refresh.h - one request to Entra about an application, which keeps the
 * answer.
 */
#ifndef MSGRAPHD_REFRESH_H
#define MSGRAPHD_REFRESH_H

#include "account_known.h"
#include "agent/daemon/net/http.h"
#include "agent/daemon/throttle/throttle.h"
#include "refusals.h"

struct refresh;

/* The parts that a request needs; everything is borrowed. */
struct refresh_with {
	const struct conf *conf;
	struct event_base *base;
	struct http *http;
	struct http *plain; /* for managed identities */
	struct throttles *throttles;
	struct refusals *refusals;
	const struct credentials *credentials; /* NULL: none of our own */
	account_resource resource; /* NULL: graph_endpoint */
	struct activity *activity; /* NULL: nothing is counted */
};

/*
 * Tells, from the event loop, what Entra said about a secret, whose digest is
 * borrowed during the call. text says in one line why not. The account has the
 * answer by then, and nobody who waits has been answered.
 */
typedef void (*refresh_done)(void *ctx, enum account_result result,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE], const char *text);

/*
 * Asks Entra for a token: with the stored secret (the entry's own credential,
 * if that is what the account is for) where secret is NULL, else with a copy of
 * that one. NULL when the request cannot start; then the account says until
 * when and why (account_known_quiet()).
 */
struct refresh *refresh_start(const struct refresh_with *with,
    struct account *account, const struct secret *secret, refresh_done done,
    void *ctx);

/* Gives a request up; done is not called. Takes NULL. */
void refresh_cancel(struct refresh **refreshp);

/* Returns for how many milliseconds the request has been under way. */
long long refresh_age(const struct refresh *refresh);

/* Returns 1 when the request asks about the secret of this digest. */
int refresh_is_about(const struct refresh *refresh,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE]);

#endif
