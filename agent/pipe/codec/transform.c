/*
 * transform.c - see transform.h.
 *
 * What quoted-printable writes never starts a line with "--", so a soft line
 * break makes no boundary line of what was none; base64 has no '-' at all.
 *
 * Mending leaves each byte that may stay. To decode such a text and encode it
 * again was tried, and took a third of this file. But programs disagree about
 * padding, a '=' that escapes nothing, and what stands behind the end of
 * base64: decoding takes the side of one of them, so that others show another
 * text than before (Python's reader keeps the blanks at the end of a line,
 * which go then).
 */
#include <string.h>

#include "lib/base/codec.h"
#include "lib/base/printable.h"
#include "transform.h"

void
transform_init(struct transform *t, enum transform_kind kind)
{
	memset(t, 0, sizeof(*t));
	t->kind = kind;
}

static size_t
transform_put_line_end(struct transform *t, char *out)
{
	memcpy(out, "\r\n", 2);
	t->column = 0;
	return 2;
}

/* --- lines --- */

/*
 * Passes one byte of a text with all its line ends as CRLF on to next(); the
 * LF stands for both.
 */
static size_t
transform_normalise(struct transform *t, char c, char *out,
    size_t (*next)(struct transform *, char, char *))
{
	int after_cr = t->after_cr;

	t->after_cr = c == '\r';
	if (c == '\n' && after_cr)
		return 0;
	return next(t, c == '\r' ? '\n' : c, out);
}

static size_t
transform_put_plain(struct transform *t, char c, char *out)
{
	if (c == '\n')
		return transform_put_line_end(t, out);
	*out = c;
	return 1;
}

/* --- base64 --- */

/* Line ends are written before a line, so that none is left at the end. */
static size_t
transform_put_quantum(struct transform *t, char *out)
{
	size_t n = 0;

	if (t->column == TRANSFORM_LINE_MAX)
		n = transform_put_line_end(t, out);
	codec_base64_put(t->held, t->held_len, out + n);
	t->held_len = 0;
	t->column += 4;
	return n + 4;
}

static size_t
transform_put_base64(struct transform *t, char c, char *out)
{
	t->held[t->held_len++] = c;
	return t->held_len == 3 ? transform_put_quantum(t, out) : 0;
}

static size_t
transform_put_lines_base64(struct transform *t, char c, char *out)
{
	size_t n;

	if (c != '\n')
		return transform_put_base64(t, c, out);
	n = transform_put_base64(t, '\r', out);
	return n + transform_put_base64(t, '\n', out + n);
}

static size_t
transform_mend_base64(struct transform *t, char c, char *out)
{
	size_t n = 0;

	if (codec_base64(c) == -1 && c != '=')
		return 0;
	if (t->column == TRANSFORM_LINE_MAX)
		n = transform_put_line_end(t, out);
	out[n] = c;
	t->column++;
	return n + 1;
}

/* --- quoted-printable --- */

/* Room for "=" must be left: nobody knows yet whether the line goes on. */
static size_t
transform_put_token(
    struct transform *t, const char *token, size_t len, char *out)
{
	size_t n = 0;

	if (t->column + len > TRANSFORM_LINE_MAX - 1) {
		out[n++] = '=';
		n += transform_put_line_end(t, out + n);
	}
	memcpy(out + n, token, len);
	t->column += len;
	return n + len;
}

static size_t
transform_put_hex(struct transform *t, char c, char *out)
{
	char token[3] = {'='};

	codec_hex_put(c, token + 1);
	return transform_put_token(t, token, sizeof(token), out);
}

/* Where transform_put_token() will put the next byte. */
static int
transform_at_line_start(const struct transform *t)
{
	return t->column == 0 || t->column + 1 > TRANSFORM_LINE_MAX - 1;
}

/* A blank or '-' that was held, as itself or, where it must be, as =XX. */
static size_t
transform_release(struct transform *t, int as_hex, char *out)
{
	if (t->held_len == 0)
		return 0;
	t->held_len = 0;
	return as_hex ? transform_put_hex(t, t->held[0], out)
		      : transform_put_token(t, t->held, 1, out);
}

/*
 * A blank must not end a line, and "--" must not start one: either is held
 * until the byte after it is known.
 */
static size_t
transform_put_quoted_printable(struct transform *t, char c, char *out)
{
	size_t n;

	if (c == '\n') {
		n = transform_release(t, t->held[0] != '-', out);
		return n + transform_put_line_end(t, out + n);
	}
	n = transform_release(t, t->held[0] == '-' && c == '-', out);
	if (c == ' ' || c == '\t' || (c == '-' && transform_at_line_start(t))) {
		t->held[0] = c;
		t->held_len = 1;
		return n;
	}
	if (!printable_is_visible(c) || c == '=')
		return n + transform_put_hex(t, c, out + n);
	return n + transform_put_token(t, &c, 1, out + n);
}

static int
transform_is_hex(char c)
{
	return codec_hex(c) != -1;
}

