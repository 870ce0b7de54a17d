/*
 * account_known.h - what is known of one application: its stored secret, its
 * token, the secrets that Entra took lately, and until when not to ask.
 *
 * Each entry whose own credential is used has an account for itself, which
 * nobody signs in to and of which the state holds nothing: its secrets and
 * those of clients never meet.
 *
 * Nothing here asks Entra (refresh.h) or answers anybody (sign_in.c).
 */
#ifndef MSGRAPHD_ACCOUNT_KNOWN_H
#define MSGRAPHD_ACCOUNT_KNOWN_H

#include <sys/queue.h>

#include "account.h"
#include "auth_cache.h"

/*
 * Two requests about an application may be under way: one with its stored
 * secret, and one with another that somebody has typed. Neither waits for the
 * other.
 */
enum account_secret { ACCOUNT_STORED, ACCOUNT_TYPED };
#define ACCOUNT_SECRETS 2

/* Until this time Entra is not asked again, for this reason. */
struct account_quiet {
	long long since, until; /* clock_ms() */
	enum account_result result;
	char text[384];
	unsigned int failures; /* of Entra to answer, one after the other */
};

/* What tells accounts apart; zeroed before it is filled, and compared whole. */
struct account_key {
	struct identity id;
	char entry[ENTRY_NAME_SIZE]; /* empty: of clients' secrets */
};

struct account {
	struct account_key key; /* first: the table's key */
	TAILQ_ENTRY(account) resting; /* the table's, as the next */
	struct account *idle;
	int rests;
	void *work; /* its queue of those who wait; see account_table.h */

	const struct conf *conf; /* borrowed, as the next */
	struct state *state;
	struct auth_cache auth_cache;
	int known; /* Entra has accepted a secret of it, now or before */
	int has_stored;
	unsigned char stored[AUTH_CACHE_DIGEST_SIZE];
	struct secret *token; /* owned; NULL without one */
	unsigned long tokens; /* that came so far */
	long long renew_at, usable_until; /* clock_ms() */
	struct account_quiet quiet[ACCOUNT_SECRETS];
	int out; /* Entra did not answer about the stored secret, last time */
	long long warned_at; /* clock_ms() of the last warning; 0: none */
};

/* Returns 1 when requests are made with an entry's own credential. */
int account_known_is_own(const struct account *account);

/* Reads the application's row of the state. */
void account_known_load(struct account *account);

/*
 * Forgets the token, and what Entra has said, as if the account had been made
 * just now and its row of the state were gone.
 */
void account_known_forget(struct account *account);

/* Wipes and frees what the account owns, and the account. */
void account_known_free(struct account *account);

/* Returns for how many ms an accepted secret is accepted without asking. */
long long account_known_ttl(const struct account *account);

/* Returns 1 when the state could give back all that is known. */
int account_known_is_idle(const struct account *account);

/* Returns 1 when there is a token that stays valid for a request. */
int account_known_has_token(const struct account *account);

/* Returns 1 when the token is valid still, but the next one is due. */
int account_known_is_renewal_due(const struct account *account);

/* Drops a token that Graph does not take. */
void account_known_drop_token(
    struct account *account, const struct secret *rejected);

/* Returns 1 when this is the digest of the stored secret. */
int account_known_is_stored(const struct account *account,
    const unsigned char digest[AUTH_CACHE_DIGEST_SIZE]);

/* Copies the stored secret, which the caller owns. NULL with *err. */
struct secret *account_known_take_stored(
    struct account *account, struct error *err);

/*
 * Returns 1 when the stored secret may be accepted while Entra cannot be
 * reached: it was accepted within auth_outage_grace, or its token is still
 * valid. *age becomes the seconds since then.
 */
int account_known_in_grace(struct account *account, long long *age);

/* Stores a token, and nothing of the credential that it was given for. */
void account_known_accept_token(
    struct account *account, const struct secret *token, long expires_in);

/*
 * Stores a token, and the secret that it was given for as the stored one.
 * Nothing changes when Entra was asked about a stored secret that has been
 * replaced since. 0 when that is durable; -1, and it is logged.
 */
int account_known_accept(struct account *account, enum account_secret which,
    const struct secret *secret, const struct secret *token, long expires_in);

/*
 * Notes that Entra refuses a secret. A stored secret stays, since Entra can be
 * wrong about a new one for a while, but it is not accepted in an outage any
 * more. Returns 1 for that one.
 */
int account_known_refuse(struct account *account, const struct secret *secret,
    enum account_result result);

/* Lets Entra be asked at once, whatever it has said before. */
void account_known_ask_anew(struct account *account);

/*
 * Keeps Entra from being asked for ms. Those who wait are answered with result
 * and text.
 */
void account_known_be_quiet(struct account *account, enum account_secret which,
    long long ms, enum account_result result, const char *text);

/* Notes that Entra did not answer; each time the next question comes later. */
void account_known_fail(
    struct account *account, enum account_secret which, const char *text);

/* Notes that Entra has answered. */
void account_known_answered(struct account *account, enum account_secret which);

/* Returns why Entra must not be asked now, or NULL. */
const struct account_quiet *account_known_quiet(
    const struct account *account, enum account_secret which);

/* Returns 1 while the warning about the refused secret must not come again. */
int account_known_is_warned(const struct account *account);

#endif
