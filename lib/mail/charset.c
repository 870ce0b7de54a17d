/*
 * charset.c - character sets. See charset.h.
 *
 * Pure functions but for charset_to_utf8(), which asks iconv(3) about charsets
 * other than the commonest. It may load a module of the C library then.
 *
 * iconv_open(3) says EINVAL for a charset that nobody knows, and for one whose
 * module is not installed or cannot be loaded. So the table has no name that
 * the C library lacks. Where the library knows a charset by another name, the
 * table has that one beside it, and EINVAL means that this machine lacks the
 * module.
 */
#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/utf8.h"
#include "charset.h"

#define WINDOWS_1252 "windows-1252"

struct charset {
	const char *name;
	enum charset_kind kind;
	const char *iconv; /* the C library's name; NULL: the same */
};

/*
 * Names of the first kind say ASCII, or nothing: what a C library calls the
 * charset of the locale "C" (cron writes it), and what programs write who do not
 * know (RFC 1428). The C library's names beside those of two bytes are of the
 * charsets that programs mean by them, with all their characters and with
 * ASCII as it is: its Shift_JIS has a yen sign in place of the backslash.
 */
static const struct charset charsets[] = {
    {"us-ascii", CHARSET_ASCII, NULL},
    {"ascii", CHARSET_ASCII, NULL},
    {"us", CHARSET_ASCII, NULL},
    {"ansi_x3.4-1968", CHARSET_ASCII, NULL},
    {"ansi_x3.4-1986", CHARSET_ASCII, NULL},
    {"ansi_x3.4", CHARSET_ASCII, NULL},
    {"iso646-us", CHARSET_ASCII, NULL},
    {"iso646", CHARSET_ASCII, NULL},
    {"iso_646.irv:1991", CHARSET_ASCII, NULL},
    {"iso-ir-6", CHARSET_ASCII, NULL},
    {"646", CHARSET_ASCII, NULL},
    {"csascii", CHARSET_ASCII, NULL},
    {"cp367", CHARSET_ASCII, NULL},
    {"ibm367", CHARSET_ASCII, NULL},
    {"unknown-8bit", CHARSET_ASCII, NULL},
    {"x-unknown", CHARSET_ASCII, NULL},
    {"unknown", CHARSET_ASCII, NULL},
    {"x-unknown-8bit", CHARSET_ASCII, NULL},
    {"unspecified", CHARSET_ASCII, NULL},
    {"undefined", CHARSET_ASCII, NULL},
    {"x-user-defined", CHARSET_ASCII, NULL},
    {"default", CHARSET_ASCII, NULL},
    {"default_charset", CHARSET_ASCII, NULL},
    {"auto", CHARSET_ASCII, NULL},
    {"_autodetect", CHARSET_ASCII, NULL},
    {"_autodetect_all", CHARSET_ASCII, NULL},
    {"none", CHARSET_ASCII, NULL},
    {"null", CHARSET_ASCII, NULL},
    {"7bit", CHARSET_ASCII, NULL},
    {"8bit", CHARSET_ASCII, NULL},
    {"binary", CHARSET_ASCII, NULL},
    {"utf-8", CHARSET_UTF8, NULL},
    {"utf8", CHARSET_UTF8, NULL},
    {"unicode-1-1-utf-8", CHARSET_UTF8, NULL},
    /* RFC 1556: "-e" and "-i" say in which direction text is to be shown */
    {"iso-8859-6-e", CHARSET_SINGLE, "iso-8859-6"},
    {"iso-8859-6-i", CHARSET_SINGLE, "iso-8859-6"},
    {"iso-8859-8-e", CHARSET_SINGLE, "iso-8859-8"},
    {"iso-8859-8-i", CHARSET_SINGLE, "iso-8859-8"},
    {"latin1", CHARSET_SINGLE, NULL},
    {"latin2", CHARSET_SINGLE, NULL},
    {"windows-874", CHARSET_SINGLE, "cp874"},
    {"tis-620", CHARSET_SINGLE, NULL},
    {"koi8-r", CHARSET_SINGLE, NULL},
    {"koi8-u", CHARSET_SINGLE, NULL},
    {"macintosh", CHARSET_SINGLE, NULL},
    {"ibm437", CHARSET_SINGLE, NULL},
    {"cp437", CHARSET_SINGLE, NULL},
    {"ibm850", CHARSET_SINGLE, NULL},
    {"cp850", CHARSET_SINGLE, NULL},
    {"ibm852", CHARSET_SINGLE, NULL},
    {"cp852", CHARSET_SINGLE, NULL},
    {"ibm866", CHARSET_SINGLE, NULL},
    {"cp866", CHARSET_SINGLE, NULL},
    {"big5", CHARSET_DOUBLE, NULL},
    {"x-big5", CHARSET_DOUBLE, "big5"},
    {"cp950", CHARSET_DOUBLE, NULL},
    {"big5-hkscs", CHARSET_DOUBLE, NULL},
    {"gb2312", CHARSET_DOUBLE, "gbk"},
    {"gb_2312-80", CHARSET_DOUBLE, "gbk"},
    {"gbk", CHARSET_DOUBLE, NULL},
    {"x-gbk", CHARSET_DOUBLE, "gbk"},
    {"cp936", CHARSET_DOUBLE, NULL},
    {"euc-kr", CHARSET_DOUBLE, "cp949"},
    {"ks_c_5601-1987", CHARSET_DOUBLE, "cp949"},
    {"cp949", CHARSET_DOUBLE, NULL},
    {"windows-949", CHARSET_DOUBLE, "cp949"},
    {"shift_jis", CHARSET_SJIS, "cp932"},
    {"shift-jis", CHARSET_SJIS, "cp932"},
    {"sjis", CHARSET_SJIS, "cp932"},
    {"x-sjis", CHARSET_SJIS, "cp932"},
    {"windows-31j", CHARSET_SJIS, "cp932"},
    {"cp932", CHARSET_SJIS, NULL},
    {"euc-jp", CHARSET_EUC_JP, NULL},
    {"x-euc-jp", CHARSET_EUC_JP, "euc-jp"},
    {"gb18030", CHARSET_GB18030, NULL},
};

