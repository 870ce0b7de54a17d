/*
 * auth_service.c - see auth_service.h.
 *
 * "OK" and "NO" are answers; closing without one means "not now", which
 * libsasl2 turns into a temporary failure. libsasl2's own saslauthd client
 * splits "user@realm" at the last '@', so the two are joined again here.
 */
#include <string.h>

#include "agent/daemon/base/reason.h"
#include "agent/daemon/entra/account.h"
#include "lib/base/log.h"
#include "auth_service.h"

#define NAME_MAX_BYTES (2 * WIRE_AUTH_STRING_MAX + 2)

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

static void
auth_service_on_verified(void *ctx, enum account_result result,
    const struct secret *token, const char *text)
{
	struct conn *conn = ctx;

	(void)token;
	switch (result) {
	case ACCOUNT_OK:
		auth_service_answer(conn, "OK", "");
		break;
	case ACCOUNT_REFUSED:
	case ACCOUNT_REFUSED_REQUEST:
		auth_service_answer(conn, "NO", text);
		break;
	case ACCOUNT_UNKNOWN:
	case ACCOUNT_THROTTLED:
	case ACCOUNT_UNAVAILABLE:
		conn_answer(conn, NULL, 0);
		break;
	}
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

static enum wire_result
auth_service_request(struct conn *conn)
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
	len = auth_service_join_name(&auth, name);
	if (identity_parse(name, (size_t)len,
		conf_delimiters(&conn->daemon->conf), &id, &reason) == -1) {
		/*
		 * what is no name of ours may be a secret, in the wrong field
		 */
		log_info("NOQUEUE: reason=" REASON_CREDENTIAL
			 ", status=refused (a user name of %ld bytes: %s)",
		    len, reason);
		secret_wipe(name, sizeof(name));
		auth_service_answer(conn, "NO", reason);
		return WIRE_DONE;
	}
	secret = secret_new(auth.password, auth.password_len);
	buf_wipe(&conn->in);
	if (secret != NULL)
		conn->work = account_verify(conn->daemon->accounts, &id,
		    &secret, auth_service_on_verified, conn);
	if (conn->work == NULL)
		conn_answer(conn, NULL, 0);
	return WIRE_DONE;
}

static void
auth_service_gone(struct conn *conn)
{
	struct waiter *waiter = conn->work;

	conn->work = NULL;
	account_cancel(&waiter);
}

const struct service_kind auth_service = {
    .name = "auth",
    .user = "postfix",
    .request_max = WIRE_AUTH_REQUEST_MAX,
    .request = auth_service_request,
    .gone = auth_service_gone,
};
