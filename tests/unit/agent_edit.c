/*
 * The list of edits (agent/pipe/edit/edit.c). A row is edits of one message as
 * "from,len,replacement" and what the message becomes; NULL where the list is
 * refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent_message.h"

#define MESSAGE "0123456789"

struct step {
	int from, len;
	const char *bytes;
};

static const struct {
	struct step steps[4];
	const char *want;
	size_t segments, edits;
} rows[] = {
    {{{0, 0, NULL}}, MESSAGE, 1, 0},
    {{{0, 0, "a"}}, "a0123456789", 2, 1},
    {{{10, 0, "a"}}, "0123456789a", 2, 1},
    {{{0, 3, ""}}, "3456789", 1, 1},
    {{{7, 3, ""}}, "0123456", 1, 1},
    {{{3, 4, "abc"}}, "012abc789", 3, 1},
    {{{0, 10, "a"}}, "a", 1, 1},
    {{{1, 1, "a"}, {3, 1, "b"}, {9, 1, "c"}}, "0a2b45678c", 6, 3},
    /* neighbours are one edit */
    {{{1, 1, "a"}, {2, 1, "b"}, {3, 0, "c"}}, "0abc3456789", 3, 1},
    {{{1, 1, ""}, {2, 1, ""}}, "03456789", 2, 1},
    {{{4, 0, "a"}, {4, 0, "b"}}, "0123ab456789", 3, 1},
    {{{4, 0, ""}}, MESSAGE, 2, 1},
    /* mistakes */
    {{{4, 1, "a"}, {4, 1, "b"}}, NULL, 0, 0},
    {{{4, 1, "a"}, {2, 1, "b"}}, NULL, 0, 0},
    {{{9, 2, "a"}}, NULL, 0, 0},
    {{{11, 0, "a"}}, NULL, 0, 0},
};

static int
apply(struct edits *edits, const struct step *s)
{
	struct error err;

	for (; s->bytes != NULL; s++)
		if (edit_start(edits, s->from, s->len, &err) == -1 ||
		    edit_write(edits, s->bytes, strlen(s->bytes), &err) == -1) {
			assert_string_equal(err.dsn, "4.3.0");
			return -1;
		}
	return 0;
}

static void
test_rows(void **state)
{
	struct spool spool;
	struct edits edits;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		message_spool(&spool, MESSAGE, strlen(MESSAGE));
		edits_init(&edits, &spool);
		buf_init(&out, 1024);
		if (rows[i].want == NULL)
			assert_int_equal(apply(&edits, rows[i].steps), -1);
		else {
			assert_int_equal(apply(&edits, rows[i].steps), 0);
			assert_int_equal(edits.count, rows[i].edits);
			assert_int_equal(
			    message_finish(&edits, &out), rows[i].segments);
			assert_string_equal(out.bytes, rows[i].want);
		}
		buf_free(&out);
		edits_free(&edits);
		spool_close(&spool);
	}
}

/* The most there may be fits into a record; one more is an error. */
static void
test_many(void **state)
{
	static char bytes[2 * EDITS_MAX + 2];
	struct spool spool;
	struct edits edits;
	struct error err;
	struct buf out;
	int i;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	message_spool(&spool, bytes, sizeof(bytes));
	edits_init(&edits, &spool);
	for (i = 0; i < EDITS_MAX; i++)
		assert_int_equal(edit_start(&edits, 2 * i, 1, &err), 0);
	buf_init(&out, sizeof(bytes));
	assert_int_equal(message_finish(&edits, &out), EDITS_MAX);
	assert_int_equal(out.len, sizeof(bytes) - EDITS_MAX);
	assert_int_equal(edit_start(&edits, 2 * i, 1, &err), -1);
	assert_string_equal(err.dsn, "5.6.0");
	buf_free(&out);
	edits_free(&edits);
	spool_close(&spool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("agent_edit", tests, NULL, NULL);
}
