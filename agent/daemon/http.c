/*
 * http.c - see http.h.
 *
 * libcurl tells which sockets and timers it wants watched (set_socket,
 * set_timer), libevent watches them, and each event goes back into
 * curl_multi_socket_action(). What has finished is collected after every such
 * step, outside of libcurl's own callbacks, so that a done function may start
 * the next request.
 *
 * One thing here guards against mail going out twice. When a pooled connection
 * dies before an answer came, libcurl would send the request once more over a
 * new one. Graph has no idempotency key, so that is right only while the server
 * cannot have had the whole request: seek_body() refuses to start over once
 * the last byte was handed out, and the request fails with body_sent set. A
 * request whose body has no bytes is never asked to seek; one that must not be
 * repeated goes over a connection of its own, which libcurl does not try twice.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "buf.h"
#include "http.h"
#include "version.h"

/* Connections, in use and idle; Exchange takes four a mailbox. */
#define CONNECTIONS_MAX 256L
#define UPLOAD_BUFFER (256L * 1024)

struct http_call {
	LIST_ENTRY(http_call) entry;
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	struct http_body body;
	long long sent; /* bytes of the body that were handed to libcurl */
	struct buf in;
	size_t received, received_max; /* with what was not kept */
	http_done done;
	void *ctx;
	char error[CURL_ERROR_SIZE];
};

struct http {
	CURLM *multi;
	struct event_base *base; /* borrowed */
	struct event *timer;
	LIST_HEAD(http_call_list, http_call) calls;
	unsigned int active;
	char *ca_file, *proxy; /* owned */
	long connect_timeout;
};

/* --- libcurl and libevent --- */

static void
call_free(struct http_call *call)
{
	if (call->easy != NULL) {
		curl_multi_remove_handle(call->http->multi, call->easy);
		curl_easy_cleanup(call->easy);
	}
	curl_slist_free_all(call->headers);
	buf_wipe(&call->in);
	free(call);
}

static void
read_request_id(struct http_call *call, char *id, size_t size)
{
	struct curl_header *header;

	if (curl_easy_header(call->easy, "request-id", 0, CURLH_HEADER, -1,
		&header) == CURLHE_OK)
		snprintf(id, size, "%s", header->value);
}

static void
finish(struct http_call *call, CURLcode code)
{
	struct http_answer answer = {0};
	curl_off_t retry_after = 0;
	long request_size = 0;

	LIST_REMOVE(call, entry);
	call->http->active--;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &answer.status);
	curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME, &answer.seconds);
	curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after);
	curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &request_size);
	answer.retry_after = (long)retry_after;
	answer.body = call->in.bytes == NULL ? "" : call->in.bytes;
	answer.body_len = call->in.len;
	/* where there is no body, the head counts */
	answer.body_sent = call->sent == call->body.size && request_size > 0;
	if (code != CURLE_OK)
		snprintf(answer.transport, sizeof(answer.transport), "%s",
		    call->error[0] != '\0' ? call->error
					   : curl_easy_strerror(code));
	read_request_id(call, answer.request_id, sizeof(answer.request_id));
	call->done(call->ctx, &answer);
	call_free(call);
}

static void
collect_finished(struct http *http)
{
	struct http_call *call;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(
		    message->easy_handle, CURLINFO_PRIVATE, &call);
		finish(call, message->data.result);
	}
}

static void
on_socket(evutil_socket_t fd, short what, void *ctx)
{
	struct http *http = ctx;
	int running, flags = 0;

	if (what & EV_READ)
		flags |= CURL_CSELECT_IN;
	if (what & EV_WRITE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(http->multi, fd, flags, &running);
	collect_finished(http);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct http *http = ctx;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect_finished(http);
}

static int
set_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
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
	event = event_new(http->base, fd, flags, on_socket, http);
	curl_multi_assign(http->multi, fd, event);
	if (event == NULL || event_add(event, NULL) == -1)
		return -1;
	return 0;
}

static int
set_timer(CURLM *multi, long ms, void *ctx)
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
	http->base = base;
	http->timer = evtimer_new(base, on_timer, http);
	http->multi = curl_multi_init();
	if (http->timer == NULL || http->multi == NULL)
		goto fail;
	if (curl_multi_setopt(
		http->multi, CURLMOPT_SOCKETFUNCTION, set_socket) ||
	    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http) ||
	    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, set_timer) ||
	    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http) ||
	    curl_multi_setopt(
		http->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX) ||
	    curl_multi_setopt(
		http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX))
		goto fail;
	if (http_configure(http, conf) == -1)
		goto fail;
	return http;
fail:
	http_free(&http);
	error_set(err, ERROR_OURS, "4.3.0", "libcurl or libevent: no memory");
	return NULL;
}

int
http_configure(struct http *http, const struct conf *conf)
{
	char *ca_file = strdup(conf->ca_file == NULL ? "" : conf->ca_file);
	char *proxy = strdup(conf->proxy == NULL ? "" : conf->proxy);

	/* rather the old ones than another store and no proxy */
	if (ca_file == NULL || proxy == NULL) {
		free(ca_file);
		free(proxy);
		return -1;
	}
	free(http->ca_file);
	free(http->proxy);
	http->ca_file = ca_file;
	http->proxy = proxy;
	http->connect_timeout = conf->connect_timeout;
	return 0;
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
	if (http->timer != NULL)
		event_free(http->timer);
	free(http->ca_file);
	free(http->proxy);
	free(http);
}

unsigned int
http_active(const struct http *http)
{
	return http->active;
}

