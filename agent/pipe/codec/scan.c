/*
 * scan.c - looks for what most messages do not have. See scan.h.
 *
 * Every message passes here, and many are large, so bytes are looked at 16 at
 * a time, in GCC's vectors, which clang has too and which become plain code on
 * a machine without such registers. All tests are gathered in masks and
 * nothing branches on a byte. Lines are measured by hopping: if the next 1,000
 * bytes hold a line end, no line in them is too long, and the hop goes behind
 * the last one.
 */
#include <stdint.h>
#include <string.h>

#include "scan.h"

#define BLOCK 16
#define HOP (SCAN_LINE_MAX + 2)

typedef unsigned char block __attribute__((vector_size(BLOCK)));

static block
scan_load(const char *p)
{
	block b;

	memcpy(&b, p, sizeof(b));
	return b;
}

static int
scan_any(block b)
{
	uint64_t half[BLOCK / sizeof(uint64_t)];

	memcpy(half, &b, sizeof(half));
	return (half[0] | half[1]) != 0;
}

static void
scan_look(struct scan *s, char c, char next)
{
	if (c & 0x80)
		s->eight_bit = 1;
	if (c == '\0')
		s->nul = 1;
	if ((c == '\r') != (next == '\n'))
		s->line_end = 1;
}

/* All bytes but the last, each with the one after it. */
static void
scan_bytes(struct scan *s, const char *p, size_t len)
{
	block all = {0}, zero = {0}, ends = {0}, b;
	size_t i = 0;

	for (; len - i > BLOCK; i += BLOCK) {
		b = scan_load(p + i);
		all |= b;
		zero |= (block)(b == 0);
		ends |=
		    (block)(b == '\r') ^ (block)(scan_load(p + i + 1) == '\n');
	}
	if (scan_any(all & 0x80))
		s->eight_bit = 1;
	if (scan_any(zero))
		s->nul = 1;
	if (scan_any(ends))
		s->line_end = 1;
	for (; i + 1 < len; i++)
		scan_look(s, p[i], p[i + 1]);
}

/* A line of 999 bytes fits into a hop as well, if no CR is among them. */
static int
scan_is_long(const struct scan *s, const char *p, const char *lf)
{
	if (lf + 1 - p + (long long)s->line != HOP ||
	    memchr(p, '\n', (size_t)(lf - p)) != NULL)
		return 0;
	return (lf > p ? lf[-1] : s->last) != '\r';
}

static void
scan_lines(struct scan *s, const char *p, size_t len)
{
	const char *lf;
	size_t hop;

	while (len > 0 && !s->long_line) {
		hop = HOP - s->line < len ? HOP - s->line : len;
		lf = memrchr(p, '\n', hop);
		if (lf == NULL) {
			s->line += hop;
			s->long_line = s->line == HOP;
			return;
		}
		s->long_line = scan_is_long(s, p, lf);
		s->line = 0;
		len -= (size_t)(lf + 1 - p);
		p = lf + 1;
	}
}

void
scan_update(struct scan *s, const char *bytes, size_t len)
{
	if (len == 0)
		return;
	scan_look(s, s->started ? s->last : 'x', bytes[0]);
	scan_lines(s, bytes, len);
	scan_bytes(s, bytes, len);
	s->last = bytes[len - 1];
	s->started = 1;
}

void
scan_end(struct scan *s)
{
	if (s->started)
		scan_look(s, s->last, 'x');
	if (s->line > SCAN_LINE_MAX)
		s->long_line = 1;
}

int
scan_found(const struct scan *s)
{
	return s->eight_bit || s->line_end || s->long_line || s->nul;
}
