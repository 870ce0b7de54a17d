/*
 * The table of identities with memory short: each allocation in turn fails. A
 * table is read whole or not at all, the one before it stays, and it is read as
 * soon as there is memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "failmalloc.h"

#include "agent/daemon/identities/table.h"
#include "identities_fake.h"

static const char table_text[] =
    "a application=T/C secret_file=/s clients=::1,192.0.2.0/24 from=a@x\n"
    "  { client_certificate = ca, one } logins=bob senders=@x recipients=@y\n"
    "b application=T/D certificate_file=/c daemon_name=x clients=::1\n"
    "  senders=any transport=msgraph-slow rate_limit=1/s sign_in=yes\n";

static void
test_reading(void **state)
{
	struct table *table;
	struct error err;
	size_t n;

	(void)state;
	table_write(table_text);
	for (n = 1;; n++) {
		fail_at(n);
		table = read_files(table_path, 0, &err);
		if (!fail_end())
			break;
		assert_null(table);
		assert_int_equal(err.class, ERROR_TEMPORARY);
		assert_non_null(strstr(err.text, "out of memory"));
	}
	assert_true(n > 15);
	assert_int_equal(table_count(table), 2);
	table_free(&table);
}

static void
test_reading_again(void **state)
{
	static const struct sign_in_row old = {T "@" C, "old", NULL};
	static const struct sign_in_row new = {T "@" D, "b", NULL};
	size_t n, failed;

	(void)state;
	for (n = 1, failed = 1; failed; n++) {
		start("old application=T/C\n", NULL);
		table_write(table_text);
		age((long)n + 10);
		fail_at(n);
		identities_refresh(ids, 0);
		failed = (size_t)fail_end();
		if (strcmp(who(T "@" C), "old") == 0)
			check_sign_in(&old);
		else
			check_sign_in(&new);
		identities_refresh(ids, 0);
		check_sign_in(&new);
	}
	assert_true(n > 20);
}

static void
test_starting(void **state)
{
	struct identities *fresh;
	struct error err;
	size_t n;

	(void)state;
	table_write(table_text);
	for (n = 1;; n++) {
		fail_at(n);
		fresh = identities_new(&with, st, &err);
		if (!fail_end())
			break;
		if (fresh == NULL)
			assert_string_equal(err.text, "out of memory");
		identities_free(&fresh);
	}
	assert_non_null(fresh);
	identities_free(&fresh);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reading),
	    cmocka_unit_test(test_reading_again),
	    cmocka_unit_test(test_starting),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
