/*
 * refresh.c - see refresh.h.
 *
 * A secret that was typed is copied, since the client may hang up. An entry's
 * own credential is read anew for each request, and nothing of it is kept,
 * neither in the state nor for sign-ins. Answers about unverified applications
 * are kept in bounded tables only (refusals.h, account_table.h), and never in
 * the state.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/limits.h"
#include "agent/daemon/base/reason.h"
#include "entra.h"
#include "lib/base/log.h"
#include "managed.h"
#include "refresh.h"

/* Before the next try of what failed in this process. */
#define OURS_AGAIN_MS 1000LL
/* Before an own credential is tried again that Entra has refused. */
#define OWN_AGAIN_MS (5 * 1000LL)

/* Names an entry and its credential: "entry a, secret_file /b". */
#define OWN_NAME_SIZE 192

struct refresh {
	struct refresh_with with;
	struct account *account;
	enum account_secret which;
	struct entra_call *call; /* this or the next is under way */
	struct managed_call *managed;
	enum credential_proof proof;
	struct secret *secret; /* owned */
	char own[OWN_NAME_SIZE]; /* empty: a client's secret */
	unsigned char digest[AUTH_CACHE_DIGEST_SIZE];
	long long began; /* clock_ms() */
	refresh_done done;
	void *ctx;
};

static void
refresh_log_unavailable(
    const struct account *account, const char *reason, const char *text)
{
	char application[IDENTITY_TEXT_SIZE];

	log_warning(
	    "NOQUEUE: application=%s, reason=%s, status=unavailable (%s)",
	    identity_text(&account->key.id, application), reason, text);
}

/* Notes that mail of the account has no token, where it may be known why. */
static void
refresh_note_failure(const struct refresh *refresh, const char *text)
{
	const struct account *account = refresh->account;

	if (refresh->which == ACCOUNT_STORED)
		activity_fails(refresh->with.activity, &account->key.id,
		    account->key.entry, text);
}

/* --- answers --- */

static enum account_result
refresh_accepted(struct refresh *refresh, const struct entra_answer *answer)
{
	struct account *account = refresh->account;

	account_known_answered(account, refresh->which);
	activity_works(
	    refresh->with.activity, &account->key.id, account->key.entry);
	if (account_known_is_own(account)) {
		account_known_accept_token(
		    account, answer->token, answer->expires_in);
		return ACCOUNT_OK;
	}
	refusals_drop(
	    refresh->with.refusals, &account->key.id, refresh->digest);
	return account_known_accept(account, refresh->which, refresh->secret,
		   answer->token, answer->expires_in) == 0
	    ? ACCOUNT_OK
	    : ACCOUNT_UNAVAILABLE;
}

static void
refresh_log_refusal(struct refresh *refresh, int stored,
    enum account_result result, const char *text)
{
	struct account *account = refresh->account;
	char application[IDENTITY_TEXT_SIZE];

	identity_text(&account->key.id, application);
	if (stored && !account_known_is_warned(account)) {
		account->warned_at = clock_ms();
		log_warning("NOQUEUE: application=%s, reason=" REASON_CREDENTIAL
			    ", status=refused (mail waits: %s: %s)",
		    application,
		    result == ACCOUNT_REFUSED
			? "the secret it signed in with is not accepted any "
			  "more"
			: "Entra does not take the request for its token",
		    text);
	} else {
		log_info("NOQUEUE: application=%s, reason=" REASON_CREDENTIAL
			 ", status=refused (%s)",
		    application, text);
	}
}

/*
 * Takes down that an entry's own credential gets no token. Only an admin can
 * mend that, so mail waits, whatever Entra says.
 */
static enum account_result
refresh_refused_own(
    struct refresh *refresh, enum account_result result, const char *words)
{
	struct account *account = refresh->account;
	char application[IDENTITY_TEXT_SIZE],
	    text[sizeof(account->quiet->text)];

