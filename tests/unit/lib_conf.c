/*
 * msgraph.conf (lib/conf/conf.c): a row is what a file says and what becomes of
 * it, a setting's value or the error with its line.
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

#define FILE_BYTES(s) s, sizeof(s) - 1
#define UUID "11111111-2222-3333-4444-555555555555"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static char file[] = "/tmp/lib_confXXXXXX";

static int
make_file(void **state)
{
	int fd = mkstemp(file);

	(void)state;
	return fd == -1 ? -1 : close(fd);
}

static int
remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

static void
write_file(const char *bytes, size_t len)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

/* What conf_print() says; the caller frees it. */
static char *
printed(const struct conf *conf)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	conf_print(conf, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* --- what is accepted --- */

static const struct {
	const char *bytes;
	size_t len;
	const char *line; /* of conf_print() */
} good[] = {
    /* nothing: the defaults */
    {FILE_BYTES(""), "cloud = global\n"},
    {FILE_BYTES(""), "login_endpoint = https://login.microsoftonline.com\n"},
    {FILE_BYTES(""), "graph_endpoint = https://graph.microsoft.com\n"},
    {FILE_BYTES(""), "ca_file = \n"},
    {FILE_BYTES(""), "proxy = \n"},
    {FILE_BYTES(""), "username_delimiter = any\n"},
    {FILE_BYTES(""), "auth_cache_ttl = 10m\n"},
    {FILE_BYTES(""), "auth_socket = /var/spool/postfix/msgraph/auth\n"},
    {FILE_BYTES(""), "submit_socket = /run/msgraph/submit\n"},
    {FILE_BYTES(""), "state_directory = /var/lib/msgraph\n"},
    {FILE_BYTES(""), "vault_key_file = /etc/msgraph/vault.key\n"},
    {FILE_BYTES(""), "connect_timeout = 10s\n"},
    {FILE_BYTES(""), "request_timeout = 2m\n"},
    {FILE_BYTES(""), "throttle_wait = 1m\n"},
    {FILE_BYTES(""),
	"milter_socket = unix:/var/spool/postfix/msgraph/milter\n"},
    {FILE_BYTES(""), "mailbox_from = header\n"},
    {FILE_BYTES(""), "log_level = info\n"},
    {FILE_BYTES(""), "log_destination = syslog\n"},

    /* lines */
    {FILE_BYTES("#\n\n \t\n  # cloud = china\n"), "cloud = global\n"},
    {FILE_BYTES("cloud = usgov"), "cloud = usgov\n"},
    {FILE_BYTES("cloud=usgov\n"), "cloud = usgov\n"},
    {FILE_BYTES("\t cloud\t =\t usgov \t\r\n"), "cloud = usgov\n"},
    {FILE_BYTES("ca_file = /a=b\n"), "ca_file = /a=b\n"},
    {FILE_BYTES("ca_file = /a # b\n"), "ca_file = /a # b\n"},
    {FILE_BYTES("ca_file = /m\303\274ll\n"), "ca_file = /m\303\274ll\n"},
    {FILE_BYTES("ca_file =\nproxy =\n"), "proxy = \n"},

    /* clouds, and endpoints that stand against them */
    {FILE_BYTES("cloud = usgov\n"),
	"graph_endpoint = https://graph.microsoft.us\n"},
    {FILE_BYTES("cloud = usgov\n"),
	"login_endpoint = https://login.microsoftonline.us\n"},
    {FILE_BYTES("cloud = usgov-dod\n"),
	"graph_endpoint = https://dod-graph.microsoft.us\n"},
    {FILE_BYTES("cloud = usgov-dod\n"),
	"login_endpoint = https://login.microsoftonline.us\n"},
    {FILE_BYTES("cloud = china\n"),
	"graph_endpoint = https://microsoftgraph.chinacloudapi.cn\n"},
    {FILE_BYTES("cloud = china\n"),
	"login_endpoint = https://login.chinacloudapi.cn\n"},
    {FILE_BYTES("graph_endpoint = https://g\ncloud = china\n"),
	"graph_endpoint = https://g\n"},
    {FILE_BYTES("graph_endpoint = https://g\ncloud = china\n"),
	"login_endpoint = https://login.chinacloudapi.cn\n"},
    {FILE_BYTES("graph_endpoint =\ncloud = usgov\n"),
	"graph_endpoint = https://graph.microsoft.us\n"},
    {FILE_BYTES("login_endpoint = https://127.0.0.1:8443\n"),
	"login_endpoint = https://127.0.0.1:8443\n"},
    {FILE_BYTES("login_endpoint = https://[::1]:1\n"),
	"login_endpoint = https://[::1]:1\n"},
    {FILE_BYTES("login_endpoint = https://[::1]\n"),
	"login_endpoint = https://[::1]\n"},
    {FILE_BYTES("login_endpoint = https://A-b_c.Example:65535\n"),
	"login_endpoint = https://A-b_c.Example:65535\n"},

    /* durations: every unit, the limits, and how they are printed */
    {FILE_BYTES("auth_cache_ttl = 0\n"), "auth_cache_ttl = 0s\n"},
    {FILE_BYTES("auth_cache_ttl = 0d\n"), "auth_cache_ttl = 0s\n"},
    {FILE_BYTES("auth_cache_ttl = 59\n"), "auth_cache_ttl = 59s\n"},
    {FILE_BYTES("auth_cache_ttl = 60s\n"), "auth_cache_ttl = 1m\n"},
    {FILE_BYTES("auth_cache_ttl = 90m\n"), "auth_cache_ttl = 90m\n"},
    {FILE_BYTES("auth_cache_ttl = 24h\n"), "auth_cache_ttl = 1d\n"},
    {FILE_BYTES("auth_cache_ttl = 1d\n"), "auth_cache_ttl = 1d\n"},
    {FILE_BYTES("auth_cache_ttl = 86399\n"), "auth_cache_ttl = 86399s\n"},
    {FILE_BYTES("auth_cache_ttl = 007m\n"), "auth_cache_ttl = 7m\n"},
    {FILE_BYTES("connect_timeout = 1\n"), "connect_timeout = 1s\n"},
    {FILE_BYTES("connect_timeout = 5m\n"), "connect_timeout = 5m\n"},

    /* sizes: every unit, the limits, and how they are printed */
    {FILE_BYTES(""), "sendmail_limit = 3000000\n"},
    {FILE_BYTES(""), "max_message_size = 35m\n"},
    {FILE_BYTES("sendmail_limit = 64k\n"), "sendmail_limit = 64k\n"},
    {FILE_BYTES("sendmail_limit = 65537\n"), "sendmail_limit = 65537\n"},
    {FILE_BYTES("max_message_size = 36700160\n"), "max_message_size = 35m\n"},
    {FILE_BYTES("max_message_size = 1024k\n"), "max_message_size = 1m\n"},
    {FILE_BYTES("max_message_size = 1025k\n"), "max_message_size = 1025k\n"},
    {FILE_BYTES("max_message_size = 150m\n"), "max_message_size = 150m\n"},

    {FILE_BYTES("submit_socket = /123456" HUNDRED "\n"),
	"submit_socket = /123456" HUNDRED "\n"},
    {FILE_BYTES("username_delimiter = |\n"), "username_delimiter = |\n"},
    {FILE_BYTES(""), "allowed_tenants = \n"},
    {FILE_BYTES("allowed_tenants = any\n"), "allowed_tenants = any\n"},
    {FILE_BYTES("allowed_tenants = " UUID ", AAAAAAAAAAAAAAAAAAAAAA\n"),
	"allowed_tenants = " UUID ", AAAAAAAAAAAAAAAAAAAAAA\n"},
    {FILE_BYTES(""), "identity_maps = /etc/msgraph/identities\n"},
    {FILE_BYTES("identity_maps =\n"), "identity_maps = \n"},
    {FILE_BYTES("identity_maps = /a, /b\n"), "identity_maps = /a, /b\n"},
    {FILE_BYTES("identity_maps = /a lmdb:/b, socketmap:unix:/c:d\n"),
	"identity_maps = /a lmdb:/b, socketmap:unix:/c:d\n"},
    {FILE_BYTES("identity_lookup_suffix = Re-lay_1\n"),
	"identity_lookup_suffix = Re-lay_1\n"},
    {FILE_BYTES(""), "imds_endpoint = \n"},
    {FILE_BYTES("imds_endpoint = http://127.0.0.1:1\n"),
	"imds_endpoint = http://127.0.0.1:1\n"},
    {FILE_BYTES("imds_endpoint = http://[::1]:65535\n"),
	"imds_endpoint = http://[::1]:65535\n"},
    {FILE_BYTES("log_destination = stderr\n"), "log_destination = stderr\n"},
    {FILE_BYTES("milter_socket = unix:/123456" HUNDRED "\n"),
	"milter_socket = unix:/123456" HUNDRED "\n"},
    {FILE_BYTES("milter_socket = local:/run/milter\n"),
	"milter_socket = local:/run/milter\n"},
    {FILE_BYTES("milter_socket = /run/milter\n"),
	"milter_socket = /run/milter\n"},
    {FILE_BYTES("milter_socket = inet6:8891@::1\n"),
	"milter_socket = inet6:8891@::1\n"},
    {FILE_BYTES("milter_socket = inet:8891\n"), "milter_socket = inet:8891\n"},
    {FILE_BYTES("milter_socket = inet:8025@localhost\n"),
	"milter_socket = inet:8025@localhost\n"},
};

static void
test_good(void **state)
{
	struct conf conf;
	struct error err;
	char *text, *at;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		write_file(good[i].bytes, good[i].len);
		if (conf_load(&conf, file, &err) == -1)
			fail_msg("case %zu: %s", i, err.text);
		text = printed(&conf);
		at = strstr(text, good[i].line);
		if (at == NULL || (at != text && at[-1] != '\n'))
			fail_msg("no %sin:\n%s", good[i].line, text);
		free(text);
		conf_free(&conf);
	}
}

