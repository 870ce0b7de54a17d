/*
 * span.h - a run of bytes in memory that somebody else owns.
 *
 * The readers of header fields and addresses hand out spans of their input and
 * copy nothing, so that an edit can name the very bytes it replaces. A span
 * holds no terminator, may hold NULs, and is valid as long as the input is. An
 * empty span still points into the input (or is NULL, 0 where nothing is).
 */
#ifndef MSGRAPH_SPAN_H
#define MSGRAPH_SPAN_H

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
	const char *p; /* borrowed */
	size_t len;
};

/* Returns the bytes from one pointer to another (from <= to, same memory). */
static inline struct span
span_between(const char *from, const char *to)
{
	struct span s = {from, (size_t)(to - from)};

	return s;
}

/* Returns the place behind the last byte. */
static inline const char *
span_end(struct span s)
{
	return s.len == 0 ? s.p : s.p + s.len;
}

/* Returns 1 for blanks and line ends, of which folding is made. */
static inline int
span_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Returns the span without the blanks and line ends at both ends. */
static inline struct span
span_trim(struct span s)
{
	while (s.len > 0 && span_is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && span_is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

/*
 * Returns 1 when the span reads like text; ASCII letters match in either case.
 */
static inline int
span_is(struct span s, const char *text)
{
	return s.len == strlen(text) &&
	    (s.len == 0 || strncasecmp(s.p, text, s.len) == 0);
}

#endif
