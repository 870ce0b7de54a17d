/*
 * graph_draft.c - see graph_draft.h.
 *
 * Bodies are read from the source while they are sent, base64 made on the way,
 * so that memory does not grow with an attachment. The address of an upload
 * session is a credential of its own: it goes into no log, and no token goes
 * to it.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/printable.h"
#include "graph.h"
#include "graph_draft.h"

/* The answer to a new draft repeats its text; only the beginning is kept. */
#define DRAFT_ANSWER_MAX (32 * 1024 * 1024)
#define UPLOAD_URL_MAX 8192
#define HEAD_MAX (32 * 1024)
#define REQUEST_MAX 4000000LL /* Graph's 4 MB */

/* --- bodies --- */

void
graph_body_free(struct graph_body *body)
{
	buf_free(&body->head);
	memset(body, 0, sizeof(*body));
}

static void
graph_draft_start_body(struct graph_body *body)
{
	graph_body_free(body);
	buf_init(&body->head, HEAD_MAX);
	body->tail = "";
}

static long
graph_draft_read_text(
    const char *text, size_t len, size_t *at, char *to, size_t room)
{
	size_t n = len - *at < room ? len - *at : room;

	memcpy(to, text + *at, n);
	*at += n;
	return (long)n;
}

static long
graph_draft_read_body(void *ctx, char *to, size_t room)
{
	struct graph_body *body = ctx;
	long n;

	if (body->at_head < body->head.len)
		return graph_draft_read_text(
		    body->head.bytes, body->head.len, &body->at_head, to, room);
	n = body->base64 ? source_read_base64(&body->file, to, room)
			 : source_read(&body->file, to, room);
	if (n != 0)
		return n;
	return graph_draft_read_text(
	    body->tail, strlen(body->tail), &body->at_tail, to, room);
}

static void
graph_draft_rewind_body(void *ctx)
{
	struct graph_body *body = ctx;

	body->at_head = body->at_tail = 0;
	source_rewind(&body->file);
}

static struct http_body
graph_draft_http_body_of(struct graph_body *body)
{
	struct http_body http = {.read = graph_draft_read_body,
	    .rewind = graph_draft_rewind_body,
	    .ctx = body};
	long long file =
	    body->base64 ? source_base64_size(&body->file) : body->file.size;

	http.size = (long long)(body->head.len + strlen(body->tail)) + file;
	return http;
}

static void
graph_draft_set_file(struct graph_body *body, const struct source *source,
    long long offset, long long length)
{
	body->bytes.offset = offset;
	body->bytes.length = length;
	source_slice(&body->file, source, &body->bytes);
}

static int
graph_draft_add(const char *bytes, size_t len, void *text)
{
	return buf_add(text, bytes, len);
}

/* Appends the JSON value to the head and drops it. */
static int
graph_draft_add_json(struct graph_body *body, json_t *json)
{
	int result = -1;

	if (json != NULL)
		result = json_dump_callback(
		    json, graph_draft_add, &body->head, JSON_COMPACT);
	json_decref(json);
	return result;
}

/* --- requests to Graph --- */

/* Without a draft, that of all messages; else of the draft, and tail. */
static int
graph_draft_url(
    const struct graph_call *call, const char *tail, struct buf *url)
{
	if (graph_user_url(call->conf, call->mailbox, url) == -1 ||
	    buf_add_string(url, "/messages") == -1)
		return -1;
	if (call->draft == NULL)
		return 0;
	if (buf_add_string(url, "/") == -1 ||
	    http_add_escaped(url, call->draft, strlen(call->draft)) == -1)
		return -1;
	return buf_add_string(url, tail);
}

static struct http_call *
graph_draft_start(const struct graph_call *call, const char *tail,
    struct http_request *request, struct error *err)
{
	struct http_call *http = NULL;
	struct buf url;

	buf_init(&url, 16 * 1024);
	request->bearer = call->token;
	request->client_request_id = call->id;
	request->timeout = call->conf->request_timeout;
	if (graph_draft_url(call, tail, &url) == -1) {
		error_set(err, ERROR_OURS, "4.3.0", "the URL is too long");
	} else {
		request->url = url.bytes;
		http =
		    http_start(call->http, request, call->done, call->ctx, err);
	}
	buf_free(&url);
	return http;
}

