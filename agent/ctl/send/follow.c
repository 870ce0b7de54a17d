/*
 * follow.c - see follow.h.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/ctl/base/run.h"
#include "lib/local/sock.h"
#include "follow.h"

#define FOLLOW_LOOK_MS 500

static const struct {
	const char *words;
	enum steps_status status;
	const char *more; /* behind the line */
} follow_ends[] = {
    {"status=sent", STEPS_OK, ""},
    {"status=bounced", STEPS_CRITICAL, ""},
    {"status=deferred", STEPS_WARNING,
	"; it stays in the queue and is tried again"},
};

/* Copies the program of a line "... postfix/qmgr[12]: ID: text". */
static void
follow_program(const char *line, const char *id, char name[64])
{
	const char *end = id, *begin;

	while (end > line && *end != '[')
		end--;
	begin = end;
	while (begin > line && begin[-1] != ' ' && begin[-1] != '/')
		begin--;
	snprintf(name, 64, "%.*s", (int)(end - begin), begin);
}

/* Tells of a line. Returns 1 when it is the end. */
static int
follow_line(
    struct steps *steps, const char *line, size_t len, const char *label)
{
	const char *id = memmem(line, len, label, strlen(label)), *text;
	enum steps_status status = STEPS_OK;
	const char *more = "";
	int is_end = 0;
	char program[64];
	size_t i, rest;

	if (id == NULL)
		return 0;
	text = id + strlen(label);
	rest = len - (size_t)(text - line);
	follow_program(line, id, program);
	/* msgraphd's own line has the same words, and comes before pipe's */
	for (i = 0; strcmp(program, "pipe") == 0 &&
	     i < sizeof(follow_ends) / sizeof(follow_ends[0]);
	     i++)
		if (memmem(text, rest, follow_ends[i].words,
			strlen(follow_ends[i].words)) != NULL) {
			status = follow_ends[i].status;
			more = follow_ends[i].more;
			is_end = 1;
		}
	steps_say(steps, program, status, "%.*s%s", (int)rest, text, more);
	return is_end;
}

/* Tells of the lines from *seen on, and moves that. Returns 1 at the end. */
static int
follow_lines(struct steps *steps, const struct buf *text, size_t *seen,
    const char *label)
{
	const char *line, *end;

	while (*seen < text->len) {
		line = text->bytes + *seen;
		end = memchr(line, '\n', text->len - *seen);
		if (end == NULL)
			break;
		*seen = (size_t)(end + 1 - text->bytes);
		if (follow_line(steps, line, (size_t)(end - line), label))
			return 1;
	}
	return 0;
}

void
follow(struct steps *steps, const struct logtail *tail, const char *queue_id)
{
	static const struct timespec look = {0, FOLLOW_LOOK_MS * 1000000L};
	long long end = sock_now() + FOLLOW_SECONDS * 1000LL;
	char label[96];
	struct buf text;
	size_t seen = 0;
	int is_end = 0;

	snprintf(label, sizeof(label), ": %s: ", queue_id);
	while (!is_end && sock_now() < end) {
		buf_init(&text, RUN_OUTPUT_MAX);
		logtail_read(tail, &text);
		is_end =
		    text.len > 0 && follow_lines(steps, &text, &seen, label);
		buf_free(&text);
		if (!is_end)
			nanosleep(&look, NULL);
	}
	if (!is_end)
		steps_say(steps, "queue", STEPS_UNKNOWN,
		    "nothing more in the log for %d s; \"postqueue -p\" shows "
		    "whether %s waits",
		    FOLLOW_SECONDS, queue_id);
}
