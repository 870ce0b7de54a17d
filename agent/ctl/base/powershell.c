/*
 * powershell.c - see powershell.h.
 */
#include <string.h>

#include "lib/base/utf8.h"
#include "powershell.h"

/* Returns 1 for what ends a string in single quotes. */
static int
powershell_is_quote(uint32_t c)
{
	return c == '\'' || (c >= 0x2018 && c <= 0x201b);
}

/* C0, DEL and C1, and the two that end a line in Unicode. */
static int
powershell_is_control(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

int
powershell_string(struct buf *out, const char *text)
{
	size_t before = out->len, len = strlen(text), i, n;
	uint32_t c;
	int bad = buf_add_string(out, "'");

	for (i = 0; i < len && !bad; i += n) {
		n = utf8_get((struct span){text + i, len - i}, &c);
		if (n == 0 || powershell_is_control(c)) {
			bad = -1;
			break;
		}
		bad |= buf_add(out, text + i, n);
		if (powershell_is_quote(c))
			bad |= buf_add(out, text + i, n);
	}
	bad |= buf_add_string(out, "'");
	if (!bad)
		return 0;
	out->len = before;
	if (out->bytes != NULL)
		out->bytes[before] = '\0';
	return -1;
}
