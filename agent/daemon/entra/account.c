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
ask_free(struct ask *ask)
{
	TAILQ_REMOVE(&ask->account->asks, ask, entry);
	ask->account->waiting--;
	secret_free(&ask->secret);
	free(ask);
}

static void
answer_ask(struct ask *ask, enum account_result result, const char *text)
{
	account_done done = ask->done;
	void *ctx = ask->ctx;
	const struct secret *token = ask->account->token;

	ask_free(ask);
	done(ctx, result, result == ACCOUNT_OK ? token : NULL, text);
}

static struct ask *
ask_new(struct accounts *all, const struct identity *id, struct secret *secret,
    account_done done, void *ctx)
{
	struct account *account = account_find(all, id);
	struct ask *ask;

	if (account == NULL || account->waiting >= WAITING_MAX ||
	    (ask = calloc(1, sizeof(*ask))) == NULL) {
		secret_free(&secret);
		return NULL;
	}
	ask->account = account;
	ask->secret = secret;
	if (secret != NULL)
		verdict_digest(secret, ask->digest);
	ask->deadline = clock_ms() + ASK_TIMEOUT_MS;
	ask->done = done;
	ask->ctx = ctx;
	TAILQ_INSERT_TAIL(&account->asks, ask, entry);
	account->waiting++;
	event_active(account->wake, 0, 0);
	return ask;
}

struct ask *
account_verify(struct accounts *accounts, const struct identity *id,
    struct secret **secretp, account_done done, void *ctx)
{
	struct secret *secret = *secretp;

	*secretp = NULL;
	return ask_new(accounts, id, secret, done, ctx);
}

struct ask *
account_token(struct accounts *accounts, const struct identity *id,
    const struct secret *rejected, account_done done, void *ctx)
{
	struct account *account = account_find(accounts, id);

	if (account != NULL && rejected != NULL && account->token != NULL &&
	    secret_equal(account->token, rejected))
		secret_free(&account->token);
	return ask_new(accounts, id, NULL, done, ctx);
}

void
account_cancel(struct ask **askp)
{
	struct ask *ask = *askp;

	*askp = NULL;
	if (ask != NULL)
		ask_free(ask);
}

static struct ask *
find_ask(struct account *account, const unsigned char *digest)
{
	struct ask *ask;

	TAILQ_FOREACH(ask, &account->asks, entry)
	if (ask->secret != NULL &&
	    memcmp(ask->digest, digest, sizeof(ask->digest)) == 0)
		return ask;
	return NULL;
}

void
account_answer(struct account *account, const struct secret *secret,
    enum account_result result, const char *text)
{
	unsigned char digest[VERDICT_DIGEST_SIZE];
	struct ask *ask;

	verdict_digest(secret, digest);
	while ((ask = find_ask(account, digest)) != NULL)
		answer_ask(ask, result, text);
}

/* 1 while Entra is asked nothing about this account. */
static int
may_not_ask(const struct account *account)
{
	return clock_ms() < account->quiet_until &&
	    (account->quiet_result == ACCOUNT_UNAVAILABLE ||
		account->quiet_result == ACCOUNT_HELD);
}

/*
 * 1 while Entra is out of reach: it did not answer about the stored secret the
 * last time, or is asked but slow. That it slows us down is an answer, and what
 * it does about a stranger's guess is no matter: whoever can bring these about
 * must not thereby have a withdrawn secret accepted.
 */
static int
is_out(const struct account *account)
{
	if (account->call == NULL)
		return account->out && may_not_ask(account) &&
		    account->quiet_result == ACCOUNT_UNAVAILABLE;
	return account->out ||
	    clock_ms() - account->asked_at >= GRACE_PATIENCE_MS;
}

/* 1 when a sign-in waits, not only deliveries. */
static int
is_signing_in(const struct account *account)
{
	const struct ask *ask;

	TAILQ_FOREACH(ask, &account->asks, entry)
	if (ask->secret != NULL)
		return 1;
	return 0;
}