	snprintf(text, sizeof(text), "%s: %s", refresh->own, words);
	account_known_answered(account, refresh->which);
	account_known_be_quiet(
	    account, ACCOUNT_STORED, OWN_AGAIN_MS, result, text);
	if (!account_known_is_warned(account)) {
		account->warned_at = clock_ms();
		log_warning("NOQUEUE: application=%s, reason=%s, "
			    "status=refused (%s: %s)",
		    identity_text(&account->key.id, application),
		    result == ACCOUNT_MISCONFIGURED ? REASON_CONFIGURATION
						    : REASON_CREDENTIAL,
		    refresh->with.resource == NULL
			? "mail waits"
			: "entries outside cannot be read",
		    text);
	}
	return result;
}

static enum account_result
refresh_refused(struct refresh *refresh, const struct entra_answer *answer)
{
	struct account *account = refresh->account;
	enum account_result result = answer->result == ENTRA_REFUSED
	    ? ACCOUNT_REFUSED
	    : ACCOUNT_REFUSED_REQUEST;
	int stored;

	if (account_known_is_own(account))
		return refresh_refused_own(
		    refresh, ACCOUNT_REFUSED_REQUEST, answer->text);
	stored = account_known_refuse(account, refresh->secret, result);
	account_known_answered(account, refresh->which);
	refusals_add(refresh->with.refusals, &account->key.id, refresh->digest,
	    answer->text);
	/* a client that signs in with another one mends this: mail waits */
	if (stored)
		account_known_be_quiet(account, ACCOUNT_STORED,
		    REFUSALS_REFUSED_MS, result, answer->text);
	refresh_log_refusal(refresh, stored, result, answer->text);
	return result;
}

static void
refresh_be_throttled(
    struct account *account, enum account_secret which, long long ms)
{
	char text[128];

	snprintf(text, sizeof(text), "Entra asks to slow down for %lld s",
	    (ms + 999) / 1000);
	account_known_be_quiet(account, which, ms, ACCOUNT_THROTTLED, text);
}

/* Returns how long nothing may be asked for an unverified application. */
static long long
refresh_unverified_ms(long seconds)
{
	if (seconds <= 0)
		seconds = THROTTLE_SECONDS_DEFAULT;
	if (seconds > THROTTLE_SECONDS_MAX)
		seconds = THROTTLE_SECONDS_MAX;
	return seconds * 1000LL;
}

/*
 * An answer all the same: Entra is not out of reach. A name that somebody made
 * up throttles no tenant for those that are known, and goes into no state.
 */
static enum account_result
refresh_throttled(struct refresh *refresh, const struct entra_answer *answer)
{
	struct account *account = refresh->account;
	struct error err;
	long long left;

	account_known_answered(account, refresh->which);
	if (!account->known) {
		left = refresh_unverified_ms(answer->retry_after);
	} else {
		if (throttle_by_entra(refresh->with.throttles, &account->key.id,
			answer->retry_after, &err) == -1)
			log_error("%s", err.text);
		left = throttle_left_entra(
		    refresh->with.throttles, &account->key.id);
	}
	refresh_be_throttled(
	    account, refresh->which, left > 0 ? left : OURS_AGAIN_MS);
	refresh_log_unavailable(account, REASON_THROTTLED, answer->text);
	return ACCOUNT_THROTTLED;
}

static enum account_result
refresh_unavailable(struct refresh *refresh, const struct entra_answer *answer)
{
	account_known_fail(refresh->account, refresh->which, answer->text);
	refresh_log_unavailable(
	    refresh->account, REASON_ENDPOINT, answer->text);
	return ACCOUNT_UNAVAILABLE;
}

