/*
 * What is said once a day of the relay's own credentials
 * (agent/daemon/entra/credential.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "credential_file.h"

static void
each(void *ctx, credential_visit visit, void *arg)
{
	visit(arg, "printers", ctx);
}

/* The certificate, and what is in the log. */
static const struct {
	const char *pem, *said;
} warnings[] = {
    {"kc", ""},
    {"ks", "the certificate of entry printers, /tmp/"},
    {"ks", "ends in 20 days"},
    {"kd", "mail of entry printers would wait: " PAIR " /tmp/"},
    {"kd", "ended on"},
};

static void
test_warnings(void **state)
{
	struct credentials credentials = {.each = each};
	struct credential *credential = credential_new(PAIR, file, NULL);
	int saved = dup(STDERR_FILENO);
	char line[1024];
	FILE *in;
	size_t i, at;

	(void)state;
	credentials.ctx = credential;
	for (i = 0; i < sizeof(warnings) / sizeof(*warnings); i++) {
		write_at(file, PAIR, warnings[i].pem);
		assert_non_null(freopen(other, "w", stderr));
		log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO);
		at = 0;
		assert_int_equal(credentials_warn(&credentials, &at), 0);
		fflush(stderr);
		dup2(saved, STDERR_FILENO);
		in = fopen(other, "r");
		line[fread(line, 1, sizeof(line) - 1, in)] = '\0';
		fclose(in);
		if (warnings[i].said[0] == '\0')
			assert_string_equal(line, "");
		else if (strstr(line, warnings[i].said) == NULL)
			fail_msg("%s", line);
	}
	close(saved);
	credential_free(&credential);
}

static void
each_of_twenty(void *ctx, credential_visit visit, void *arg)
{
	int i;

	for (i = 0; i < 20; i++)
		visit(arg, "printers", ctx);
}

/* A few at a time, since nobody else is served meanwhile. */
static void
test_many_warnings(void **state)
{
	struct credentials credentials = {.each = each_of_twenty};
	struct credential *credential =
	    credential_new("secret_file", file, NULL);
	size_t at = 0;

	(void)state;
	credentials.ctx = credential;
	assert_int_equal(credentials_warn(&credentials, &at), 1);
	assert_int_equal(at, 8);
	assert_int_equal(credentials_warn(&credentials, &at), 1);
	assert_int_equal(at, 16);
	assert_int_equal(credentials_warn(&credentials, &at), 0);
	assert_int_equal(at, 0);
	credential_free(&credential);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_warnings),
	    cmocka_unit_test(test_many_warnings),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
