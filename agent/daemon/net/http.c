/*
 * http.c - see http.h.
 *
 * libcurl tells which sockets and timers it wants watched (http_set_socket(),
 * http_set_timer()), libevent watches them, and each event goes back into
 * curl_multi_socket_action(). Requests that have finished are collected after
 * every such step, outside of libcurl's own callbacks, so that a done function
 * may start the next request.
 *
 * One thing here guards against mail going out twice. When a pooled connection
 * dies before an answer came, libcurl would send the request once more over a
 * new one. Graph has no idempotency key, so that is right only while the server
 * cannot have had the whole request: http_request_seek_body() (http_request.c)
 * refuses to start over once the last byte was handed out, and the request
 * fails with body_sent set, unless the request says that it may be repeated. A
 * request whose body has no bytes is never asked to seek. If it must not be
 * repeated, it goes over a connection of its own, which libcurl does not try
 * twice.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "http_private.h"

/* Connections, in use and idle, of one struct http. */
#define CONNECTIONS_MAX 256L

/* --- libcurl and libevent --- */

static void
http_call_free(struct http_call *call)
{
	if (call->easy != NULL) {
		curl_multi_remove_handle(call->http->multi, call->easy);
		curl_easy_cleanup(call->easy);
	}
	curl_slist_free_all(call->headers);
	buf_wipe(&call->in);
	free(call);
}

const char *
http_answer_header(const struct http_answer *answer, const char *name)
{
	struct curl_header *header;

	return answer->call != NULL &&
		curl_easy_header(answer->call->easy, name, 0, CURLH_HEADER, -1,
		    &header) == CURLHE_OK
	    ? header->value
	    : NULL;
}

/* Reads the headers that every answer has a place for. */
static void
http_read_headers(struct http_answer *answer)
{
	const char *id = http_answer_header(answer, "request-id");
	const char *date = http_answer_header(answer, "date");
	const char *challenge = http_answer_header(answer, "www-authenticate");

	if (id != NULL)
		snprintf(
		    answer->request_id, sizeof(answer->request_id), "%s", id);
	if (challenge != NULL)
		snprintf(answer->challenge, sizeof(answer->challenge), "%s",
		    challenge);
	answer->date = date == NULL ? -1 : (long long)curl_getdate(date, NULL);
}

static const char *
http_reason(const struct http_call *call, CURLcode code)
{
	/* what libcurl says then is about callbacks, which is no reason */
	if (code == CURLE_SEND_FAIL_REWIND)
		return "the connection was lost";
	if (call->received > call->received_max)
		return "the answer is too long";
	if (call->unfit)
		return "out of memory";
	return call->error[0] != '\0' ? call->error : curl_easy_strerror(code);
}

/* A reason that is too long is cut, and not the hint behind it. */
static void
http_describe(
    const struct http_call *call, CURLcode code, struct http_answer *answer)
{
	char hint[HTTP_HINT_SIZE];
	size_t room;

	http_hint(call, code, hint);
	room = sizeof(answer->transport) - 1 - strlen(hint);
	snprintf(answer->transport, sizeof(answer->transport), "%.*s%s",
	    (int)room, http_reason(call, code), hint);
}

int
http_may_have_all(const struct http_call *call)
{
	long request_size = 0;

	/* where there is no body, the head counts, but not a proxy's CONNECT */
	curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &request_size);
	return call->begun && call->sent == call->body.size && request_size > 0;
}

static void
http_finish(struct http_call *call, CURLcode code)
{
	struct http_answer answer = {0};
	curl_off_t retry_after = 0;

	LIST_REMOVE(call, entry);
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &answer.status);
	curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME, &answer.seconds);
	curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after);
	answer.retry_after = (long)retry_after;
	answer.call = call;
	http_read_headers(&answer);
	answer.body = call->in.bytes == NULL ? "" : call->in.bytes;
	answer.body_len = call->in.len;
	answer.body_sent = http_may_have_all(call);
	if (code != CURLE_OK)
		http_describe(call, code, &answer);
	call->done(call->ctx, &answer);
	http_call_free(call);
}

/*
 * Sends over a new connection what was not sent over one that was not fit:
 * http_connection.c looks before libcurl hands the first byte out. -1 when it
 * could not start.
 */
static int
http_start_again(struct http_call *call)
{
	CURLM *multi = call->http->multi;

	if (call->begun || call->sent != 0 ||
	    curl_multi_remove_handle(multi, call->easy) != CURLM_OK ||
	    curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L) ||
	    curl_multi_add_handle(multi, call->easy) != CURLM_OK)
		return -1;
	call->unfit = 0;
	return 0;
}