/* What -t prints is a file that means the same, and names every setting. */
static void
test_print_again(void **state)
{
	struct conf conf;
	struct error err;
	char *first, *second;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		write_file(good[i].bytes, good[i].len);
		assert_int_equal(conf_load(&conf, file, &err), 0);
		first = printed(&conf);
		conf_free(&conf);
		write_file(first, strlen(first));
		if (conf_load(&conf, file, &err) == -1)
			fail_msg("%s", err.text);
		second = printed(&conf);
		conf_free(&conf);
		assert_string_equal(first, second);
		free(first);
		free(second);
	}
}

/* --- what is refused --- */

#define LOOPBACK "must be http://127.0.0.1:port or http://[::1]:port"

static const struct {
	const char *bytes;
	size_t len;
	const char *said; /* starts with ":line: " */
} bad[] = {
    {FILE_BYTES("nonsense\n"), ":1: not of the form"},
    {FILE_BYTES("= x\n"), ":1: not of the form"},
    {FILE_BYTES("\nColour = x\n"),
	":2: unknown setting \"Colour\"; see msgraph.conf(5)"},
    {FILE_BYTES("cloud global = x\n"), ":1: not of the form"},
    {FILE_BYTES("\357\273\277cloud = china\n"), ":1: not of the form"},
    {FILE_BYTES("#\ncloud = china\n#\ncloud = china\n"),
	":4: \"cloud\" was set on line 2 already"},
    {FILE_BYTES("proxy =\nproxy =\n"), ":2: \"proxy\" was set on line 1"},

    {FILE_BYTES("cloud = mars\n"),
	":1: cloud: \"mars\" is not one of: global, usgov, usgov-dod, china"},
    {FILE_BYTES("cloud = Global\n"), ":1: cloud: \"Global\" is not one of"},
    {FILE_BYTES("cloud =\n"), ":1: cloud: \"\" is not one of"},
    {FILE_BYTES("allowed_tenants = ,\n"),
	":1: allowed_tenants: nothing stands"},
    {FILE_BYTES("allowed_tenants = all\n"),
	":1: allowed_tenants: \"all\" is neither a UUID (36 characters) nor"},
    {FILE_BYTES("allowed_tenants = " UUID ", any\n"), "\"any\" is neither"},
    {FILE_BYTES("allowed_tenants = " UUID "x\n"), "x\" is neither a UUID"},
    {FILE_BYTES("identity_maps = /a b\n"),
	":1: identity_maps: \"b\" is neither a path that starts with / nor"},
    {FILE_BYTES("identity_maps = lmdb:\n"), "\"lmdb:\" is neither"},
    {FILE_BYTES("identity_maps = :/a\n"), "\":/a\" is neither"},
    {FILE_BYTES("identity_maps = LMDB:/a\n"), "\"LMDB:/a\" is neither"},
    {FILE_BYTES("identity_lookup_suffix =\n"),
	":1: identity_lookup_suffix: \"\" is no word of 1 to 64 letters"},
    {FILE_BYTES("identity_lookup_suffix = a.b\n"), "\"a.b\" is no word"},
    {FILE_BYTES("username_delimiter = @:\n"), ":1: username_delimiter: \"@:\""},
    {FILE_BYTES("log_level = info # x\n"), ":1: log_level: \"info # x\""},

    {FILE_BYTES("throttle_wait =\n"),
	":1: throttle_wait: \"\" is not a number"},
    {FILE_BYTES("throttle_wait = m\n"), "\"m\" is not a number"},
    {FILE_BYTES("throttle_wait = -1\n"), "\"-1\" is not a number"},
    {FILE_BYTES("throttle_wait = +1\n"), "\"+1\" is not a number"},
    {FILE_BYTES("throttle_wait = 1 m\n"), "\"1 m\" is not a number"},
    {FILE_BYTES("throttle_wait = 1M\n"), "\"1M\" is not a number"},
    {FILE_BYTES("throttle_wait = 1mm\n"), "\"1mm\" is not a number"},
    {FILE_BYTES("throttle_wait = 1.5m\n"), "\"1.5m\" is not a number"},
    {FILE_BYTES("throttle_wait = 0x10\n"), "\"0x10\" is not a number"},
    {FILE_BYTES("throttle_wait = 61m\n"), "is not between 0s and 3600s"},
    {FILE_BYTES("throttle_wait = 3601\n"), "is not between 0s and 3600s"},
    {FILE_BYTES("connect_timeout = 0\n"), "is not between 1s and 300s"},
    {FILE_BYTES("connect_timeout = 301\n"), "is not between 1s and 300s"},
    /* past every integer: 2^63, 2^63 days, 2^64 */
    {FILE_BYTES("auth_cache_ttl = 9223372036854775808\n"), "is not between"},
    {FILE_BYTES("auth_cache_ttl = 9223372036854775807d\n"), "is not between"},
    {FILE_BYTES("auth_cache_ttl = 213503982334602d\n"), "is not between"},
    {FILE_BYTES("auth_cache_ttl = 18446744073709551616\n"), "is not between"},

    {FILE_BYTES("max_message_size =\n"),
	":1: max_message_size: \"\" is not a number with k or m behind it"},
    {FILE_BYTES("max_message_size = 35M\n"), "\"35M\" is not a number"},
    {FILE_BYTES("max_message_size = 35mb\n"), "\"35mb\" is not a number"},
    {FILE_BYTES("max_message_size = 1d\n"), "\"1d\" is not a number"},
    {FILE_BYTES("max_message_size = -1\n"), "\"-1\" is not a number"},
    {FILE_BYTES("max_message_size = 63k\n"),
	"is not between 65536 and 157286400"},
    {FILE_BYTES("max_message_size = 151m\n"),
	"is not between 65536 and 157286400"},
    {FILE_BYTES("max_message_size = 9223372036854775807m\n"), "is not between"},

    {FILE_BYTES("ca_file = ca.pem\n"), ":1: ca_file: the path must start"},
    {FILE_BYTES("state_directory =\n"),
	":1: state_directory: a path is needed"},
    {FILE_BYTES("auth_socket =\n"), ":1: auth_socket: the path must start"},
    {FILE_BYTES("auth_socket = run/auth\n"), ":1: auth_socket: the path must"},
    {FILE_BYTES("submit_socket = /1234567" HUNDRED "\n"),
	":1: submit_socket: the path is too long for a socket (107 bytes)"},
    {FILE_BYTES("milter_socket =\n"), ":1: milter_socket: it must be unix:/"},
    {FILE_BYTES("milter_socket = msgraph/milter\n"),
	":1: milter_socket: it must be unix:/path, inet:port@host or "
	"inet6:port@host"},
    {FILE_BYTES("milter_socket = tcp:8891@127.0.0.1\n"),
	":1: milter_socket: it must be"},
    {FILE_BYTES("milter_socket = unix:\n"),
	":1: milter_socket: the path must start with /"},
    {FILE_BYTES("milter_socket = local:msgraph/milter\n"),
	":1: milter_socket: the path must start with /"},
    {FILE_BYTES("milter_socket = unix:/1234567" HUNDRED "\n"),
	":1: milter_socket: the path is too long for a socket (107 bytes)"},
    {FILE_BYTES("milter_socket = inet:\n"),
	":1: milter_socket: the form is inet:port@host"},
    {FILE_BYTES("milter_socket = inet:127.0.0.1:8891\n"),
	":1: milter_socket: the form is"},
    {FILE_BYTES("milter_socket = inet:0@127.0.0.1\n"),
	":1: milter_socket: the form is"},
    {FILE_BYTES("milter_socket = inet6:65536@::1\n"),
	":1: milter_socket: the form is"},
    {FILE_BYTES("milter_socket = inet:-1@127.0.0.1\n"),
	":1: milter_socket: the form is"},

    {FILE_BYTES("graph_endpoint = http://g\n"), "must start with https://"},
    /* no TLS there: nothing but this host */
    {FILE_BYTES("imds_endpoint = http://169.254.169.254\n"), LOOPBACK},
    {FILE_BYTES("imds_endpoint = https://127.0.0.1:1\n"), LOOPBACK},
    {FILE_BYTES("imds_endpoint = http://127.0.0.1\n"), LOOPBACK},
    {FILE_BYTES("imds_endpoint = http://127.0.0.1:80@example.com\n"), LOOPBACK},
    {FILE_BYTES("imds_endpoint = http://127.0.0.1:1/\n"), LOOPBACK},
    {FILE_BYTES("imds_endpoint = http://127.0.0.1.example.com:1\n"), LOOPBACK},
    {FILE_BYTES("imds_endpoint = http://localhost:1\n"), LOOPBACK},
    {FILE_BYTES("imds_endpoint = http://[::2]:1\n"), LOOPBACK},
    {FILE_BYTES("graph_endpoint = HTTPS://g\n"), "must start with https://"},
    {FILE_BYTES("graph_endpoint = g\n"), "must start with https://"},
    {FILE_BYTES("graph_endpoint = https://\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://g/\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://g/v1.0\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://g?x\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://g#x\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://u:p@g\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://a b\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://a\\b\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://a%2fb\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://a\001b\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://:443\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://g:\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://g:0\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://g:65536\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://g:4294967297\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://g:https\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://g:-1\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://g:1:2\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://[]\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://[::1\n"), "without a path"},
    {FILE_BYTES("graph_endpoint = https://[::1]x\n"), "without a path"},

    /* what would hide */
    {FILE_BYTES("cloud = china\0nonsense\n"), ":1: the line holds a NUL"},
    {FILE_BYTES("\0cloud = china\n"), ":1: the line holds a NUL"},
    {FILE_BYTES("#\n#\0\n"), ":2: the line holds a NUL"},
    {FILE_BYTES("#\ncloud = china\0"), ":2: the line holds a NUL"},
    {FILE_BYTES("#\n\0"), ":2: the line holds a NUL"},

    /* an error text is one line */
    {FILE_BYTES("cloud = a\033[2J\rb\n"), ":1: cloud: \"a?[2J?b\" is not"},
};

