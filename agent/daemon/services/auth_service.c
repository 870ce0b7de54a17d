/*
 * auth_service.c - see auth_service.h.
 *
 * "OK" and "NO" are answers; closing without one means "not now", which
 * libsasl2 turns into a temporary failure. libsasl2's own saslauthd client
 * splits "user@realm" at the last '@', so the two are joined again here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/activity.h"
#include "agent/daemon/base/reason.h"
#include "agent/daemon/base/recent.h"
#include "agent/daemon/entra/account.h"
#include "agent/daemon/identities/identities.h"
#include "auth_service.h"
#include "trial.h"

#define NAME_MAX_BYTES (2 * WIRE_AUTH_STRING_MAX + 2)

/* Counts the end of a sign-in, for msgraphctl. */
static void
auth_service_count(
    struct conn *conn, const struct identities_user *user, const char *refused)
{
	struct msgraphd *daemon = conn->daemon;
	struct activity_counts *counts = activity_counts(daemon->activity);
	char text[RECENT_TEXT_SIZE], id[IDENTITY_TEXT_SIZE];
	int has_id = user->is_ours && user->application.tenant[0] != '\0';

	if (refused == NULL) {
		counts->signed_in++;
		activity_signed_in(
		    daemon->activity, &user->application, user->entry);
		return;
	}
	counts->refused++;
	snprintf(text, sizeof(text), "%s%s%s",
	    has_id ? identity_text(&user->application, id) : "",
	    has_id ? ": " : "", refused);
	/* one row for all: whoever tries names fills no table */
	recent_note(daemon->recent, "refused", "",
	    user->dsn != NULL ? REASON_IDENTITY : REASON_CREDENTIAL, text);
}

static void
auth_service_answer(struct conn *conn, const char *word, const char *text)
{
	struct buf line, out;

	buf_init(&line, WIRE_AUTH_STRING_MAX);
	buf_init(&out, WIRE_AUTH_REPLY_MAX);
	buf_printf(&line, "%s%s%s", word, text[0] == '\0' ? "" : " ", text);
	if (line.failed || wire_auth_string(&out, line.bytes, line.len) == -1)
		out.len = 0;
	conn_answer(conn, out.bytes, out.len);
	buf_free(&line);
	buf_free(&out);
}

/* A sign-in about which the maps outside, and then Entra, are asked. */
struct sign_in {
	struct conn *conn;
	struct secret *name; /* as typed; it may be a secret, too */
	struct secret *secret;
	struct identities_prepare *prepare;
	struct waiter *waiter;
	struct trial *trial; /* instead, for msgraphctl */
	int is_trial;
	int is_nobody; /* msgraphctl's question whether somebody answers */
	struct identities_user user;
};

static void
auth_service_free(struct sign_in *sign_in)
{
	identities_prepare_cancel(&sign_in->prepare);
	account_cancel(&sign_in->waiter);
	trial_cancel(&sign_in->trial);
	secret_free(&sign_in->name);
	secret_free(&sign_in->secret);
	free(sign_in);
}

/* The name under which smtpd knows the client from now on. */
static void
auth_service_accept(struct conn *conn, const struct identities_user *user)
{
	char name[IDENTITY_CANONICAL_SIZE], text[sizeof(name) + 8];

	identity_canonical(&user->application, user->entry, name);
	snprintf(text, sizeof(text), "user=%s", name);
	auth_service_answer(conn, "OK", text);
}

static void
auth_service_put_off(struct conn *conn)
{
	activity_counts(conn->daemon->activity)->put_off++;
	conn_answer(conn, NULL, 0);
}

static void
auth_service_on_verified(void *ctx, enum account_result result,
    const struct secret *token, const char *text)
{
	struct sign_in *sign_in = ctx;
	struct conn *conn = sign_in->conn;

	(void)token;
	sign_in->waiter = NULL;
	conn->work = NULL;
	switch (result) {
	case ACCOUNT_OK:
		auth_service_count(conn, &sign_in->user, NULL);
		auth_service_accept(conn, &sign_in->user);
		break;
	case ACCOUNT_REFUSED:
	case ACCOUNT_REFUSED_REQUEST:
		auth_service_count(conn, &sign_in->user, text);
		auth_service_answer(conn, "NO", text);
		break;
	case ACCOUNT_UNKNOWN:
	case ACCOUNT_MISCONFIGURED:
	case ACCOUNT_THROTTLED:
	case ACCOUNT_UNAVAILABLE:
		auth_service_put_off(conn);
		break;
	}
	auth_service_free(sign_in);
}

