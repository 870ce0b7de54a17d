/*
 * Charsets (lib/mail/charset.c) and encoded words (lib/mail/encoded_word.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/utf8.h"
#include "lib/mail/charset.h"
#include "lib/mail/encoded_word.h"

static struct span
whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

/* --- names --- */

static const struct {
	const char *name;
	enum charset_kind kind;
} names[] = {
    {"utf-8", CHARSET_UTF8},
    {"UTF8", CHARSET_UTF8},
    {"US-ASCII", CHARSET_ASCII},
    {"iso-8859-15", CHARSET_SINGLE},
    {"Windows-1252", CHARSET_SINGLE},
    {"KOI8-R", CHARSET_SINGLE},
    {"gb2312", CHARSET_DOUBLE},
    {"Shift_JIS", CHARSET_SJIS},
    {"euc-jp", CHARSET_EUC_JP},
    {"gb18030", CHARSET_GB18030},
    {"", CHARSET_UNKNOWN},
    {"utf-7", CHARSET_UNKNOWN},
    {"iso-2022-jp", CHARSET_UNKNOWN},
    {"ISO8859-1", CHARSET_SINGLE},
    {"iso_8859-16", CHARSET_SINGLE},
    {"iso-8859-8-I", CHARSET_SINGLE},
    {"ANSI_X3.4-1968", CHARSET_ASCII},
    {"ISO646-US", CHARSET_ASCII},
    {"646", CHARSET_ASCII},
    {"unknown-8bit", CHARSET_ASCII},
    {"x-unknown", CHARSET_ASCII},
    {"default", CHARSET_ASCII},
    {"iso-8859-8-x", CHARSET_UNKNOWN},
    {"iso-8859-1-i", CHARSET_UNKNOWN},
    {"iso-8859-1 ", CHARSET_UNKNOWN},
    {"iso-8859- 1", CHARSET_UNKNOWN},
    {"iso-8859-1 2", CHARSET_UNKNOWN},
    {"cp1258", CHARSET_SINGLE},
    {"iso-8859-", CHARSET_UNKNOWN},
    {"iso-8859-0", CHARSET_UNKNOWN},
    {"iso-8859-12", CHARSET_UNKNOWN},
    {"iso-8859-17", CHARSET_UNKNOWN},
    {"iso-8859-015", CHARSET_UNKNOWN},
    {"windows-125", CHARSET_UNKNOWN},
    {"windows-1259", CHARSET_UNKNOWN},
    {"cp12500", CHARSET_UNKNOWN},
    {"iso-8859-1\r\nBcc: x", CHARSET_UNKNOWN},
    {"iso-8859-1//TRANSLIT", CHARSET_UNKNOWN},
    {"iso-8859-1?q", CHARSET_UNKNOWN},
    {"iso-8859-\xFC", CHARSET_UNKNOWN},
    {"iso-8859-1111111111111111111111111111111111", CHARSET_UNKNOWN},
    {"utf-8 ", CHARSET_UNKNOWN},
};

static void
test_names(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(
		    charset_kind(whole(names[i].name)), names[i].kind);
}

/* Names that say what bytes mean, here or to other programs; and others. */
static const struct {
	const char *text; /* as it stands in Content-Type */
	const char *name; /* that is found in it */
	int is_name;
} found[] = {
    {"utf-8", "utf-8", 1},
    {"Windows-1252", "Windows-1252", 1},
    {"iso-8859-8-i", "iso-8859-8-i", 1},
    {"iso-8859-11", "iso-8859-11", 1},
    {"ISO_8859-1:1987", "ISO_8859-1:1987", 1},
    {"iso88591", "iso88591", 1},
    {"x-mac-cyrillic", "x-mac-cyrillic", 1},
    {"IBM00858", "IBM00858", 1},
    {"UTF-16LE", "UTF-16LE", 1},
    {"us-ascii", "us-ascii", 0},
    {"ISO646-US", "ISO646-US", 0},
    {"us-ascii-8bit", "us-ascii-8bit", 0},
    {"unknown-8bit", "unknown-8bit", 0},
    {"iso-8859-12", "iso-8859-12", 0},
    {"iso-8859-99", "iso-8859-99", 0},
    {"iso-8859-", "iso-8859-", 0},
    {"iso-8859-1 l1", "iso-8859-1", 1},
    {"-", "", 0},
    {"", "", 0},
    {"l", "l", 0},
    {"'utf-8'", "utf-8", 1},
    {" <koi8-r> ", "koi8-r", 1},
    {"big5, x", "big5", 1},
    {"big5;x", "big5", 1},
    {"\"=\\_autodetect", "_autodetect", 0},
    {"\xFCutf-8\xFC", "utf-8", 1},
    {"a-name-that-is-far-too-long-for-any-charset",
	"a-name-that-is-far-too-long-for-any-charset", 0},
};

