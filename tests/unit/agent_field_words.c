/*
 * What holds for any field (agent/pipe/field): no encoded word where RFC 2047
 * section 5 forbids it, no 8-bit byte but in a local part or boundary, and
 * a second time changes nothing. Fields of all kinds with random values; none of
 * these has a "=?", so each encoded word is ours. The reader of the result is
 * this file's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/pipe/field/field.h"

#define ROUNDS 8000

static const struct {
	const char *name;
	int words; /* 3: anywhere outside quotes; 2: phrases; 1: comments only; 0: none */
	int eight_bit; /* may be left */
} fields[] = {
    {"From", 2, 1},
    {"Sender", 2, 1},
    {"Reply-To", 2, 1},
    {"To", 2, 1},
    {"Resent-Cc", 2, 1},
    {"Disposition-Notification-To", 2, 1},
    {"Delivered-To", 2, 1},
    {"Keywords", 2, 0},
    {"List-ID", 2, 0},
    {"X-Unknown", 3, 0},
    {"Message-ID", 1, 0},
    {"In-Reply-To", 1, 0},
    {"References", 1, 0},
    {"Content-ID", 1, 0},
    {"Date", 1, 0},
    {"MIME-Version", 1, 0},
    {"Auto-Submitted", 1, 0},
    {"Authentication-Results", 1, 0},
    {"List-Unsubscribe", 1, 0},
    {"Content-Location", 1, 0},
    {"Archived-At", 1, 0},
    {"Received", 0, 0},
    {"DKIM-Signature", 0, 0},
    {"Content-Type", 0, 0},
    {"Content-Disposition", 0, 0},
    {"Content-Transfer-Encoding", 0, 0},
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
words_are_right(const char *value, int words)
{
	const char *p, *end;
	int in_angle = 0;

	if (words == 0)
		return strstr(value, "=?") == NULL;
	if (words == 3) {
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
		    (words < 2 || in_angle || (p > value && p[-1] == '@')))
			return 0;
		if (strncmp(p, "?=@", 3) == 0)
			return 0;
		if (*p == '<' && p[1 + strcspn(p + 1, "<>,;")] == '>')
			in_angle = 1;
		in_angle &= strchr(">,;", *p) == NULL;
		if (strchr("\"([", *p) == NULL || (in_angle && words == 1) ||
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
check(size_t i)
{
	struct buf value, once, again;
	const char *text;

	buf_init(&value, 4096);
	buf_init(&once, 65536);
	buf_init(&again, 65536);
	make_value(&value);
	write_field(&once, fields[i].name,
	    span_between(value.bytes, value.bytes + value.len));
	text = strchr(once.bytes, ':') + 1;
	if (!words_are_right(text, fields[i].words) ||
	    (!fields[i].eight_bit && has_eight_bit(text)))
		fail_msg("%s:%s\n%s", fields[i].name, value.bytes, once.bytes);
	write_field(
	    &again, fields[i].name, span_between(text, once.bytes + once.len));
	if (strcmp(once.bytes, again.bytes) != 0)
		fail_msg("%s:%s\n%s\n%s", fields[i].name, value.bytes,
		    once.bytes, again.bytes);
	buf_free(&value);
	buf_free(&once);
	buf_free(&again);
}

static void
test_everywhere(void **state)
{
	size_t i, round;

	(void)state;
	srand(1);
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			check(i);
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
