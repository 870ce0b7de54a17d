/*
 * Layers of edits (agent/pipe/edit/view.c). A row is edits of a message, edits
 * of what those make of it, and what comes out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/pipe/edit/view.h"
#include "agent_message.h"

#define MESSAGE "0123456789"

struct step {
	int from, len;
	const char *bytes;
};

static const struct {
	struct step below[4];
	const char *shown;
	struct step above[4];
	const char *want;
} rows[] = {
    {{{0, 0, NULL}}, MESSAGE, {{0, 0, NULL}}, MESSAGE},
    {{{0, 0, NULL}}, MESSAGE, {{3, 2, "ab"}}, "012ab56789"},
    {{{3, 2, "ab"}}, "012ab56789", {{0, 0, NULL}}, "012ab56789"},
    {{{3, 2, "abc"}}, "012abc56789", {{4, 1, "x"}}, "012axc56789"},
    {{{3, 2, "abc"}}, "012abc56789", {{2, 5, "x"}}, "01x6789"},
    {{{3, 2, "abc"}}, "012abc56789", {{3, 0, "x"}}, "012xabc56789"},
    {{{3, 2, "abc"}}, "012abc56789", {{6, 0, "x"}}, "012abcx56789"},
    {{{3, 2, "abc"}}, "012abc56789", {{5, 2, "x"}}, "012abx6789"},
    {{{3, 2, ""}}, "01256789", {{2, 2, "x"}}, "01x6789"},
    {{{0, 2, ""}, {8, 2, ""}}, "234567", {{0, 6, ""}}, ""},
    {{{0, 0, "ab"}, {10, 0, "cd"}}, "ab0123456789cd",
	{{0, 1, "x"}, {2, 1, "y"}, {13, 1, "z"}}, "xby123456789cz"},
    {{{1, 1, "a"}, {3, 1, "b"}, {5, 1, "c"}}, "0a2b4c6789", {{1, 5, ""}},
	"06789"},
    {{{1, 1, "a"}, {3, 1, "b"}, {5, 1, "c"}}, "0a2b4c6789",
	{{0, 1, "x"}, {4, 1, "y"}, {9, 1, "z"}}, "xa2byc678z"},
};

static void
apply(struct edits *edits, const struct step *s)
{
	struct error err;

	for (; s->bytes != NULL; s++) {
		assert_int_equal(edit_start(edits, s->from, s->len, &err), 0);
		assert_int_equal(
		    edit_write(edits, s->bytes, strlen(s->bytes), &err), 0);
	}
}

static void
check_shown(struct view *v, const char *want)
{
	char bytes[64], c;
	size_t len = 0, i;
	ssize_t n;

	while ((n = view_read(
		    v, bytes + len, sizeof(bytes) - len, (long long)len)) > 0)
		len += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(len, strlen(want));
	assert_int_equal(v->spool.raw, len);
	assert_memory_equal(bytes, want, len);
	for (i = 0; i < len; i++) {
		assert_int_equal(view_read(v, &c, 1, (long long)i), 1);
		assert_int_equal(c, want[i]);
	}
}

static void
test_rows(void **state)
{
	struct edits below, above;
	struct spool spool;
	struct error err;
	struct view view;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		message_spool(&spool, MESSAGE, strlen(MESSAGE));
		edits_init(&below, &spool);
		apply(&below, rows[i].below);
		assert_int_equal(view_init(&view, &below, &err), 0);
		check_shown(&view, rows[i].shown);
		edits_init(&above, &view.spool);
		apply(&above, rows[i].above);
		view_apply(&view, &above);
		edits_free(&above);
		view_free(&view);
		/* nothing is written over what the layer above wrote */
		assert_int_equal(spool_append(&spool, "later", 5, &err), 0);
		buf_init(&out, 1024);
		buf_add(&out, "", 0);
		message_finish(&below, &out);
		assert_string_equal(out.bytes, rows[i].want);
		buf_free(&out);
		edits_free(&below);
		spool_close(&spool);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests_name("agent_view", tests, NULL, NULL);
}