static struct http_call *
graph_draft_post_body(const struct graph_call *call, const char *tail,
    const char *type, struct graph_body *body, struct error *err)
{
	struct http_body http = graph_draft_http_body_of(body);
	struct http_request request = {
	    .method = "POST", .content_type = type, .body = &http};

	if (body->head.failed) {
		error_no_memory(err);
		return NULL;
	}
	return graph_draft_start(call, tail, &request, err);
}

struct http_call *
graph_draft_create(
    const struct graph_call *call, struct source *source, struct error *err)
{
	struct http_body body = graph_message_body(source);
	struct http_request request = {.method = "POST",
	    .content_type = "text/plain",
	    .body = &body,
	    .answer_max = DRAFT_ANSWER_MAX};
	struct graph_call all = *call;

	all.draft = NULL;
	source_rewind(source);
	return graph_draft_start(&all, "", &request, err);
}

/* Adds what is known of an attachment, but its bytes. */
static json_t *
graph_draft_describe(const struct attachment *a, json_t *json)
{
	if (json != NULL && a->id != NULL &&
	    json_object_set_new(json, "contentId", json_string(a->id)) == -1) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* The whole of a fileAttachment but for contentBytes and what closes it. */
static int
graph_draft_add_file_head(const struct attachment *a, struct graph_body *body)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:b}", "@odata.type",
	    "#microsoft.graph.fileAttachment", "name", a->name, "contentType",
	    a->type, "isInline", a->is_inline);

	if (graph_draft_add_json(body, graph_draft_describe(a, json)) == -1)
		return -1;
	body->head.len--; /* its closing brace */
	return buf_add_string(&body->head, ",\"contentBytes\":\"");
}

int
graph_draft_is_small(const struct attachment *a)
{
	return a->bytes.length < GRAPH_UPLOAD_MIN &&
	    (a->bytes.length + 2) / 3 * 4 + 4 * ATTACHMENT_TEXT_MAX <
	    REQUEST_MAX;
}

struct http_call *
graph_draft_attach(const struct graph_call *call, const struct attachment *a,
    const struct source *source, struct graph_body *body, struct error *err)
{
	graph_draft_start_body(body);
	if (graph_draft_add_file_head(a, body) == -1) {
		error_no_memory(err);
		return NULL;
	}
	body->tail = "\"}";
	body->base64 = 1;
	graph_draft_set_file(body, source, a->bytes.offset, a->bytes.length);
	return graph_draft_post_body(
	    call, "/attachments", "application/json", body, err);
}

struct http_call *
graph_draft_open(const struct graph_call *call, const struct attachment *a,
    struct graph_body *body, struct error *err)
{
	json_t *json = json_pack("{s:s, s:s, s:I, s:s, s:b}", "attachmentType",
	    "file", "name", a->name, "size", (json_int_t)a->bytes.length,
	    "contentType", a->type, "isInline", a->is_inline);

	graph_draft_start_body(body);
	if ((json = graph_draft_describe(a, json)) != NULL)
		json = json_pack("{s:o}", "AttachmentItem", json);
	if (graph_draft_add_json(body, json) == -1) {
		error_no_memory(err);
		return NULL;
	}
	return graph_draft_post_body(call, "/attachments/createUploadSession",
	    "application/json", body, err);
}

struct http_call *
graph_draft_send(
    const struct graph_call *call, struct graph_body *body, struct error *err)
{
	struct http_body http;
	struct http_request request = {
	    .method = "POST", .body = &http, .once = 1};

	/* no bytes, but "Content-Length: 0" */
	graph_draft_start_body(body);
	http = graph_draft_http_body_of(body);
	return graph_draft_start(call, "/send", &request, err);
}

struct http_call *
graph_draft_delete(const struct graph_call *call, struct error *err)
{
	struct http_request request = {.method = "DELETE"};

	return graph_draft_start(call, "", &request, err);
}

/* --- requests to the upload host --- */

struct http_call *
graph_draft_ask(const struct graph_call *call, const struct secret *upload,
    struct error *err)
{
	struct http_request request = {.method = "GET",
	    .url = upload->bytes,
	    .client_request_id = call->id,
	    .timeout = call->conf->request_timeout};

	return http_start(call->http, &request, call->done, call->ctx, err);
}

