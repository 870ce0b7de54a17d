/*
 * Each row of the table of charsets (lib/mail/charset.c) can be reached by its
 * name, and does what its kind promises. The table is nobody else's, so the
 * file is taken in as a whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/mail/charset.c"

static struct span
whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

/* RFC 2047 section 2: such a name is written into encoded words. */
static int
is_token(const char *name)
{
	for (; *name != '\0'; name++)
		if (*name <= 32 || *name >= 127 ||
		    strchr("()<>@,;:\"/[]?.=*'%", *name) != NULL)
			return 0;
	return 1;
}

/* What a charset must be for text to be read in it at all. */
static void
check_charset(const char *name)
{
	char ascii[95];
	struct buf out;
	struct error err;
	int i;

	for (i = 0; i < 95; i++)
		ascii[i] = (char)(32 + i);
	buf_init(&out, 1024);
	assert_true(is_token(name) && strlen(name) <= CHARSET_NAME_MAX);
	assert_int_equal(charset_convert(whole(name),
			     span_between(ascii, ascii + 95), &out, &err),
	    1);
	assert_int_equal(out.len, 95);
	assert_memory_equal(out.bytes, ascii, 95);
	buf_free(&out);
}

static void
test_rows(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
		assert_int_equal(
		    charset_kind(whole(charsets[i].name)), charsets[i].kind);
		for (k = 0; k < i; k++)
			assert_int_not_equal(
			    strcasecmp(charsets[i].name, charsets[k].name), 0);
		if (charsets[i].kind > CHARSET_UTF8)
			check_charset(charsets[i].name);
	}
}

/* A letter of each charset of several bytes, whose second byte is ASCII. */
static void
test_second_bytes(void **state)
{
	static const struct {
		enum charset_kind kind;
		const char *text;
	} letters[] = {
	    {CHARSET_DOUBLE, "\xA4@"},
	    {CHARSET_DOUBLE, "\x81\\"},
	    {CHARSET_DOUBLE, "\x81\x61"},
	    {CHARSET_SJIS, "\x83\\"},
	    {CHARSET_EUC_JP, "\xA4\xA2"},
	    {CHARSET_GB18030, "\x81\x30\x81\x30"},
	};
	size_t i, k, found;
	struct buf out;

	(void)state;
	for (i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
		for (k = found = 0; k < sizeof(letters) / sizeof(letters[0]);
		     k++) {
			if (letters[k].kind != charsets[i].kind)
				continue;
			buf_init(&out, 1024);
			if (charset_convert(whole(charsets[i].name),
				whole(letters[k].text), &out, NULL) == 1)
				found += out.len > 0 && out.bytes[0] & 0x80;
			buf_free(&out);
		}
		assert_true(charsets[i].kind <= CHARSET_SINGLE || found > 0);
	}
}

static void
test_families(void **state)
{
	char numbers[64], name[64], *number, *rest;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		snprintf(numbers, sizeof(numbers), "%s", families[i].numbers);
		rest = numbers;
		while ((number = strtok_r(rest, " ", &rest)) != NULL) {
			snprintf(name, sizeof(name), "%s%s", families[i].begin,
			    number);
			assert_int_equal(
			    charset_kind(whole(name)), CHARSET_SINGLE);
			check_charset(name);
		}
		/* any other end is made up */
		for (k = 0; k < 1000; k++) {
			snprintf(name, sizeof(name), " %zu ", k);
			if (strstr(families[i].numbers, name) != NULL)
				continue;
			snprintf(
			    name, sizeof(name), "%s%zu", families[i].begin, k);
			assert_int_equal(
			    charset_kind(whole(name)), CHARSET_UNKNOWN);
			snprintf(
			    name, sizeof(name), "%s%zux", families[i].begin, k);
			assert_int_equal(
			    charset_kind(whole(name)), CHARSET_UNKNOWN);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_second_bytes),
	    cmocka_unit_test(test_families),
	};

	return cmocka_run_group_tests_name(
	    "lib_charset_table", tests, NULL, NULL);
}
