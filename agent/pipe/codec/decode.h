/*
 * decode.h - decodes the bytes of a body part, piece by piece: base64 and
 * quoted-printable (RFC 2045 section 6).
 */
#ifndef MSGRAPH_AGENT_DECODE_H
#define MSGRAPH_AGENT_DECODE_H

#include <stddef.h>

#include "lib/base/codec.h"
#include "lib/mail/mime.h"

/* Longer runs of blanks are kept although they may end a line. */
#define DECODE_HELD_MAX 128

struct decode {
	enum mime_encoding encoding;
	struct codec_base64 base64;
	char held[DECODE_HELD_MAX]; /* quoted-printable: "=", "=X", blanks */
	size_t held_len;
};

/* Starts decoding. Other encodings than the two give the bytes as they are. */
void decode_init(struct decode *, enum mime_encoding);

/*
 * Decodes the next bytes, and what is held at the end. Both write at most
 * len + DECODE_HELD_MAX bytes and return how many. What is malformed is read as
 * most mail programs do: bytes that are not of base64's alphabet are passed
 * over, and a '=' that escapes nothing stands for itself.
 */
size_t decode_update(struct decode *, const char *in, size_t len, char *out);
size_t decode_end(struct decode *, char *out);

#endif