struct http_call *
graph_draft_put(const struct graph_call *call, const struct secret *upload,
    const struct attachment *a, long long offset, const struct source *source,
    struct graph_body *body, struct error *err)
{
	long long length = a->bytes.length - offset;
	struct http_request request = {.method = "PUT",
	    .url = upload->bytes,
	    .content_type = "application/octet-stream",
	    .client_request_id = call->id,
	    .timeout = call->conf->request_timeout};
	struct http_body http;
	char range[80];

	if (length > GRAPH_RANGE_SIZE)
		length = GRAPH_RANGE_SIZE;
	graph_draft_start_body(body);
	graph_draft_set_file(body, source, a->bytes.offset + offset, length);
	http = graph_draft_http_body_of(body);
	snprintf(range, sizeof(range), "bytes %lld-%lld/%lld", offset,
	    offset + length - 1, a->bytes.length);
	request.content_range = range;
	request.body = &http;
	return http_start(call->http, &request, call->done, call->ctx, err);
}

/* --- answers --- */

/* The end of the string that starts at p (a quote), or limit. */
static const char *
graph_draft_skip_string(const char *p, const char *limit)
{
	for (p++; p < limit && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < limit ? p + 1 : limit;
}

static const char *
graph_draft_skip_blanks(const char *p, const char *limit)
{
	while (p < limit && strchr(" \t\r\n", *p) != NULL)
		p++;
	return p;
}

/*
 * The value of "id" in the outermost object, at its quote, or NULL. A draft's
 * answer holds all its text and may be larger than what is kept of it, so it
 * may be no whole JSON; the id stands near its beginning.
 */
static const char *
graph_draft_find_id(const char *p, const char *limit)
{
	const char *end, *value;
	int depth = 0;

	for (; p < limit; p = end) {
		end = p + 1;
		if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		if (*p != '"')
			continue;
		end = graph_draft_skip_string(p, limit);
		value = graph_draft_skip_blanks(end, limit);
		if (depth != 1 || value == limit || *value != ':')
			continue;
		value = graph_draft_skip_blanks(value + 1, limit);
		if (end - p == 4 && memcmp(p, "\"id\"", 4) == 0)
			return value < limit && *value == '"' ? value : NULL;
	}
	return NULL;
}

/* Visible ASCII that needs no escape in JSON. */
static int
graph_draft_is_plain(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!printable_is_visible(text[i]) || text[i] == '\\' ||
		    text[i] == '"')
			return 0;
	return len > 0;
}

int
graph_draft_read_id(const struct http_answer *answer, char id[DRAFT_ID_SIZE])
{
	const char *limit = answer->body + answer->body_len, *text, *end;
	size_t len;

	/* a draft of half a message is none */
	if (answer->status != 201 || !answer->body_sent ||
	    (text = graph_draft_find_id(answer->body, limit)) == NULL)
		return -1;
	end = graph_draft_skip_string(text, limit);
	if (end - text < 2 || end[-1] != '"')
		return -1;
	len = (size_t)(end - text) - 2;
	if (len >= DRAFT_ID_SIZE || !graph_draft_is_plain(text + 1, len))
		return -1;
	memcpy(id, text + 1, len);
	id[len] = '\0';
	return 0;
}

struct secret *
graph_draft_read_upload(const struct http_answer *answer)
{
	struct secret *upload = NULL;
	const json_t *url;
	json_t *json;
	size_t len;

	if (answer->status != 201)
		return NULL;
	json = json_loadb(answer->body, answer->body_len, 0, NULL);
	url = json_object_get(json, "uploadUrl");
	len = json_string_length(url);
	if (len <= UPLOAD_URL_MAX &&
	    graph_draft_is_plain(json_string_value(url), len) &&
	    strncmp(json_string_value(url), "https://", 8) == 0)
		upload = secret_new(json_string_value(url), len);
	json_decref(json);
	return upload;
}

long long
graph_draft_read_next(const struct http_answer *answer)
{
	const char *text;
	long long next = -1;
	json_t *json;
	char *end;

	json = json_loadb(answer->body, answer->body_len, 0, NULL);
	/* "5", "5-" or "5-9": what follows the first byte does not matter */
	text = json_string_value(
	    json_array_get(json_object_get(json, "nextExpectedRanges"), 0));
	if (text != NULL && text[0] >= '0' && text[0] <= '9') {
		next = strtoll(text, &end, 10);
		if (*end != '\0' && *end != '-')
			next = -1;
	}
	json_decref(json);
	return next;
}
