/*
 * What holds for any field (agent/pipe/field): no encoded word where RFC 2047
 * section 5 forbids it, no 8-bit byte but in a local part or boundary, and a
 * second time changes nothing. All fields that we know, and one that we do not,
 * with random values; none of these has a "=?", so each encoded word is ours.
 * The reader of the result is this file's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pipe/field/field.h"
#include "agent/pipe/field/field_names.h"

#define ROUNDS 3000

/* Where an encoded word may stand in a field of this kind. */
enum where { NOWHERE, COMMENTS, PHRASES, OUTSIDE_QUOTES, ANYWHERE };

static const enum where where[] = {
    [FIELD_TEXT] = OUTSIDE_QUOTES, /* quotes may be such: it is not known */
    [FIELD_SUBJECT] = ANYWHERE,
    [FIELD_ADDRESSES] = PHRASES,
    [FIELD_PARAMS] = NOWHERE,
    [FIELD_PHRASES] = PHRASES,
    [FIELD_IDS] = COMMENTS,
    [FIELD_PHRASE_ID] = PHRASES,
    [FIELD_URIS] = COMMENTS,
    [FIELD_TRACE] = NOWHERE,
};

static const char *const pieces[] = {"\xC3\xBC", "\xC3\xBC", "\xE6\x96\x87",
    "\xFC", "a", "b c", " ", " ", "\r\n ", "\"", "\"", "(", ")", "<", ">",
    "<a@x>", "x@y.z", "@", ".", ",", ";", ":", "=", "/", "\\", "\"q \xC3\xBC\"",
    "(c \xC3\xBC)", "name=", "[", "]"};

static void
make_value(struct buf *out)
{
	int n = 1 + rand() % 14;

	buf_add(out, " ", 1);
	while (n-- > 0)
		buf_add_string(out,
		    pieces[(size_t)rand() %
			(sizeof(pieces) / sizeof(pieces[0]))]);
}

/* Where what opens at p closes, or NULL. */
static const char *
find_close(const char *p)
{
	char open = *p;
	int depth = 1;

	for (p++; *p != '\0'; p++) {
		if (open != '[' && *p == '\\' && p[1] != '\0')
			p++;
		else if (open == '"' && *p == '"')
			return p;
		else if (open == '[' && (*p == '[' || *p == '\\'))
			return NULL;
		else if (open == '[' && *p == ']')
			return p;
		else if (open == '(' && *p == '(')
			depth++;
		else if (open == '(' && *p == ')' && --depth == 0)
			return p;
	}
	return NULL;
}

static int
has_word(const char *from, const char *to)
{
	return memmem(from, (size_t)(to - from), "=?", 2) != NULL;
}

/* 1 when a word stands where it may. */
static int
words_are_right(const char *value, enum where words)
{
	const char *p, *end;
	int in_angle = 0;

	if (words == NOWHERE)
		return strstr(value, "=?") == NULL;
	if (words == ANYWHERE)
		return 1;
	if (words == OUTSIDE_QUOTES) {
		for (p = value; (p = strchr(p, '"')) != NULL; p = end + 1) {
			end = strchr(p + 1, '"');
			if (end == NULL)
				break;
			if (has_word(p, end))
				return 0;
		}
		return 1;
	}
	for (p = value; *p != '\0'; p++) {
		if (strncmp(p, "=?", 2) == 0 &&
		    (words < PHRASES || in_angle ||
			(p > value && p[-1] == '@')))
			return 0;
		if (strncmp(p, "?=@", 3) == 0)
			return 0;
		if (*p == '<' && p[1 + strcspn(p + 1, "<>,;")] == '>')
			in_angle = 1;
		in_angle &= strchr(">,;", *p) == NULL;
		if (strchr("\"([", *p) == NULL ||
		    (in_angle && words == COMMENTS) ||
		    (end = find_close(p)) == NULL)
			continue;
		if (*p != '(' && has_word(p, end))
			return 0;
		p = end;
	}
	return 1;
}

static int
has_eight_bit(const char *p)
{
	for (; *p != '\0'; p++)
		if (*p & 0x80)
			return 1;
	return 0;
}

static void
write_field(struct buf *out, const char *name, struct span value)
{
	const struct span none = {NULL, 0};
	struct buf head;

	buf_init(&head, 1024);
	buf_printf(&head, "%s:", name);
	field_write(
	    out, span_between(head.bytes, head.bytes + head.len), value, none);
	assert_false(out->failed);
	buf_add(out, "", 0);
	buf_free(&head);
}

static void
check(const struct field_name *f)
{
	struct buf value, once, again;
	const char *text;

	buf_init(&value, 4096);
	buf_init(&once, 65536);
	buf_init(&again, 65536);
	make_value(&value);
	write_field(
	    &once, f->name, span_between(value.bytes, value.bytes + value.len));
	text = strchr(once.bytes, ':') + 1;
	if (!words_are_right(text, where[f->kind]) ||
	    (f->kind != FIELD_ADDRESSES && has_eight_bit(text)))
		fail_msg("%s:%s\n%s", f->name, value.bytes, once.bytes);
	write_field(&again, f->name, span_between(text, once.bytes + once.len));
	if (strcmp(once.bytes, again.bytes) != 0)
		fail_msg("%s:%s\n%s\n%s", f->name, value.bytes, once.bytes,
		    again.bytes);
	buf_free(&value);
	buf_free(&once);
	buf_free(&again);
}

static void
test_everywhere(void **state)
{
	static const struct field_name unknown = {"X-Unknown", FIELD_TEXT};
	const struct field_name *f;
	size_t round;

	(void)state;
	srand(1);
	for (round = 0; round < ROUNDS; round++) {
		check(&unknown);
		for (f = field_names; f->name != NULL; f++)
			check(f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_everywhere),
	};

	return cmocka_run_group_tests_name(
	    "agent_field_words", tests, NULL, NULL);
}
