/*
 * source.h - the finished message, as segments of the agent's spool file.
 *
 * The daemon reads the segments with pread(2) in their order, and never looks
 * at what the message says. The agent is not trusted to leave the file alone: a
 * file that turns out shorter than it was ends the request.
 */
#ifndef MSGRAPHD_SOURCE_H
#define MSGRAPHD_SOURCE_H

#include <stddef.h>

#include "lib/base/error.h"

#define SOURCE_SEGMENTS_MAX 32768

/*
 * Limits the message as pipe gave it, and the finished one: Exchange's maximum
 * is 150 MB, which is 206 in base64. Both are read and hashed in the event
 * loop, which must not stand still for long.
 */
#define SOURCE_SIZE_MAX (256LL * 1024 * 1024)

/* A run of the spool file's bytes. */
struct segment {
	long long offset, length;
};

struct source {
	int fd; /* owned; -1 when closed */
	struct segment *segments; /* owned */
	size_t count, room;
	long long size; /* of the finished message */
	long long raw; /* of the message as pipe gave it */

	/* where the next source_read() goes on */
	size_t at_segment;
	long long at_offset;
};

/* Makes an empty source, which owns fd. */
void source_init(struct source *source, int fd);
void source_free(struct source *source);

/*
 * Makes a source of one segment of another's file, for reading only. It owns
 * nothing and lives as long as both.
 */
void source_slice(
    struct source *slice, const struct source *of, struct segment *segment);

/* Reads "offset,length". -1 when malformed, empty or absurdly large. */
int source_parse_segment(const char *text, struct segment *segment);

/* Reads a segment and appends it. -1 also when there are too many. */
int source_add_segment(struct source *source, const char *text);

/* Checks that the file is regular and holds raw (not too much) and segments. */
int source_check(struct source *source, struct error *err);

/*
 * Reads the next len bytes at most. Returns 0 at the end, -1 when the file has
 * changed.
 */
long source_read(struct source *source, void *to, size_t len);
void source_rewind(struct source *source);

/*
 * Returns the size of the source as base64 without line breaks (RFC 4648
 * section 4); source_read_base64() reads it so.
 */
long long source_base64_size(const struct source *source);
long source_read_base64(struct source *source, char *to, size_t room);

#endif
