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
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "account.h"
#include "clock.h"
#include "entra.h"
#include "log.h"
#include "verdict.h"

/* With Entra out of reach, how long before it is asked again. */
#define UNAVAILABLE_TTL_MS 1000LL
#define RETRY_AFTER_MAX_MS (3600 * 1000LL)
#define ASK_TIMEOUT_MS (45 * 1000LL)
#define RENEW_EARLY_MS (300 * 1000LL)
/* A token this near its end might not survive the request. */
#define TOKEN_SPARE_MS (10 * 1000LL)
#define WAITING_MAX 256
#define ACCOUNTS_MAX 10000
#define SWEEP_SECONDS 60

struct ask {
	TAILQ_ENTRY(ask) entry;
	struct account *account;
	struct secret *secret; /* owned; NULL: wants a token */
	unsigned char digest[VERDICT_DIGEST_SIZE];
	long long deadline;
	account_done done;
	void *ctx;
};

struct account {
	struct identity id; /* first: the tree's key */
	struct accounts *all;
	struct event *wake;
	TAILQ_HEAD(ask_queue, ask) asks;
	unsigned int waiting;
	struct verdicts verdicts;

	struct secret *token; /* owned; NULL without one */
	long long renew_at, expires_at;

	/* until this time Entra is not asked again, for this reason */
	long long quiet_until;
	enum account_result quiet_result;
	char quiet_text[256];

	/* the request that is under way */
	struct entra_call *call;
	struct secret *asked; /* owned: the secret it tries */
	int renewing; /* 1: the stored secret, not one just typed */
};

struct accounts {
	void *tree; /* tsearch(3) of struct account */
	size_t count;
	struct event_base *base;
	const struct conf *conf;
	struct http *http;
	struct state *state;
	struct event *sweep;
};

static void run(struct account *account);
static void on_wake(evutil_socket_t fd, short what, void *ctx);

static long long
ttl_ms(const struct account *account)
{
	return account->all->conf->auth_cache_ttl * 1000LL;
}

/* --- tokens --- */

static void
set_token(struct account *account, const struct secret *token, long long ms)
{
	long long early = ms / 4 < RENEW_EARLY_MS ? ms / 4 : RENEW_EARLY_MS;

	secret_free(&account->token);
	account->token = secret_new(token->bytes, token->len);
	account->expires_at = clock_ms() + ms;
	account->renew_at = account->expires_at - early;
}

static int
has_token(const struct account *account)
{
	return account->token != NULL &&
	    clock_ms() < account->expires_at - TOKEN_SPARE_MS;
}

/* What the last daemon knew. */
static void
load_token(struct account *account)
{
	struct credential credential;
	struct error err;
	long long left;

	switch (
	    state_get(account->all->state, &account->id, &credential, &err)) {
	case 1:
		left = credential.token_expires - clock_wall();
		if (credential.token != NULL && left > 0)
			set_token(account, credential.token, left * 1000);
		credential_clear(&credential);
		break;
	case -1:
		log_error("%s", err.text);
		break;
	}
}

/* --- accounts --- */

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct identity));
}

static void
account_free(struct account *account)
{
	struct ask *ask;

	while ((ask = TAILQ_FIRST(&account->asks)) != NULL)
		account_cancel(&ask);
	entra_cancel(&account->call);
	secret_free(&account->asked);
	secret_free(&account->token);
	if (account->wake != NULL)
		event_free(account->wake);
	free(account);
}

static struct account *
account_new(struct accounts *all, const struct identity *id)
{
	struct account *account;

	if (all->count >= ACCOUNTS_MAX ||
	    (account = calloc(1, sizeof(*account))) == NULL)
		return NULL;
	account->id = *id;
	account->all = all;
	TAILQ_INIT(&account->asks);
	account->wake = event_new(all->base, -1, 0, on_wake, account);
	if (account->wake == NULL ||
	    tsearch(account, &all->tree, compare) == NULL) {
		account_free(account);
		return NULL;
	}
	all->count++;
	load_token(account);
	return account;
}

static struct account *
find_or_new(struct accounts *all, const struct identity *id)
{
	struct identity key;
	struct account **found;

	/* the tree compares whole structs: no stray bytes behind the NULs */
	memset(&key, 0, sizeof(key));
	strcpy(key.tenant, id->tenant);
	strcpy(key.client, id->client);
	found = tfind(&key, &all->tree, compare);
	return found != NULL ? *found : account_new(all, &key);
}

