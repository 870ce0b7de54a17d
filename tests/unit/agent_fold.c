/*
 * Fields with a line over 998 bytes (agent/pipe/field/fold.c): folded where
 * their grammar has a place, and nothing else about them changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pipe/codec/scan.h"
#include "agent/pipe/field/field.h"
#include "agent/pipe/field/field_names.h"

#define TIMES 60 /* of a piece of 30 bytes */

/* A value is so many pieces, each with its number for a '#'. */
static const struct {
	const char *name, *first, *piece, *last;
	const char *fold; /* what stands at a fold; "" if there is none */
} rows[] = {
    {"To", "", "user#@department.example.org,", "z@example.org", ",\r\n user"},
    {"Cc", "", "\"User, #\"<user#@a.example.org>,", "z@x", ",\r\n \"User"},
    {"Bcc", "Team:", "user#@department.example.org,", "z@x;", ",\r\n user"},
    {"Reply-To", "", "\"a,b\" <user#@dept.example.org>(c,d),", "z@x",
	",\r\n \"a,b\""},
    {"Resent-To", "", "user#@department.example.org,", "z@x", ",\r\n user"},
    {"Disposition-Notification-To", "", "user#@department.example.org,", "z@x",
	",\r\n user"},
    {"References", "", "<message#@host.client.example>", "", ">\r\n <message"},
    {"In-Reply-To", "", "<message#@host.client.example>", "", ">\r\n <message"},
    {"List-Unsubscribe", "", "<https://x.example/?a,b;c=#>,", "<mailto:a@x>",
	",\r\n <https"},
    {"Keywords", "", "keyword-number-#-of-many,", "last", ",\r\n keyword"},
    {"Content-Type", "text/plain;", "a#=bcdefghijklmnopqrstuvwx;", "z=\"a;b\"",
	";\r\n a"},
    {"Received", "from (", "a#;bcdefghijklmnopqrstuvwx", "); date", ""},
    {"X-Unknown", "", "user#@department.example.org,", "", ""},
    {"To", "name\r\n <", "abc#defghijklmnopqrstuvwxyzabc", "@x>", ""},
    {"Message-ID", "<", "abc#defghijklmnopqrstuvwx;,y", "@x>", ""},
};

static void
add_pieces(struct buf *out, const char *piece)
{
	const char *mark = strchr(piece, '#');
	int i;

	for (i = 0; i < TIMES; i++)
		buf_printf(
		    out, "%.*s%02d%s", (int)(mark - piece), piece, i, mark + 1);
}

static void
write_field(struct buf *out, const char *name, const char *value)
{
	const struct span none = {NULL, 0};
	struct buf head;

	buf_init(&head, 64);
	buf_printf(&head, "%s:", name);
	field_write(out, span_between(head.bytes, head.bytes + head.len),
	    span_between(value, value + strlen(value)), none);
	assert_false(out->failed);
	buf_add(out, "", 0);
	buf_free(&head);
}

static int
has_long_line(const struct buf *text)
{
	struct scan s = {0};

	scan_update(&s, text->bytes, text->len);
	scan_end(&s);
	return s.long_line;
}

/* What is left without blanks and line ends. */
static void
squeeze(const char *p, struct buf *out)
{
	buf_add(out, "", 0);
	for (; *p != '\0'; p++)
		if (!span_is_space(*p))
			buf_add(out, p, 1);
}

static void
test_rows(void **state)
{
	struct buf value, once, again, before, after;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		buf_init(&value, 65536);
		buf_init(&once, 65536);
		buf_init(&again, 65536);
		buf_init(&before, 65536);
		buf_init(&after, 65536);
		buf_add_string(&value, " ");
		buf_add_string(&value, rows[i].first);
		add_pieces(&value, rows[i].piece);
		buf_add_string(&value, rows[i].last);
		write_field(&once, rows[i].name, value.bytes);
		assert_int_equal(has_long_line(&once), rows[i].fold[0] == '\0');
		assert_non_null(strstr(once.bytes, rows[i].fold));
		squeeze(value.bytes, &before);
		squeeze(strchr(once.bytes, ':') + 1, &after);
		assert_string_equal(before.bytes, after.bytes);
		write_field(&again, rows[i].name, strchr(once.bytes, ':') + 1);
		assert_string_equal(once.bytes, again.bytes);
		buf_free(&value);
		buf_free(&once);
		buf_free(&again);
		buf_free(&before);
		buf_free(&after);
	}
}

