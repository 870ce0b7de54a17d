/*
 * buf.h - a growing byte buffer, with a limit that is set when it is made.
 *
 * The bytes are always followed by a NUL that len does not count. A failed
 * append (over the limit, or out of memory) leaves the buffer as it was and
 * sets failed, so that a run of appends can be checked once at its end.
 */
#ifndef MSGRAPH_BUF_H
#define MSGRAPH_BUF_H

#include <stddef.h>

struct buf {
	char *bytes; /* owned; NULL until the first append */
	size_t len; /* bytes used */
	size_t size; /* bytes allocated */
	size_t limit; /* len never passes this */
	int failed; /* an append did not fit: one of these, else 0 */
};

enum { BUF_NO_MEMORY = 1, BUF_OVER_LIMIT };

/* Makes *buf an empty buffer of at most limit bytes; allocates nothing. */
void buf_init(struct buf *, size_t limit);

/*
 * Appends bytes, a string, or a formatted text. 0, or -1 with failed set and
 * nothing changed.
 */
int buf_add(struct buf *, const void *bytes, size_t len);
int buf_add_string(struct buf *, const char *);
int buf_printf(struct buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Makes room for len more bytes and returns the place for them, or NULL with
 * failed set. The caller adds to len what was written.
 */
void *buf_reserve(struct buf *, size_t len);

/* Drops the first len bytes (len <= buf->len). */
void buf_drop(struct buf *, size_t len);

/* Frees the memory and empties the buffer; buf_wipe() overwrites it first. */
void buf_free(struct buf *);
void buf_wipe(struct buf *);

#endif
