/*
 * Which files of own credentials were replaced
 * (agent/daemon/identities/identities_audit.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identities_fake.h"

static char own_path[80];

/* A new file each time, as a script or an editor leaves it. */
static void
replace_own(const char *text)
{
	char new[100];
	FILE *out;

	snprintf(new, sizeof(new), "%s.new", own_path);
	out = fopen(new, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(rename(new, own_path), 0);
}

/* Returns what is logged of files since the last look. */
static const char *
look(void)
{
	listen_to_log();
	while (identities_look_at_files(ids))
		;
	return said();
}

static void
check_replaced(const char *attribute, int is_logged)
{
	char table[200], more[240], line[200];

	snprintf(table, sizeof(table), "a application=T/C %s=%s", attribute,
	    own_path);
	snprintf(more, sizeof(more), "%s senders=@x\n", table);
	snprintf(line, sizeof(line),
	    ": audit: entry=a, application=" T "/" C ", action=replaced "
	    "(%s %s)\n",
	    attribute, own_path);
	replace_own("one");
	start(table, NULL);
	assert_string_equal(look(), "");
	assert_string_equal(look(), "");
	replace_own("two");
	assert_int_equal(strstr(look(), line) != NULL, is_logged);
	assert_string_equal(look(), "");
	/* a reload between the two loses nothing, nor does a file that goes */
	replace_own("six");
	change(more);
	assert_int_equal(strstr(look(), line) != NULL, is_logged);
	unlink(own_path);
	assert_string_equal(look(), "");
	replace_own("ten");
	assert_int_equal(strstr(look(), line) != NULL, is_logged);
	unlink(own_path);
}

static void
test_replaced_credentials(void **state)
{
	(void)state;
	snprintf(own_path, sizeof(own_path), "%s.own", table_path);
	check_replaced("secret_file", 1);
	check_replaced("certificate_file", 1);
	/* somebody else renews it, every hour */
	check_replaced("federated_token_file", 0);
}

/* Nobody waits for all files of a large table. */
static void
test_looks_at_a_few(void **state)
{
	struct buf table;
	int i, steps = 1;

	(void)state;
	buf_init(&table, 1024 * 1024);
	for (i = 0; i < 1000; i++)
		buf_printf(
		    &table, "n%d application=T/C secret_file=/s%d\n", i, i);
	start(table.bytes, NULL);
	buf_free(&table);
	while (identities_look_at_files(ids))
		steps++;
	assert_in_range(steps, 10, 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_replaced_credentials),
	    cmocka_unit_test(test_looks_at_a_few),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