/* --- what an admin tries --- */

/* Tells msgraphctl in lines "name=value" behind the first word. */
static void
auth_service_tell(struct sign_in *sign_in, const char *word,
    const struct claims *claims, const char *text)
{
	struct conn *conn = sign_in->conn;
	char id[IDENTITY_TEXT_SIZE], expires[32];
	struct buf lines;

	buf_init(&lines, WIRE_AUTH_STRING_MAX);
	if (sign_in->user.application.tenant[0] != '\0')
		wire_field(&lines, "application",
		    identity_text(&sign_in->user.application, id));
	wire_field(&lines, "entry", sign_in->user.entry);
	if (claims != NULL) {
		snprintf(expires, sizeof(expires), "%lld", claims->expires);
		wire_field(&lines, "expires", expires);
		wire_field(&lines, "tenant", claims->tenant);
		wire_field(&lines, "client", claims->client);
		wire_field(&lines, "name", claims->name);
		wire_field(&lines, "resource", claims->resource);
		wire_field(&lines, "roles", claims->roles);
	}
	wire_field(&lines, "text", text);
	conn->work = NULL;
	auth_service_answer(conn, word, lines.bytes == NULL ? "" : lines.bytes);
	buf_free(&lines);
	auth_service_free(sign_in);
}

static void
auth_service_on_trial(void *ctx, enum trial_result result,
    const struct claims *claims, const char *text)
{
	struct sign_in *sign_in = ctx;

	sign_in->trial = NULL;
	if (result == TRIAL_OK)
		auth_service_tell(sign_in, "OK", claims, text);
	else
		auth_service_tell(sign_in,
		    result == TRIAL_REFUSED ? "NO" : "LATER", NULL, text);
}

static void
auth_service_try(struct sign_in *sign_in)
{
	struct error err;

	sign_in->trial = trial_start(sign_in->conn->daemon,
	    &sign_in->user.application, sign_in->user.entry, sign_in->secret,
	    auth_service_on_trial, sign_in, &err);
	if (sign_in->trial == NULL)
		auth_service_tell(sign_in, "LATER", NULL, err.text);
}

/* The name is that of an entry, with a credential of its own. */
static void
auth_service_try_entry(struct sign_in *sign_in)
{
	struct identities_user *user = &sign_in->user;
	struct error err;

	secret_free(&sign_in->secret);
	if (identity_parse_entry_name(
		sign_in->name->bytes, sign_in->name->len, user->entry) == -1)
		error_set(
		    &err, ERROR_OURS, "4.3.5", "no entry can have this name");
	else if (identities_find_lending(sign_in->conn->daemon->identities,
		     user->entry, &user->application, &err) == 0) {
		auth_service_try(sign_in);
		return;
	}
	auth_service_tell(sign_in, "NO", NULL, err.text);
}

/* --- sign-ins --- */

/* Says no or "not now", and ends the sign-in. */
static void
auth_service_turn_away(struct sign_in *sign_in, const char *no)
{
	struct conn *conn = sign_in->conn;

	if (sign_in->is_trial) {
		auth_service_tell(sign_in, no == NULL ? "LATER" : "NO", NULL,
		    sign_in->user.text);
		return;
	}
	conn->work = NULL;
	if (no == NULL) {
		auth_service_put_off(conn);
	} else {
		if (!sign_in->is_nobody)
			auth_service_count(conn, &sign_in->user, no);
		auth_service_answer(conn, "NO", no);
	}
	auth_service_free(sign_in);
}

/* Asks Entra. Not where too many wait already, or memory is out. */
static void
auth_service_verify(struct sign_in *sign_in)
{
	sign_in->waiter = account_verify(sign_in->conn->daemon->accounts,
	    &sign_in->user.application, &sign_in->secret,
	    auth_service_on_verified, sign_in);
	if (sign_in->waiter == NULL)
		auth_service_turn_away(sign_in, NULL);
}

