/*
 * The proxy in msgraph.conf (lib/conf): a row is what a file says. Nothing
 * with a user name in it is taken, and nothing of it is shown.
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

#include "lib/conf/conf.h"

static int
load(struct conf *conf, const char *text, struct error *err)
{
	char file[] = "/tmp/lib_confXXXXXX";
	int fd = mkstemp(file), result;

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	result = conf_load(conf, file, err);
	unlink(file);
	return result;
}

static void
test_accepted(void **state)
{
	static const char *const values[] = {
	    "p",
	    "p.example.com:3128",
	    "192.0.2.1:8080",
	    "http://p:3128",
	    "HTTP://p:3128/",
	    "https://p",
	    "socks4://p",
	    "socks4a://p",
	    "socks5://p",
	    "socks5h://[::1]:1080",
	};
	struct conf conf;
	struct error err;
	char line[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(line, sizeof(line), "proxy = %s\n", values[i]);
		if (load(&conf, line, &err) == -1)
			fail_msg("%s", err.text);
		assert_string_equal(conf.proxy, values[i]);
		assert_null(conf.proxy_password_file);
		conf_free(&conf);
	}
}

/*
 * However a password gets into this file: no part of it is shown. What does not
 * parse as a URL must not be accepted either, since libcurl would repeat it.
 */
static void
test_no_password_shown(void **state)
{
	static const char *const lines[] = {
	    "proxy = http://u5er:pa55@p:3128",
	    "proxy = u5er:pa55@p:3128",
	    "proxy = u5er@p",
	    "proxy = http://u5er:pa55#x@p:3128",
	    "proxy = http://u5er:pa55?x@p:3128",
	    "proxy = http://u5er:pa55/x@p:3128",
	    "proxy = http://u5er:pa55@x@p:3128",
	    "proxy = http://u5er%40pa55:x@p",
	    "proxy = http://u5er%3Apa55%40p",
	    "proxy = //u5er:pa55@p",
	    "proxy = ftp://u5er:pa55@p",
	    "proxy = http:/u5er:pa55@p",
	    "proxy = http://p:3128/u5er:pa55",
	    "proxy = http://p:3128//",
	    "proxy = http://p:3128?u5er",
	    "proxy = http://p:3128#pa55",
	    "proxy = http://u5er:pa55\\@p",
	    "proxy = http://u5er:pa55 @p",
	    "proxy = http://u5er:pa55\303\274@p",
	    "proxy = u5er:pa55",
	    "proxy http://u5er:pa55@p:3128",
	    "proxy http://u5er:pa55=@p:3128",
	    "proxy: http://u5er:pa55=@p:3128",
	    "http://u5er:pa55@p:3128",
	    "http://u5er:pa55=x@p:3128",
	    "proxy_password_file = u5er:pa55",
	};
	struct conf conf;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (load(&conf, lines[i], &err) != -1)
			fail_msg("accepted: %s", lines[i]);
		if (strstr(err.text, "u5er") != NULL ||
		    strstr(err.text, "pa55") != NULL)
			fail_msg("%s: %s", lines[i], err.text);
		if (strncmp(lines[i], "proxy = ", 8) == 0)
			assert_non_null(
			    strstr(err.text, "belong into proxy_password_"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_accepted),
	    cmocka_unit_test(test_no_password_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
