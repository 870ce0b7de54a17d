/*
 * graph.c - see graph.h.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/uuid.h"
#include "lib/base/buf.h"
#include "lib/base/printable.h"
#include "graph.h"

static long
graph_read_message(void *ctx, char *to, size_t room)
{
	return source_read_base64(ctx, to, room);
}

static void
graph_rewind_message(void *ctx)
{
	source_rewind(ctx);
}

struct http_body
graph_message_body(struct source *source)
{
	return (struct http_body){.size = source_base64_size(source),
	    .read = graph_read_message,
	    .rewind = graph_rewind_message,
	    .ctx = source};
}

int
graph_user_url(const struct conf *conf, const char *mailbox, struct buf *url)
{
	if (buf_printf(url, "%s/v1.0/users/", conf->graph_endpoint) == -1)
		return -1;
	return http_add_escaped(url, mailbox, strlen(mailbox));
}

struct http_call *
graph_send(struct http *http, const struct conf *conf, const char *mailbox,
    const struct secret *token, struct source *source, const char *id,
    http_done done, void *ctx, struct error *err)
{
	struct http_body body = graph_message_body(source);
	struct http_request request = {.method = "POST",
	    .content_type = "text/plain",
	    .bearer = token,
	    .client_request_id = id,
	    .body = &body,
	    .timeout = conf->request_timeout};
	struct http_call *call = NULL;
	struct buf url;

	buf_init(&url, 4096);
	source_rewind(source);
	if (graph_user_url(conf, mailbox, &url) == -1 ||
	    buf_add_string(&url, "/sendMail") == -1) {
		error_set(err, ERROR_OURS, "4.3.0", "the URL is too long");
	} else {
		request.url = url.bytes;
		call = http_start(http, &request, done, ctx, err);
	}
	buf_free(&url);
	return call;
}

void
graph_new_id(char id[UUID_TEXT_SIZE])
{
	/* an id that is not random only makes a log harder to follow */
	(void)uuid_new(id);
}

/* NULL is as good as empty; control characters become blanks. */
static void
graph_copy_text(const char *text, char *to, size_t size)
{
	snprintf(to, size, "%s", text == NULL ? "" : text);
	printable_make(to, ' ');
}

static void
graph_copy_string(const json_t *json, char *to, size_t size)
{
	graph_copy_text(json_string_value(json), to, size);
}

void
graph_read_error(const struct http_answer *answer, struct graph_error *out)
{
	const json_t *error, *inner;
	json_t *json;

	memset(out, 0, sizeof(*out));
	graph_copy_text(
	    answer->request_id, out->request_id, sizeof(out->request_id));
	json = json_loadb(answer->body, answer->body_len, 0, NULL);
	error = json_object_get(json, "error");
	graph_copy_string(
	    json_object_get(error, "code"), out->code, sizeof(out->code));
	graph_copy_string(json_object_get(error, "message"), out->message,
	    sizeof(out->message));
	/* documented as innerError, seen as innererror */
	inner = json_object_get(error, "innerError");
	if (inner == NULL)
		inner = json_object_get(error, "innererror");
	if (out->request_id[0] == '\0')
		graph_copy_string(json_object_get(inner, "request-id"),
		    out->request_id, sizeof(out->request_id));
	json_decref(json);
}
