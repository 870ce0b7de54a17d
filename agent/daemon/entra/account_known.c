/*
 * account_known.c - see account_known.h.
 *
 * The stored secret lies sealed in the state and is read when Entra is asked
 * with it. Memory keeps its digest, to compare typed secrets with.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account_known.h"
#include "agent/daemon/base/clock.h"
#include "lib/base/log.h"

/*
 * With Entra out of reach, how long before it is asked again: twice as long
 * after each failure that follows another. Not for long, since whoever has no
 * grace is put off meanwhile, also when Entra is back.
 */
#define UNAVAILABLE_MS 1000LL
#define UNAVAILABLE_DOUBLED_MAX 2
#define RENEW_EARLY_MS (300 * 1000LL)
/* A token this near its end might not survive the request. */
#define TOKEN_SPARE_MS (10 * 1000LL)
/* One warning so often about a stored secret that is refused. */
#define WARN_AGAIN_MS (3600 * 1000LL)

static long long
account_known_at_most(long long ms, long long limit)
{
	return ms < limit ? ms : limit;
}

/* Keeps a copy; out of memory, there is no token. */
static void
account_known_set_token(
    struct account *account, const struct secret *token, long long ms)
{
	long long end = clock_ms() + ms;

	secret_free(&account->token);
	account->token = secret_new(token->bytes, token->len);
	account->tokens++;
	account->usable_until =
	    end - account_known_at_most(ms / 4, TOKEN_SPARE_MS);
	account->renew_at = end - account_known_at_most(ms / 2, RENEW_EARLY_MS);
}

static void
account_known_set_stored(struct account *account, const struct secret *secret)
{
	auth_cache_digest(secret, account->stored);
	account->has_stored = account->known = 1;
}

int
account_known_is_own(const struct account *account)
{
	return account->key.entry[0] != '\0';
}

void
account_known_load(struct account *account)
{
	struct state_credential credential;
	struct error err;
	long long left;

	if (account_known_is_own(account)) {
		account->known = 1;
		return;
	}
	switch (
	    state_get(account->state, &account->key.id, &credential, &err)) {
	case 1:
		account_known_set_stored(account, credential.secret);
		left = credential.token_expires - clock_wall();
		if (credential.token != NULL && left > 0)
			account_known_set_token(
			    account, credential.token, left * 1000);
		state_credential_clear(&credential);
		break;
	case -1:
		log_error("%s", err.text);
		break;
	}
}

void
account_known_forget(struct account *account)
{
	secret_free(&account->token);
	memset(&account->auth_cache, 0, sizeof(account->auth_cache));
	memset(account->quiet, 0, sizeof(account->quiet));
	memset(account->stored, 0, sizeof(account->stored));
	account->has_stored = 0;
	account->known = account_known_is_own(account);
	account->out = 0;
	account->warned_at = 0;
}

void
account_known_free(struct account *account)
{
	secret_free(&account->token);
	free(account);
}

long long
account_known_ttl(const struct account *account)
{
	return account->conf->auth_cache_ttl * 1000LL;
}

int
account_known_is_warned(const struct account *account)
{
	return account->warned_at != 0 &&
	    clock_ms() - account->warned_at < WARN_AGAIN_MS;
}

int
account_known_is_idle(const struct account *account)
{
	return account->work == NULL && !account_known_has_token(account) &&
	    !account_known_is_warned(account) &&
	    clock_ms() >= account->quiet[ACCOUNT_STORED].until &&
	    clock_ms() >= account->quiet[ACCOUNT_TYPED].until &&
	    !auth_cache_any(&account->auth_cache, account_known_ttl(account));
}

/* --- the token and the stored secret --- */

int
account_known_has_token(const struct account *account)
{
	return account->token != NULL && clock_ms() < account->usable_until;
}

int
account_known_is_renewal_due(const struct account *account)
{
	return account_known_has_token(account) &&
	    clock_ms() >= account->renew_at &&
	    clock_ms() >= account->quiet[ACCOUNT_STORED].until;
}

void
account_known_drop_token(struct account *account, const struct secret *rejected)
{
	if (account->token != NULL && secret_equal(account->token, rejected))
		secret_free(&account->token);
}

int
account_known_is_stored(const struct account *account,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE])
{
	return account->has_stored &&
	    CRYPTO_memcmp(account->stored, digest, AUTH_CACHE_DIGEST_SIZE) == 0;
}

struct secret *
account_known_take_stored(struct account *account, struct error *err)
{
	struct state_credential credential;
	struct secret *secret;
	int found =
	    state_get(account->state, &account->key.id, &credential, err);

	if (found == 0)
		error_set(err, ERROR_REFUSED, "4.7.8",
		    "no secret of this application is stored; it must sign in "
		    "again");
	secret = credential.secret;
	credential.secret = NULL;
	state_credential_clear(&credential);
	return secret;
}

int
account_known_in_grace(struct account *account, long long *age)
{
	struct state_credential credential;
	long long verified;

	if (state_get(account->state, &account->key.id, &credential, NULL) != 1)
		return 0;
	verified = credential.verified;
	state_credential_clear(&credential);
	*age = clock_wall() - verified;
	return verified != 0 && *age >= 0 &&
	    (account_known_has_token(account) ||
		*age <= account->conf->auth_outage_grace);
}

