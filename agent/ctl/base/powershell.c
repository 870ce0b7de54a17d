/*
 * powershell.c - see powershell.h.
 */
#include <string.h>

#include "lib/base/utf8.h"
#include "powershell.h"

/* C0, DEL and C1, and the two that end a line in Unicode. */
static int
powershell_is_control(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

/*
 * Appends a character outside of ASCII as the 16-bit units that .NET has,
 * behind the end of the string and before a new one.
 */
static int
powershell_unit(struct buf *out, uint32_t c)
{
	if (c < 0x10000)
		return buf_printf(out, "' + [char]0x%04x + '", (unsigned int)c);
	c -= 0x10000;
	return buf_printf(out, "' + [char]0x%04x + [char]0x%04x + '",
	    (unsigned int)(0xd800 + (c >> 10)),
	    (unsigned int)(0xdc00 + (c & 0x3ff)));
}

int
powershell_string(struct buf *out, const char *text)
{
	size_t before = out->len, len = strlen(text), i, n;
	uint32_t c;
	int bad = buf_add_string(out, "'");

	for (i = 0; i < len && !bad; i += n) {
		n = utf8_get((struct span){text + i, len - i}, &c);
		if (n == 0 || powershell_is_control(c))
			bad = -1;
		else if (c >= 0x80)
			bad = powershell_unit(out, c);
		else
			bad = buf_add_string(out, c == '\'' ? "'" : "") |
			    buf_add(out, text + i, 1);
	}
	bad |= buf_add_string(out, "'");
	if (!bad)
		return 0;
	out->len = before;
	if (out->bytes != NULL)
		out->bytes[before] = '\0';
	return -1;
}
