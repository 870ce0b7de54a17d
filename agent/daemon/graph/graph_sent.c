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

/*
 * The most that Graph gives in one answer; a device may put the same Message-ID
 * into all that it sends. A message to 500 has some 100 kB of recipients.
 */
#define TOP "1000"
/* Their servers' clocks may differ. */
#define SPARE_SECONDS 60
#define ANSWER_MAX (4 * 1024 * 1024)

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
		"?$select=sentDateTime,toRecipients,ccRecipients,"
		"bccRecipients&$top=" TOP "&$filter=") == 0)
		result = http_add_escaped(url, filter.bytes, filter.len);
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
	    .timeout = conf->request_timeout,
	    .answer_max = ANSWER_MAX,
	    .answer_kept = ANSWER_MAX};
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

/* Lines of "some" that are all in "all"; both as graph_recipients() has them. */
static int
is_among(const char *some, const char *all)
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
has_recipients(const json_t *message, const char *recipients)
{
	/* Exchange takes 1,000 in all; more are not ours */
	const char *names[1024];
	const size_t room = sizeof(names) / sizeof(names[0]);
	size_t count = 0;
	char *text;
	int all;

	count += take_names(message, "toRecipients", names, room);
	count +=
	    take_names(message, "ccRecipients", names + count, room - count);
	count +=
	    take_names(message, "bccRecipients", names + count, room - count);
	text = graph_recipients(names, count);
	all = text != NULL && is_among(recipients, text);
	free(text);
	return all;
}

/* Where it is not said, it is taken for ours: that was so before. */
static int
is_before(const json_t *message, const char *since)
{
	const char *sent =
	    json_string_value(json_object_get(message, "sentDateTime"));

	return sent != NULL && strcmp(sent, since) < 0;
}

int
graph_read_found(
    const struct http_answer *answer, const char *recipients, long long age)
{
	const long long now = answer->date == -1 ? clock_wall() : answer->date;
	const time_t from = (time_t)(now - age - SPARE_SECONDS);
	const json_t *message;
	char text[32];
	struct tm tm;
	const json_t *value;
	json_t *json;
	int found = -1;
	size_t i;

	if (gmtime_r(&from, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return -1;
	/* what was cut off, and what goes on elsewhere, is not all */
	if (answer->status != 200 || answer->transport[0] != '\0')
		return -1;
	json = json_loadb(answer->body, answer->body_len, 0, NULL);
	value = json_object_get(json, "value");
	if (json_is_array(value) &&
	    json_object_get(json, "@odata.nextLink") == NULL)
		found = 0;
	for (i = 0; i < json_array_size(value); i++) {
		message = json_array_get(value, i);
		if (!is_before(message, text) &&
		    has_recipients(message, recipients))
			found = 1;
	}
	json_decref(json);
	return found;
}
