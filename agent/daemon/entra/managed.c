/*
 * managed.c - see managed.h.
 *
 * IMDS is not always ready: it answers 404 while it is being set up, 410 while
 * it is being replaced, 429 when it is asked too often. Microsoft's advice is
 * to ask again after 2, 4 and 8 seconds. What is not ready by then is
 * unavailable, as Entra may be, and whoever asks next starts over.
 *
 * Arc's agent answers 401 to the first request, and names a file; the second
 * one shows what the file holds (arc_key.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/wake.h"
#include "arc_key.h"
#include "managed.h"

#define AGAIN_FIRST_MS 2000LL
#define AGAIN_MAX 3

/* Seconds, of one request. */
#define PATIENT_TIMEOUT 10L
#define TRY_TIMEOUT 5L

/* A token is some 2,000 bytes, and ten times that with many roles. */
#define ANSWER_MAX ((size_t)32 * 1024)

struct managed_call {
	struct http *plain; /* borrowed */
	struct http_call *http;
	struct wake again;
	struct buf url;
	struct identity id;
	char identity[UUID_TEXT_SIZE];
	struct secret *key; /* owned; Arc's, once it was asked for */
	int is_patient, times_again;
	entra_done done;
	void *ctx;
};

static int
managed_is_arc(const char *identity)
{
	return strcmp(identity, "arc") == 0;
}

const char *
managed_unfit(const char *identity)
{
	char client[UUID_TEXT_SIZE];

	return managed_is_arc(identity) || strcmp(identity, "system") == 0 ||
		identity_parse_id(identity, strlen(identity), client) == 0
	    ? NULL
	    : "must be system, arc, or the client id of an identity that is "
	      "assigned to this machine";
}

/* --- one request --- */

static int
managed_url(
    struct managed_call *call, const struct conf *conf, const char *resource)
{
	const char *place = conf->imds_endpoint;
	int is_arc = managed_is_arc(call->identity);

	if (place == NULL)
		place = is_arc ? "http://127.0.0.1:40342"
			       : "http://169.254.169.254";
	if (buf_printf(&call->url,
		"%s/metadata/identity/oauth2/token?api-version=%s&resource=",
		place, is_arc ? "2019-11-01" : "2018-02-01") == -1 ||
	    http_add_escaped(&call->url, resource, strlen(resource)) == -1)
		return -1;
	if (is_arc || strcmp(call->identity, "system") == 0)
		return 0;
	return buf_printf(&call->url, "&client_id=%s", call->identity);
}

static void managed_on_answer(void *ctx, const struct http_answer *answer);

static int
managed_ask(struct managed_call *call, struct error *err)
{
	static const char *const headers[] = {"Metadata: true", NULL};
	struct http_request request = {.method = "GET",
	    .url = call->url.bytes,
	    .headers = headers,
	    .basic = call->key,
	    .timeout = call->is_patient ? PATIENT_TIMEOUT : TRY_TIMEOUT,
	    .answer_max = ANSWER_MAX,
	    .answer_kept = ANSWER_MAX,
	    .repeatable = 1};

	call->http =
	    http_start(call->plain, &request, managed_on_answer, call, err);
	return call->http == NULL ? -1 : 0;
}

/* Ends the call. */
static void
managed_tell(struct managed_call *call, struct entra_answer *answer)
{
	call->done(call->ctx, answer);
	secret_free(&answer->token);
	managed_cancel(&call);
}

static void
managed_tell_error(struct managed_call *call, const struct error *err)
{
	struct entra_answer answer = {.result = err->class == ERROR_OURS
		? ENTRA_MISCONFIGURED
		: ENTRA_UNAVAILABLE};

	snprintf(answer.text, sizeof(answer.text), "%s", err->text);
	managed_tell(call, &answer);
}

static void
managed_on_again(void *ctx)
{
	struct managed_call *call = ctx;
	struct error err;

	if (managed_ask(call, &err) == -1)
		managed_tell_error(call, &err);
}

/* Answers Arc's challenge. 0, or -1 with *err. */
static int
managed_meet_challenge(
    struct managed_call *call, const char *challenge, struct error *err)
{
	call->key = arc_key_read(ARC_KEY_FOLDER, challenge, err);
	return call->key == NULL ? -1 : managed_ask(call, err);
}

static void
managed_on_answer(void *ctx, const struct http_answer *http_answer)
{
	struct managed_call *call = ctx;
	struct entra_answer answer;
	struct error err;

	call->http = NULL;
	if (http_answer->status == 401 && managed_is_arc(call->identity) &&
	    call->key == NULL) {
		if (managed_meet_challenge(
			call, http_answer->challenge, &err) == -1)
			managed_tell_error(call, &err);
		return;
	}
	managed_read(
	    http_answer, call->identity, &call->id, call->key, &answer);
	if (answer.result == ENTRA_UNAVAILABLE && http_answer->status >= 400 &&
	    call->is_patient && call->times_again < AGAIN_MAX &&
	    wake_in(&call->again, AGAIN_FIRST_MS << call->times_again) == 0) {
		call->times_again++;
		secret_free(&call->key); /* it serves once */
		return;
	}
	managed_tell(call, &answer);
}

/* --- all of it --- */

struct managed_call *
managed_start(struct event_base *base, struct http *plain,
    const struct conf *conf, const struct managed_request *request,
    entra_done done, void *ctx, struct error *err)
{
	struct managed_call *call = calloc(1, sizeof(*call));

	if (call == NULL) {
		error_no_memory(err);
		return NULL;
	}
	buf_init(&call->url, 2048);
	call->plain = plain;
	call->id = *request->id;
	call->is_patient = request->is_patient;
	call->done = done;
	call->ctx = ctx;
	if (identity_parse_id(request->identity, strlen(request->identity),
		call->identity) == -1)
		snprintf(call->identity, sizeof(call->identity), "%s",
		    request->identity);
	if (wake_init(&call->again, base, managed_on_again, call) == -1 ||
	    managed_url(call, conf, request->resource) == -1) {
		error_no_memory(err);
		managed_cancel(&call);
	} else if (managed_ask(call, err) == -1) {
		managed_cancel(&call);
	}
	return call;
}

void
managed_cancel(struct managed_call **callp)
{
	struct managed_call *call = *callp;

	*callp = NULL;
	if (call == NULL)
		return;
	http_cancel(&call->http);
	wake_free(&call->again);
	buf_free(&call->url);
	secret_free(&call->key);
	free(call);
}
