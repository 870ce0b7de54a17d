/*
 * printable.c - see printable.h. Pure, for any thread.
 */
#include "printable.h"
#include "utf8.h"

/*
 * Returns 1 for a character that is not shown itself, and moves those around
 * it: C0, DEL, C1, Unicode's line ends, and its marks of direction (UAX #9, 2).
 */
static int
printable_is_hidden(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c < 0xa0) ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void
printable_make(char *text, char instead)
{
	struct span rest = {text, strlen(text)};
	uint32_t c;
	size_t len;

	while (rest.len > 0) {
		len = utf8_get(rest, &c);
		if (len == 0 || printable_is_hidden(c)) {
			text[rest.p - text] = instead;
			len = 1;
		}
		rest = span_between(rest.p + len, span_end(rest));
	}
}
