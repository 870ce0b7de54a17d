/*
 * utf8.c - see utf8.h. Pure functions, for any thread.
 */
#include "utf8.h"

static void
utf8_start(struct utf8_check *u, unsigned char c)
{
	/* the second byte must make no longer form of a shorter character, no
	 * surrogate and nothing past U+10FFFF */
	u->low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
	u->high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
	if (c < 0x80)
		u->need = 0;
	else if (c < 0xC2 || c > 0xF4)
		u->bad = 1;
	else
		u->need = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
}

void
utf8_check(struct utf8_check *u, const char *bytes, size_t len)
{
	unsigned char c;
	size_t i;

	for (i = 0; i < len && !u->bad; i++) {
		c = (unsigned char)bytes[i];
		if (u->need == 0) {
			utf8_start(u, c);
			continue;
		}
		if (c < u->low || c > u->high)
			u->bad = 1;
		u->need--;
		u->low = 0x80;
		u->high = 0xBF;
	}
}

int
utf8_check_end(const struct utf8_check *u)
{
	return !u->bad && u->need == 0;
}

int
utf8_is(struct span text)
{
	struct utf8_check u = {0};

	utf8_check(&u, text.p, text.len);
	return utf8_check_end(&u);
}

size_t
utf8_get(struct span text, uint32_t *c)
{
	struct utf8_check u = {0};
	uint32_t value = 0;
	size_t n = 0;

	do {
		utf8_check(&u, text.p + n, 1);
		value = n == 0 ? (unsigned char)text.p[0]
			       : value << 6 | (text.p[n] & 0x3F);
		n++;
	} while (n < text.len && !u.bad && u.need > 0);
	if (!utf8_check_end(&u))
		return 0;
	/* without the bits of the first byte that say the length */
	*c = n == 1 ? value : value & ((1u << (5 * n + 1)) - 1);
	return n;
}

size_t
utf8_put(uint32_t c, char out[UTF8_MAX])
{
	size_t i, n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		out[0] = (char)c;
		return 1;
	}
	for (i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3F));
	out[0] = (char)(0xF00 >> n | c);
	return n;
}
