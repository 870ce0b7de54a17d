/*
 * graph_sent.c - see graph_sent.h.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "agent/daemon/base/clock.h"
#include "lib/base/buf.h"
#include "lib/local/wire.h"
#include "graph.h"
#include "graph_sent.h"

/* Their servers' clocks may differ. */
#define SPARE_SECONDS 60

static const struct folder {
	const char *path,
	    *date; /* when a message in it was sent, or changed last */
} folders[] = {
    [GRAPH_DRAFTS] = {"drafts", "lastModifiedDateTime"},
    [GRAPH_SENT_ITEMS] = {"sentitems", "sentDateTime"},
};

/* --- the questions --- */

/* A quote inside an OData string is doubled (OData 4.01, 5.1.1.6.1). */
static int
graph_sent_add_filter(struct buf *url, const char *message_id)
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
	if (!filter.failed)
		result = http_add_escaped(url, filter.bytes, filter.len);
	buf_free(&filter);
	return result;
}

static struct http_call *
graph_sent_get(
    const struct graph_call *call, const struct buf *url, struct error *err)
{
	struct http_request request = {.method = "GET",
	    .url = url->bytes,
	    .bearer = call->token,
	    .client_request_id = call->id,
	    .timeout = call->conf->request_timeout,
	    .answer_max = GRAPH_SEARCH_BYTES,
	    .answer_kept = GRAPH_SEARCH_BYTES};

	if (url->failed) {
		error_set(err, ERROR_OURS, "4.3.0", "the URL is too long");
		return NULL;
	}
	return http_start(call->http, &request, call->done, call->ctx, err);
}

struct http_call *
graph_find(const struct graph_call *call, enum graph_folder folder,
    const char *message_id, struct error *err)
{
	struct http_call *started;
	struct buf url;

	buf_init(&url, 16 * 1024);
	if (graph_user_url(call->conf, call->mailbox, &url) == -1 ||
	    buf_printf(&url,
		"/mailFolders/%s/messages?$select=isDraft,%s,toRecipients,"
		"ccRecipients,bccRecipients&$top=%d&$filter=",
		folders[folder].path, folders[folder].date,
		GRAPH_SEARCH_TOP) == -1 ||
	    graph_sent_add_filter(&url, message_id) == -1)
		url.failed = 1;
	started = graph_sent_get(call, &url, err);
	buf_free(&url);
	return started;
}

struct http_call *
graph_look(const struct graph_call *call, struct error *err)
{
	struct http_call *started;
	struct buf url;

	buf_init(&url, 4096);
	if (graph_user_url(call->conf, call->mailbox, &url) == -1 ||
	    buf_add_string(&url, "/messages/") == -1 ||
	    http_add_escaped(&url, call->draft, strlen(call->draft)) == -1 ||
	    buf_add_string(&url, "?$select=isDraft") == -1)
		url.failed = 1;
	started = graph_sent_get(call, &url, err);
	buf_free(&url);
	return started;
}

/* --- recipients --- */

