/*
 * agent_message.h - a message in, the finished message out, for the tests of
 * the agent's edits.
 */
#ifndef TESTS_AGENT_MESSAGE_H
#define TESTS_AGENT_MESSAGE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/pipe/edit/edit.h"
#include "agent/pipe/edit/spool.h"
#include "lib/local/wire.h"

/* A spool that holds these bytes. */
static inline void
message_spool(struct spool *spool, const char *bytes, size_t len)
{
	struct error err;
	int fd = memfd_create("message", MFD_CLOEXEC);

	if (fd == -1 || write(fd, bytes, len) != (ssize_t)len ||
	    lseek(fd, 0, SEEK_SET) != 0 ||
	    spool_fill(spool, fd, "/tmp", &err) == -1)
		abort();
	close(fd);
}

static inline void
message_read(int fd, const char *segment, struct buf *out)
{
	long long at, len;
	char *to;

	if (sscanf(segment, "%lld,%lld", &at, &len) != 2 || len <= 0)
		abort();
	to = buf_reserve(out, (size_t)len);
	if (to == NULL || pread(fd, to, (size_t)len, at) != len)
		abort();
	out->len += (size_t)len;
	out->bytes[out->len] = '\0';
}

/* Follows the segments as msgraphd does. Returns how many there were. */
static inline size_t
message_finish(const struct edits *edits, struct buf *out)
{
	struct buf record;
	char *cursor, *value;
	size_t n = 0;

	buf_init(&record, WIRE_RECORD_MAX);
	if (edits_segments(edits, &record) == -1 || wire_end(&record) == -1)
		abort();
	cursor = record.bytes;
	while (wire_next(&cursor, &value) != NULL) {
		message_read(edits->spool->fd, value, out);
		n++;
	}
	buf_free(&record);
	return n;
}

#endif
