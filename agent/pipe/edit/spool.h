/*
 * spool.h - the message as pipe(8) gave it, in a file without a name.
 *
 * The file holds the raw message and, after it, whatever edits put in its
 * place (edit.h). It is what msgraphd gets, by descriptor. The beginning of the
 * message is kept in memory as well, since that is what gets read.
 */
#ifndef MSGRAPH_AGENT_SPOOL_H
#define MSGRAPH_AGENT_SPOOL_H

#include <stddef.h>

#include "agent/pipe/codec/scan.h"
#include "lib/base/error.h"

/* So much of a message is kept in memory: its header must fit. */
#define SPOOL_HEAD_MAX (1024 * 1024)

/*
 * What a layer of edits may add to a message besides its length: Exchange takes
 * 150 MB at most (Microsoft: "Exchange Online limits"), which are 206 in
 * base64. A hostile message would grow to 26 times its size.
 */
#define SPOOL_GROWTH_MAX (206LL * 1024 * 1024)

struct spool {
	int fd; /* owned */
	const char *directory; /* borrowed; where the file is, for errors */
	char *head; /* owned; the first head_len bytes of the message */
	size_t head_len;
	long long start; /* of the message in the file */
	long long raw; /* its length */
	long long end; /* length of the file */
	long long growth_max; /* by one layer of edits, besides raw; 0: any */
	struct scan found; /* in the message */
};

/*
 * Makes the file in directory (borrowed) and copies in to it up to its end. 0;
 * or -1 with an error that defers. spool_close() takes what either leaves.
 */
int spool_fill(struct spool *, int in, const char *directory, struct error *);
void spool_close(struct spool *);

/*
 * Appends after all that is there. 0; or -1 with an error that defers.
 */
int spool_append(struct spool *, const void *bytes, size_t len, struct error *);

/* Drops what was appended since end was this; what cannot be dropped stays. */
void spool_cut(struct spool *, long long end);

#endif
