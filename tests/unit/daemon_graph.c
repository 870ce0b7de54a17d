/*
 * What Graph's answers say (agent/daemon/graph/graph.c, graph_sent.c): errors
 * of every shape, and whether a message was found in Sent Items.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "agent/daemon/graph/graph.h"
#include "agent/daemon/graph/graph_sent.h"
#include "lib/base/buf.h"

#define ID "8c1e0a5e-0000-4000-8000-123456789abc"

static const struct {
	const char *body;
	const char *header_id; /* request-id of the answer's head */
	const char *code, *message, *request_id;
} errors[] = {
    /* as documented, and as seen */
    {"{\"error\":{\"code\":\"ErrorAccessDenied\",\"message\":\"Access is "
     "denied.\",\"innerError\":{\"request-id\":\"" ID "\",\"date\":\"d\"}}}",
	"", "ErrorAccessDenied", "Access is denied.", ID},
    {"{\"error\":{\"code\":\"c\",\"message\":\"m\",\"innererror\":"
     "{\"request-id\":\"" ID "\"}}}",
	"", "c", "m", ID},
    {"{\"error\":{\"code\":\"c\",\"message\":\"m\"}}", "", "c", "m", ""},
    {"{\"error\":{\"code\":\"TooManyRequests\",\"innerError\":{\"code\":"
     "\"429\",\"message\":\"Please retry after\",\"request-id\":\"" ID
     "\",\"status\":\"429\"},\"message\":\"Please retry again later.\"}}",
	"", "TooManyRequests", "Please retry again later.", ID},
    /* the head knows the id better */
    {"{\"error\":{\"code\":\"c\",\"message\":\"m\",\"innerError\":"
     "{\"request-id\":\"other\"}}}",
	ID, "c", "m", ID},
    {"", ID, "", "", ID},
    /* halves */
    {"{\"error\":{\"code\":\"UnknownError\",\"message\":\"\"}}", "",
	"UnknownError", "", ""},
    {"{\"error\":{\"message\":\"m\"}}", "", "", "m", ""},
    {"{\"error\":{\"code\":404,\"message\":[]}}", "", "", "", ""},
    {"{\"error\":{\"code\":null,\"message\":{}}}", "", "", "", ""},
    {"{\"error\":{}}", "", "", "", ""},
    {"{\"error\":\"invalid_request\"}", "", "", "", ""},
    {"{\"error\":[{\"code\":\"c\"}]}", "", "", "", ""},
    {"{\"error\":{\"code\":\"c\",\"innerError\":\"x\"}}", "", "c", "", ""},
    {"{\"error\":{\"code\":\"c\",\"innerError\":{\"request-id\":7}}}", "", "c",
	"", ""},
    {"{\"Error\":{\"Code\":\"c\"}}", "", "", "", ""},
    {"[]", "", "", "", ""},
    {"null", "", "", "", ""},
    /* no JSON, or not all of it */
    {"", "", "", "", ""},
    {"Too Many Requests", "", "", "", ""},
    {"<html><title>413 Request Entity Too Large</title></html>", "", "", "",
	""},
    {"{\"error\":{\"code\":\"ErrorAccessDenied\",\"mess", "", "", "", ""},
    {"{\"error\":{\"code\":\"c\"}}{\"error\":{\"code\":\"d\"}}", "", "", "",
	""},
    {"{\"error\":{\"code\":\"\377\"}}", "", "", "", ""},
    {"{\"error\":{\"code\":\"a\\u0000b\"}}", "", "", "", ""},
    /* one line each */
    {"{\"error\":{\"code\":\"a\\r\\nb\",\"message\":\"c\\td\\u001be\\u007f\"}}",
	"", "a  b", "c d e ", ""},
    {"", "a\tb\001c\177", "", "", "a b c "},
    {"{\"error\":{\"code\":\"c\",\"message\":\"M\303\274ller\"}}", "", "c",
	"M\303\274ller", ""},
};

static void
test_errors(void **state)
{
	struct http_answer answer;
	struct graph_error out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		memset(&answer, 0, sizeof(answer));
		memset(&out, 'x', sizeof(out));
		answer.status = 400;
		answer.body = errors[i].body;
		answer.body_len = strlen(errors[i].body);
		snprintf(answer.request_id, sizeof(answer.request_id), "%s",
		    errors[i].header_id);
		graph_read_error(&answer, &out);
		if (strcmp(out.code, errors[i].code) != 0 ||
		    strcmp(out.message, errors[i].message) != 0 ||
		    strcmp(out.request_id, errors[i].request_id) != 0)
			fail_msg("case %zu: \"%s\" \"%s\" \"%s\"", i, out.code,
			    out.message, out.request_id);
	}
}