static void
test_found(void **state)
{
	struct span name;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		name = charset_name_in(whole(found[i].text));
		assert_true(span_is(name, found[i].name));
		assert_int_equal(charset_is_name(name), found[i].is_name);
	}
	assert_false(charset_is_name(whole("latin1 latin2")));
}

/* --- UTF-8 --- */

static const struct {
	const char *text;
	int valid;
} utf8[] = {
    {"", 1},
    {"abc", 1},
    {"\xC2\x80\xDF\xBF", 1},
    {"\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF", 1},
    {"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 1},
    {"\x80", 0},
    {"\xC0\x80", 0}, /* overlong */
    {"\xC1\xBF", 0},
    {"\xE0\x9F\xBF", 0},
    {"\xF0\x8F\xBF\xBF", 0},
    {"\xED\xA0\x80", 0}, /* surrogate */
    {"\xF4\x90\x80\x80", 0}, /* past the end */
    {"\xF5\x80\x80\x80", 0},
    {"\xC3", 0},
    {"\xE2\x82", 0},
    {"\xC3z", 0},
    {"\xE2\x82z", 0},
    {"a\xFC", 0},
};

static void
test_utf8(void **state)
{
	struct utf8_check u;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(utf8) / sizeof(utf8[0]); i++) {
		assert_int_equal(utf8_is(whole(utf8[i].text)), utf8[i].valid);
		memset(&u, 0, sizeof(u));
		for (k = 0; k < strlen(utf8[i].text); k++)
			utf8_check(&u, utf8[i].text + k, 1);
		assert_int_equal(utf8_check_end(&u), utf8[i].valid);
	}
}

/* --- characters --- */

static const struct {
	enum charset_kind kind;
	const char *text;
	const char *lengths;
} characters[] = {
    {CHARSET_SINGLE, "a\xFC\xFC", "111"},
    {CHARSET_UTF8, "a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80\xC3", "12341"},
    {CHARSET_DOUBLE, "\xC4\xE3z\xBA\x41\xBA", "2121"},
    {CHARSET_SJIS,
	"\x82\xA0\xB1\x83\x5C"
	"a\xE0\x40",
	"21212"},
    {CHARSET_EUC_JP, "\xA4\xA2\x8E\xB1\x8F\xA2\xAF\xA4", "2231"},
    {CHARSET_GB18030, "\xC4\xE3\x81\x30\x81\x30\x81\x30", "242"},
};

static void
test_characters(void **state)
{
	struct span rest;
	size_t i, k, n;

	(void)state;
	for (i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
		rest = whole(characters[i].text);
		for (k = 0; rest.len > 0; k++) {
			n = charset_char(characters[i].kind, rest);
			assert_int_equal(n, characters[i].lengths[k] - '0');
			rest = span_between(rest.p + n, span_end(rest));
		}
		assert_int_equal(k, strlen(characters[i].lengths));
	}
}

/* --- conversion --- */

static const struct {
	const char *charset, *text, *want;
} texts[] = {
    {"", "", ""},
    {"", "abc", "abc"},
    {"utf-8", "\u00fc", "\u00fc"},
    {"", "\u00fc", "\u00fc"},
    {"", "\xFC", "\u00fc"},
    {"utf-8", "\xFC\x80\x81", "\u00fc\u20ac\ufffd"},
    {"iso-8859-1", "\xC3\xBC", "\u00c3\u00bc"},
    {"windows-1252", "\xC3\xBC", "\u00c3\u00bc"},
    {"iso-8859-2", "\xB3", "\u0142"},
    {"koi8-r", "\xC1\xC2\xD7", "\u0430\u0431\u0432"},
    {"gb2312", "\xC4\xE3\xBA\xC3", "\u4f60\u597d"},
    {"gb2312", "\xC4", "\u00c4"},
    /* with ASCII as it is, and what programs write under these names */
    {"shift_jis", "\\~\x83\\\x87@", "\\~\u30bd\u2460"},
    {"gb2312", "\x81\\", "\u4e57"},
    {"utf-7", "+APw-", "+APw-"},
    {"windows-1252", "\x81", "\ufffd"},
    {"cp1250", "\x8A", "\u0160"},
    {"iso_8859-13", "\xD0", "\u0160"},
    {"iso-8859-8-i", "\xF9", "\u05e9"},
    {"ks_c_5601-1987", "\xB0\xA1", "\uac00"},
    /* the C library holds the last character back for a point or an accent */
    {"windows-1255", "\xF9", "\u05e9"},
    {"windows-1258", "\xFD", "\u01b0"},
    {"big5-hkscs", "\x88\x66", "\u00ca"},
    /* nobody knows these */
    {"iso-8859-12", "\xFC", "\u00fc"},
    {"windows-1259", "\xFC", "\u00fc"},
    {"x-nobody", "\xC3\xBC", "\u00fc"},
};