/* --- any field --- */

#define FOLD_ROUNDS 40

/*
 * What a field of this kind is made of, each piece under 80 bytes, and what may
 * stand between two of them: a line may end there.
 */
static const struct {
	const char *pieces[6], *between[3];
} made_of[] = {
    [FIELD_TEXT] = {{"word", "\"a, b\"", "W\xC3\xBCrfel", "a;b,c", "(c)"},
	{" ", "  "}},
    [FIELD_SUBJECT] = {{"word", "\"a", "W\xC3\xBCrfel", "a;b,c", "=?x"}, {" "}},
    [FIELD_ADDRESSES] = {{"a@example.org", "\"A, b\" <b@example.org>",
			     "W\xC3\xBCrfel <c@example.org>",
			     "d@example.org (D, (e))",
			     "f@m\xC3\xBCller.example"},
	{",", ", "}},
    [FIELD_PARAMS] = {{"a=b", "c=\"d; e\"", "f=\"W\xC3\xBCrfel\"",
			  "g=h (i; j)"},
	{";", "; "}},
    [FIELD_PHRASES] = {{"word", "\"a, b\"", "W\xC3\xBCrfel", "c d"},
	{",", ", "}},
    [FIELD_IDS] = {{"<a@example.org>", "<b,c;d@example.org>",
		       "<W\xC3\xBCrfel@example.org>"},
	{"", " "}},
    [FIELD_PHRASE_ID] = {{"<a.example.org>", "<W\xC3\xBCrfel.example>"},
	{" ", ","}},
    [FIELD_URIS] = {{"<https://x.example/?a,b;c=d>", "<mailto:a@x.example>",
			"<https://x.example/W\xC3\xBCrfel>"},
	{",", ", "}},
    [FIELD_TRACE] = {{"a=b", "from x.example (y [192.0.2.1])",
			 "by W\xC3\xBCrfel.example", "c=d"},
	{";", "; "}},
};

static const char *
choose(const char *const *list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	return list[(size_t)rand() % n];
}

static void
fold_any(const struct field_name *f)
{
	struct buf value, once, again;
	const char *before = "";

	buf_init(&value, 65536);
	buf_init(&once, 65536);
	buf_init(&again, 65536);
	buf_add_string(&value, " ");
	if (f->kind == FIELD_PARAMS)
		buf_add_string(&value, "text/plain;");
	while (value.len < 3000) {
		buf_add_string(&value, before);
		buf_add_string(&value, choose(made_of[f->kind].pieces));
		before = choose(made_of[f->kind].between);
	}
	write_field(&once, f->name, value.bytes);
	if (has_long_line(&once) || strstr(once.bytes, "\r\n \r\n") != NULL)
		fail_msg("%s:%s\n%s", f->name, value.bytes, once.bytes);
	write_field(&again, f->name, strchr(once.bytes, ':') + 1);
	assert_string_equal(once.bytes, again.bytes);
	buf_free(&value);
	buf_free(&once);
	buf_free(&again);
}

static void
test_any(void **state)
{
	static const struct field_name unknown = {"X-Unknown", FIELD_TEXT};
	const struct field_name *f;
	int round;

	(void)state;
	srand(1);
	for (round = 0; round < FOLD_ROUNDS; round++) {
		fold_any(&unknown);
		for (f = field_names; f->name != NULL; f++)
			fold_any(f);
	}
}

/* --- encoded words --- */

#define AEIOU "=C3=A4=C3=B6=C3=BC=C3=9F"
#define BASE64 "w6TDtsO8w5/DpMO2w7zDn8Ok" /* nine letters */

