/*
 * check_queue.c - mail that waits in Postfix's queue, by reason.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/ctl/base/run.h"
#include "checks.h"

#define CHECK_QUEUE_MAX (16 * 1024 * 1024)
#define CHECK_QUEUE_REASONS 5

struct check_queue_reason {
	char text[300];
	char queue_id[64]; /* of the first message */
	size_t count;
	int is_lost; /* no time mends it */
};

struct check_queue {
	struct check_queue_reason reasons[CHECK_QUEUE_REASONS];
	size_t count, messages, others;
	long long oldest; /* arrival of the oldest; 0: none waits */
};

/* What no later attempt will mend by itself. */
static int
check_queue_is_lost(const char *reason)
{
	static const char *const words[] = {"mail transport unavailable",
	    "unknown mail transport", "execvp ", "is not an address",
	    "msgraphd cannot start", "msgraph.conf"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(reason, words[i]) != NULL)
			return 1;
	return 0;
}

/*
 * A host may have a queue of other mail, and postqueue does not say by which
 * transport a message goes. These are how smtp(8) begins its reasons.
 */
static int
check_queue_is_ours(const char *reason)
{
	static const char suspended[] = "delivery temporarily suspended: ";
	static const char *const begins[] = {"host ", "lost connection with ",
	    "conversation with ", "Host or domain name not found",
	    "Server certificate ", "TLS is required", "timed out while "};
	size_t i;

	if (strncmp(reason, suspended, sizeof(suspended) - 1) == 0)
		reason += sizeof(suspended) - 1;
	for (i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (strncmp(reason, begins[i], strlen(begins[i])) == 0)
			return 0;
	/* ours connects to a path, and smtp(8) to host[address]:port */
	return strncmp(reason, "connect to ", 11) != 0 ||
	    strchr(reason, '[') == NULL;
}

/* What to do about a reason; the first row that it has counts. */
static const char *
check_queue_remedy(const char *reason)
{
	static const struct {
		const char *words, *remedy;
	} rows[] = {
	    {"must sign in again",
		"let the client sign in with a secret that is valid"},
	    {"no such mailbox", "correct the sender's address on the device"},
	    {"must grant it Mail.Send",
		"msgraphctl entra-script prints the commands that grant it"},
	    {"mail transport unavailable",
		"put the transport of that name back into master.cf and reload "
		"Postfix"},
	    {"execvp ", "correct the path of msgraph-agent in master.cf"},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strstr(reason, rows[i].words) != NULL)
			return rows[i].remedy;
	return "do what the text says; docs/troubleshooting.md has more";
}

/*
 * Copies a reason without what differs from message to message: Graph's request
 * id, and other long words of hexadecimal digits.
 */
static void
check_queue_common(const char *reason, char *text, size_t size)
{
	const char *end = strstr(reason, "request-id");

	snprintf(text, size, "%.*s",
	    end == NULL ? (int)strlen(reason) : (int)(end - reason), reason);
	text[strcspn(text, "\r\n")] = '\0';
}

static void
check_queue_add(
    struct check_queue *queue, const char *queue_id, const char *reason)
{
	struct check_queue_reason *r;
	char text[300];
	size_t i;

	check_queue_common(reason, text, sizeof(text));
	for (i = 0; i < queue->count; i++)
		if (strcmp(queue->reasons[i].text, text) == 0)
			break;
	if (i == CHECK_QUEUE_REASONS) {
		queue->others++;
		return;
	}
	r = &queue->reasons[i];
	if (i == queue->count) {
		queue->count++;
		snprintf(r->text, sizeof(r->text), "%s", text);
		snprintf(r->queue_id, sizeof(r->queue_id), "%s", queue_id);
		r->is_lost = check_queue_is_lost(reason);
	}
	r->count++;
}

static void
check_queue_message(struct check_queue *queue, const json_t *message)
{
	const json_t *recipients = json_object_get(message, "recipients");
	const json_t *first = json_array_get(recipients, 0);
	const char *reason =
	    json_string_value(json_object_get(first, "delay_reason"));
	const char *id =
	    json_string_value(json_object_get(message, "queue_id"));
	long long arrival =
	    json_integer_value(json_object_get(message, "arrival_time"));

	if (reason == NULL || id == NULL || !check_queue_is_ours(reason))
		return;
	queue->messages++;
	if (queue->oldest == 0 || arrival < queue->oldest)
		queue->oldest = arrival;
	check_queue_add(queue, id, reason);
}

/* 0; or -1 after a finding. */
static int
check_queue_read(struct check_queue *queue, struct report *report)
{
	const char *argv[] = {"postqueue", "-j", NULL};
	struct error err;
	struct buf out, errors;
	size_t at = 0;
	json_t *message;
	char *line;
	int status;

	memset(queue, 0, sizeof(*queue));
	buf_init(&out, CHECK_QUEUE_MAX);
	buf_init(&errors, 64 * 1024);
	status = run(argv, &out, &errors, &err);
	/* of a queue that is too long to read, the beginning counts */
	if (status != 0 && out.len == 0) {
		check_say(report, CHECK_UNKNOWN, "postqueue -j: %.200s",
		    status == -1	       ? err.text
			: errors.bytes != NULL ? errors.bytes
					       : "it failed");
		buf_free(&errors);
		buf_free(&out);
		return -1;
	}
	while ((line = check_line(&out, &at)) != NULL)
		if ((message = json_loads(line, 0, NULL)) != NULL) {
			check_queue_message(queue, message);
			json_decref(message);
		}
	buf_free(&errors);
	buf_free(&out);
	return 0;
}

/* Says what waits, of the reasons that time mends or of the others. */
static void
check_queue_say(int is_lost, struct report *report)
{
	const struct check_queue_reason *r;
	struct check_queue queue;
	long long age;

	if (check_queue_read(&queue, report) == -1)
		return;
	age = queue.oldest == 0 ? 0 : (long long)time(NULL) - queue.oldest;
	for (r = queue.reasons; r < queue.reasons + queue.count; r++) {
		if (r->is_lost != is_lost)
			continue;
		check_say(report, is_lost ? CHECK_CRITICAL : CHECK_WARNING,
		    "%zu %s%s, such as %s, the oldest of all for %lld min: %s",
		    r->count, r->count == 1 ? "message waits" : "messages wait",
		    is_lost ? " until this host is mended" : "", r->queue_id,
		    age / 60, r->text);
		check_remedy(report, "%s; then: postqueue -f",
		    check_queue_remedy(r->text));
	}
	if (queue.others > 0 && !is_lost)
		check_say(report, CHECK_WARNING,
		    "%zu messages wait for other reasons (postqueue -p)",
		    queue.others);
}

void
check_waiting(const struct host *host, struct report *report)
{
	(void)host;
	check_queue_say(0, report);
}

void
check_unrouted(const struct host *host, struct report *report)
{
	(void)host;
	check_queue_say(1, report);
}