/* Decides by the name alone, before Entra is asked: see identities.h. */
static void
auth_service_on_prepared(void *ctx)
{
	struct sign_in *sign_in = ctx;
	struct identities_user *user = &sign_in->user;
	enum identities_result result;

	sign_in->prepare = NULL;
	result = identities_sign_in(sign_in->conn->daemon->identities,
	    sign_in->name->bytes, sign_in->name->len, user);
	secret_free(&sign_in->name);
	if (result == IDENTITIES_OK && sign_in->is_trial)
		auth_service_try(sign_in);
	else if (result == IDENTITIES_OK)
		auth_service_verify(sign_in);
	else
		auth_service_turn_away(
		    sign_in, result == IDENTITIES_REFUSED ? user->text : NULL);
}

/* Joins the user name as it was typed. NULL out of memory. */
static struct secret *
auth_service_join_name(const struct wire_auth *auth)
{
	char name[NAME_MAX_BYTES];
	size_t len = auth->login_len;
	struct secret *joined;

	memcpy(name, auth->login, len);
	if (auth->realm_len > 0) {
		name[len++] = '@';
		memcpy(name + len, auth->realm, auth->realm_len);
		len += auth->realm_len;
	}
	joined = secret_new(name, len);
	secret_wipe(name, sizeof(name));
	return joined;
}

static int
auth_service_is_nobody(const struct wire_auth *auth)
{
	const size_t len = sizeof(WIRE_AUTH_NOBODY) - 1;

	return auth->login_len > len && auth->login[len] == '@' &&
	    memcmp(auth->login, WIRE_AUTH_NOBODY, len) == 0;
}

static struct sign_in *
auth_service_new(struct conn *conn, const struct wire_auth *auth)
{
	struct sign_in *sign_in = calloc(1, sizeof(*sign_in));

	if (sign_in == NULL)
		return NULL;
	sign_in->conn = conn;
	sign_in->is_nobody = auth_service_is_nobody(auth);
	sign_in->name = auth_service_join_name(auth);
	sign_in->secret = secret_new(auth->password, auth->password_len);
	if (sign_in->name != NULL && sign_in->secret != NULL)
		return sign_in;
	auth_service_free(sign_in);
	return NULL;
}

/* Only root may try: smtpd, which asks for anybody, has no need to. */
static int
auth_service_is_try(
    const struct conn *conn, const struct wire_auth *auth, const char *service)
{
	return conn->uid == 0 && auth->service_len == strlen(service) &&
	    memcmp(auth->service, service, auth->service_len) == 0;
}

static enum wire_result
auth_service_request(struct conn *conn)
{
	struct sign_in *sign_in;
	enum wire_result result;
	struct wire_auth auth;
	int is_trial, is_entry;

	result = wire_auth_parse(&auth, conn->in.bytes, conn->in.len);
	if (result != WIRE_DONE)
		return result;
	is_entry = auth_service_is_try(conn, &auth, WIRE_AUTH_TRY_ENTRY);
	is_trial = is_entry || auth_service_is_try(conn, &auth, WIRE_AUTH_TRY);
	sign_in = auth_service_new(conn, &auth);
	buf_wipe(&conn->in);
	if (sign_in == NULL) {
		auth_service_put_off(conn);
		return WIRE_DONE;
	}
	conn->work = sign_in;
	sign_in->is_trial = is_trial;
	if (is_entry) {
		auth_service_try_entry(sign_in);
		return WIRE_DONE;
	}
	sign_in->prepare = identities_prepare_user(conn->daemon->identities,
	    sign_in->name->bytes, sign_in->name->len, auth_service_on_prepared,
	    sign_in);
	if (sign_in->prepare == NULL)
		auth_service_on_prepared(sign_in);
	return WIRE_DONE;
}

static void
auth_service_gone(struct conn *conn)
{
	struct sign_in *sign_in = conn->work;

	conn->work = NULL;
	if (sign_in != NULL)
		auth_service_free(sign_in);
}

const struct service_kind auth_service = {
    .name = "auth",
    .user = "postfix",
    .request_max = WIRE_AUTH_REQUEST_MAX,
    .request = auth_service_request,
    .gone = auth_service_gone,
};