/* Whatever comes is bounded: long texts are cut, deep ones are no JSON. */
static void
test_long_errors(void **state)
{
	struct http_answer answer = {.status = 500};
	struct graph_error out;
	struct buf body;
	int i;

	(void)state;
	buf_init(&body, HTTP_BODY_KEPT);
	buf_add_string(&body, "{\"error\":{\"message\":\"");
	for (i = 0; i < 30000; i++)
		buf_add(&body, "m", 1);
	buf_add_string(&body, "\",\"code\":\"");
	for (i = 0; i < 30000; i++)
		buf_add(&body, "c", 1);
	buf_add_string(&body, "\"}}");
	answer.body = body.bytes;
	answer.body_len = body.len;
	graph_read_error(&answer, &out);
	assert_int_equal(strlen(out.code), sizeof(out.code) - 1);
	assert_int_equal(strlen(out.message), sizeof(out.message) - 1);
	memset(body.bytes, '{', body.len);
	graph_read_error(&answer, &out);
	assert_string_equal(out.code, "");
	memset(body.bytes, '[', body.len);
	graph_read_error(&answer, &out);
	assert_string_equal(out.code, "");
	buf_free(&body);
}

/* A message to two, one of them in Cc. */
#define ADDRESS(a) "[{\"emailAddress\":{\"address\":\"" a "\"}}]"
#define TO(a) "{\"toRecipients\":" ADDRESS(a)
#define CC(a) ",\"ccRecipients\":" ADDRESS(a) "}"

#define ONE(a) "{\"emailAddress\":{\"address\":\"" a "\"}}"
#define TO3(a, b, c) "{\"toRecipients\":[" ONE(a) "," ONE(b) "," ONE(c) "]}"
#define MORE ",\"@odata.nextLink\":\"https://x/\""

/* in Drafts: our own is known by its id, while it is a draft */
#define OURS "AAMkOurs"
#define DRAFT(id, is_draft)                                   \
	"{\"id\":\"" id "\",\"isDraft\":" is_draft            \
	",\"lastModifiedDateTime\":\"2026-11-26T12:00:00Z\"," \
	"\"toRecipients\":[" ONE("a@x.org") "," ONE("b@x.org") "]}"

#define SENT(at)                  \
	"{\"sentDateTime\":\"" at \
	"\",\"toRecipients\":[" ONE("a@x.org") "," ONE("b@x.org") "]}"

static const struct {
	long status;
	const char *body;
	int found;
} searches[] = {
    {200, "{\"value\":[" TO("B@x.org") CC("a@x.org") "]}", 1},
    {200, "{\"value\":[" TO("A@X.ORG") CC("b@x.org") "]}", 1},
    {200, "{\"value\":[{}," TO("b@x.org") CC("a@x.org") "]}", 1},
    /* pipe(8) may ask again for some of them */
    {200, "{\"value\":[" TO3("b@x.org", "a@x.org", "c@x.org") "]}", 1},
    {200, "{\"value\":[" TO3("c@x.org", "bb@x.org", "b@x.org") "]}", 0},
    {200, "{\"value\":[" TO3("c@x.org", "aa@x.org", "b@x.org") "]}", 0},
    /* sent, but to others: another part of it, or another transaction */
    {200, "{\"value\":[" TO("b@x.org") CC("b@x.org") "]}", 0},
    {200, "{\"value\":[" TO("b@x.org") CC("c@x.org") "]}", 0},
    {200, "{\"value\":[{\"id\":\"AAMk\"}]}", 0},
    {200, "{\"value\":[{\"toRecipients\":[{\"emailAddress\":1}]}]}", 0},
    {200, "{\"value\":[]}", 0},
    /* another message of this Message-ID, if it was sent before */
    {200, "{\"value\":[" SENT("2026-11-26T11:57:20Z") "]}", 1},
    {200, "{\"value\":[" SENT("2026-11-26T11:57:19Z") "]}", 0},
    {200, "{\"value\":[" SENT("2025-12-31T23:00:00Z") "]}", 0},
    /* whoever gives a second one this Message-ID may give it a third */
    {200,
	"{\"value\":[" SENT("2026-11-26T12:00:00Z") "," SENT(
	    "2026-11-26T12:00:01Z") "]}",
	1},
    {200,
	"{\"value\":[" SENT("2026-11-26T12:00:00Z") "," SENT(
	    "2026-11-26T11:57:19Z") "]}",
	0},
    {200,
	"{\"value\":[" SENT("2026-01-01T11:57:19Z") "," SENT(
	    "2026-11-26T12:00:00Z") "]}",
	0},
    /* to somebody else, as where each recipient gets one */
    {200,
	"{\"value\":[{\"sentDateTime\":\"2026-11-26T11:00:00Z\","
	"\"toRecipients\":[" ONE("a@x.org") "]}," SENT(
	    "2026-11-26T12:00:00Z") "]}",
	1},
    /* in Drafts, one that was made and never sent */
    {200,
	"{\"value\":[{\"lastModifiedDateTime\":\"2026-11-26T11:57:19Z\","
	"\"toRecipients\":[" ONE("a@x.org") "," ONE("b@x.org") "]}," DRAFT(
	    "AAMkNew", "true") "]}",
	1},
    {200,
	"{\"value\":[{\"lastModifiedDateTime\":\"2026-11-26T11:57:19Z\","
	"\"toRecipients\":[" ONE("a@x.org") "," ONE("b@x.org") "]}]}",
	0},
    {200, "{\"value\":[" DRAFT(OURS, "true") "]}", 0},
    {200, "{\"value\":[" DRAFT("AAMkOther", "true") "]}", 0},
    {200, "{\"value\":[" DRAFT(OURS, "false") "]}", 1},
    {200, "{\"value\":[" DRAFT(OURS "x", "true") "]}", 1},
    {200, "{\"value\":[" DRAFT("AAMkOur", "true") "]}", 1},
    {200, "{\"value\":[" DRAFT("", "true") "]}", 1},
    {200, "{\"value\":[" DRAFT(OURS, "true") "," DRAFT("", "true") "]}", 1},
    {200, "{\"value\":[" TO("b@x.org") CC("a@x.org") "]" MORE "}", 1},
    /* could not be told */
    {200, "{\"value\":[" TO("b@x.org") CC("b@x.org") "]" MORE "}", -1},
    {200, "{\"value\":[]" MORE "}", -1},
    {200, "{\"value\":null}", -1},
    {200, "{\"value\":{}}", -1},
    {200, "{}", -1},
    {200, "", -1},
    {200, "<html>", -1},
    {200, "{\"value\":[", -1},
    {202, "{\"value\":[{}]}", -1},
    {403, "{\"value\":[]}", -1},
    {404, "", -1},
    {0, "", -1},
};