static void
test_conversion(void **state)
{
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_init(&out, 1024);
		buf_add(&out, "", 0);
		assert_int_equal(charset_to_utf8(whole(texts[i].charset),
				     whole(texts[i].text), &out, NULL),
		    0);
		assert_string_equal(out.bytes, texts[i].want);
		buf_free(&out);
	}
}

/*
 * What the limit of out does: a text that needs all of it goes, and one more
 * byte is too long, in a charset of one byte a character as in one of two. It
 * is never a reason for another charset.
 */
static void
test_limit(void **state)
{
	static const struct {
		const char *charset, *text;
		size_t len;
	} rows[] = {
	    {"utf-8", "\u00fc\u00fc", 4},
	    {"windows-1252", "\xFC\xFC", 4},
	    {"iso-8859-2", "\xFC\xFC", 4},
	    {"gb2312", "\xC4\xE3\xBA\xC3", 6},
	};
	struct error err;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&out, rows[i].len);
		assert_int_equal(charset_to_utf8(whole(rows[i].charset),
				     whole(rows[i].text), &out, &err),
		    0);
		assert_int_equal(out.len, rows[i].len);
		buf_free(&out);
		buf_init(&out, rows[i].len - 1);
		assert_int_equal(charset_to_utf8(whole(rows[i].charset),
				     whole(rows[i].text), &out, &err),
		    -1);
		assert_int_equal(out.failed, BUF_OVER_LIMIT);
		assert_int_equal(err.class, ERROR_PERMANENT);
		assert_string_equal(err.dsn, "5.6.0");
		buf_free(&out);
	}
}

/* --- encoded words --- */

static const struct {
	const char *text, *want;
} words[] = {
    {"abc", "abc"},
    {"=?utf-8?Q?a=C3=BC_b?=", "a\u00fc b"},
    {"=?UTF-8?b?w7w=?=", "\u00fc"},
    {"=?iso-8859-1*de?q?=FC?=", "\u00fc"},
    {"a =?utf-8?q?b?= c", "a b c"},
    {"=?utf-8?q?b?= \r\n =?utf-8?q?c?=", "bc"},
    {"=?utf-8?q?b?=x=?utf-8?q?c?=", "bxc"},
    {"=?utf-8?q?"
     "?=",
	""},
    {"=?utf-8?q?=4?=", "=4"},
    {"=?utf-8?b?Y W I ?=", "ab"},
    {"=?utf-8?x?b?=", "=?utf-8?x?b?="},
    {"=??q?b?=", "=??q?b?="},
    {"=?utf-8?q?b?c?=", "=?utf-8?q?b?c?="},
    {"=?utf-8?q?b", "=?utf-8?q?b"},
    {"=?utf-8?q", "=?utf-8?q"},
    {"=?", "=?"},
    {"\xFC=?utf-8?q?=C3=BC?=", "\u00fc\u00fc"},
};

static void
test_words(void **state)
{
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		buf_init(&out, 1024);
		buf_add(&out, "", 0);
		assert_int_equal(encoded_word_decode(whole(words[i].text),
				     whole(""), &out, NULL),
		    0);
		assert_string_equal(out.bytes, words[i].want);
		buf_free(&out);
	}
	assert_int_equal(encoded_word_is(whole("=?utf-8?Q?b?=")), 'q');
	assert_int_equal(encoded_word_is(whole("=?utf-8?B?b?=")), 'b');
	assert_int_equal(encoded_word_is(whole("=?utf-8?B?b?= ")), 0);
	assert_int_equal(encoded_word_is(whole("b")), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_found),
	    cmocka_unit_test(test_utf8),
	    cmocka_unit_test(test_characters),
	    cmocka_unit_test(test_conversion),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("lib_charset", tests, NULL, NULL);
}
