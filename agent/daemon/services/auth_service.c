/*
 * auth_service.c - see auth.h.
 *
 * "OK" and "NO" are answers; closing without one means "not now", which
 * libsasl2 turns into a temporary failure. libsasl2's own saslauthd client
 * splits "user@realm" at the last '@', so the two are joined again here.
 */
#include <string.h>

#include "agent/daemon/entra/account.h"
#include "lib/base/log.h"
#include "auth_service.h"

/* As much of a malformed name as helps to recognise it. */
#define NAME_LOGGED 200
#define NAME_MAX_BYTES (2 * WIRE_AUTH_STRING_MAX + 2)

static void
answer(struct conn *conn, const char *word, const char *text)
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

static void
on_verdict(void *ctx, enum account_result result, const struct secret *token,
    const char *text)
{
	struct conn *conn = ctx;

	(void)token;
	switch (result) {
	case ACCOUNT_OK:
		answer(conn, "OK", "");
		break;
	case ACCOUNT_REFUSED:
		answer(conn, "NO", text);
		break;
	case ACCOUNT_UNKNOWN:
	case ACCOUNT_HELD:
	case ACCOUNT_UNAVAILABLE:
		conn_answer(conn, NULL, 0);
		break;
	}
}

/* The user name as it was typed, in name; its length, or -1 when too long. */
static long
join_name(const struct wire_auth *auth, char name[NAME_MAX_BYTES])
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

static enum wire_result
request(struct conn *conn)
{
	char name[NAME_MAX_BYTES];
	struct wire_auth auth;
	struct identity id;
	struct secret *secret;
	enum wire_result result;
	const char *reason;
	long len;

	result = wire_auth_parse(&auth, conn->in.bytes, conn->in.len);
	if (result != WIRE_DONE)
		return result;
	len = join_name(&auth, name);
	if (identity_parse(name, (size_t)len,
		conf_delimiters(&conn->daemon->conf), &id, &reason) == -1) {
		log_info("NOQUEUE: user=<%.*s>, status=refused (%s)",
		    len > NAME_LOGGED ? NAME_LOGGED : (int)len, name, reason);
		answer(conn, "NO", reason);
		return WIRE_DONE;
	}
	secret = secret_new(auth.password, auth.password_len);
	buf_wipe(&conn->in);
	if (secret != NULL)
		conn->work = account_verify(
		    conn->daemon->accounts, &id, &secret, on_verdict, conn);
	if (conn->work == NULL)
		conn_answer(conn, NULL, 0);
	return WIRE_DONE;
}

static void
gone(struct conn *conn)
{
	struct ask *ask = conn->work;

	conn->work = NULL;
	account_cancel(&ask);
}

const struct service_kind auth_service = {
    .name = "auth",
    .user = "postfix",
    .request_max = WIRE_AUTH_REQUEST_MAX,
    .request = request,
    .gone = gone,
};
