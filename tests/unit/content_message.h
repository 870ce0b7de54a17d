/*
 * content_message.h - one pass of agent/pipe/content/content.c over a message,
 * and what a message means, for comparing that before and after.
 */
#ifndef TESTS_CONTENT_MESSAGE_H
#define TESTS_CONTENT_MESSAGE_H

#include "agent/pipe/content/content.h"
#include "agent_message.h"

/* The number of edits, or -1 with *err set. Appends the result to out. */
static inline int
content_pass(const char *in, size_t len, const struct content_rules *rules,
    struct buf *out, struct error *err)
{
	struct spool spool = {.raw = (long long)len, .end = (long long)len};
	struct scan found = {0};
	struct edits edits;
	int result;

	spool.fd = memfd_create("message", MFD_CLOEXEC);
	if (spool.fd == -1 || write(spool.fd, in, len) != (ssize_t)len)
		abort();
	scan_update(&found, in, len);
	scan_end(&found);
	edits_init(&edits, &spool);
	result = content_edit(&edits, &found, rules, err);
	if (result == 0) {
		message_finish(&edits, out);
		result = (int)edits.count;
	}
	edits_free(&edits);
	close(spool.fd);
	return result;
}

#endif
