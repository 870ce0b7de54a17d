/*
 * http_request.c - sets libcurl up for a request; see http.c.
 */
#include <stdio.h>

#include "lib/base/version.h"
#include "http_private.h"

#define UPLOAD_BUFFER (256L * 1024)

/* About as much memory does libcurl take for a header beside its bytes. */
#define HEADER_COST 128

static size_t
http_request_read_body(char *to, size_t size, size_t count, void *ctx)
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
http_request_seek_body(void *ctx, curl_off_t offset, int origin)
{
	struct http_call *call = ctx;

	if (offset != 0 || origin != SEEK_SET ||
	    (call->sent == call->body.size && call->sent > 0 &&
		!call->repeatable))
		return CURL_SEEKFUNC_FAIL;
	call->body.rewind(call->body.ctx);
	call->sent = 0;
	return CURL_SEEKFUNC_OK;
}

static int
http_request_count_received(struct http_call *call, size_t len)
{
	call->received += len;
	return call->received > call->received_max ? -1 : 0;
}

static size_t
http_request_keep_answer(char *bytes, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	size_t len = size * count, room = call->in.limit - call->in.len;

	if (http_request_count_received(call, len) == -1)
		return 0;
	if (buf_add(&call->in, bytes, len < room ? len : room) == -1)
		return 0;
	return len;
}

/*
 * Sees each line of a header and of what trails a chunked body. libcurl keeps
 * them all. Of the former only the status matters, and it is known by then.
 */
static size_t
http_request_see_header(char *bytes, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	long status = 0;

	(void)bytes;
	if (http_request_count_received(call, size * count + HEADER_COST) == -1)
		return 0;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 503)
		curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
	return size * count;
}

static int
http_request_add_line(struct http_call *call, const char *line)
{
	struct curl_slist *list = curl_slist_append(call->headers, line);

	if (list == NULL)
		return -1;
	call->headers = list;
	return 0;
}

static int
http_request_add_header(
    struct http_call *call, const char *name, const char *value)
{
	struct buf line;
	int result = -1;

	buf_init(&line, 64 * 1024);
	if (buf_printf(&line, "%s: %s", name, value) == 0)
		result = http_request_add_line(call, line.bytes);
	buf_wipe(&line);
	return result;
}

static int
http_request_add_authorization(struct http_call *call, const char *scheme,
    const struct secret *credentials)
{
	struct buf value;
	int result = -1;

	buf_init(&value, 64 * 1024);
	if (buf_printf(&value, "%s %s", scheme, credentials->bytes) == 0)
		result =
		    http_request_add_header(call, "Authorization", value.bytes);
	buf_wipe(&value);
	return result;
}

static int
http_request_add_lines(struct http_call *call, const char *const *lines)
{
	for (; lines != NULL && *lines != NULL; lines++)
		if (http_request_add_line(call, *lines) == -1)
			return -1;
	return 0;
}

static int
http_request_set_headers(
    struct http_call *call, const struct http_request *request)
{
	/* no "Expect: 100-continue": it costs a round trip or a second */
	if (http_request_add_line(call, "Expect:") == -1)
		return -1;
	/* without one, libcurl would call the body of a POST a form */
	if (request->content_type == NULL && request->body != NULL &&
	    http_request_add_line(call, "Content-Type:") == -1)
		return -1;
	if (http_request_add_lines(call, request->headers) ||
	    (request->content_type != NULL &&
		http_request_add_header(
		    call, "Content-Type", request->content_type)) ||
	    (request->content_range != NULL &&
		http_request_add_header(
		    call, "Content-Range", request->content_range)) ||
	    (request->client_request_id != NULL &&
		http_request_add_header(
		    call, "client-request-id", request->client_request_id)) ||
	    (request->bearer != NULL &&
		http_request_add_authorization(
		    call, "Bearer", request->bearer)) ||
	    (request->basic != NULL &&
		http_request_add_authorization(call, "Basic", request->basic)))
		return -1;
	return curl_easy_setopt(
		   call->easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK
	    ? 0
	    : -1;
}

static int
http_request_set_body(
    struct http_call *call, const struct http_request *request)
{
	CURL *easy = call->easy;

	if (request->body == NULL)
		return 0;
	call->body = *request->body;
	return curl_easy_setopt(easy, CURLOPT_POST, 1L) ||
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)call->body.size) ||
		curl_easy_setopt(
		    easy, CURLOPT_READFUNCTION, http_request_read_body) ||
		curl_easy_setopt(easy, CURLOPT_READDATA, call) ||
		curl_easy_setopt(
		    easy, CURLOPT_SEEKFUNCTION, http_request_seek_body) ||
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, call) ||
		curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER)
	    ? -1
	    : 0;
}

int
http_set_up(struct http_call *call, const struct http_request *request)
{
	CURL *easy = call->easy;

	if (curl_easy_setopt(easy, CURLOPT_URL, request->url) ||
	    curl_easy_setopt(easy, CURLOPT_PRIVATE, call) ||
	    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error) ||
	    curl_easy_setopt(
		easy, CURLOPT_WRITEFUNCTION, http_request_keep_answer) ||
	    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call) ||
	    curl_easy_setopt(
		easy, CURLOPT_HEADERFUNCTION, http_request_see_header) ||
	    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call) ||
	    curl_easy_setopt(
		easy, CURLOPT_USERAGENT, "postfix-msgraph/" MSGRAPH_VERSION))
		return -1;
	if (call->http->set_connection(call, request) == -1 ||
	    http_request_set_headers(call, request) == -1 ||
	    http_request_set_body(call, request) == -1)
		return -1;
	return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) ==
		CURLE_OK
	    ? 0
	    : -1;
}

int
http_add_escaped(struct buf *out, const char *text, size_t len)
{
	char *escaped;
	int result = -1;

	if (len == 0) /* to libcurl, 0 means strlen() */
		return 0;
	escaped = curl_easy_escape(NULL, text, (int)len);
	if (escaped != NULL)
		result = buf_add_string(out, escaped);
	curl_free(escaped);
	return result;
}