/* --- Entra's answers --- */

/* Stores a secret that was accepted now, with its token. 0, or -1. */
static int
account_known_store(struct account *account, const struct secret *secret,
    const struct secret *token, long expires_in)
{
	struct state_credential credential = {0};
	struct error err;

	/* borrowed for the call, which changes neither */
	credential.secret = (struct secret *)secret;
	credential.token = (struct secret *)token;
	credential.token_expires = clock_wall() + expires_in;
	credential.verified = clock_wall();
	if (state_put(account->state, &account->key.id, &credential, &err) == 0)
		return 0;
	log_error("%s", err.text);
	return -1;
}

void
account_known_accept_token(
    struct account *account, const struct secret *token, long expires_in)
{
	account_known_set_token(account, token, expires_in * 1000LL);
	account->known = 1;
	account->warned_at = 0;
	account->out = 0;
	memset(account->quiet, 0, sizeof(account->quiet));
}

static void
account_known_audit(const struct account *account)
{
	char application[IDENTITY_TEXT_SIZE];

	log_info("audit: application=%s, action=replaced (the secret that "
		 "clients sign in with)",
	    identity_text(&account->key.id, application));
}

int
account_known_accept(struct account *account, enum account_secret which,
    const struct secret *secret, const struct secret *token, long expires_in)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];

	auth_cache_digest(secret, digest);
	if (which == ACCOUNT_STORED && account->has_stored &&
	    !account_known_is_stored(account, digest))
		return 0;
	account_known_accept_token(account, token, expires_in);
	/*
	 * Mail that is accepted now must be deliverable after a restart, so a
	 * sign-in whose secret could not be kept is "not now".
	 */
	if (account_known_store(account, secret, token, expires_in) == -1) {
		account_known_be_quiet(account, which, UNAVAILABLE_MS,
		    ACCOUNT_UNAVAILABLE,
		    "the state cannot be written; see msgraphd's log");
		return -1;
	}
	if (account->has_stored && !account_known_is_stored(account, digest))
		account_known_audit(account);
	account_known_set_stored(account, secret);
	auth_cache_remember(&account->auth_cache, digest);
	return 0;
}

int
account_known_refuse(struct account *account, const struct secret *secret,
    enum account_result result)
{
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	struct state_credential credential;
	struct error err;
	int found;

	auth_cache_digest(secret, digest);
	auth_cache_forget(&account->auth_cache, digest);
	if (!account_known_is_stored(account, digest))
		return 0;
	found = state_get(account->state, &account->key.id, &credential, &err);
	if (found == 1 && result == ACCOUNT_REFUSED &&
	    credential.verified != 0) {
		credential.verified = 0;
		found = state_put(
		    account->state, &account->key.id, &credential, &err);
	}
	if (found == -1)
		log_error("%s", err.text);
	state_credential_clear(&credential);
	return 1;
}

/* --- when to ask --- */

void
account_known_ask_anew(struct account *account)
{
	memset(account->quiet, 0, sizeof(account->quiet));
}

void
account_known_be_quiet(struct account *account, enum account_secret which,
    long long ms, enum account_result result, const char *text)
{
	struct account_quiet *quiet = &account->quiet[which];

	quiet->since = clock_ms();
	quiet->until = quiet->since + ms;
	quiet->result = result;
	snprintf(quiet->text, sizeof(quiet->text), "%s", text);
}

void
account_known_fail(
    struct account *account, enum account_secret which, const char *text)
{
	struct account_quiet *quiet = &account->quiet[which];

	account_known_be_quiet(account, which,
	    UNAVAILABLE_MS << quiet->failures, ACCOUNT_UNAVAILABLE, text);
	if (quiet->failures < UNAVAILABLE_DOUBLED_MAX)
		quiet->failures++;
	if (which == ACCOUNT_STORED)
		account->out = 1;
}

void
account_known_answered(struct account *account, enum account_secret which)
{
	size_t i;

	account->quiet[which].failures = 0;
	if (which == ACCOUNT_STORED)
		account->out = 0;
	/* it is there for every secret */
	for (i = 0; i < ACCOUNT_SECRETS; i++)
		if (account->quiet[i].result == ACCOUNT_UNAVAILABLE)
			account->quiet[i].until = 0;
}

/* Returns 1 while nothing at all is asked, whatever the secret. */
static int
account_known_is_away(const struct account_quiet *quiet)
{
	return clock_ms() < quiet->until &&
	    (quiet->result == ACCOUNT_UNAVAILABLE ||
		quiet->result == ACCOUNT_THROTTLED);
}

const struct account_quiet *
account_known_quiet(const struct account *account, enum account_secret which)
{
	const struct account_quiet *stored = &account->quiet[ACCOUNT_STORED];
	const struct account_quiet *typed = &account->quiet[ACCOUNT_TYPED];

	/* what keeps the stored secret off keeps the others off, not so back */
	if (account_known_is_away(stored))
		return stored;
	if (which == ACCOUNT_TYPED)
		return account_known_is_away(typed) ? typed : NULL;
	return clock_ms() < stored->until ? stored : NULL;
}
