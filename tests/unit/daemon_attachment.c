/*
 * What the agent says of attachments (agent/daemon/message/attachment.c): a row
 * is the lines of a request, and what is made of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/daemon/message/attachment.h"

#define FILE_SIZE 100
#define TYPED "attachment=0,10\nattachment-name=a\nattachment-type=t/s\n"

enum { REFUSED, FOUND_WRONG, GOOD };

static const struct {
	const char *lines;
	int result;
	size_t count;
	long long size;
} rows[] = {
    {"", GOOD, 0, 0},
    {"other=1\nattachments=7\n", GOOD, 0, 0}, /* somebody else's lines */
    {TYPED, GOOD, 1, 10},
    {TYPED TYPED "attachment-id=x@y\nattachment-inline=yes\n", GOOD, 2, 20},
    {TYPED "attachment-shape=round\n", GOOD, 1, 10}, /* not known yet */
    {"attachment=90,10\nattachment-name=\xc3\xa9\nattachment-type=t\n", GOOD, 1,
	10},
    /* malformed */
    {"attachment-name=a\n", REFUSED, 0, 0},
    {"attachment=0\n", REFUSED, 0, 0},
    {"attachment=0,0\n", REFUSED, 0, 0},
    {"attachment=-1,5\n", REFUSED, 0, 0},
    {TYPED "attachment-name=b\n", REFUSED, 0, 0}, /* a second one */
    {"attachment=0,10\nattachment-name=\n", REFUSED, 0, 0},
    {"attachment=0,10\nattachment-name=\xff\n", REFUSED, 0, 0}, /* no UTF-8 */
    {"attachment=0,200000000\n" TYPED "attachment=0,200000000\n", REFUSED, 0,
	0}, /* too large together */
    /* found when all is there */
    {"attachment=0,10\nattachment-type=t\n", FOUND_WRONG, 0, 0},
    {"attachment=0,10\nattachment-name=a\n", FOUND_WRONG, 0, 0},
    {"attachment=91,10\nattachment-name=a\nattachment-type=t\n", FOUND_WRONG, 0,
	0},
};

static int
read_lines(struct attachments *all, const char *text)
{
	char *copy = strdup(text), *at = copy, *line, *value;
	int result = 0;

	while (result != -1 && (line = strsep(&at, "\n")) != NULL) {
		value = strchr(line, '=');
		if (value == NULL)
			continue;
		*value++ = '\0';
		result = attachments_read(all, line, value, NULL);
		assert_true(result != 0 || strncmp(line, "attachment", 10) ||
		    strcmp(line, "attachments") == 0);
	}
	free(copy);
	return result;
}

static void
test_rows(void **state)
{
	struct attachments all = {0};
	struct source source = {.fd = memfd_create("spool", MFD_CLOEXEC)};
	int result;
	size_t i;

	(void)state;
	assert_int_equal(ftruncate(source.fd, FILE_SIZE), 0);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (read_lines(&all, rows[i].lines) == -1)
			result = REFUSED;
		else if (attachments_check(&all, &source, NULL) == -1)
			result = FOUND_WRONG;
		else
			result = GOOD;
		if (result != rows[i].result)
			fail_msg("row %zu: %d", i, result);
		if (result == GOOD) {
			assert_int_equal(all.count, rows[i].count);
			assert_int_equal(all.size, rows[i].size);
		}
		attachments_free(&all);
	}
	close(source.fd);
}

static void
test_values(void **state)
{
	struct attachments all = {0};

	(void)state;
	read_lines(
	    &all, TYPED TYPED "attachment-id=x@y\nattachment-inline=yes\n");
	assert_null(all.list[0].id);
	assert_int_equal(all.list[0].is_inline, 0);
	assert_string_equal(all.list[1].id, "x@y");
	assert_string_equal(all.list[1].type, "t/s");
	assert_int_equal(all.list[1].is_inline, 1);
	attachments_free(&all);
}

static void
test_most(void **state)
{
	struct attachments all = {0};
	int i;

	(void)state;
	for (i = 0; i < ATTACHMENTS_MAX; i++)
		assert_int_equal(
		    attachments_read(&all, "attachment", "0,1", NULL), 1);
	assert_int_equal(attachments_read(&all, "attachment", "0,1", NULL), -1);
	attachments_free(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
