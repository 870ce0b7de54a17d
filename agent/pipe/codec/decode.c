/*
 * decode.c - see decode.h.
 */
#include <string.h>

#include "decode.h"

void
decode_init(struct decode *d, enum mime_encoding encoding)
{
	memset(d, 0, sizeof(*d));
	d->encoding = encoding;
}

/* --- quoted-printable --- */

static int
decode_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What was held means itself. */
static size_t
decode_release(struct decode *d, char *out)
{
	size_t n = d->held_len;

	memcpy(out, d->held, n);
	d->held_len = 0;
	return n;
}

/*
 * Whether c goes on what is held: "=" and a digit, or blanks with or without a
 * "=" before them, and the CR that may end them.
 */
static int
decode_joins(const struct decode *d, char c)
{
	size_t len = d->held_len;

	if (len == 0)
		return c == '=' || decode_is_blank(c);
	if (len == sizeof(d->held) || d->held[len - 1] == '\r')
		return 0;
	if (len == 1 && d->held[0] == '=')
		return decode_is_blank(c) || c == '\r' || codec_hex(c) != -1;
	return decode_is_blank(d->held[len - 1]) &&
	    (decode_is_blank(c) || c == '\r');
}

/* c ends what is held: 1 with *n bytes written, 0 when it does not. */
static int
decode_ends(struct decode *d, char c, char *out, size_t *n)
{
	size_t len = d->held_len;

	*n = 0;
	if (len == 2 && d->held[0] == '=' && codec_hex(d->held[1]) != -1) {
		if (codec_hex(c) == -1)
			return 0;
		out[(*n)++] = (char)(codec_hex(d->held[1]) << 4 | codec_hex(c));
	} else if (c != '\n') {
		return 0;
	} else if (d->held[0] != '=') {
		/* blanks that end a line are not the text's (rule 3) */
		if (d->held[len - 1] == '\r')
			out[(*n)++] = '\r';
		out[(*n)++] = '\n';
	}
	d->held_len = 0;
	return 1;
}

static size_t
decode_put_quoted_printable(struct decode *d, char c, char *out)
{
	size_t n = 0;

	if (d->held_len > 0 && decode_ends(d, c, out, &n))
		return n;
	if (!decode_joins(d, c))
		n = decode_release(d, out);
	if (decode_joins(d, c))
		d->held[d->held_len++] = c;
	else
		out[n++] = c;
	return n;
}

/* --- both --- */

size_t
decode_update(struct decode *d, const char *in, size_t len, char *out)
{
	size_t i, n = 0;

	switch (d->encoding) {
	case MIME_BASE64:
		for (i = 0; i < len; i++)
			n += codec_base64_get(&d->base64, in[i], out + n);
		return n;
	case MIME_QUOTED_PRINTABLE:
		for (i = 0; i < len; i++)
			n += decode_put_quoted_printable(d, in[i], out + n);
		return n;
	default:
		memcpy(out, in, len);
		return len;
	}
}

size_t
decode_end(struct decode *d, char *out)
{
	if (d->encoding == MIME_BASE64)
		return codec_base64_end(&d->base64, out);
	/* a soft line break, or blanks: nothing more */
	if (d->held_len == 0 || d->held[0] != '=' || d->held_len == 1)
		return 0;
	return codec_hex(d->held[1]) == -1 ? 0 : decode_release(d, out);
}
