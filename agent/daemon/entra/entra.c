/*
 * entra.c - see entra.h.
 *
 * Microsoft asks clients not to branch on AADSTS numbers. So the HTTP status
 * and "error" decide, and the numbers stand in the text for the person who
 * reads it. An answer that is no clear refusal means that Entra is unavailable:
 * a client with the right secret must never be told that it is wrong because
 * something on the way was odd.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/reveal.h"
#include "lib/base/printable.h"
#include "entra.h"

/*
 * RFC 6749 section 5.2 and what Entra adds to it. A front that is broken says
 * "invalid_request" too.
 */
static const struct {
	const char *error;
	enum entra_result result;
} refusals[] = {
    {"invalid_client", ENTRA_REFUSED},
    {"unauthorized_client", ENTRA_REFUSED},
    {"invalid_grant", ENTRA_REFUSED},
    {"invalid_request", ENTRA_REFUSED_REQUEST},
    {"invalid_tenant", ENTRA_REFUSED_REQUEST},
    {"interaction_required", ENTRA_REFUSED_REQUEST},
};

/* What carries a secret or an assertion, by enum credential_proof. */
static const char *const proof_fields[] = {
    [CREDENTIAL_SECRET] = "client_secret",
    [CREDENTIAL_ASSERTION] =
	"client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
	"client-assertion-type%3Ajwt-bearer&client_assertion",
};

/* AADSTS90002: what an admin sees after typing the two ids the wrong way. */
#define NO_SUCH_TENANT 90002
#define EXPIRES_IN_MAX (30 * 86400LL) /* seconds */

#define NO_SUCH_TENANT_HINT " (are tenant and client swapped?)"

static int
entra_add_escaped(
    struct buf *out, const char *name, const char *value, size_t len)
{
	if (buf_printf(out, "&%s=", name) == -1)
		return -1;
	return http_add_escaped(out, value, len);
}

int
entra_url(const struct conf *conf, const struct identity *id, struct buf *out)
{
	return buf_printf(
	    out, "%s/%s/oauth2/v2.0/token", conf->login_endpoint, id->tenant);
}

int
entra_form(const struct entra_request *request, struct buf *out)
{
	const struct secret *secret = request->secret;
	struct buf scope;
	int result = -1;

	buf_init(&scope, 1024);
	if (buf_printf(&scope, "%s/.default", request->resource) == 0 &&
	    buf_printf(out, "grant_type=client_credentials&client_id=%s",
		request->id->client) == 0 &&
	    entra_add_escaped(out, "scope", scope.bytes, scope.len) == 0 &&
	    entra_add_escaped(out, proof_fields[request->proof], secret->bytes,
		secret->len) == 0)
		result = 0;
	buf_free(&scope);
	return result;
}

/*
 * The first line of what Entra says; the rest are ids and the time. Words that
 * repeat the secret are left out: numbers that an admin can look up stay.
 */
static void
entra_describe(
    const json_t *json, const struct secret *secret, struct entra_answer *out)
{
	const json_t *codes = json_object_get(json, "error_codes");
	const char *error = json_string_value(json_object_get(json, "error"));
	const char *description =
	    json_string_value(json_object_get(json, "error_description"));
	long long code =
	    (long long)json_integer_value(json_array_get(codes, 0));
	const char *hint = code == NO_SUCH_TENANT ? NO_SUCH_TENANT_HINT : "";
	char number[32] = "";
	size_t len, room = sizeof(out->text) - 1 - strlen(hint);

	if (description == NULL || strcspn(description, "\r\n") == 0)
		description = error;
	len = strcspn(description, "\r\n");
	if (len > room)
		len = room;
	if (!reveals(secret, description, len)) {
		snprintf(out->text, sizeof(out->text), "%.*s%s", (int)len,
		    description, hint);
		printable_make(out->text, '?');
		return;
	}
	if (code > 0)
		snprintf(number, sizeof(number), "AADSTS%lld: ", code);
	if (reveals(secret, number, strlen(number)))
		number[0] = '\0';
	snprintf(out->text, sizeof(out->text),
	    "%sEntra's words are left out, they hold a part of the secret%s",
	    number, hint);
}

static void
entra_read_error(const struct http_answer *answer, const struct secret *secret,
    const json_t *json, struct entra_answer *out)
{
	const char *error = json_string_value(json_object_get(json, "error"));
	size_t i;

	if (error == NULL) {
		snprintf(out->text, sizeof(out->text),
		    "Entra answered HTTP %ld without an error code",
		    answer->status);
		return;
	}
	entra_describe(json, secret, out);
	if (answer->status < 400 || answer->status > 499 ||
	    answer->status == 429)
		return;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strcmp(error, refusals[i].error) == 0)
			out->result = refusals[i].result;
}