static void
http_collect_finished(struct http *http)
{
	struct http_call *call;
	CURLMsg *message;
	CURLcode code;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(
		    message->easy_handle, CURLINFO_PRIVATE, &call);
		code =
		    message->data.result; /* http_start_again() ends message */
		if (!call->unfit || http_start_again(call) == -1)
			http_finish(call, code);
	}
}

static void
http_on_socket(evutil_socket_t fd, short what, void *ctx)
{
	struct http *http = ctx;
	int running, flags = 0;

	if (what & EV_READ)
		flags |= CURL_CSELECT_IN;
	if (what & EV_WRITE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(http->multi, fd, flags, &running);
	http_collect_finished(http);
}

static void
http_on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct http *http = ctx;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	http_collect_finished(http);
}

static int
http_set_socket(
    CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct http *http = ctx;
	struct event *event = socket_ctx;
	short flags = EV_PERSIST;

	(void)easy;
	if (event != NULL)
		event_free(event);
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(http->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		flags |= EV_READ;
	if (what & CURL_POLL_OUT)
		flags |= EV_WRITE;
	event = event_new(http->base, fd, flags, http_on_socket, http);
	curl_multi_assign(http->multi, fd, event);
	if (event == NULL || event_add(event, NULL) == -1)
		return -1;
	return 0;
}

static int
http_set_timer(CURLM *multi, long ms, void *ctx)
{
	struct http *http = ctx;
	struct timeval tv;

	(void)multi;
	if (ms == -1)
		return event_del(http->timer);
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	return event_add(http->timer, &tv);
}

struct http *
http_new(struct event_base *base, const struct conf *conf, struct error *err)
{
	struct http *http = calloc(1, sizeof(*http));

	if (http == NULL)
		goto fail;
	LIST_INIT(&http->calls);
	LIST_INIT(&http->sockets);
	http->base = base;
	http->set_connection = http_set_connection;
	http->timer = evtimer_new(base, http_on_timer, http);
	http->multi = curl_multi_init();
	if (http->timer == NULL || http->multi == NULL)
		goto fail;
	if (curl_multi_setopt(
		http->multi, CURLMOPT_SOCKETFUNCTION, http_set_socket) ||
	    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http) ||
	    curl_multi_setopt(
		http->multi, CURLMOPT_TIMERFUNCTION, http_set_timer) ||
	    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http) ||
	    curl_multi_setopt(
		http->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX) ||
	    curl_multi_setopt(
		http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX))
		goto fail;
	if (http_configure(http, conf, err) == -1)
		http_free(&http);
	return http;
fail:
	http_free(&http);
	error_set(
	    err, ERROR_OURS, "4.3.0", "libcurl or libevent: out of memory");
	return NULL;
}

void
http_free(struct http **httpp)
{
	struct http *http = *httpp;
	struct http_call *call;

	*httpp = NULL;
	if (http == NULL)
		return;
	while ((call = LIST_FIRST(&http->calls)) != NULL)
		http_cancel(&call);
	if (http->multi != NULL)
		curl_multi_cleanup(http->multi);
	http_connection_forget_all(http);
	if (http->timer != NULL)
		event_free(http->timer);
	http_settings_free(&http->settings);
	free(http);
}

/* --- one call --- */

struct http_call *
http_start(struct http *http, const struct http_request *request,
    http_done done, void *ctx, struct error *err)
{
	struct http_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		goto fail;
	call->http = http;
	call->done = done;
	call->ctx = ctx;
	call->repeatable = request->repeatable;
	call->received_max =
	    request->answer_max == 0 ? HTTP_BODY_MAX : request->answer_max;
	buf_init(&call->in,
	    request->answer_kept == 0 ? HTTP_BODY_KEPT : request->answer_kept);
	if ((call->easy = curl_easy_init()) == NULL ||
	    http_set_up(call, request) == -1 ||
	    curl_multi_add_handle(http->multi, call->easy) != CURLM_OK)
		goto fail;
	LIST_INSERT_HEAD(&http->calls, call, entry);
	return call;
fail:
	if (call != NULL)
		http_call_free(call);
	/* what follows a '?' may be a credential */
	error_set(err, ERROR_TEMPORARY, "4.3.0",
	    "cannot start a request to %.*s", (int)strcspn(request->url, "?"),
	    request->url);
	return NULL;
}

void
http_cancel(struct http_call **callp)
{
	struct http_call *call = *callp;

	*callp = NULL;
	if (call == NULL)
		return;
	LIST_REMOVE(call, entry);
	http_call_free(call);
}