static void
test_found(void **state)
{
	const char *names[] = {"b@x.org", "A@x.org", "a@X.org"};
	/* 2026-11-26T12:00:00Z */
	struct http_answer answer = {.date = 1795694400};
	char *recipients = graph_recipients(names, 3);
	const struct graph_sought sought = {
	    recipients, 100, "AAMkOther\n" OURS "\n", 0};
	size_t i;

	(void)state;
	assert_string_equal(recipients, "a@x.org\nb@x.org\n");
	for (i = 0; i < sizeof(searches) / sizeof(*searches); i++) {
		answer.status = searches[i].status;
		answer.body = searches[i].body;
		answer.body_len = strlen(searches[i].body);
		if (graph_read_found(&answer, &sought) != searches[i].found)
			fail_msg("%ld %s", answer.status, answer.body);
	}
	free(recipients);
}

static const struct {
	long status;
	const char *body;
	int sent;
} looks[] = {
    {200, "{\"isDraft\":false,\"id\":\"AAMk\"}", 1},
    {200, "{\"isDraft\":true}", 0},
    {200, "{\"isDraft\":\"false\"}", -1},
    {200, "{\"isDraft\":null}", -1},
    {200, "{\"value\":[{\"isDraft\":false}]}", -1},
    {200, "{}", -1},
    {200, "[]", -1},
    {200, "", -1},
    {200, "{\"isDraft\":false", -1},
    {202, "{\"isDraft\":false}", -1},
    {404, "{\"isDraft\":false}", -1},
    {0, "", -1},
};

static void
test_looks(void **state)
{
	struct http_answer answer = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		answer.status = looks[i].status;
		answer.body = looks[i].body;
		answer.body_len = strlen(looks[i].body);
		if (graph_read_look(&answer) != looks[i].sent)
			fail_msg("%ld %s", answer.status, answer.body);
	}
	/* cut off, but whole by chance */
	answer.status = 200;
	answer.body = looks[0].body;
	answer.body_len = strlen(answer.body);
	strcpy(answer.transport, "cut off");
	assert_int_equal(graph_read_look(&answer), -1);
}

/* --- how much an answer may cost --- */

#define MEMORY_MAX (8UL * 1024 * 1024)

static size_t memory, memory_most;

static void *
count_malloc(size_t size)
{
	size_t *block = malloc(sizeof(size_t) * 2 + size);

	assert_non_null(block);
	*block = size;
	memory += size;
	if (memory > memory_most)
		memory_most = memory;
	return block + 2;
}

static void
count_free(void *p)
{
	size_t *block = p;

	if (block == NULL)
		return;
	memory -= block[-2];
	free(block - 2);
}

