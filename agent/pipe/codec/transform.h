/*
 * transform.h - what can be done to the bytes of a body: line ends made CRLF,
 * base64, quoted-printable, and mending what claims to be one of them.
 *
 * Bytes come in pieces and nothing is kept but a few of them. Each update
 * takes at most TRANSFORM_IN bytes and writes at most TRANSFORM_OUT.
 */
#ifndef MSGRAPH_AGENT_TRANSFORM_H
#define MSGRAPH_AGENT_TRANSFORM_H

#include <stddef.h>

#define TRANSFORM_IN 8192
#define TRANSFORM_OUT (8 * TRANSFORM_IN + 2 * TRANSFORM_HELD_MAX)

/* Longer runs of blanks are taken for text although they may end a line. */
#define TRANSFORM_HELD_MAX 1000

/* RFC 2045 sections 6.7 and 6.8: the longest line, without its end. */
#define TRANSFORM_LINE_MAX 76

enum transform_kind {
	TRANSFORM_LINES, /* CR, LF and CRLF become CRLF */
	TRANSFORM_BASE64, /* encodes the bytes as they are */
	TRANSFORM_LINES_BASE64, /* encodes them after TRANSFORM_LINES */
	TRANSFORM_QUOTED_PRINTABLE, /* after TRANSFORM_LINES */
	/*
	 * Takes quoted-printable, after TRANSFORM_LINES, and means the same:
	 * 8-bit bytes become =XX, long lines get soft line breaks, and blanks
	 * at the end of a line, which are padding, stay that or go.
	 */
	TRANSFORM_MEND_QUOTED_PRINTABLE,
	/* Base64 in lines, without what is not of its alphabet. */
	TRANSFORM_MEND_BASE64
};

struct transform {
	enum transform_kind kind;
	int after_cr;
	size_t column;
	/* bytes that wait for what follows them */
	char held[TRANSFORM_HELD_MAX];
	size_t held_len;
};

/* Starts a transformation. */
void transform_init(struct transform *, enum transform_kind);

/* Transforms the next bytes, and the end; both return how many they wrote. */
size_t transform_update(
    struct transform *, const char *in, size_t len, char *out);
size_t transform_end(struct transform *, char *out);

#endif
