/*
 * lib/ with memory short: each allocation in turn fails, and what is left is a
 * failure that was reported, nothing half done and nothing lost. And what held
 * a secret is wiped before it is freed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "failmalloc.h"

#include "lib/base/buf.h"
#include "lib/base/secret.h"
#include "lib/conf/conf.h"
#include "lib/local/wire.h"

/* --- failures --- */

static void
test_buf(void **state)
{
	char big[300];
	struct buf buf;

	(void)state;
	memset(big, 'x', sizeof(big));
	buf_init(&buf, 1000);
	fail_at(1);
	assert_int_equal(buf_add_string(&buf, "abc"), -1);
	assert_true(fail_end());
	assert_int_equal(buf.failed, BUF_NO_MEMORY);
	assert_null(buf.bytes);
	assert_int_equal(buf_add_string(&buf, "abc"), 0);
	/* growth that fails leaves what was there */
	fail_from(1);
	assert_int_equal(buf_add(&buf, big, sizeof(big)), -1);
	assert_int_equal(buf_printf(&buf, "%300d", 1), -1);
	assert_null(buf_reserve(&buf, sizeof(big)));
	assert_int_equal(wire_auth_string(&buf, big, sizeof(big)), -1);
	assert_true(fail_end());
	assert_string_equal(buf.bytes, "abc");
	assert_int_equal(buf.len, 3);
	assert_int_equal(buf_add(&buf, big, sizeof(big)), 0);
	assert_int_equal(buf.len, 303);
	buf_free(&buf);
}

static void
test_secret(void **state)
{
	struct secret *secret;

	(void)state;
	fail_at(1);
	secret = secret_new("abc", 3);
	assert_true(fail_end());
	assert_null(secret);
}

static const char conf_bytes[] = "cloud = china\n"
				 "ca_file = /etc/ssl/ca.pem\n"
				 "proxy = http://proxy:3128\n"
				 "graph_endpoint = https://graph.example\n"
				 "state_directory = /srv/msgraph\n";

static void
test_conf(void **state)
{
	const struct conf empty = {0};
	char file[] = "/tmp/lib_allocXXXXXX";
	struct conf conf;
	struct error err;
	size_t n;
	int fd = mkstemp(file), result;

	(void)state;
	assert_int_equal(
	    write(fd, conf_bytes, strlen(conf_bytes)), strlen(conf_bytes));
	close(fd);
	for (n = 1;; n++) {
		fail_at(n);
		result = conf_load(&conf, file, &err);
		if (!fail_end())
			break;
		assert_int_equal(result, -1);
		assert_int_equal(err.dsn[0], '4');
		assert_non_null(strstr(err.text, "out of memory"));
		assert_memory_equal(&conf, &empty, sizeof(conf));
	}
	assert_true(n > 8);
	assert_int_equal(result, 0);
	assert_string_equal(conf.state_directory, "/srv/msgraph");
	conf_free(&conf);
	unlink(file);
}

static void
test_wire(void **state)
{
	const struct wire_reply reply = {
	    .status = WIRE_SENT, .dsn = "2.0.0", .text = "accepted"};
	struct buf buf;
	size_t n;
	int result;

	(void)state;
	for (n = 1;; n++) {
		buf_init(&buf, WIRE_REPLY_MAX);
		fail_at(n);
		result = wire_reply_format(&buf, &reply);
		if (!fail_end())
			break;
		assert_int_equal(result, -1);
		buf_free(&buf);
	}
	assert_int_equal(n, 2);
	assert_int_equal(result, 0);
	buf_free(&buf);
}

/* --- what is freed --- */

#define SECRET "a-secret-that-must-be-wiped"

static int
begin(void **state)
{
	(void)state;
	fail_state.secret = SECRET;
	fail_state.seen = 0;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	fail_state.secret = NULL;
	return 0;
}

/* That the test can fail: a block that nobody wipes is seen. */
static void
test_is_seen(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 1000);
	buf_add_string(&buf, SECRET);
	buf_free(&buf);
	assert_int_equal(fail_state.seen, 1);
}

static void
test_secret_wiped(void **state)
{
	struct secret *secret = secret_new(SECRET, strlen(SECRET));

	(void)state;
	secret_free(&secret);
	assert_int_equal(fail_state.seen, 0);
}

static void
test_buf_wiped(void **state)
{
	char big[1000];
	struct buf buf;

	(void)state;
	memset(big, 'x', sizeof(big));
	buf_init(&buf, 10000);
	buf_add_string(&buf, SECRET);
	/* growth moves it; so does dropping what stood before it */
	buf_add(&buf, big, sizeof(big));
	buf_wipe(&buf);
	assert_int_equal(fail_state.seen, 0);

	buf_add(&buf, big, 200);
	buf_add_string(&buf, SECRET);
	buf_drop(&buf, 100);
	buf_drop(&buf, buf.len);
	buf_add(&buf, big, sizeof(big));
	assert_int_equal(fail_state.seen, 0);
	buf_add_string(&buf, SECRET);
	buf_drop(&buf, 10);
	buf_wipe(&buf);
	assert_int_equal(fail_state.seen, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_buf),
	    cmocka_unit_test(test_secret),
	    cmocka_unit_test(test_conf),
	    cmocka_unit_test(test_wire),
	    cmocka_unit_test_setup_teardown(test_is_seen, begin, end),
	    cmocka_unit_test_setup_teardown(test_secret_wiped, begin, end),
	    cmocka_unit_test_setup_teardown(test_buf_wiped, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