#define ISO_8859 " 1 2 3 4 5 6 7 8 9 10 11 13 14 15 16 "
#define WINDOWS_125 " 0 1 2 3 4 5 6 7 8 "

/* Names that end in a number, of which there are these: one byte each. */
static const struct {
	const char *begin;
	const char *iconv;
	const char *numbers;
} families[] = {
    {"iso-8859-", "iso-8859-", ISO_8859},
    {"iso8859-", "iso-8859-", ISO_8859},
    {"iso_8859-", "iso-8859-", ISO_8859},
    {"windows-125", "cp125", WINDOWS_125},
    {"cp125", "cp125", WINDOWS_125},
};

/*
 * What charsets are called that nothing is converted from here: by IANA, the
 * Encoding Standard, Windows and the C library. In lower case, letters and digits
 * alone, since there are as many ways to put the rest between them as there are
 * programs.
 */
static const char elsewhere[] =
    " "
    "adobestandardencoding arabic armscii8 asmo708 big5hkscs bocu1 "
    "cesu8 chinese cnbig5 cns11643 cp037 cp1006 cp1025 cp1026 cp1047 "
    "cp1125 cp1140 cp154 cp273 cp424 cp500 cp720 cp737 cp775 cp819 "
    "cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp869 cp874 "
    "cp875 csbig5 cseuckr cseucpkdfmtjapanese csgb2312 cshproman8 "
    "csibm866 csiso2022jp csiso2022kr csiso58gb231280 csiso885915 "
    "csiso88596e csiso88596i csiso88598e csiso88598i csisolatin1 "
    "csisolatin2 csisolatin3 csisolatin4 csisolatin5 csisolatin6 "
    "csisolatin9 csisolatinarabic csisolatincyrillic csisolatingreek "
    "csisolatinhebrew cskoi8r csksc56011987 csmacintosh csptcp154 "
    "csshiftjis csviscii cyrillic decmcs dos720 dos862 dos874 ecma114 "
    "ecma118 elot928 euccn eucjis2004 eucjisx0213 eucjp euckr euctw "
    "gb231280 georgianacademy georgianps greek greek8 hebrew hproman8 "
    "hzgb2312 ibm00858 ibm00924 ibm01047 ibm01140 ibm01141 ibm01142 "
    "ibm01143 ibm01144 ibm01145 ibm01146 ibm01147 ibm01148 ibm01149 "
    "ibm037 ibm1026 ibm273 ibm277 ibm278 ibm280 ibm284 ibm285 ibm290 "
    "ibm297 ibm420 ibm423 ibm424 ibm500 ibm737 ibm775 ibm819 ibm855 "
    "ibm857 ibm860 ibm861 ibm862 ibm863 ibm864 ibm865 ibm869 ibm870 "
    "ibm871 ibm880 ibm905 ibmthai iso10646ucs2 iso10646ucs4 iso2022cn "
    "iso2022cnext iso2022jp iso2022jp1 iso2022jp2 iso2022jp2004 "
    "iso2022jp3 iso2022jpext iso2022kr iso88591 iso885910 iso885911 "
    "iso8859112001 iso885911987 iso885913 iso885914 iso8859141998 "
    "iso885915 iso885916 iso8859162001 iso88592 iso885921987 iso88593 "
    "iso885931988 iso88594 iso885941988 iso88595 iso885951988 iso88596 "
    "iso885961987 iso88596e iso88596i iso88597 iso885971987 iso88598 "
    "iso885981988 iso88598e iso88598i iso88599 iso885991989 isoir100 "
    "isoir101 isoir109 isoir110 isoir126 isoir127 isoir138 isoir144 "
    "isoir148 isoir149 isoir157 isoir199 isoir226 isoir58 jisx0201 "
    "johab koi koi7 koi8 koi8e koi8r koi8ru koi8t koi8u korean ksc5601 "
    "ksc56011987 ksc56011989 kz1048 l1 l10 l2 l3 l4 l5 l6 l8 l9 "
    "latin10 latin3 latin4 latin5 latin6 latin8 latin9 logical mac "
    "macarabic macce maccentraleurope maccroatian maccyrillic macgreek "
    "machebrew maciceland macroman macromania macthai macturkish "
    "macukraine ms932 ms936 mskanji mulelao1 nextstep ptcp154 roman8 "
    "scsu shiftjis shiftjis2004 shiftjisx0213 strk10482002 sungreek "
    "tcvn tcvn5712 tcvn57121 tis620 ucs2 ucs4 utf16 utf16be utf16le "
    "utf32 utf32be utf32le utf7 ventura viscii visual vps win1250 "
    "win1251 win1252 win1253 win1254 win1255 win1256 win1257 "
    "windows1250 windows1251 windows1252 windows1253 windows1254 "
    "windows1255 windows1256 windows1257 windows1258 windows31j "
    "windows874 windows932 windows936 windows949 windows950 "
    "xchinesecns xchineseeten xcp1250 xcp1251 xcp1252 xcp1253 xcp1254 "
    "xcp1255 xcp1256 xcp1257 xcp1258 xcp20001 xcp20003 xcp20004 "
    "xcp20005 xcp20261 xcp20269 xcp20936 xcp20949 xcp50227 "
    "xebcdickoreanextended xeucjp xeuckr xeuctw xeuropa xia5 "
    "xia5german xia5norwegian xia5swedish xisciias xisciibe xisciide "
    "xisciigu xisciika xisciima xisciior xisciipa xisciita xisciite "
    "xjohab xmacarabic xmacce xmacchinesesimp xmacchinesetrad "
    "xmaccroatian xmaccyrillic xmacgreek xmachebrew xmacicelandic "
    "xmacjapanese xmackorean xmacroman xmacromanian xmacthai "
    "xmacturkish xmacukrainian xmsexchange xsjis xwindows949 xxbig5 ";