/* --- one call --- */

static size_t
read_body(char *to, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	long n;

	if (call->sent == call->body.size)
		return 0;
	n = call->body.read(call->body.ctx, to, size * count);
	if (n < 0)
		return CURL_READFUNC_ABORT;
	call->sent += n;
	return (size_t)n;
}

static int
seek_body(void *ctx, curl_off_t offset, int origin)
{
	struct http_call *call = ctx;

	if (offset != 0 || origin != SEEK_SET ||
	    (call->sent == call->body.size && call->sent > 0))
		return CURL_SEEKFUNC_FAIL;
	call->body.rewind(call->body.ctx);
	call->sent = 0;
	return CURL_SEEKFUNC_OK;
}

static size_t
keep_answer(char *bytes, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	size_t len = size * count, room = call->in.limit - call->in.len;

	call->received += len;
	if (call->received > call->received_max)
		return 0;
	if (buf_add(&call->in, bytes, len < room ? len : room) == -1)
		return 0;
	return len;
}

/* Sees each header line; only the status matters, and it is known by then. */
static size_t
see_header(char *bytes, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	long status = 0;

	(void)bytes;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 503)
		curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
	return size * count;
}

static int
add_line(struct http_call *call, const char *line)
{
	struct curl_slist *list = curl_slist_append(call->headers, line);

	if (list == NULL)
		return -1;
	call->headers = list;
	return 0;
}

static int
add_header(struct http_call *call, const char *name, const char *value)
{
	struct buf line;
	int result = -1;

	buf_init(&line, 64 * 1024);
	if (buf_printf(&line, "%s: %s", name, value) == 0)
		result = add_line(call, line.bytes);
	buf_wipe(&line);
	return result;
}

static int
add_bearer(struct http_call *call, const struct secret *bearer)
{
	struct buf value;
	int result = -1;

	buf_init(&value, 64 * 1024);
	if (buf_printf(&value, "Bearer %s", bearer->bytes) == 0)
		result = add_header(call, "Authorization", value.bytes);
	buf_wipe(&value);
	return result;
}

static int
set_headers(struct http_call *call, const struct http_request *request)
{
	/* no "Expect: 100-continue": it costs a round trip or a second */
	if (add_line(call, "Expect:") == -1)
		return -1;
	/* without one, libcurl would call the body of a POST a form */
	if (request->content_type == NULL && request->body != NULL &&
	    add_line(call, "Content-Type:") == -1)
		return -1;
	if ((request->content_type != NULL &&
		add_header(call, "Content-Type", request->content_type)) ||
	    (request->content_range != NULL &&
		add_header(call, "Content-Range", request->content_range)) ||
	    (request->client_request_id != NULL &&
		add_header(
		    call, "client-request-id", request->client_request_id)) ||
	    (request->bearer != NULL && add_bearer(call, request->bearer)))
		return -1;
	return curl_easy_setopt(
		   call->easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK
	    ? 0
	    : -1;
}

static int
set_body(struct http_call *call, const struct http_request *request)
{
	CURL *easy = call->easy;

	if (request->body == NULL)
		return 0;
	call->body = *request->body;
	return curl_easy_setopt(easy, CURLOPT_POST, 1L) ||
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)call->body.size) ||
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body) ||
		curl_easy_setopt(easy, CURLOPT_READDATA, call) ||
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body) ||
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, call) ||
		curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER)
	    ? -1
	    : 0;
}

static int
set_connection(struct http_call *call, const struct http_request *request)
{
	struct http *http = call->http;
	CURL *easy = call->easy;

	if (curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https") ||
	    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) ||
	    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) ||
	    curl_easy_setopt(
		easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
	    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) ||
	    curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT, http->connect_timeout) ||
	    curl_easy_setopt(easy, CURLOPT_TIMEOUT, request->timeout) ||
	    curl_easy_setopt(
		easy, CURLOPT_FRESH_CONNECT, request->once ? 1L : 0L) ||
	    curl_easy_setopt(easy, CURLOPT_PROXY, http->proxy))
		return -1;
	if (http->ca_file[0] != '\0' &&
	    curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file))
		return -1;
	return 0;
}

static int
set_up(struct http_call *call, const struct http_request *request)
{
	CURL *easy = call->easy;

	if (curl_easy_setopt(easy, CURLOPT_URL, request->url) ||
	    curl_easy_setopt(easy, CURLOPT_PRIVATE, call) ||
	    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error) ||
	    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_answer) ||
	    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call) ||
	    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, see_header) ||
	    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call) ||
	    curl_easy_setopt(
		easy, CURLOPT_USERAGENT, "postfix-msgraph/" MSGRAPH_VERSION))
		return -1;
	if (set_connection(call, request) == -1 ||
	    set_headers(call, request) == -1 || set_body(call, request) == -1)
		return -1;
	return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) ==
		CURLE_OK
	    ? 0
	    : -1;
}

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
	call->received_max =
	    request->answer_max == 0 ? HTTP_BODY_MAX : request->answer_max;
	buf_init(&call->in, HTTP_BODY_KEPT);
	if ((call->easy = curl_easy_init()) == NULL ||
	    set_up(call, request) == -1 ||
	    curl_multi_add_handle(http->multi, call->easy) != CURLM_OK)
		goto fail;
	LIST_INSERT_HEAD(&http->calls, call, entry);
	http->active++;
	return call;
fail:
	if (call != NULL)
		call_free(call);
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
	call->http->active--;
	call_free(call);
}
