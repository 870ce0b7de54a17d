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

#define NAME_MAX_BYTES (2 * WIRE_AUTH_STRING_MAX + 2)

/* Counts the end of a sign-in, for those who look on. */
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

/* A sign-in that Entra is being asked about. */
struct sign_in {
	struct conn *conn;
	struct waiter *waiter;
	struct identities_user user;
};

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
	free(sign_in);
}

/* The user name as it was typed, in name; its length, or -1 when too long. */
static long
auth_service_join_name(const struct wire_auth *auth, char name[NAME_MAX_BYTES])
{
	size_t len = auth->login_len;

	memcpy(name, auth->login, len);
	if (auth->realm_len > 0) {
		name[len++] = '@';
		memcpy(name + len, auth->realm, auth->realm_len);
		len += auth->realm_len;
	}
	return (long)len;
}

static int
auth_service_is_nobody(const struct wire_auth *auth)
{
	const size_t len = sizeof(WIRE_AUTH_NOBODY) - 1;

	return auth->login_len > len && auth->login[len] == '@' &&
	    memcmp(auth->login, WIRE_AUTH_NOBODY, len) == 0;
}

/*
 * Decides by the name alone, before Entra is asked: see identities.h. 0 when
 * Entra decides; else the answer has been given. The name is wiped, since it may
 * be a secret in the wrong field.
 */
static int
auth_service_admit(struct conn *conn, const struct wire_auth *auth,
    struct identities_user *user)
{
	char name[NAME_MAX_BYTES];
	long len = auth_service_join_name(auth, name);
	enum identities_result result;

	result = identities_sign_in(
	    conn->daemon->identities, name, (size_t)len, user);
	secret_wipe(name, sizeof(name));
	switch (result) {
	case IDENTITIES_OK:
		return 0;
	case IDENTITIES_LATER:
		auth_service_put_off(conn);
		break;
	case IDENTITIES_REFUSED:
		if (!auth_service_is_nobody(auth))
			auth_service_count(conn, user, user->text);
		auth_service_answer(conn, "NO", user->text);
		break;
	}
	return -1;
}

/* Asks Entra. -1 without memory, or where too many wait already. */
static int
auth_service_verify(struct conn *conn, const struct identities_user *user,
    struct secret **secretp)
{
	struct sign_in *sign_in = calloc(1, sizeof(*sign_in));

	if (sign_in == NULL)
		return -1;
	sign_in->conn = conn;
	sign_in->user = *user;
	sign_in->waiter = account_verify(conn->daemon->accounts,
	    &user->application, secretp, auth_service_on_verified, sign_in);
	if (sign_in->waiter == NULL) {
		free(sign_in);
		return -1;
	}
	conn->work = sign_in;
	return 0;
}

static enum wire_result
auth_service_request(struct conn *conn)
{
	struct identities_user user;
	enum wire_result result;
	struct wire_auth auth;
	struct secret *secret;

	result = wire_auth_parse(&auth, conn->in.bytes, conn->in.len);
	if (result != WIRE_DONE || auth_service_admit(conn, &auth, &user) == -1)
		return result;
	secret = secret_new(auth.password, auth.password_len);
	buf_wipe(&conn->in);
	if (secret == NULL || auth_service_verify(conn, &user, &secret) == -1)
		auth_service_put_off(conn);
	secret_free(&secret);
	return WIRE_DONE;
}

static void
auth_service_gone(struct conn *conn)
{
	struct sign_in *sign_in = conn->work;

	conn->work = NULL;
	if (sign_in == NULL)
		return;
	account_cancel(&sign_in->waiter);
	free(sign_in);
}

const struct service_kind auth_service = {
    .name = "auth",
    .user = "postfix",
    .request_max = WIRE_AUTH_REQUEST_MAX,
    .request = auth_service_request,
    .gone = auth_service_gone,
};