static enum account_result
refresh_take_answer(struct refresh *refresh, const struct entra_answer *answer)
{
	switch (answer->result) {
	case ENTRA_ACCEPTED:
		return refresh_accepted(refresh, answer);
	case ENTRA_REFUSED:
	case ENTRA_REFUSED_REQUEST:
		return refresh_refused(refresh, answer);
	case ENTRA_MISCONFIGURED:
		return refresh_refused_own(
		    refresh, ACCOUNT_MISCONFIGURED, answer->text);
	case ENTRA_UNAVAILABLE:
		break;
	}
	return answer->throttled ? refresh_throttled(refresh, answer)
				 : refresh_unavailable(refresh, answer);
}

static void
refresh_on_answer(void *ctx, const struct entra_answer *answer)
{
	struct refresh *refresh = ctx;
	enum account_result result = refresh_take_answer(refresh, answer);

	if (result != ACCOUNT_OK)
		refresh_note_failure(refresh, answer->text);
	refresh->call = NULL;
	refresh->managed = NULL;
	refresh->done(refresh->ctx, result, refresh->digest, answer->text);
	refresh_cancel(&refresh);
}

/* --- the request --- */

/* Takes a client's secret to ask about. 0, or -1 with *err. */
static int
refresh_take_secret(
    struct refresh *refresh, const struct secret *secret, struct error *err)
{
	refresh->proof = CREDENTIAL_SECRET;
	if (secret == NULL) {
		refresh->secret =
		    account_known_take_stored(refresh->account, err);
	} else {
		refresh->secret = secret_new(secret->bytes, secret->len);
		if (refresh->secret == NULL)
			error_no_memory(err);
	}
	return refresh->secret == NULL ? -1 : 0;
}

/* Reads the credential. 0, or -1 with *err, which names entry and file. */
static int
refresh_prove(struct refresh *refresh, const struct credential *credential,
    struct error *err)
{
	const struct account_key *key = &refresh->account->key;
	struct buf url;

	refresh->proof = credential_proof(credential);
	buf_init(&url, 2048);
	if (entra_url(refresh->with.conf, &key->id, &url) == -1)
		error_set(err, ERROR_OURS, "4.3.5", "login_endpoint too long");
	else
		refresh->secret =
		    credential_prove(credential, &key->id, url.bytes, err);
	buf_free(&url);
	if (refresh->secret != NULL)
		return 0;
	return error_prefix(err, "entry %s", key->entry);
}

/* Asks whoever gives this machine tokens. 0, or -1 with *err. */
static int
refresh_ask_managed(struct refresh *refresh,
    const struct credential *credential, const char *resource,
    struct error *err)
{
	const struct refresh_with *with = &refresh->with;
	struct managed_request request = {.id = &refresh->account->key.id,
	    .identity = credential_value(credential),
	    .resource = resource,
	    .is_patient = 1};

	refresh->managed = managed_start(with->base, with->plain, with->conf,
	    &request, refresh_on_answer, refresh, err);
	return refresh->managed == NULL ? -1 : 0;
}

/* Asks Entra. 0, or -1 with *err. */
static int
refresh_ask_entra(
    struct refresh *refresh, const char *resource, struct error *err)
{
	const struct refresh_with *with = &refresh->with;
	struct entra_request request = {.id = &refresh->account->key.id,
	    .resource = resource,
	    .proof = refresh->proof,
	    .secret = refresh->secret};

	auth_cache_digest(refresh->secret, refresh->digest);
	refresh->call = entra_start(
	    with->http, with->conf, &request, refresh_on_answer, refresh, err);
	return refresh->call == NULL ? -1 : 0;
}

/* Finds the entry's own credential. NULL with *err. */
static const struct credential *
refresh_find_own(struct refresh *refresh, struct error *err)
{
	const struct credentials *credentials = refresh->with.credentials;
	const struct account_key *key = &refresh->account->key;
	const struct credential *credential = NULL;
	char name[ENTRY_NAME_SIZE];

	if (credentials != NULL)
		credential = credentials->find(
		    credentials->ctx, &key->id, key->entry, name);
	if (credential == NULL)
		error_set(err, ERROR_REFUSED, "4.7.8",
		    "entry %s has no credential any more", key->entry);
	else
		snprintf(refresh->own, sizeof(refresh->own), "entry %s, %s %s",
		    key->entry, credential_attribute(credential),
		    credential_value(credential));
	return credential;
}