/* Accepts the sign-ins with the secret that Entra took last. */
static void
answer_in_grace(struct account *account)
{
	unsigned char digest[VERDICT_DIGEST_SIZE];
	char client[IDENTITY_TEXT_SIZE];
	struct secret *secret;
	struct ask *ask;
	long long age;

	if (!is_signing_in(account) ||
	    (secret = account_in_grace(account, &age)) == NULL)
		return;
	verdict_digest(secret, digest);
	secret_free(&secret);
	while ((ask = find_ask(account, digest)) != NULL) {
		log_info("NOQUEUE: client=%s, reason=" REASON_ENDPOINT
			 ", status=accepted (Entra cannot be asked; it took "
			 "this secret %lld seconds ago)",
		    identity_text(&account->id, client), age);
		answer_ask(ask, ACCOUNT_OK, "");
	}
}

/*
 * Answers an ask from what is known. 1 when it was answered.
 */
static int
answer_known(struct account *account, struct ask *ask)
{
	const struct verdict *v;

	if (ask->secret == NULL && account_has_token(account)) {
		answer_ask(ask, ACCOUNT_OK, "");
		return 1;
	}
	if (ask->secret != NULL &&
	    (v = verdict_find(&account->verdicts, ask->digest,
		 account_ttl(account))) != NULL) {
		answer_ask(
		    ask, v->accepted ? ACCOUNT_OK : ACCOUNT_REFUSED, v->text);
		return 1;
	}
	return 0;
}

/* 1 when it is quiet for a guess, and this is the stored secret. */
static int
is_worth_asking(struct account *account, const struct ask *ask)
{
	return account->guessed && ask->secret != NULL &&
	    account_is_stored(account, ask->secret);
}

/* Answers an ask that Entra is not asked about. 1 when it was answered. */
static int
answer_not_now(struct account *account, struct ask *ask)
{
	if (clock_ms() < account->quiet_until &&
	    (ask->secret == NULL || may_not_ask(account)) &&
	    !is_worth_asking(account, ask)) {
		answer_ask(ask, account->quiet_result, account->quiet_text);
		return 1;
	}
	if (clock_ms() >= ask->deadline) {
		answer_ask(ask, ACCOUNT_UNAVAILABLE, "Entra is too slow");
		return 1;
	}
	return 0;
}

/* 1 when some ask was answered: its done may have changed the queue. */
static int
answer_one(
    struct account *account, int (*answer)(struct account *, struct ask *))
{
	struct ask *ask;

	TAILQ_FOREACH(ask, &account->asks, entry)
	if (answer(account, ask))
		return 1;
	return 0;
}

/* Comes back when those who may have the grace have waited long enough. */
static void
watch_patience(struct account *account)
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
	struct ask *ask;
	struct secret *copy;

	for (;;) {
		while (answer_one(account, answer_known))
			;
		if (is_out(account))
			answer_in_grace(account);
		while (answer_one(account, answer_not_now))
			;
		ask = TAILQ_FIRST(&account->asks);
		if (ask == NULL || account->call != NULL)
			break;
		if (ask->secret == NULL) {
			account_ask_entra(account, NULL);
		} else {
			/* the ask keeps its own: its client may hang up */
			copy = secret_new(ask->secret->bytes, ask->secret->len);
			if (copy == NULL)
				account_be_quiet(account, ASK_AGAIN_MS,
				    ACCOUNT_UNAVAILABLE, "memory is short");
			else
				account_ask_entra(account, &copy);
		}
	}
	/* near its end a token still serves, while the next one comes */
	if (account->call == NULL && account_has_token(account) &&
	    clock_ms() >= account->renew_at &&
	    clock_ms() >= account->quiet_until)
		account_ask_entra(account, NULL);
	watch_patience(account);
}

void
account_on_wake(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	account_run(ctx);
}