static int
graph_sent_compare_names(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

char *
graph_recipients(const char **list, size_t count)
{
	struct buf text;
	char *p;
	size_t i;

	qsort(list, count, sizeof(*list), graph_sent_compare_names);
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
graph_sent_take_names(
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

/*
 * Lines of "some" that are all in "all"; both as graph_recipients() has them.
 */
static int
graph_sent_is_among(const char *some, const char *all)
{
	size_t len;

	for (; *some != '\0'; some += len) {
		len = strcspn(some, "\n") + 1;
		while (*all != '\0' && strncmp(all, some, len) != 0)
			all += strcspn(all, "\n") + 1;
		if (*all == '\0')
			return 0;
	}
	return 1;
}

static int
graph_sent_has_recipients(const json_t *message, const char *recipients)
{
	/* Exchange takes 1,000 in all; more are not ours */
	const char *names[1024];
	const size_t room = sizeof(names) / sizeof(names[0]);
	size_t count = 0;
	char *text;
	int all;

	count += graph_sent_take_names(message, "toRecipients", names, room);
	count += graph_sent_take_names(
	    message, "ccRecipients", names + count, room - count);
	count += graph_sent_take_names(
	    message, "bccRecipients", names + count, room - count);
	text = graph_recipients(names, count);
	all = text != NULL && graph_sent_is_among(recipients, text);
	free(text);
	return all;
}

/* --- what the answers say --- */

/*
 * Values are counted before anything is made of them: each takes some 100 bytes
 * of memory, whatever it takes of the answer.
 */
static int
graph_sent_is_too_much(const struct http_answer *answer)
{
	size_t i, values = 0;

	for (i = 0; i < answer->body_len; i++)
		if (strchr("{[,", answer->body[i]) != NULL)
			values++;
	return answer->body_len > GRAPH_SEARCH_BYTES ||
	    values > GRAPH_SEARCH_VALUES;
}

/* NULL for what was cut off, or is no answer that tells. */
static json_t *
graph_sent_load(const struct http_answer *answer)
{
	if (answer->status != 200 || answer->transport[0] != '\0' ||
	    graph_sent_is_too_much(answer))
		return NULL;
	return json_loadb(answer->body, answer->body_len, 0, NULL);
}

/* Where it is not said, it is taken for ours: that was so before. */
static int
graph_sent_is_before(const json_t *message, const char *since)
{
	const char *when = NULL;
	size_t i;

	for (i = 0; when == NULL && i < sizeof(folders) / sizeof(*folders); i++)
		when = json_string_value(
		    json_object_get(message, folders[i].date));
	return when != NULL && strcmp(when, since) < 0;
}

static int
graph_sent_is_no_more_than_draft(
    const json_t *message, const struct graph_sought *sought)
{
	const char *drafts = sought->drafts;
	const char *id = json_string_value(json_object_get(message, "id"));
	size_t len;

	if (!json_is_true(json_object_get(message, "isDraft")))
		return 0;
	if (sought->no_drafts)
		return 1;
	if (id == NULL)
		return 0;
	for (; *drafts != '\0'; drafts += len + 1) {
		len = strcspn(drafts, "\n");
		if (strlen(id) == len && strncmp(id, drafts, len) == 0)
			return 1;
	}
	return 0;
}

/*
 * Looks through messages of this Message-ID: 1 when one of them is the one that
 * is sought. One that was sent before, to the same recipients, tells that its
 * sender gives the Message-ID to many, so a later one may be yet another.
 */
static int
graph_sent_is_among_these(const json_t *messages,
    const struct graph_sought *sought, const char *since)
{
	const char *const sent = folders[GRAPH_SENT_ITEMS].date;
	const json_t *message;
	int found = 0;
	size_t i;

	for (i = 0; i < json_array_size(messages); i++) {
		message = json_array_get(messages, i);
		if (graph_sent_is_no_more_than_draft(message, sought) ||
		    !graph_sent_has_recipients(message, sought->recipients))
			continue;
		if (!graph_sent_is_before(message, since))
			found = 1;
		else if (json_object_get(message, sent) != NULL)
			return 0;
	}
	return found;
}

int
graph_read_found(
    const struct http_answer *answer, const struct graph_sought *sought)
{
	const long long now = answer->date == -1 ? clock_wall() : answer->date;
	const time_t from = (time_t)(now - sought->age - SPARE_SECONDS);
	const json_t *value;
	int found = -1;
	json_t *json;
	char since[32];
	struct tm tm;

	if (gmtime_r(&from, &tm) == NULL ||
	    strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return -1;
	json = graph_sent_load(answer);
	value = json_object_get(json, "value");
	if (graph_sent_is_among_these(value, sought, since))
		found = 1;
	/* what goes on elsewhere is not all */
	else if (json_is_array(value) &&
	    json_object_get(json, "@odata.nextLink") == NULL)
		found = 0;
	json_decref(json);
	return found;
}

int
graph_read_look(const struct http_answer *answer)
{
	json_t *json = graph_sent_load(answer);
	const json_t *is_draft = json_object_get(json, "isDraft");
	int sent = json_is_boolean(is_draft) ? json_is_false(is_draft) : -1;

	json_decref(json);
	return sent;
}
