/*
 * charset.c - character sets. See charset.h.
 *
 * Pure functions but for charset_to_utf8(), which asks iconv(3) about charsets
 * other than the commonest; it may load a module of the C library then.
 */
#include <iconv.h>
#include <stdint.h>

#include "charset.h"

#define WINDOWS_1252 "windows-1252"

/* A name, or with '*' at its end the beginning of names. */
static const struct {
	const char *name;
	enum charset_kind kind;
} charsets[] = {
    {"utf-8", CHARSET_UTF8},
    {"utf8", CHARSET_UTF8},
    {"us-ascii", CHARSET_ASCII},
    {"ascii", CHARSET_ASCII},
    {"ansi_x3.4-1968", CHARSET_ASCII},
    {"iso-8859-*", CHARSET_SINGLE},
    {"iso8859-*", CHARSET_SINGLE},
    {"iso_8859-*", CHARSET_SINGLE},
    {"latin1", CHARSET_SINGLE},
    {"windows-125*", CHARSET_SINGLE},
    {"cp125*", CHARSET_SINGLE},
    {"windows-874", CHARSET_SINGLE},
    {"tis-620", CHARSET_SINGLE},
    {"koi8-r", CHARSET_SINGLE},
    {"koi8-u", CHARSET_SINGLE},
    {"macintosh", CHARSET_SINGLE},
    {"ibm437", CHARSET_SINGLE},
    {"cp437", CHARSET_SINGLE},
    {"ibm850", CHARSET_SINGLE},
    {"cp850", CHARSET_SINGLE},
    {"ibm852", CHARSET_SINGLE},
    {"cp852", CHARSET_SINGLE},
    {"ibm866", CHARSET_SINGLE},
    {"cp866", CHARSET_SINGLE},
    {"big5", CHARSET_DOUBLE},
    {"big5-hkscs", CHARSET_DOUBLE},
    {"gb2312", CHARSET_DOUBLE},
    {"gbk", CHARSET_DOUBLE},
    {"cp936", CHARSET_DOUBLE},
    {"euc-kr", CHARSET_DOUBLE},
    {"ks_c_5601-1987", CHARSET_DOUBLE},
    {"cp949", CHARSET_DOUBLE},
    {"shift_jis", CHARSET_SJIS},
    {"shift-jis", CHARSET_SJIS},
    {"windows-31j", CHARSET_SJIS},
    {"cp932", CHARSET_SJIS},
    {"euc-jp", CHARSET_EUC_JP},
    {"gb18030", CHARSET_GB18030},
};

/* RFC 2047 section 2: what a charset's name is made of. */
static int
is_token(struct span name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (name.p[i] <= 32 || name.p[i] >= 127 ||
		    strchr("()<>@,;:\"/[]?.=*'%", name.p[i]) != NULL)
			return 0;
	return name.len > 0 && name.len <= CHARSET_NAME_MAX;
}

static int
matches(struct span name, const char *pattern)
{
	size_t len = strlen(pattern) - 1;

	if (pattern[len] != '*')
		return span_is(name, pattern);
	return name.len > len && strncasecmp(name.p, pattern, len) == 0;
}

enum charset_kind
charset_kind(struct span name)
{
	size_t i;

	for (i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
		if (matches(name, charsets[i].name))
			return is_token(name) ? charsets[i].kind
					      : CHARSET_UNKNOWN;
	return CHARSET_UNKNOWN;
}

/* --- where characters end --- */

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
charset_is_utf8(struct span text)
{
	struct utf8_check u = {0};

	utf8_check(&u, text.p, text.len);
	return utf8_check_end(&u);
}

static size_t
utf8_char(struct span text)
{
	struct utf8_check u = {0};
	size_t n;

	for (n = 1; n <= text.len && n <= 4; n++) {
		utf8_check(&u, text.p + n - 1, 1);
		if (u.bad)
			break;
		if (u.need == 0)
			return n;
	}
	return 1;
}

size_t
charset_char(enum charset_kind kind, struct span text)
{
	unsigned char c = (unsigned char)text.p[0];
	unsigned char second = text.len > 1 ? (unsigned char)text.p[1] : 0;
	size_t n = 1;

	if (c < 0x80)
		return 1;
	if (kind == CHARSET_UTF8)
		return utf8_char(text);
	if (kind == CHARSET_DOUBLE)
		n = 2;
	else if (kind == CHARSET_SJIS) /* 0xA1 to 0xDF are half-width kana */
		n = c >= 0xA0 && c < 0xE0 ? 1 : 2;
	else if (kind == CHARSET_EUC_JP)
		n = c == 0x8F ? 3 : 2;
	else if (kind == CHARSET_GB18030)
		n = second >= '0' && second <= '9' ? 4 : 2;
	return n < text.len ? n : text.len;
}

/* --- what bytes are --- */

static struct span
name(const char *text)
{
	struct span s = {text, strlen(text)};

	return s;
}

struct span
charset_of(struct span text, struct span declared)
{
	enum charset_kind kind = charset_kind(declared);
	int utf8 = charset_is_utf8(text);

	if (kind > CHARSET_UTF8 || (kind == CHARSET_UTF8 && utf8))
		return declared;
	return name(utf8 ? "utf-8" : WINDOWS_1252);
}

/* Code points of the bytes 0x80 to 0x9F (unicode.org, CP1252.TXT). */
static const uint16_t windows_1252[] = {0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E,
    0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0xFFFD,
    0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013,
    0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

static void
from_windows_1252(struct span text, struct buf *out)
{
	unsigned int c;
	char utf8[3];
	size_t i;

	for (i = 0; i < text.len; i++) {
		c = (unsigned char)text.p[i];
		if (c >= 0x80 && c < 0xA0)
			c = windows_1252[c - 0x80];
		if (c < 0x80) {
			buf_add(out, &text.p[i], 1);
			continue;
		}
		utf8[0] = (char)(0xE0 | c >> 12);
		utf8[1] = (char)(0x80 | (c >> 6 & 0x3F));
		utf8[2] = (char)(0x80 | (c & 0x3F));
		if (c >= 0x800) {
			buf_add(out, utf8, 3);
			continue;
		}
		utf8[1] = (char)(0xC0 | c >> 6);
		buf_add(out, utf8 + 1, 2);
	}
}

/* 0; -1 with nothing appended when text is not of that charset. */
static int
convert(struct span charset, struct span text, struct buf *out)
{
	char from[CHARSET_NAME_MAX + 1], *in = (char *)(uintptr_t)text.p, *to;
	size_t left = text.len, room = 4 * text.len, size = room;
	iconv_t cd;

	memcpy(from, charset.p, charset.len);
	from[charset.len] = '\0';
	if (text.len > out->limit / 4 || (to = buf_reserve(out, room)) == NULL)
		return -1;
	cd = iconv_open("UTF-8", from);
	if (cd == (iconv_t)-1)
		return -1;
	if (iconv(cd, &in, &left, &to, &room) == (size_t)-1)
		left = text.len;
	iconv_close(cd);
	if (left > 0)
		return -1;
	out->len += size - room;
	out->bytes[out->len] = '\0';
	return 0;
}

void
charset_to_utf8(struct span charset, struct span text, struct buf *out)
{
	enum charset_kind kind = charset_kind(charset);

	if (text.len == 0)
		return;
	if (kind > CHARSET_UTF8 && convert(charset, text, out) == 0)
		return;
	if (kind <= CHARSET_UTF8 && charset_is_utf8(text))
		buf_add(out, text.p, text.len);
	else
		from_windows_1252(text, out);
}