/* A long encoded word becomes several; none is encoded twice. */
static const struct {
	const char *name, *before, *piece, *behind;
	const char *has; /* in the result */
	int stays;
} words[] = {
    {"Subject", "=?utf-8?Q?", AEIOU, "?=", "=?utf-8?B?w6TD", 0},
    {"Subject", "=?UTF-8?B?", BASE64, "?=", "?=\r\n =?UTF-8?", 0},
    {"Subject", "a =?iso-8859-1?q?", "=E4=F6", "?= b", "a =?iso-8859-1?B?5Pbk",
	0},
    {"Subject", "=?gb2312?B?", "xOO6w8TjusPE47rD", "?=", "=?gb2312?", 0},
    {"From", "=?utf-8?Q?", AEIOU, "?= <a@x.de>", " <a@x.de>", 0},
    {"To", "=?utf-8?Q?", AEIOU, "?= <a@x.de>, b@x", "<a@x.de>, b@x", 0},
    {"X-Unknown", "=?utf-8?Q?", AEIOU, "?=", "=?utf-8?B?w6TD", 0},
    /* where a character ends is not known */
    {"Subject", "=?iso-2022-jp?B?", "GyRCRnxLXBsoQg==", "?=", "=?iso-2022-jp?B",
	1},
};

static void
test_long_words(void **state)
{
	struct buf value, once, again;
	const char *p, *end;
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		print_message("%zu\n", i);
		buf_init(&value, 65536);
		buf_init(&once, 65536);
		buf_init(&again, 65536);
		buf_printf(&value, " %s", words[i].before);
		for (n = 0; n < 150; n++)
			buf_add_string(&value, words[i].piece);
		buf_add_string(&value, words[i].behind);
		write_field(&once, words[i].name, value.bytes);
		assert_int_equal(has_long_line(&once), words[i].stays);
		assert_non_null(strstr(once.bytes, words[i].has));
		assert_null(strstr(once.bytes, "=3D=3F"));
		p = words[i].stays ? NULL : once.bytes;
		while (p != NULL && (p = strstr(p, "=?")) != NULL) {
			end = p + strcspn(p, " \r\n");
			assert_in_range(end - p, 12, 75);
			assert_memory_equal(end - 2, "?=", 2);
			p = end;
		}
		write_field(&again, words[i].name, strchr(once.bytes, ':') + 1);
		assert_string_equal(once.bytes, again.bytes);
		buf_free(&value);
		buf_free(&once);
		buf_free(&again);
	}
}

/* Readers that join words in base64 find a '=' behind the last one alone. */
static void
test_padding(void **state)
{
	static const char *const letters[] = {"\xC3\xBC", "\xE2\x82\xAC",
	    "\xF0\x9F\x98\x80", "a\xC3\xBC\xC3\xBC", "\xC3\xBC\xE2\x82\xAC"};
	struct buf value, once;
	const char *p;
	size_t i, n;

	(void)state;
	for (i = 0; i < 5 * 90; i++) {
		buf_init(&value, 65536);
		buf_init(&once, 65536);
		buf_add_string(&value, " ");
		for (n = 0; n < i / 5 + 1; n++)
			buf_add_string(&value, letters[i % 5]);
		write_field(&once, "Subject", value.bytes);
		assert_non_null(strstr(once.bytes, "?B?"));
		p = strstr(once.bytes, "=?=");
		assert_true(p == NULL || p[3] == '\0');
		buf_free(&value);
		buf_free(&once);
	}
}

/* --- parameters --- */

/* One that no line can hold gets sections (RFC 2231 section 3). */
static void
test_long_parameter(void **state)
{
	struct buf value, once;

	(void)state;
	buf_init(&value, 65536);
	buf_init(&once, 65536);
	buf_add_string(&value, " attachment; filename=\"");
	add_pieces(&value, "abcdefghijklmnopqrstuvwxyz#");
	buf_add_string(&value, ".pdf\"; size=3");
	write_field(&once, "Content-Disposition", value.bytes);
	assert_false(has_long_line(&once));
	assert_non_null(strstr(once.bytes, ";\r\n filename*1*="));
	assert_non_null(strstr(once.bytes, ".pdf; size=3"));
	buf_free(&value);
	buf_free(&once);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_any),
	    cmocka_unit_test(test_long_words),
	    cmocka_unit_test(test_padding),
	    cmocka_unit_test(test_long_parameter),
	};

	return cmocka_run_group_tests_name("agent_fold", tests, NULL, NULL);
}