static int
is_idle(const struct account *account)
{
	return TAILQ_EMPTY(&account->asks) && account->call == NULL &&
	    !has_token(account) && clock_ms() >= account->quiet_until &&
	    !verdict_any(&account->verdicts, ttl_ms(account));
}

static struct account *idle_account;

static void
note_idle(const void *node, VISIT visit, int depth)
{
	struct account *account = *(struct account *const *)node;

	(void)depth;
	if ((visit == preorder || visit == leaf) && idle_account == NULL &&
	    is_idle(account))
		idle_account = account;
}

/*
 * Forgets accounts that know nothing any more: anybody can name identities
 * that do not exist. twalk(3) may not delete, so one a walk.
 */
static void
on_sweep(evutil_socket_t fd, short what, void *ctx)
{
	struct accounts *all = ctx;

	(void)fd;
	(void)what;
	for (;;) {
		idle_account = NULL;
		twalk(all->tree, note_idle);
		if (idle_account == NULL)
			return;
		tdelete(idle_account, &all->tree, compare);
		all->count--;
		account_free(idle_account);
	}
}

struct accounts *
accounts_new(struct event_base *base, const struct conf *conf,
    struct http *http, struct state *state)
{
	const struct timeval every = {.tv_sec = SWEEP_SECONDS};
	struct accounts *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->base = base;
	all->conf = conf;
	all->http = http;
	all->state = state;
	all->sweep = event_new(base, -1, EV_PERSIST, on_sweep, all);
	if (all->sweep == NULL || event_add(all->sweep, &every) == -1 ||
	    verdict_init() == -1)
		accounts_free(&all);
	return all;
}

static void
free_node(void *account)
{
	account_free(account);
}

void
accounts_free(struct accounts **accountsp)
{
	struct accounts *all = *accountsp;

	*accountsp = NULL;
	if (all == NULL)
		return;
	tdestroy(all->tree, free_node);
	if (all->sweep != NULL)
		event_free(all->sweep);
	free(all);
}

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
	struct account *account = find_or_new(all, id);
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
	struct account *account = find_or_new(accounts, id);

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

/*
 * Answers an ask from what is known. 1 when it was answered.
 */
static int
answer_known(struct account *account, struct ask *ask)
{
	const struct verdict *v;

	if (ask->secret == NULL && has_token(account)) {
		answer_ask(ask, ACCOUNT_OK, "");
		return 1;
	}
	if (ask->secret != NULL &&
	    (v = verdict_find(
		 &account->verdicts, ask->digest, ttl_ms(account))) != NULL) {
		answer_ask(
		    ask, v->accepted ? ACCOUNT_OK : ACCOUNT_REFUSED, v->text);
		return 1;
	}
	if (clock_ms() < account->quiet_until &&
	    (ask->secret == NULL ||
		account->quiet_result == ACCOUNT_UNAVAILABLE)) {
		answer_ask(ask, account->quiet_result, account->quiet_text);
		return 1;
	}
	if (clock_ms() >= ask->deadline) {
		answer_ask(ask, ACCOUNT_UNAVAILABLE, "Entra is too slow");
		return 1;
	}
	return 0;
}

static void
be_quiet(struct account *account, long long ms, enum account_result result,
    const char *text)
{
	account->quiet_until = clock_ms() + ms;
	account->quiet_result = result;
	snprintf(account->quiet_text, sizeof(account->quiet_text), "%s", text);
}

/* --- the request --- */

/* 0 when the new secret and token are durable. */
static int
store(struct account *account, long expires_in)
{
	struct credential credential = {0};
	struct error err;

	credential.secret = account->asked;
	credential.token = account->token;
	credential.token_expires = clock_wall() + expires_in;
	credential.verified = clock_wall();
	if (state_put(account->all->state, &account->id, &credential, &err) ==
	    0)
		return 0;
	log_error("%s", err.text);
	return -1;
}

static void
accepted(struct account *account, const struct entra_answer *answer)
{
	set_token(account, answer->token, answer->expires_in * 1000LL);
	account->quiet_until = 0;
	/*
	 * Mail that is accepted now must be deliverable after a restart, so a
	 * sign-in whose secret could not be kept is "not now".
	 */
	if (store(account, answer->expires_in) == -1)
		be_quiet(account, UNAVAILABLE_TTL_MS, ACCOUNT_UNAVAILABLE,
		    "the state cannot be written; see msgraphd's log");
	else
		verdict_remember(&account->verdicts, account->asked, 1, "");
}

