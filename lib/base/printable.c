/*
 * printable.c - see printable.h. Pure, for any thread.
 */
#include "printable.h"
#include "utf8.h"

void
printable_make(char *text, char instead)
{
	struct span rest = {text, strlen(text)};
	uint32_t c;
	size_t len;

	while (rest.len > 0) {
		len = utf8_get(rest, &c);
		if (len == 0 || c < ' ' || (c >= 0x7f && c < 0xa0)) {
			text[rest.p - text] = instead;
			len = 1;
		}
		rest = span_between(rest.p + len, span_end(rest));
	}
}
