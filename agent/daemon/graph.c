/*
 * graph.c - see graph.h.
 */
#include <ctype.h>
#include <curl/curl.h>
#include <jansson.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "graph.h"
#include "wire.h"

static long
read_message(void *ctx, char *to, size_t room)
{
	return spool_read_base64(ctx, to, room);
}

static void
rewind_message(void *ctx)
{
	spool_rewind(ctx);
}

int
graph_add_escaped(struct buf *url, const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0);
	int result = -1;

	if (escaped != NULL)
		result = buf_add_string(url, escaped);
	curl_free(escaped);
	return result;
}

int
graph_user_url(const struct conf *conf, const char *mailbox, struct buf *url)
{
	if (buf_printf(url, "%s/v1.0/users/", conf->graph_endpoint) == -1)
		return -1;
	return graph_add_escaped(url, mailbox);
}

struct http_call *
graph_send(struct http *http, const struct conf *conf, const char *mailbox,
    const struct secret *token, struct spool *spool, const char *id,
    http_done done, void *ctx, struct error *err)
{
	struct http_body body = {.size = spool_base64_size(spool),
	    .read = read_message,
	    .rewind = rewind_message,
	    .ctx = spool};
	struct http_request request = {.method = "POST",
	    .content_type = "text/plain",
	    .bearer = token,
	    .client_request_id = id,
	    .body = &body,
	    .timeout = conf->request_timeout};
	struct http_call *call = NULL;
	struct buf url;

	buf_init(&url, 4096);
	spool_rewind(spool);
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

/* A quote inside an OData string is doubled (OData 4.01, 5.1.1.6.1). */
static int
add_filter(struct buf *url, const char *message_id)
{
	struct buf filter;
	int result = -1;

	buf_init(&filter, 4096);
	buf_add_string(&filter, "internetMessageId eq '");
	for (; *message_id != '\0'; message_id++) {
		if (*message_id == '\'')
			buf_add(&filter, message_id, 1);
		buf_add(&filter, message_id, 1);
	}
	buf_add_string(&filter, "'");
	if (!filter.failed &&
	    buf_add_string(url,
		"?$select=toRecipients,ccRecipients,bccRecipients&$filter=") ==
		0)
		result = graph_add_escaped(url, filter.bytes);
	buf_free(&filter);
	return result;
}

struct http_call *
graph_find_sent(struct http *http, const struct conf *conf, const char *mailbox,
    const struct secret *token, const char *message_id, const char *id,
    http_done done, void *ctx, struct error *err)
{
	struct http_request request = {.method = "GET",
	    .bearer = token,
	    .client_request_id = id,
	    .timeout = conf->request_timeout};
	struct http_call *call = NULL;
	struct buf url;

	buf_init(&url, 16 * 1024);
	if (graph_user_url(conf, mailbox, &url) == -1 ||
	    buf_add_string(&url, "/mailFolders/sentitems/messages") == -1 ||
	    add_filter(&url, message_id) == -1) {
		error_set(err, ERROR_OURS, "4.3.0", "the URL is too long");
	} else {
		request.url = url.bytes;
		call = http_start(http, &request, done, ctx, err);
	}
	buf_free(&url);
	return call;
}

static int
compare_names(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

char *
graph_recipients(const char **list, size_t count)
{
	struct buf text;
	char *p;
	size_t i;

	qsort(list, count, sizeof(*list), compare_names);
	buf_init(&text, WIRE_RECORD_MAX);
	buf_add(&text, "", 0);
	for (i = 0; i < count; i++)
		if (i == 0 || strcasecmp(list[i], list[i - 1]) != 0)
			buf_printf(&text, "%s\n", list[i]);
	if (text.failed)
		buf_free(&text);
	for (p = text.bytes; p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return text.bytes;
}

/* How many addresses of a message's member list go into names. */
static size_t
take_names(
    const json_t *message, const char *member, const char **names, size_t room)
{
	const json_t *one, *list = json_object_get(message, member);
	size_t i, count = 0;

	for (i = 0; i < json_array_size(list); i++) {
		one = json_object_get(json_array_get(list, i), "emailAddress");
		one = json_object_get(one, "address");
		if (count < room && json_is_string(one))
			names[count++] = json_string_value(one);
	}
	return count;
}

static int
has_recipients(const json_t *message, const char *recipients)
{
	/* Exchange takes 1,000 in all; more are not ours */
	const char *names[1024];
	const size_t room = sizeof(names) / sizeof(names[0]);
	size_t count = 0;
	char *text;
	int same;

	count += take_names(message, "toRecipients", names, room);
	count +=
	    take_names(message, "ccRecipients", names + count, room - count);
	count +=
	    take_names(message, "bccRecipients", names + count, room - count);
	text = graph_recipients(names, count);
	same = text != NULL && strcmp(text, recipients) == 0;
	free(text);
	return same;
}

int
graph_read_found(const struct http_answer *answer, const char *recipients)
{
	const json_t *value;
	json_t *json;
	int found = -1;
	size_t i;

	if (answer->status != 200)
		return -1;
	json = json_loadb(answer->body, answer->body_len, 0, NULL);
	value = json_object_get(json, "value");
	if (json_is_array(value))
		found = 0;
	for (i = 0; i < json_array_size(value); i++)
		if (has_recipients(json_array_get(value, i), recipients))
			found = 1;
	json_decref(json);
	return found;
}

void
graph_new_id(char id[GRAPH_ID_SIZE])
{
	unsigned char b[16] = {0};

	/* an id that is not random only makes a log harder to follow */
	(void)RAND_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* RFC 4122, 4.4 */
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(id, GRAPH_ID_SIZE,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x",
	    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
	    b[11], b[12], b[13], b[14], b[15]);
}

/* NULL is as good as empty; control characters become blanks. */
static void
copy_text(const char *text, char *to, size_t size)
{
	char *p;

	snprintf(to, size, "%s", text == NULL ? "" : text);
	for (p = to; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
}

static void
copy_string(const json_t *json, char *to, size_t size)
{
	copy_text(json_string_value(json), to, size);
}

void
graph_read_error(const struct http_answer *answer, struct graph_error *out)
{
	const json_t *error, *inner;
	json_t *json;

	memset(out, 0, sizeof(*out));
	copy_text(answer->request_id, out->request_id, sizeof(out->request_id));
	json = json_loadb(answer->body, answer->body_len, 0, NULL);
	error = json_object_get(json, "error");
	copy_string(
	    json_object_get(error, "code"), out->code, sizeof(out->code));
	copy_string(json_object_get(error, "message"), out->message,
	    sizeof(out->message));
	/* documented as innerError, seen as innererror */
	inner = json_object_get(error, "innerError");
	if (inner == NULL)
		inner = json_object_get(error, "innererror");
	if (out->request_id[0] == '\0')
		copy_string(json_object_get(inner, "request-id"),
		    out->request_id, sizeof(out->request_id));
	json_decref(json);
}
