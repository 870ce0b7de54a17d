/*
 * refresh.c - see refresh.h.
 *
 * The secret is copied, since the client that typed it may hang up. Answers
 * about unverified applications are kept in bounded tables only (refusals.h,
 * account_table.h), and never in the state.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/limits.h"
#include "agent/daemon/base/reason.h"
#include "entra.h"
#include "lib/base/log.h"
#include "refresh.h"

/* Before the next try of what failed in this process. */
#define OURS_AGAIN_MS 1000LL

struct refresh {
	struct refresh_with with;
	struct account *account;
	enum account_secret which;
	struct entra_call *call;
	struct secret *secret; /* owned */
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
	    identity_text(&account->id, application), reason, text);
}

/* --- answers --- */

static enum account_result
refresh_accepted(struct refresh *refresh, const struct entra_answer *answer)
{
	struct account *account = refresh->account;

	account_known_answered(account, refresh->which);
	refusals_drop(refresh->with.refusals, &account->id, refresh->digest);
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

	identity_text(&account->id, application);
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

static enum account_result
refresh_refused(struct refresh *refresh, const struct entra_answer *answer)
{
	struct account *account = refresh->account;
	enum account_result result = answer->result == ENTRA_REFUSED
	    ? ACCOUNT_REFUSED
	    : ACCOUNT_REFUSED_REQUEST;
	int stored = account_known_refuse(account, refresh->secret, result);

	account_known_answered(account, refresh->which);
	refusals_add(refresh->with.refusals, &account->id, refresh->digest,
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
		if (throttle_by_entra(refresh->with.throttles, &account->id,
			answer->retry_after, &err) == -1)
			log_error("%s", err.text);
		left =
		    throttle_left_entra(refresh->with.throttles, &account->id);
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

	refresh->call = NULL;
	refresh->done(refresh->ctx, result, refresh->digest, answer->text);
	refresh_cancel(&refresh);
}

/* --- the request --- */

/* The secret to ask about; NULL, and the account is quiet. */
static struct secret *
refresh_secret(struct account *account, const struct secret *secret)
{
	struct secret *copy;
	struct error err;

	if (secret == NULL) {
		copy = account_known_take_stored(account, &err);
	} else {
		copy = secret_new(secret->bytes, secret->len);
		if (copy == NULL)
			error_no_memory(&err);
	}
	if (copy != NULL)
		return copy;
	if (err.class != ERROR_REFUSED)
		log_error("%s", err.text);
	account_known_be_quiet(account,
	    secret == NULL ? ACCOUNT_STORED : ACCOUNT_TYPED, OURS_AGAIN_MS,
	    err.class == ERROR_REFUSED ? ACCOUNT_UNKNOWN : ACCOUNT_UNAVAILABLE,
	    err.text);
	return NULL;
}

struct refresh *
refresh_start(const struct refresh_with *with, struct account *account,
    const struct secret *secret, refresh_done done, void *ctx)
{
	enum account_secret which =
	    secret == NULL ? ACCOUNT_STORED : ACCOUNT_TYPED;
	long long left = throttle_left_entra(with->throttles, &account->id);
	struct refresh *refresh;
	struct error err;

	if (left > 0) {
		refresh_be_throttled(account, which, left);
		return NULL;
	}
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
	refresh->secret = refresh_secret(account, secret);
	if (refresh->secret != NULL) {
		auth_cache_digest(refresh->secret, refresh->digest);
		refresh->call =
		    entra_start(with->http, with->conf, &account->id,
			refresh->secret, refresh_on_answer, refresh, &err);
		if (refresh->call != NULL)
			return refresh;
		log_error("%s", err.text);
		account_known_be_quiet(account, which, OURS_AGAIN_MS,
		    ACCOUNT_UNAVAILABLE, err.text);
	}
	refresh_cancel(&refresh);
	return NULL;
}

void
refresh_cancel(struct refresh **refreshp)
{
	struct refresh *refresh = *refreshp;

	*refreshp = NULL;
	if (refresh == NULL)
		return;
	entra_cancel(&refresh->call);
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
