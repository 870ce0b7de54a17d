/*
 * source.h - the finished message, as segments of the agent's spool file.
 *
 * The daemon reads the segments with pread(2) in their order, and never looks
 * at what the message says. The agent is not trusted to leave the file alone: a
 * file that turns out shorter than it was ends the request.
 */
#ifndef MSGRAPHD_SPOOL_H
#define MSGRAPHD_SPOOL_H

#include <stddef.h>

#include "lib/base/error.h"

#define SPOOL_SEGMENTS_MAX 32768

/*
 * Limits the message as pipe gave it, and the finished one: Exchange's maximum
 * is 150 MB, which is 206 in base64. Both are read and hashed in the event
 * loop, which must not stand still for long.
 */
#define SPOOL_SIZE_MAX (256LL * 1024 * 1024)

/* A run of the spool file's bytes. */
struct segment {
	long long offset, length;
};

struct spool {
	int fd; /* owned; -1 when closed */
	struct segment *segments; /* owned */
	size_t count, room;
	long long size; /* of the finished message */
	long long raw; /* of the message as pipe gave it */

	/* where the next spool_read() goes on */
	size_t at_segment;
	long long at_offset;
};

/* Makes an empty spool, which owns fd. */
void spool_init(struct spool *spool, int fd);
void spool_free(struct spool *spool);

/*
 * Makes a spool of one segment of another's file, for reading only. It owns
 * nothing and lives as long as both.
 */
void spool_slice(
    struct spool *slice, const struct spool *of, struct segment *segment);

/* Reads "offset,length". -1 when malformed, empty or absurdly large. */
int spool_parse_segment(const char *text, struct segment *segment);

/* Reads a segment and appends it. -1 also when there are too many. */
int spool_add_segment(struct spool *spool, const char *text);

/* Checks that the file is regular and holds raw (not too much) and segments. */
int spool_check(struct spool *spool, struct error *err);

/*
 * Reads the next len bytes at most. Returns 0 at the end, -1 when the file has
 * changed.
 */
long spool_read(struct spool *spool, void *to, size_t len);
void spool_rewind(struct spool *spool);

/*
 * Returns the size of the spool as base64 without line breaks (RFC 4648
 * section 4); spool_read_base64() reads it so.
 */
long long spool_base64_size(const struct spool *spool);
long spool_read_base64(struct spool *spool, char *to, size_t room);

#endif