static void
check_refused(size_t i, const char *said)
{
	const struct conf empty = {0};
	struct conf conf;
	struct error err;

	memset(&conf, 'x', sizeof(conf));
	memset(&err, 0, sizeof(err));
	if (conf_load(&conf, file, &err) != -1)
		fail_msg("case %zu was taken", i);
	assert_int_equal(err.class, ERROR_OURS);
	assert_string_equal(err.dsn, "4.3.5");
	if (strncmp(err.text, file, strlen(file)) != 0 ||
	    strstr(err.text, said) == NULL)
		fail_msg("case %zu: %s", i, err.text);
	/* nothing is left to free, and freeing it again does no harm */
	assert_memory_equal(&conf, &empty, sizeof(conf));
	conf_free(&conf);
}

static void
test_bad(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		write_file(bad[i].bytes, bad[i].len);
		check_refused(i, bad[i].said);
	}
}

/* The error comes from the first line that is wrong, however many are good. */
static void
test_line_number(void **state)
{
	FILE *out = fopen(file, "w");
	int i;

	(void)state;
	assert_non_null(out);
	for (i = 0; i < 1000; i++)
		fputs("# comment\n", out);
	fputs("clouds = x\nalso bad\n", out);
	fclose(out);
	check_refused(
	    0, ":1001: unknown setting \"clouds\"; did you mean \"cloud\"?");
}