/* Returns 1 while Entra must not be asked; *err is then none of ours. */
static int
refresh_is_throttled(struct refresh *refresh, struct error *err)
{
	long long left = throttle_left_entra(
	    refresh->with.throttles, &refresh->account->key.id);

	if (left <= 0)
		return 0;
	refresh_be_throttled(refresh->account, refresh->which, left);
	err->class = ERROR_NONE;
	return 1;
}

/*
 * Sends the request. 0, or -1 with *err; ERROR_NONE where the account is quiet
 * already. Entra's throttles are none of whoever gives this machine tokens.
 */
static int
refresh_ask(
    struct refresh *refresh, const struct secret *secret, struct error *err)
{
	const struct refresh_with *with = &refresh->with;
	const char *resource = with->resource == NULL
	    ? with->conf->graph_endpoint
	    : with->resource(with->conf);
	const struct credential *credential = NULL;

	if (account_known_is_own(refresh->account) &&
	    (credential = refresh_find_own(refresh, err)) == NULL)
		return -1;
	if (credential != NULL &&
	    credential_proof(credential) == CREDENTIAL_NO_PROOF)
		return refresh_ask_managed(refresh, credential, resource, err);
	if (refresh_is_throttled(refresh, err) ||
	    (credential == NULL
		    ? refresh_take_secret(refresh, secret, err)
		    : refresh_prove(refresh, credential, err)) == -1)
		return -1;
	return refresh_ask_entra(refresh, resource, err);
}

/* Says why a request could not start, to those who wait for its answer. */
static void
refresh_failed(struct refresh *refresh, const struct error *err)
{
	struct account *account = refresh->account;
	enum account_result result = ACCOUNT_UNAVAILABLE;

	if (err->class == ERROR_NONE)
		return;
	if (err->class == ERROR_REFUSED)
		result = ACCOUNT_UNKNOWN;
	else if (err->class == ERROR_OURS && account_known_is_own(account))
		result = ACCOUNT_MISCONFIGURED;
	else
		log_error("%s", err->text);
	refresh_note_failure(refresh, err->text);
	account_known_be_quiet(
	    account, refresh->which, OURS_AGAIN_MS, result, err->text);
}

struct refresh *
refresh_start(const struct refresh_with *with, struct account *account,
    const struct secret *secret, refresh_done done, void *ctx)
{
	enum account_secret which =
	    secret == NULL ? ACCOUNT_STORED : ACCOUNT_TYPED;
	struct refresh *refresh;
	struct error err;

	if ((refresh = calloc(1, sizeof(*refresh))) == NULL) {
		account_known_be_quiet(account, which, OURS_AGAIN_MS,
		    ACCOUNT_UNAVAILABLE, "out of memory");
		return NULL;
	}
	refresh->with = *with;
	refresh->account = account;
	refresh->which = which;
	refresh->began = clock_ms();
	refresh->done = done;
	refresh->ctx = ctx;
	if (refresh_ask(refresh, secret, &err) == -1) {
		refresh_failed(refresh, &err);
		refresh_cancel(&refresh);
	}
	return refresh;
}

void
refresh_cancel(struct refresh **refreshp)
{
	struct refresh *refresh = *refreshp;

	*refreshp = NULL;
	if (refresh == NULL)
		return;
	entra_cancel(&refresh->call);
	managed_cancel(&refresh->managed);
	secret_free(&refresh->secret);
	free(refresh);
}

long long
refresh_age(const struct refresh *refresh)
{
	return clock_ms() - refresh->began;
}

int
refresh_is_about(const struct refresh *refresh,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE])
{
	return memcmp(refresh->digest, digest, AUTH_CACHE_DIGEST_SIZE) == 0;
}