/* Fit for a header: visible ASCII alone (RFC 6750 section 2.1 allows less). */
static int
entra_is_token(const char *token, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!printable_is_visible(token[i]))
			return 0;
	return len > 0;
}

int
entra_take_token(const char *token, size_t len, long long expires_in,
    const char *who, struct entra_answer *out)
{
	if (!entra_is_token(token, len) || expires_in <= 0 ||
	    expires_in > EXPIRES_IN_MAX) {
		snprintf(out->text, sizeof(out->text),
		    "%s answered HTTP 200 without a usable token", who);
		return -1;
	}
	if ((out->token = secret_new(token, len)) == NULL) {
		snprintf(out->text, sizeof(out->text), "out of memory");
		return -1;
	}
	out->expires_in = (long)expires_in;
	out->result = ENTRA_ACCEPTED;
	return 0;
}

static void
entra_read_token(const json_t *json, struct entra_answer *out)
{
	const json_t *token = json_object_get(json, "access_token");
	const json_t *expires = json_object_get(json, "expires_in");

	entra_take_token(json_string_value(token), json_string_length(token),
	    json_integer_value(expires), "Entra", out);
}

void
entra_read(const struct http_answer *answer, const struct secret *secret,
    struct entra_answer *out)
{
	json_t *json;

	memset(out, 0, sizeof(*out));
	out->result = ENTRA_UNAVAILABLE;
	out->retry_after = answer->retry_after;
	out->throttled = answer->status == 429;
	if (answer->status == 0) {
		snprintf(out->text, sizeof(out->text), "cannot ask Entra: %s",
		    answer->transport);
		return;
	}
	json = json_loadb(answer->body, answer->body_len, 0, NULL);
	if (answer->status == 200)
		entra_read_token(json, out);
	else
		entra_read_error(answer, secret, json, out);
	json_decref(json);
}

/* --- the request --- */

struct entra_call {
	struct http_call *http;
	struct buf form;
	size_t read;
	const struct secret *secret; /* borrowed */
	entra_done done;
	void *ctx;
};

static long
entra_read_form(void *ctx, char *to, size_t room)
{
	struct entra_call *call = ctx;
	size_t len = call->form.len - call->read;

	if (len > room)
		len = room;
	memcpy(to, call->form.bytes + call->read, len);
	call->read += len;
	return (long)len;
}

static void
entra_rewind_form(void *ctx)
{
	((struct entra_call *)ctx)->read = 0;
}

void
entra_cancel(struct entra_call **callp)
{
	struct entra_call *call = *callp;

	*callp = NULL;
	if (call == NULL)
		return;
	http_cancel(&call->http);
	buf_wipe(&call->form);
	free(call);
}

static void
entra_on_answer(void *ctx, const struct http_answer *http_answer)
{
	struct entra_call *call = ctx;
	struct entra_answer answer;

	call->http = NULL;
	entra_read(http_answer, call->secret, &answer);
	call->done(call->ctx, &answer);
	secret_free(&answer.token);
	entra_cancel(&call);
}

static int
entra_post(struct entra_call *call, struct http *http, const struct conf *conf,
    const struct identity *id, struct error *err)
{
	struct http_body body = {.size = (long long)call->form.len,
	    .read = entra_read_form,
	    .rewind = entra_rewind_form,
	    .ctx = call};
	struct http_request request = {.method = "POST",
	    .content_type = "application/x-www-form-urlencoded",
	    .body = &body,
	    .repeatable = 1, /* a second token does no harm */
	    /* somebody else's answer would let a wrong secret in */
	    .own_connection = 1,
	    .timeout = conf->request_timeout < ENTRA_TIMEOUT
		? conf->request_timeout
		: ENTRA_TIMEOUT};
	struct buf url;

	buf_init(&url, 2048);
	if (entra_url(conf, id, &url) == -1) {
		error_set(err, ERROR_OURS, "4.3.5", "login_endpoint too long");
	} else {
		request.url = url.bytes;
		call->http =
		    http_start(http, &request, entra_on_answer, call, err);
	}
	buf_free(&url);
	return call->http == NULL ? -1 : 0;
}

struct entra_call *
entra_start(struct http *http, const struct conf *conf,
    const struct entra_request *request, entra_done done, void *ctx,
    struct error *err)
{
	struct entra_call *call = calloc(1, sizeof(*call));

	if (call == NULL) {
		error_no_memory(err);
		return NULL;
	}
	buf_init(&call->form, ENTRA_FORM_MAX);
	call->secret = request->secret;
	call->done = done;
	call->ctx = ctx;
	if (entra_form(request, &call->form) == -1) {
		error_set(err, ERROR_OURS, "4.3.0", "the form is too long");
		entra_cancel(&call);
	} else if (entra_post(call, http, conf, request->id, err) == -1) {
		entra_cancel(&call);
	}
	return call;
}