static const struct {
	size_t len; /* of a comment line, without its newline */
	int newline, taken;
} lengths[] = {
    {2000, 1, 1},
    {2046, 0, 1},
    {2048, 1, 0},
    {2048, 0, 0},
    {10000, 1, 0},
};

static void
test_long_lines(void **state)
{
	static char line[10002];
	struct conf conf;
	struct error err;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		len = lengths[i].len;
		memset(line, '#', sizeof(line));
		line[len] = '\n';
		write_file(line, len + (size_t)lengths[i].newline);
		if (!lengths[i].taken) {
			check_refused(i, ":1: the line is too long");
			continue;
		}
		assert_int_equal(conf_load(&conf, file, &err), 0);
		conf_free(&conf);
	}
}

static void
test_no_file(void **state)
{
	struct conf conf;
	struct error err;

	(void)state;
	assert_int_equal(conf_load(&conf, "/nonexistent/x.conf", &err), -1);
	assert_int_equal(err.class, ERROR_OURS);
	assert_string_equal(err.dsn, "4.3.5");
	assert_string_equal(
	    err.text, "open /nonexistent/x.conf: No such file or directory");
	conf_free(&conf);
	assert_int_equal(conf_load(&conf, "/tmp", &err), -1);
	assert_string_equal(err.text, "read /tmp: Is a directory");
	conf_free(&conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_print_again),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_line_number),
	    cmocka_unit_test(test_long_lines),
	    cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
