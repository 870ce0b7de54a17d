/*
 * account_private.h - struct account, for account.c (asks and their answers),
 * account_table.c (which accounts there are) and account_entra.c (what is
 * asked of Entra for one).
 */
#ifndef MSGRAPHD_ACCOUNT_PRIVATE_H
#define MSGRAPHD_ACCOUNT_PRIVATE_H

#include <sys/queue.h>

#include "account.h"
#include "auth_cache.h"
#include "entra.h"

struct waiter {
	TAILQ_ENTRY(waiter) entry;
	struct account *account;
	struct secret *secret; /* owned; NULL: wants a token */
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	long long deadline;
	account_done done;
	void *ctx;
};

struct account {
	struct identity id; /* first: the tree's key */
	struct accounts *all;
	struct event *wake;
	TAILQ_HEAD(waiter_queue, waiter) waiters;
	unsigned int waiting;
	struct auth_cache auth_cache;

	int unverified; /* its request counts among all->strangers */
	int known; /* Entra has accepted a secret of it, now or before */
	struct secret *token; /* owned; NULL without one */
	long long renew_at, usable_until; /* clock_ms() */

	/* until this time Entra is not asked again, for this reason */
	long long quiet_until;
	enum account_result quiet_result;
	char quiet_text[256];

	unsigned int failures; /* of Entra to answer, one after the other */
	int out; /* one of them was about the stored secret */
	int guessed; /* quiet after a question about another one, not out */

	/* the request that is under way */
	struct entra_call *call;
	long long asked_at; /* clock_ms() */
	struct secret *asked; /* owned: the secret it tries */
	long long warned_at; /* clock_ms() of the last warning; 0: none */
	int renewing; /* 1: the stored secret, not one just typed */
};

struct accounts {
	void *tree; /* tsearch(3) of struct account */
	size_t count;
	struct event_base *base;
	const struct conf *conf;
	struct http *http;
	struct state *state;
	struct throttles *throttles;
	unsigned int unverified; /* requests to Entra for who is not known */
	struct event *sweep;
};

/* --- account_table.c --- */

/* NULL without memory or there are too many. */
struct account *account_find(struct accounts *all, const struct identity *id);

/* --- account_entra.c --- */

/* How long an accepted secret is accepted without asking, in ms. */
long long account_ttl(const struct account *account);

/* 1 when there is a token that will live through a request. */
int account_has_token(const struct account *account);

/* 1 while the warning about its refused secret must not come again. */
int account_is_warned(const struct account *account);

/* Takes over what the last daemon knew of it. */
void account_load_token(struct account *account);

/*
 * Starts the question to Entra, with a secret (which it takes, *secretp
 * becomes NULL) or, where secretp is NULL, with the stored one. When it ends,
 * or cannot start, the account knows more than before; account_run() follows.
 */
void account_ask_entra(struct account *account, struct secret **secretp);

/* Does not ask again for ms; asks are answered with result and text. */
void account_be_quiet(struct account *account, long long ms,
    enum account_result result, const char *text);

/* Returns 1 when this is the stored secret. */
int account_is_stored(struct account *account, const struct secret *secret);

/*
 * The stored secret, where it was accepted lately enough to be taken while
 * Entra is out of reach (auth_outage_grace), or its token still lives; else
 * NULL. The caller frees it. *age: seconds since it was accepted.
 */
struct secret *account_in_grace(struct account *account, long long *age);

/* --- account.c --- */

/*
 * Answers every sign-in that waits with this very secret, now that Entra has
 * spoken (auth_cache_ttl may be 0: what is known may not count a moment later).
 */
void account_answer(struct account *account, const struct secret *secret,
    enum account_result result, const char *text);

/* Answers what can be answered and asks for the rest. */
void account_run(struct account *account);

/* Wakes the account up, from the event loop. */
void account_on_wake(evutil_socket_t fd, short what, void *account);

#endif