/* A byte of a text that is quoted-printable already, but for '='. */
static size_t
transform_mend_byte(struct transform *t, char c, char *out)
{
	if ((c & 0x80) || (c == '-' && transform_at_line_start(t)))
		return transform_put_hex(t, c, out);
	return transform_put_token(t, &c, 1, out);
}

/*
 * What is held means itself: blanks that end no line, or a '=' that is no soft
 * line break and starts no =XX, and what stands behind it.
 */
static size_t
transform_release_all(struct transform *t, char *out)
{
	size_t i, n = 0, len = t->held_len;

	t->held_len = 0;
	for (i = 0; i < len; i++)
		if (t->held[i] == '=')
			n += transform_put_hex(t, '=', out + n);
		else
			n += transform_mend_byte(t, t->held[i], out + n);
	return n;
}

/*
 * Blanks that end a line are not the text's (RFC 2045 section 6.7, rule 3), so
 * no soft line break may come behind them.
 */
static size_t
transform_pad(struct transform *t, char *out)
{
	size_t len = t->held_len;

	t->held_len = 0;
	if (t->column + len > TRANSFORM_LINE_MAX)
		return 0;
	memcpy(out, t->held, len);
	t->column += len;
	return len;
}

static int
transform_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Whether c goes on what is held: blanks, "=", "=X", or "=" and blanks. */
static int
transform_joins(const struct transform *t, char c)
{
	if (t->held_len == sizeof(t->held))
		return 0;
	if (t->held[0] != '=')
		return transform_is_blank(c);
	if (t->held_len == 1)
		return transform_is_blank(c) || transform_is_hex(c);
	return transform_is_hex(t->held[1]) ? transform_is_hex(c)
					    : transform_is_blank(c);
}

/* Blanks behind a '=' at the end of a line are padding (RFC 2045, rule 3). */
static int
transform_is_soft_break(const struct transform *t, char c)
{
	return c == '\n' && t->held[0] == '=' &&
	    (t->held_len == 1 || !transform_is_hex(t->held[1]));
}

static size_t
transform_mend_held(struct transform *t, char c, char *out)
{
	if (transform_is_soft_break(t, c)) {
		t->held_len = 0;
		*out = '=';
		return 1 + transform_put_line_end(t, out + 1);
	}
	t->held[t->held_len++] = c;
	if (t->held_len < 3 || !transform_is_hex(c))
		return 0;
	t->held_len = 0;
	return transform_put_token(t, t->held, 3, out);
}

static size_t
transform_mend_quoted_printable(struct transform *t, char c, char *out)
{
	size_t n = 0;

	if (t->held_len > 0) {
		if (transform_is_soft_break(t, c) || transform_joins(t, c))
			return transform_mend_held(t, c, out);
		n = c == '\n' && transform_is_blank(t->held[0])
		    ? transform_pad(t, out)
		    : transform_release_all(t, out);
	}
	if (c == '\n')
		return n + transform_put_line_end(t, out + n);
	if (c != '=' && !transform_is_blank(c))
		return n + transform_mend_byte(t, c, out + n);
	t->held[0] = c;
	t->held_len = 1;
	return n;
}

/*
 * A '=' that nothing follows stays: readers that pass over it, as before a line
 * end, and others go on seeing what they saw.
 */
static size_t
transform_end_quoted_printable(struct transform *t, char *out)
{
	size_t n = 0;

	if (t->held_len > 1 && transform_is_hex(t->held[1]))
		return transform_release_all(t, out);
	if (t->held[0] == '=') {
		out[n++] = '=';
		t->column++;
		memmove(t->held, t->held + 1, --t->held_len);
	}
	return n + transform_pad(t, out + n);
}

/* --- all of them --- */

static size_t
transform_put(struct transform *t, char c, char *out)
{
	switch (t->kind) {
	case TRANSFORM_LINES:
		return transform_normalise(t, c, out, transform_put_plain);
	case TRANSFORM_BASE64:
		return transform_put_base64(t, c, out);
	case TRANSFORM_LINES_BASE64:
		return transform_normalise(
		    t, c, out, transform_put_lines_base64);
	case TRANSFORM_QUOTED_PRINTABLE:
		return transform_normalise(
		    t, c, out, transform_put_quoted_printable);
	case TRANSFORM_MEND_QUOTED_PRINTABLE:
		return transform_normalise(
		    t, c, out, transform_mend_quoted_printable);
	case TRANSFORM_MEND_BASE64:
		return transform_mend_base64(t, c, out);
	}
	return 0;
}

size_t
transform_update(struct transform *t, const char *in, size_t len, char *out)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += transform_put(t, in[i], out + n);
	return n;
}

size_t
transform_end(struct transform *t, char *out)
{
	if (t->held_len == 0)
		return 0;
	if (t->kind == TRANSFORM_MEND_QUOTED_PRINTABLE)
		return transform_end_quoted_printable(t, out);
	if (t->kind == TRANSFORM_QUOTED_PRINTABLE)
		return transform_release(t, t->held[0] != '-', out);
	return transform_put_quantum(t, out);
}