/* What follows the family's beginning, or NULL when it is of another one. */
static const char *
charset_number_in(struct span name, size_t family)
{
	size_t begin = strlen(families[family].begin);
	char number[8];

	if (name.len <= begin || name.len > begin + 2 ||
	    strncasecmp(name.p, families[family].begin, begin) != 0)
		return NULL;
	snprintf(number, sizeof(number), " %.*s ", (int)(name.len - begin),
	    name.p + begin);
	return strstr(families[family].numbers, number) != NULL ? name.p + begin
								: NULL;
}

/* Finds a charset, and writes the C library's name for it. */
static enum charset_kind
charset_find(struct span name, char for_iconv[CHARSET_NAME_MAX + 1])
{
	const char *known, *number;
	size_t i;

	for (i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
		if (span_is(name, charsets[i].name)) {
			known = charsets[i].iconv;
			snprintf(for_iconv, CHARSET_NAME_MAX + 1, "%s",
			    known != NULL ? known : charsets[i].name);
			return charsets[i].kind;
		}
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if ((number = charset_number_in(name, i)) != NULL) {
			snprintf(for_iconv, CHARSET_NAME_MAX + 1, "%s%.*s",
			    families[i].iconv, (int)(span_end(name) - number),
			    number);
			return CHARSET_SINGLE;
		}
	return CHARSET_UNKNOWN;
}

enum charset_kind
charset_kind(struct span name)
{
	char unused[CHARSET_NAME_MAX + 1];

	return charset_find(name, unused);
}

int
charset_is_name(struct span name)
{
	char plain[CHARSET_NAME_MAX + 3] = " ";
	size_t i, len = 1;

	if (charset_kind(name) != CHARSET_UNKNOWN)
		return charset_kind(name) != CHARSET_ASCII;
	for (i = 0; i < name.len && len <= CHARSET_NAME_MAX; i++)
		if (isalnum((unsigned char)name.p[i]))
			plain[len++] = (char)tolower((unsigned char)name.p[i]);
	if (i < name.len || len == 1)
		return 0;
	strcpy(plain + len, " ");
	return strstr(elsewhere, plain) != NULL;
}

static int
charset_is_name_byte(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("-_.:", c));
}

