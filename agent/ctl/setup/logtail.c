/*
 * logtail.c - see logtail.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/ctl/base/run.h"
#include "lib/local/sock.h"
#include "logtail.h"

#define LOGTAIL_FILE "/var/log/mail.log" /* rsyslog's on Debian */
#define LOGTAIL_JOURNAL "/run/systemd/journal/socket"
#define LOGTAIL_CURSOR "-- cursor: "
#define LOGTAIL_WAIT 10000 /* milliseconds, for the word */
#define LOGTAIL_LOOK 200 /* between two looks */
/*
 * Looks without a new line that end the wait: over a second, for which a
 * program of Postfix sleeps between a fatal error and its end.
 */
#define LOGTAIL_QUIET 7

static void
logtail_cursor(struct logtail *tail)
{
	const char *argv[] = {"journalctl", "--no-pager", "--quiet",
	    "--lines=1", "--output=cat", "--show-cursor", NULL};
	struct buf out, ignored;
	const char *at;

	buf_init(&out, RUN_OUTPUT_MAX);
	buf_init(&ignored, RUN_OUTPUT_MAX);
	if (run(argv, &out, &ignored, NULL) == 0 && out.bytes != NULL &&
	    (at = strstr(out.bytes, LOGTAIL_CURSOR)) != NULL) {
		at += strlen(LOGTAIL_CURSOR);
		snprintf(tail->cursor, sizeof(tail->cursor), "%.*s",
		    (int)strcspn(at, "\n"), at);
	}
	buf_free(&out);
	buf_free(&ignored);
}

void
logtail_mark(struct logtail *tail, const struct postconf *postconf)
{
	const char *own = postconf_value(postconf, "maillog_file");
	struct stat st;

	memset(tail, 0, sizeof(*tail));
	if (own != NULL && own[0] == '/')
		snprintf(tail->file, sizeof(tail->file), "%s", own);
	else if (access(LOGTAIL_JOURNAL, F_OK) == 0)
		logtail_cursor(tail);
	else
		strcpy(tail->file, LOGTAIL_FILE);
	if (tail->file[0] != '\0' && stat(tail->file, &st) == 0)
		tail->offset = st.st_size;
}

/* Appends what the file has from the mark on. */
static void
logtail_file(const struct logtail *tail, struct buf *out)
{
	int fd = open(tail->file, O_RDONLY | O_CLOEXEC);
	off_t offset = tail->offset;
	char bytes[4096];
	ssize_t n;

	if (fd == -1)
		return;
	while ((n = pread(fd, bytes, sizeof(bytes), offset)) > 0) {
		buf_add(out, bytes, (size_t)n);
		offset += n;
	}
	close(fd);
}

void
logtail_read(const struct logtail *tail, struct buf *out)
{
	char after[sizeof(tail->cursor) + 32];
	const char *argv[] = {"journalctl", "--no-pager", "--quiet",
	    "--facility=mail", after, NULL};
	struct buf ignored;

	if (tail->file[0] != '\0') {
		logtail_file(tail, out);
	} else if (tail->cursor[0] != '\0') {
		snprintf(
		    after, sizeof(after), "--after-cursor=%s", tail->cursor);
		buf_init(&ignored, RUN_OUTPUT_MAX);
		run(argv, out, &ignored, NULL);
		buf_free(&ignored);
	}
}

void
logtail_choose(
    const char *text, const char *const *words, size_t count, struct buf *out)
{
	const char *line, *end;
	size_t i;

	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1)
		for (i = 0; i < count; i++)
			if (memmem(line, (size_t)(end - line), words[i],
				strlen(words[i])) != NULL) {
				buf_add(out, line, (size_t)(end - line) + 1);
				break;
			}
}

int
logtail_wait(const struct logtail *tail, const char *word, struct buf *lines)
{
	static const char *const programs[] = {
	    "/master[", "/postfix[", "/postfix-script["};
	static const struct timespec look = {0, LOGTAIL_LOOK * 1000000L};
	long long end = sock_now() + LOGTAIL_WAIT;
	size_t before = 0, quiet = 0;
	struct buf text;
	int has_come = 0;

	if (tail->file[0] == '\0' && tail->cursor[0] == '\0')
		return 0;
	while (sock_now() < end && quiet < LOGTAIL_QUIET) {
		buf_init(&text, RUN_OUTPUT_MAX);
		logtail_read(tail, &text);
		buf_drop(lines, lines->len);
		if (text.bytes != NULL)
			logtail_choose(text.bytes, programs,
			    sizeof(programs) / sizeof(programs[0]), lines);
		buf_free(&text);
		has_come = word[0] == '\0' ||
		    (lines->len > 0 && strstr(lines->bytes, word) != NULL);
		quiet = has_come && lines->len == before ? quiet + 1 : 0;
		before = lines->len;
		if (quiet < LOGTAIL_QUIET)
			nanosleep(&look, NULL);
	}
	return has_come;
}
