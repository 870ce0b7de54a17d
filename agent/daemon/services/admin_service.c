/*
 * admin_service.c - see admin_service.h; the requests, and sending an answer.
 *
 * An answer may be long: ten thousand applications are some megabytes. It is
 * made in pieces, each in a turn of the event loop of its own, and of a few
 * milliseconds at most. Between two pieces anything may change, so a step keeps
 * no pointer into what it lists, but the place where it stands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "lib/base/printable.h"
#include "lib/local/admin.h"
#include "admin_answer.h"
#include "admin_service.h"

/* A piece ends when it is that long, or took that long. */
#define PIECE_BYTES (WIRE_REPLY_MAX - ADMIN_RECORD_MAX)
#define PIECE_MS 2

static const struct {
	const char *name;
	admin_step step;
	int needs_application;
} requests[] = {
    {"status", admin_status, 0},
    {"applications", admin_applications, 0},
    {"throttles", admin_throttles, 0},
    {"events", admin_events, 0},
    {"identities", admin_identities, 0},
    {"forget", admin_forget, 1},
};

#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

/* What a connection works on. */
struct admin_work {
	admin_step step;
	struct admin_answer answer;
};

/* --- records --- */

void
admin_text(struct admin_answer *answer, const char *name, const char *value)
{
	char text[ADMIN_VALUE_MAX + 1];

	if (value == NULL || value[0] == '\0')
		return;
	snprintf(text, sizeof(text), "%s", value);
	printable_make(text, '?');
	wire_field(answer->out, name, text);
}

void
admin_count(
    struct admin_answer *answer, const char *name, unsigned long long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", value);
	admin_text(answer, name, text);
}

void
admin_number(struct admin_answer *answer, const char *name, long long value)
{
	if (value > 0)
		admin_count(answer, name, (unsigned long long)value);
}

void
admin_identity(struct admin_answer *answer, const struct identity *id)
{
	char text[IDENTITY_TEXT_SIZE];

	admin_text(answer, "application", identity_text(id, text));
}

void
admin_begin(struct admin_answer *answer, const char *kind)
{
	admin_text(answer, "record", kind);
}

void
admin_end(struct admin_answer *answer)
{
	wire_end(answer->out);
}

/* --- sending --- */

/* The record that says that the answer is whole. */
static void
admin_service_finish(struct admin_answer *answer)
{
	admin_begin(answer, "end");
	admin_text(
	    answer, "status", answer->failure[0] == '\0' ? "ok" : "failed");
	admin_text(answer, "text", answer->failure);
	admin_end(answer);
}

static int
admin_service_more(struct conn *conn, struct buf *out)
{
	struct admin_work *work = conn->work;
	long long began = clock_ms();
	int more = 1;

	work->answer.out = out;
	while (more && work->answer.failure[0] == '\0' &&
	    out->len < PIECE_BYTES && clock_ms() - began < PIECE_MS)
		more = work->step(&work->answer);
	if (more && work->answer.failure[0] == '\0' && !out->failed)
		return 1;
	if (!out->failed)
		admin_service_finish(&work->answer);
	conn->work = NULL;
	free(work);
	return 0;
}

static int
admin_service_no_step(struct admin_answer *answer)
{
	(void)answer;
	return 0;
}

/* Finds the request; where it is wrong the answer will be a failure. */
static void
admin_service_choose(struct admin_work *work, const struct admin_question *q)
{
	struct admin_answer *answer = &work->answer;
	size_t i;

	work->step = admin_service_no_step;
	for (i = 0; i < REQUESTS; i++)
		if (strcmp(q->request, requests[i].name) == 0)
			break;
	if (i == REQUESTS)
		snprintf(answer->failure, sizeof(answer->failure),
		    "msgraphd does not know this request; is it older than "
		    "msgraphctl? Restart it after an upgrade");
	else if (requests[i].needs_application &&
	    identity_parse(q->application, strlen(q->application), "/",
		&answer->application, NULL) == -1)
		snprintf(answer->failure, sizeof(answer->failure),
		    "the request names no application, as <tenant>/<client>");
	else
		work->step = requests[i].step;
}

static enum wire_result
admin_service_request(struct conn *conn)
{
	struct admin_question question;
	struct admin_work *work;
	enum wire_result result = conn_record(conn);

	if (result != WIRE_DONE)
		return result;
	if ((work = calloc(1, sizeof(*work))) == NULL) {
		conn_answer(conn, NULL, 0);
		return WIRE_DONE;
	}
	work->answer.daemon = conn->daemon;
	work->answer.uid = conn->uid;
	admin_question_parse(&question, conn->in.bytes);
	admin_service_choose(work, &question);
	conn->work = work;
	conn_stream(conn);
	return WIRE_DONE;
}

static void
admin_service_gone(struct conn *conn)
{
	free(conn->work);
	conn->work = NULL;
}

const struct service_kind admin_service = {
    .name = "admin",
    .group = ADMIN_GROUP,
    .request_max = ADMIN_QUESTION_MAX,
    .connections_max = ADMIN_MEMBERS_MAX,
    .request = admin_service_request,
    .more = admin_service_more,
    .gone = admin_service_gone,
};