struct span
charset_name_in(struct span text)
{
	const char *p = text.p, *limit = span_end(text), *from;

	while (p < limit && !isalnum((unsigned char)*p) && *p != '_')
		p++;
	for (from = p; p < limit && charset_is_name_byte(*p);)
		p++;
	return span_between(from, p);
}

/* --- where characters end --- */

size_t
charset_char(enum charset_kind kind, struct span text)
{
	unsigned char c = (unsigned char)text.p[0];
	unsigned char second = text.len > 1 ? (unsigned char)text.p[1] : 0;
	uint32_t unused;
	size_t n = 1;

	if (c < 0x80)
		return 1;
	if (kind == CHARSET_UTF8) {
		n = utf8_get(text, &unused);
		return n > 0 ? n : 1;
	}
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
charset_name(const char *text)
{
	struct span s = {text, strlen(text)};

	return s;
}

struct span
charset_of_field(struct span value, struct span declared)
{
	if (charset_kind(declared) != CHARSET_UTF8 && utf8_is(value))
		return charset_name("utf-8");
	return declared;
}

struct span
charset_of(struct span text, struct span declared)
{
	enum charset_kind kind = charset_kind(declared);
	int utf8 = utf8_is(text);

	if (kind > CHARSET_UTF8 || (kind == CHARSET_UTF8 && utf8))
		return declared;
	return charset_name(utf8 ? "utf-8" : WINDOWS_1252);
}

/* Code points of the bytes 0x80 to 0x9F (unicode.org, CP1252.TXT). */
static const uint16_t windows_1252[] = {0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E,
    0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0xFFFD,
    0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013,
    0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

static void
charset_from_windows_1252(struct span text, struct buf *out)
{
	char bytes[UTF8_MAX];
	unsigned int c;
	size_t i;

	for (i = 0; i < text.len; i++) {
		c = (unsigned char)text.p[i];
		if (c >= 0x80 && c < 0xA0)
			c = windows_1252[c - 0x80];
		buf_add(out, bytes, utf8_put(c, bytes));
	}
}

/* --- conversion --- */

static int
charset_refuse(const struct buf *out, struct error *err)
{
	if (out->failed == BUF_NO_MEMORY)
		return error_no_memory(err);
	return error_set(err, ERROR_PERMANENT, "5.6.0",
	    "text in the header has more than %zu bytes as UTF-8", out->limit);
}

static int
charset_cannot_convert(struct span charset, struct error *err)
{
	if (errno != EINVAL)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "cannot convert text from %.*s: %s", (int)charset.len,
		    charset.p, strerror(errno));
	return error_set(err, ERROR_OURS, "4.3.5",
	    "cannot convert text from %.*s: the C library's module for it is "
	    "not installed (libc-gconv-modules-extra, glibc-gconv-extra), or "
	    "cannot be loaded now (memory, open files)",
	    (int)charset.len, charset.p);
}

/*
 * Appends what iconv(3) makes of the bytes at in, or with NULL what it has held
 * back for the character that might have followed. 1; 0 when they are not of
 * the charset, unless broken bytes shall become U+FFFD; -1 when the machine
 * cannot tell.
 */
static int
charset_convert_all(
    iconv_t cd, char *in, size_t left, int replace, struct buf *out)
{
	char piece[512], *to;
	size_t room, n;
	int broken;

	do {
		to = piece;
		room = sizeof(piece);
		n = iconv(cd, in == NULL ? NULL : &in, &left, &to, &room);
		broken = n == (size_t)-1 && errno != E2BIG;
		if (broken && errno != EILSEQ && errno != EINVAL)
			return -1;
		if (broken && (!replace || left == 0))
			return 0;
		if (buf_add(out, piece, sizeof(piece) - room) == -1)
			return -1;
		if (broken) {
			buf_add_string(out, "\uFFFD");
			in++;
			left--;
		}
	} while (n == (size_t)-1);
	return 1;
}

/* Appends all or, with anything but 1, nothing. */
static int
charset_convert_text(struct span charset, struct span text, int replace,
    struct buf *out, struct error *err)
{
	char name[CHARSET_NAME_MAX + 1];
	size_t before = out->len;
	int result;
	iconv_t cd;

	if (charset_find(charset, name) <= CHARSET_UTF8)
		return 0;
	cd = iconv_open("UTF-8", name);
	if (cd == (iconv_t)-1)
		return charset_cannot_convert(charset, err);
	result = charset_convert_all(
	    cd, (char *)(uintptr_t)text.p, text.len, replace, out);
	if (result == 1)
		result = charset_convert_all(cd, NULL, 0, 0, out);
	if (result == -1 && out->failed)
		charset_refuse(out, err);
	else if (result == -1)
		charset_cannot_convert(charset, err);
	iconv_close(cd);
	if (result != 1 && out->len > before) {
		out->len = before;
		out->bytes[before] = '\0';
	}
	return result;
}

int
charset_convert(
    struct span charset, struct span text, struct buf *out, struct error *err)
{
	return charset_convert_text(charset, text, 1, out, err);
}

static int
charset_is_windows_1252(struct span charset)
{
	return span_is(charset, WINDOWS_1252) || span_is(charset, "cp1252");
}

int
charset_to_utf8(
    struct span charset, struct span text, struct buf *out, struct error *err)
{
	int result = 0;

	if (text.len == 0)
		return 0;
	if (!charset_is_windows_1252(charset))
		result = charset_convert_text(charset, text, 0, out, err);
	if (result != 0)
		return result == -1 ? -1 : 0;
	if (charset_kind(charset) <= CHARSET_UTF8 && utf8_is(text))
		buf_add(out, text.p, text.len);
	else
		charset_from_windows_1252(text, out);
	return out->failed ? charset_refuse(out, err) : 0;
}