static const struct {
	const char *first, *again, *last;
} expensive[] = {
    {"{\"value\":[", "{},", "{}]}"},
    {"{\"value\":[", "[],", "[]]}"},
    {"{\"value\":[", "0,", "0]}"},
    {"{\"value\":[", "\"\",", "0]}"},
    {"{\"value\":[{\"isDraft\":{},", "\"\":{},", "\"a\":0}]}"},
    {"{\"value\":[", "{\"\":[]},", "0]}"},
    {"{\"isDraft\":[", "[[[[0]]]],", "0]}"},
};

/* Of each size: as few values are taken, as many are not, and no more cost. */
static void
test_expensive_answers(void **state)
{
	const struct graph_sought sought = {"a@x.org\n", 100, "", 0};
	struct http_answer answer = {.status = 200};
	size_t i, size;
	struct buf body;

	(void)state;
	json_set_alloc_funcs(count_malloc, count_free);
	for (i = 0; i < sizeof(expensive) / sizeof(*expensive); i++) {
		for (size = 1024; size <= 4UL * 1024 * 1024; size *= 2) {
			buf_init(&body, size + 100);
			buf_add_string(&body, expensive[i].first);
			while (body.len < size)
				buf_add_string(&body, expensive[i].again);
			buf_add_string(&body, expensive[i].last);
			answer.body = body.bytes;
			answer.body_len = body.len;
			graph_read_found(&answer, &sought);
			graph_read_look(&answer);
			buf_free(&body);
		}
	}
	json_set_alloc_funcs(malloc, free);
	print_message("%zu kB at most\n", memory_most / 1024);
	assert_int_equal(memory, 0);
	assert_in_range(memory_most, 100000, MEMORY_MAX);
}

/* What Graph may well say is read: the longest list, the longest message. */
static void
test_large_answers(void **state)
{
	const struct graph_sought sought = {
	    "r999@department.example.org\n", 100, "", 0};
	struct http_answer answer = {.status = 200};
	struct buf body;
	int i;

	(void)state;
	buf_init(&body, GRAPH_SEARCH_BYTES);
	buf_add_string(&body, "{\"value\":[");
	for (i = 0; i < GRAPH_SEARCH_TOP; i++)
		buf_printf(&body,
		    "%s{\"@odata.etag\":\"W/\\\"%060d\\\"\","
		    "\"id\":\"%0152d\",\"isDraft\":false,"
		    "\"sentDateTime\":\"2026-11-26T12:00:00Z\","
		    "\"toRecipients\":[{\"emailAddress\":{\"name\":"
		    "\"Firstname Lastname\",\"address\":"
		    "\"r%03d@department.example.org\"}}],"
		    "\"ccRecipients\":[],\"bccRecipients\":[]}",
		    i == 0 ? "" : ",", i, i, i + 500);
	buf_add_string(&body, "]}");
	answer.body = body.bytes;
	answer.body_len = body.len;
	assert_false(body.failed);
	assert_int_equal(graph_read_found(&answer, &sought), 1);
	buf_free(&body);

	buf_add_string(&body, "{\"value\":[{\"bccRecipients\":[");
	for (i = 0; i < 1000; i++)
		buf_printf(&body,
		    "%s{\"emailAddress\":{\"name\":\"%060d\",\"address\":"
		    "\"r%03d@department.example.org\"}}",
		    i == 0 ? "" : ",", i, i);
	buf_add_string(&body, "]}]}");
	answer.body = body.bytes;
	answer.body_len = body.len;
	assert_false(body.failed);
	assert_int_equal(graph_read_found(&answer, &sought), 1);
	buf_free(&body);
}

/* Version 4 of RFC 4122, and never the same. */
static void
test_ids(void **state)
{
	static const char shape[] = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
	char id[UUID_TEXT_SIZE], last[UUID_TEXT_SIZE] = "";
	int i, round;

	(void)state;
	for (round = 0; round < 100; round++) {
		graph_new_id(id);
		assert_int_equal(strlen(id), strlen(shape));
		for (i = 0; shape[i] != '\0'; i++) {
			if (shape[i] == 'x')
				assert_non_null(
				    strchr("0123456789abcdef", id[i]));
			else if (shape[i] == 'y')
				assert_non_null(strchr("89ab", id[i]));
			else
				assert_int_equal(id[i], shape[i]);
		}
		assert_string_not_equal(id, last);
		strcpy(last, id);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_long_errors),
	    cmocka_unit_test(test_found),
	    cmocka_unit_test(test_looks),
	    cmocka_unit_test(test_expensive_answers),
	    cmocka_unit_test(test_large_answers),
	    cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