static void
refused(struct account *account, const struct entra_answer *answer)
{
	char text[IDENTITY_TEXT_SIZE];

	verdict_remember(&account->verdicts, account->asked, 0, answer->text);
	if (!account->renewing) {
		log_info("NOQUEUE: client=%s, status=refused (%s)",
		    identity_text(&account->id, text), answer->text);
		return;
	}
	be_quiet(account, VERDICT_REFUSED_MS, ACCOUNT_REFUSED, answer->text);
	log_warning("NOQUEUE: client=%s, status=refused (the secret it signed "
		    "in with is not accepted any more: %s)",
	    identity_text(&account->id, text), answer->text);
}

static void
unavailable(struct account *account, const struct entra_answer *answer)
{
	long long ms = answer->retry_after * 1000LL;
	char text[IDENTITY_TEXT_SIZE];

	if (ms < UNAVAILABLE_TTL_MS)
		ms = UNAVAILABLE_TTL_MS;
	if (ms > RETRY_AFTER_MAX_MS)
		ms = RETRY_AFTER_MAX_MS;
	be_quiet(account, ms, ACCOUNT_UNAVAILABLE, answer->text);
	log_warning("NOQUEUE: client=%s, status=unavailable (%s)",
	    identity_text(&account->id, text), answer->text);
}

static void
on_answer(void *ctx, const struct entra_answer *answer)
{
	struct account *account = ctx;

	account->call = NULL;
	switch (answer->result) {
	case ENTRA_ACCEPTED:
		accepted(account, answer);
		break;
	case ENTRA_REFUSED:
		refused(account, answer);
		break;
	case ENTRA_UNAVAILABLE:
		unavailable(account, answer);
		break;
	}
	secret_free(&account->asked);
	run(account);
}

/* Takes the stored secret for the next request. */
static int
take_stored(struct account *account, struct error *err)
{
	struct credential credential;
	int found =
	    state_get(account->all->state, &account->id, &credential, err);

	if (found == 0)
		return error_set(err, ERROR_REFUSED, "4.7.8",
		    "no secret is held for this client; it must sign in "
		    "again");
	if (found == -1)
		return -1;
	account->asked = credential.secret;
	credential.secret = NULL;
	credential_clear(&credential);
	return 0;
}

/* Asks Entra with a secret (which it takes), or with the stored one. */
static void
ask_entra(struct account *account, struct secret **secretp)
{
	struct error err;

	account->renewing = secretp == NULL;
	if (secretp != NULL) {
		account->asked = *secretp;
		*secretp = NULL;
	} else if (take_stored(account, &err) == -1) {
		if (err.class != ERROR_REFUSED)
			log_error("%s", err.text);
		be_quiet(account, UNAVAILABLE_TTL_MS,
		    err.class == ERROR_REFUSED ? ACCOUNT_REFUSED
					       : ACCOUNT_UNAVAILABLE,
		    err.text);
		return;
	}
	account->call = entra_start(account->all->http, account->all->conf,
	    &account->id, account->asked, on_answer, account, &err);
	if (account->call == NULL) {
		log_error("%s", err.text);
		be_quiet(
		    account, UNAVAILABLE_TTL_MS, ACCOUNT_UNAVAILABLE, err.text);
		secret_free(&account->asked);
	}
}

/* 1 when some ask was answered: its done may have changed the queue. */
static int
answer_one(struct account *account)
{
	struct ask *ask;

	TAILQ_FOREACH(ask, &account->asks, entry)
	if (answer_known(account, ask))
		return 1;
	return 0;
}

static void
run(struct account *account)
{
	struct ask *ask;
	struct secret *copy;

	for (;;) {
		while (answer_one(account))
			;
		ask = TAILQ_FIRST(&account->asks);
		if (ask == NULL || account->call != NULL)
			break;
		if (ask->secret == NULL) {
			ask_entra(account, NULL);
		} else {
			/* the ask keeps its own: its client may hang up */
			copy = secret_new(ask->secret->bytes, ask->secret->len);
			if (copy == NULL)
				be_quiet(account, UNAVAILABLE_TTL_MS,
				    ACCOUNT_UNAVAILABLE, "memory is short");
			else
				ask_entra(account, &copy);
		}
	}
	/* near its end a token still serves, while the next one comes */
	if (account->call == NULL && has_token(account) &&
	    clock_ms() >= account->renew_at &&
	    clock_ms() >= account->quiet_until)
		ask_entra(account, NULL);
}

static void
on_wake(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	run(ctx);
}
