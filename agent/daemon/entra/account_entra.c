/*
 * account_entra.c - what is asked of Entra for one account, and what is kept of
 * the answer; see account_private.h.
 */
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/reason.h"
#include "lib/base/log.h"
#include "lib/base/log.h"
#include "account_private.h"

/*
 * With Entra out of reach, how long before it is asked again: twice as long
 * after each failure that follows another. Not for long, since whoever has no
 * grace is put off meanwhile, also when Entra is back.
 */
#define UNAVAILABLE_MS 1000LL
#define UNAVAILABLE_MAX_MS (4 * 1000LL)
#define UNVERIFIED_ASKING_MAX 32
#define RENEW_EARLY_MS (300 * 1000LL)
/* A token this near its end might not survive the request. */
#define TOKEN_SPARE_MS (10 * 1000LL)
/* One warning so often about a stored secret that is refused. */
#define WARN_AGAIN_MS (3600 * 1000LL)

long long
account_ttl(const struct account *account)
{
	return account->all->conf->auth_cache_ttl * 1000LL;
}

/* --- tokens --- */

static long long
account_entra_at_most(long long ms, long long limit)
{
	return ms < limit ? ms : limit;
}

static void
account_entra_set_token(
    struct account *account, const struct secret *token, long long ms)
{
	long long end = clock_ms() + ms;

	secret_free(&account->token);
	account->token = secret_new(token->bytes, token->len);
	account->usable_until =
	    end - account_entra_at_most(ms / 4, TOKEN_SPARE_MS);
	account->renew_at = end - account_entra_at_most(ms / 2, RENEW_EARLY_MS);
}

int
account_has_token(const struct account *account)
{
	return account->token != NULL && clock_ms() < account->usable_until;
}

/* What the last daemon knew. */
void
account_load_token(struct account *account)
{
	struct credential credential;
	struct error err;
	long long left;

	switch (
	    state_get(account->all->state, &account->id, &credential, &err)) {
	case 1:
		account->known = 1;
		left = credential.token_expires - clock_wall();
		if (credential.token != NULL && left > 0)
			account_entra_set_token(
			    account, credential.token, left * 1000);
		credential_clear(&credential);
		break;
	case -1:
		log_error("%s", err.text);
		break;
	}
}

void
account_be_quiet(struct account *account, long long ms,
    enum account_result result, const char *text)
{
	account->quiet_until = clock_ms() + ms;
	account->quiet_result = result;
	account->guessed = 0;
	snprintf(account->quiet_text, sizeof(account->quiet_text), "%s", text);
}

/* --- the request --- */

/* 0 when the new secret and token are durable. */
static int
account_entra_store(struct account *account, long expires_in)
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
account_entra_is_back(struct account *account)
{
	account->failures = 0;
	account->out = 0;
}

static void
account_entra_accepted(
    struct account *account, const struct entra_answer *answer)
{
	account_entra_set_token(
	    account, answer->token, answer->expires_in * 1000LL);
	account->quiet_until = 0;
	account_entra_is_back(account);
	account->warned_at = 0;
	account->known = 1;
	/*
	 * Mail that is accepted now must be deliverable after a restart, so a
	 * sign-in whose secret could not be kept is "not now".
	 */
	if (account_entra_store(account, answer->expires_in) == -1)
		account_be_quiet(account, UNAVAILABLE_MS, ACCOUNT_UNAVAILABLE,
		    "the state cannot be written; see msgraphd's log");
	else {
		auth_cache_remember(
		    &account->auth_cache, account->asked, 1, "");
		account_answer(account, account->asked, ACCOUNT_OK, "");
	}
}

int
account_is_warned(const struct account *account)
{
	return account->warned_at != 0 &&
	    clock_ms() - account->warned_at < WARN_AGAIN_MS;
}

/*
 * 1 when the refused secret is the stored one. That stays, since Entra can be
 * wrong about a new one for a while; but once it was called wrong, an outage is
 * no reason to accept it.
 */
