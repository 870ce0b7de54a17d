/*
 * account.c - see account.h.
 *
 * An account has a queue of asks: a sign-in to verify (with the secret that
 * was typed) or a token wanted for a delivery. Whatever is known already
 * answers from memory; for the first ask that is left, one request goes to
 * Entra, and what comes back answers everybody it can. So a hundred sign-ins
 * of one printer are one request, and nobody waits behind a stranger who tries
 * wrong secrets unless he has something to ask himself.
 *
 * The secret itself stays in memory until its ask is answered, and sealed in
 * the state; verdicts hold digests.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/reason.h"
#include "lib/base/log.h"
#include "lib/base/log.h"
#include "account_private.h"

/* With memory short, how long before the next try. */
#define ASK_AGAIN_MS 1000LL
#define ASK_TIMEOUT_MS (45 * 1000LL)
#define WAITING_MAX 256
/* A client waits no longer for Entra if its secret was accepted lately. */
#define GRACE_PATIENCE_MS (5 * 1000LL)

/* --- asks --- */

static void
account_waiter_free(struct waiter *waiter)
{
	TAILQ_REMOVE(&waiter->account->waiters, waiter, entry);
	waiter->account->waiting--;
	secret_free(&waiter->secret);
	free(waiter);
}

static void
account_answer_waiter(
    struct waiter *waiter, enum account_result result, const char *text)
{
	account_done done = waiter->done;
	void *ctx = waiter->ctx;
	const struct secret *token = waiter->account->token;

	account_waiter_free(waiter);
	done(ctx, result, result == ACCOUNT_OK ? token : NULL, text);
}

static struct waiter *
account_waiter_new(struct accounts *all, const struct identity *id,
    struct secret *secret, account_done done, void *ctx)
{
	struct account *account = account_find(all, id);
	struct waiter *waiter;

	if (account == NULL || account->waiting >= WAITING_MAX ||
	    (waiter = calloc(1, sizeof(*waiter))) == NULL) {
		secret_free(&secret);
		return NULL;
	}
	waiter->account = account;
	waiter->secret = secret;
	if (secret != NULL)
		auth_cache_digest(secret, waiter->digest);
	waiter->deadline = clock_ms() + ASK_TIMEOUT_MS;
	waiter->done = done;
	waiter->ctx = ctx;
	TAILQ_INSERT_TAIL(&account->waiters, waiter, entry);
	account->waiting++;
	event_active(account->wake, 0, 0);
	return waiter;
}

struct waiter *
account_verify(struct accounts *accounts, const struct identity *id,
    struct secret **secretp, account_done done, void *ctx)
{
	struct secret *secret = *secretp;

	*secretp = NULL;
	return account_waiter_new(accounts, id, secret, done, ctx);
}

struct waiter *
account_token(struct accounts *accounts, const struct identity *id,
    const struct secret *rejected, account_done done, void *ctx)
{
	struct account *account = account_find(accounts, id);

	if (account != NULL && rejected != NULL && account->token != NULL &&
	    secret_equal(account->token, rejected))
		secret_free(&account->token);
	return account_waiter_new(accounts, id, NULL, done, ctx);
}

void
account_cancel(struct waiter **waiterp)
{
	struct waiter *waiter = *waiterp;

	*waiterp = NULL;
	if (waiter != NULL)
		account_waiter_free(waiter);
}

static struct waiter *
account_find_waiter(struct account *account, const unsigned char *digest)
{
	struct waiter *waiter;

	TAILQ_FOREACH(waiter, &account->waiters, entry)
	if (waiter->secret != NULL &&
	    memcmp(waiter->digest, digest, sizeof(waiter->digest)) == 0)
		return waiter;
	return NULL;
}

void
account_answer(struct account *account, const struct secret *secret,
    enum account_result result, const char *text)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	struct waiter *waiter;

	auth_cache_digest(secret, digest);
	while ((waiter = account_find_waiter(account, digest)) != NULL)
		account_answer_waiter(waiter, result, text);
}

/* 1 while Entra is asked nothing about this account. */
static int
account_may_not_ask(const struct account *account)
{
	return clock_ms() < account->quiet_until &&
	    (account->quiet_result == ACCOUNT_UNAVAILABLE ||
		account->quiet_result == ACCOUNT_THROTTLED);
}

/*
 * 1 while Entra is out of reach: it did not answer about the stored secret the
 * last time, or is asked but slow. That it slows us down is an answer, and what
 * it does about a stranger's guess is no matter: whoever can bring these about
 * must not thereby have a withdrawn secret accepted.
 */
static int
account_is_out(const struct account *account)
{
	if (account->call == NULL)
		return account->out && account_may_not_ask(account) &&
		    account->quiet_result == ACCOUNT_UNAVAILABLE;
	return account->out ||
	    clock_ms() - account->asked_at >= GRACE_PATIENCE_MS;
}