static int
account_entra_end_grace(struct account *account, enum account_result result)
{
	int stored;
	struct credential credential;
	struct error err;
	int found =
	    state_get(account->all->state, &account->id, &credential, &err);

	stored = found == 1 && secret_equal(credential.secret, account->asked);
	if (stored && result == ACCOUNT_REFUSED && credential.verified != 0) {
		credential.verified = 0;
		found = state_put(
		    account->all->state, &account->id, &credential, &err);
	}
	if (found == -1)
		log_error("%s", err.text);
	credential_clear(&credential);
	return stored || account->renewing;
}

static void
account_entra_log_refusal(struct account *account, int stored,
    enum account_result result, const char *text)
{
	char client[IDENTITY_TEXT_SIZE];

	identity_text(&account->id, client);
	if (stored && !account_is_warned(account)) {
		account->warned_at = clock_ms();
		log_warning("NOQUEUE: application=%s, reason=" REASON_CREDENTIAL
			    ", status=refused (mail waits: %s: %s)",
		    client,
		    result == ACCOUNT_REFUSED
			? "the secret it signed in with is not accepted any "
			  "more"
			: "Entra does not take the request for its token",
		    text);
	} else if (!account->renewing) {
		log_info("NOQUEUE: application=%s, reason=" REASON_CREDENTIAL
			 ", status=refused (%s)",
		    client, text);
	}
}

static void
account_entra_refused(
    struct account *account, const struct entra_answer *answer)
{
	enum account_result result = answer->result == ENTRA_REFUSED
	    ? ACCOUNT_REFUSED
	    : ACCOUNT_REFUSED_REQUEST;
	int stored = account_entra_end_grace(account, result);

	account_entra_is_back(account);
	auth_cache_remember(
	    &account->auth_cache, account->asked, 0, answer->text);
	/* a client that signs in with another one mends this: mail waits */
	if (stored)
		account_be_quiet(
		    account, AUTH_CACHE_REFUSED_MS, result, answer->text);
	account_entra_log_refusal(account, stored, result, answer->text);
	account_answer(account, account->asked, result, answer->text);
}

/* 1 when Entra has asked this application or its tenant to slow down. */
static int
account_entra_is_throttled(struct account *account)
{
	char text[128];
	long long left =
	    throttle_left_entra(account->all->throttles, &account->id);

	if (left == 0)
		return 0;
	snprintf(text, sizeof(text), "Entra asks to slow down for %lld s",
	    (left + 999) / 1000);
	account_be_quiet(account, left, ACCOUNT_THROTTLED, text);
	return 1;
}

static void
account_entra_log_unavailable(
    struct account *account, const char *reason, const char *text)
{
	char client[IDENTITY_TEXT_SIZE];

	log_warning(
	    "NOQUEUE: application=%s, reason=%s, status=unavailable (%s)",
	    identity_text(&account->id, client), reason, text);
}

/* An answer all the same: Entra is not out of reach. */
static void
account_entra_throttled(
    struct account *account, const struct entra_answer *answer)
{
	struct error err;

	account_entra_is_back(account);
	if (throttle_by_entra(account->all->throttles, &account->id,
		answer->retry_after, &err) == -1)
		log_error("%s", err.text);
	if (!account_entra_is_throttled(account))
		account_be_quiet(account, UNAVAILABLE_MAX_MS, ACCOUNT_THROTTLED,
		    "Entra asks to slow down");
	account_entra_log_unavailable(account, REASON_THROTTLED, answer->text);
}

static void
account_entra_unavailable(
    struct account *account, const struct entra_answer *answer)
{
	account_be_quiet(account,
	    account_entra_at_most(
		UNAVAILABLE_MS << account->failures, UNAVAILABLE_MAX_MS),
	    ACCOUNT_UNAVAILABLE, answer->text);
	if (account->failures < 5)
		account->failures++;
	/* what a stranger typed may be why; that says nothing of an outage */
	if (account_is_stored(account, account->asked))
		account->out = 1;
	account->guessed = !account->out;
	account_entra_log_unavailable(account, REASON_ENDPOINT, answer->text);
}

static void
account_entra_on_answer(void *ctx, const struct entra_answer *answer)
{
	struct account *account = ctx;

	account->call = NULL;
	if (account->unverified)
		account->all->unverified--;
	account->unverified = 0;
	switch (answer->result) {
	case ENTRA_ACCEPTED:
		account_entra_accepted(account, answer);
		break;
	case ENTRA_REFUSED:
	case ENTRA_REFUSED_REQUEST:
		account_entra_refused(account, answer);
		break;
	case ENTRA_UNAVAILABLE:
		if (answer->throttled)
			account_entra_throttled(account, answer);
		else
			account_entra_unavailable(account, answer);
		break;
	}
	secret_free(&account->asked);
	account_run(account);
}

/* Takes the stored secret for the next request. */
static int
account_entra_take_stored(struct account *account, struct error *err)
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

/* Guesses about identities must not keep Entra from being asked for others. */
static int
account_entra_is_one_too_many(struct account *account)
{
	if (account->known || account->all->unverified < UNVERIFIED_ASKING_MAX)
		return 0;
	account_be_quiet(account, UNAVAILABLE_MS, ACCOUNT_UNAVAILABLE,
	    "too many clients that are not known here sign in at once");
	account_entra_log_unavailable(
	    account, REASON_THROTTLED, account->quiet_text);
	return 1;
}

void
account_ask_entra(struct account *account, struct secret **secretp)
{
	struct error err;

	/* the stored secret's turn: what a guess has brought about is over */
	if (account->guessed)
		account->quiet_until = account->guessed = 0;
	if (account_entra_is_throttled(account) ||
	    account_entra_is_one_too_many(account)) {
		if (secretp != NULL)
			secret_free(secretp);
		return;
	}
	account->renewing = secretp == NULL;
	if (secretp != NULL) {
		account->asked = *secretp;
		*secretp = NULL;
	} else if (account_entra_take_stored(account, &err) == -1) {
		if (err.class != ERROR_REFUSED)
			log_error("%s", err.text);
		account_be_quiet(account, UNAVAILABLE_MS,
		    err.class == ERROR_REFUSED ? ACCOUNT_UNKNOWN
					       : ACCOUNT_UNAVAILABLE,
		    err.text);
		return;
	}
	account->call =
	    entra_start(account->all->http, account->all->conf, &account->id,
		account->asked, account_entra_on_answer, account, &err);
	if (account->call == NULL) {
		log_error("%s", err.text);
		account_be_quiet(
		    account, UNAVAILABLE_MS, ACCOUNT_UNAVAILABLE, err.text);
		secret_free(&account->asked);
		return;
	}
	account->asked_at = clock_ms();
	account->unverified = !account->known;
	if (account->unverified)
		account->all->unverified++;
}

int
account_is_stored(struct account *account, const struct secret *secret)
{
	struct credential credential;
	int stored;

	if (state_get(account->all->state, &account->id, &credential, NULL) !=
	    1)
		return 0;
	stored = secret_equal(credential.secret, secret);
	credential_clear(&credential);
	return stored;
}

struct secret *
account_in_grace(struct account *account, long long *age)
{
	struct credential credential;
	struct secret *secret = NULL;

	if (state_get(account->all->state, &account->id, &credential, NULL) !=
	    1)
		return NULL;
	*age = clock_wall() - credential.verified;
	if (credential.verified != 0 && *age >= 0 &&
	    (account_has_token(account) ||
		*age <= account->all->conf->auth_outage_grace)) {
		secret = credential.secret;
		credential.secret = NULL;
	}
	credential_clear(&credential);
	return secret;
}