/* 1 when a sign-in waits, not only deliveries. */
static int
account_is_signing_in(const struct account *account)
{
	const struct waiter *waiter;

	TAILQ_FOREACH(waiter, &account->waiters, entry)
	if (waiter->secret != NULL)
		return 1;
	return 0;
}

/* Accepts the sign-ins with the secret that Entra took last. */
static void
account_answer_in_grace(struct account *account)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	char client[IDENTITY_TEXT_SIZE];
	struct secret *secret;
	struct waiter *waiter;
	long long age;

	if (!account_is_signing_in(account) ||
	    (secret = account_in_grace(account, &age)) == NULL)
		return;
	auth_cache_digest(secret, digest);
	secret_free(&secret);
	while ((waiter = account_find_waiter(account, digest)) != NULL) {
		log_info("NOQUEUE: application=%s, reason=" REASON_ENDPOINT
			 ", status=accepted (Entra cannot be asked; it took "
			 "this secret %lld seconds ago)",
		    identity_text(&account->id, client), age);
		account_answer_waiter(waiter, ACCOUNT_OK, "");
	}
}

/*
 * Answers an ask from what is known. 1 when it was answered.
 */
static int
account_answer_known(struct account *account, struct waiter *waiter)
{
	const struct auth_answer *v;

	if (waiter->secret == NULL && account_has_token(account)) {
		account_answer_waiter(waiter, ACCOUNT_OK, "");
		return 1;
	}
	if (waiter->secret != NULL &&
	    (v = auth_cache_find(&account->auth_cache, waiter->digest,
		 account_ttl(account))) != NULL) {
		account_answer_waiter(waiter,
		    v->accepted ? ACCOUNT_OK : ACCOUNT_REFUSED, v->text);
		return 1;
	}
	return 0;
}

/* 1 when it is quiet for a guess, and this is the stored secret. */
static int
account_is_worth_asking(struct account *account, const struct waiter *waiter)
{
	return account->guessed && waiter->secret != NULL &&
	    account_is_stored(account, waiter->secret);
}

/* Answers an ask that Entra is not asked about. 1 when it was answered. */
static int
account_answer_not_now(struct account *account, struct waiter *waiter)
{
	if (clock_ms() < account->quiet_until &&
	    (waiter->secret == NULL || account_may_not_ask(account)) &&
	    !account_is_worth_asking(account, waiter)) {
		account_answer_waiter(
		    waiter, account->quiet_result, account->quiet_text);
		return 1;
	}
	if (clock_ms() >= waiter->deadline) {
		account_answer_waiter(
		    waiter, ACCOUNT_UNAVAILABLE, "Entra is too slow");
		return 1;
	}
	return 0;
}

/* 1 when some ask was answered: its done may have changed the queue. */
static int
account_answer_one(
    struct account *account, int (*answer)(struct account *, struct waiter *))
{
	struct waiter *waiter;

	TAILQ_FOREACH(waiter, &account->waiters, entry)
	if (answer(account, waiter))
		return 1;
	return 0;
}

/* Comes back when those who may have the grace have waited long enough. */
static void
account_watch_patience(struct account *account)
{
	long long left = account->asked_at + GRACE_PATIENCE_MS - clock_ms();
	struct timeval tv = {
	    .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 + 1000};

	/* without it they wait for the answer */
	if (account->call != NULL && left > 0)
		event_add(account->wake, &tv);
}

void
account_run(struct account *account)
{
	struct waiter *waiter;
	struct secret *copy;

	for (;;) {
		while (account_answer_one(account, account_answer_known))
			;
		if (account_is_out(account))
			account_answer_in_grace(account);
		while (account_answer_one(account, account_answer_not_now))
			;
		waiter = TAILQ_FIRST(&account->waiters);
		if (waiter == NULL || account->call != NULL)
			break;
		if (waiter->secret == NULL) {
			account_ask_entra(account, NULL);
		} else {
			/* the ask keeps its own: its client may hang up */
			copy = secret_new(
			    waiter->secret->bytes, waiter->secret->len);
			if (copy == NULL)
				account_be_quiet(account, ASK_AGAIN_MS,
				    ACCOUNT_UNAVAILABLE, "out of memory");
			else
				account_ask_entra(account, &copy);
		}
	}
	/* near its end a token still serves, while the next one comes */
	if (account->call == NULL && account_has_token(account) &&
	    clock_ms() >= account->renew_at &&
	    clock_ms() >= account->quiet_until)
		account_ask_entra(account, NULL);
	account_watch_patience(account);
}

void
account_on_wake(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	account_run(ctx);
}
