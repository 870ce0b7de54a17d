/*
 * Names of settings and what is said of them (lib/conf): a mistyped name and
 * the one that was meant, former names, the help of each row, -n, and
 * what a program makes of a value.
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

#include "lib/base/version.h"
#include "lib/conf/conf_private.h"

static char file[] = "/tmp/lib_conf_namesXXXXXX";

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
write_file(const char *text)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* --- the table --- */

static void
test_every_row_is_described(void **state)
{
	const struct conf_option *row;
	size_t i;

	(void)state;
	for (i = 0; (row = conf_row(i)) != NULL; i++) {
		if (row->help == NULL || row->help[0] == '\0')
			fail_msg("%s has no help", row->name);
		if (strlen(row->help) > 76 ||
		    row->help[strlen(row->help) - 1] != '.')
			fail_msg("%s: \"%s\"", row->name, row->help);
		if ((row->type == CONF_NUMBER) != (row->unit != NULL))
			fail_msg("%s: a number has a unit, all else has none",
			    row->name);
	}
	assert_true(i > 30);
}

/* --- a name that is none --- */

static const struct {
	const char *name, *meant;
} near_rows[] = {
    {"clod", "cloud"},
    {"clouds", "cloud"},
    {"Cloud", "cloud"},
    {"cluod", "cloud"},
    {"crowd", NULL},
    {"log-level", "log_level"},
    {"loglevel", "log_level"},
    {"log_lvel", "log_level"},
    {"connection_timeout", "connect_timeout"},
    {"max_recipient", "max_recipients"},
    {"mailbox_form", "mailbox_from"},
    {"submit_sockets", "submit_socket"},
    {"", NULL},
    {"x", NULL},
    {"colour", NULL},
    {"login", NULL},
    {"no_such_setting", NULL},
    {"timeout", NULL},
    {"submit_socket_submit_socket_submit_socke", NULL},
    {"submit_socket_submit_socket_submit_socket", NULL},
    {"c\303\266", NULL},
};

static void
test_near_names(void **state)
{
	const char *found;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(near_rows) / sizeof(near_rows[0]); i++) {
		found = conf_near(near_rows[i].name);
		if (near_rows[i].meant == NULL && found != NULL)
			fail_msg("%s is not %s", near_rows[i].name, found);
		if (near_rows[i].meant != NULL &&
		    (found == NULL || strcmp(found, near_rows[i].meant) != 0))
			fail_msg("%s: %s", near_rows[i].name,
			    found == NULL ? "none" : found);
	}
}

static void
test_every_name_is_near_itself(void **state)
{
	const struct conf_option *row;
	size_t i;

	(void)state;
	for (i = 0; (row = conf_row(i)) != NULL; i++)
		assert_string_equal(conf_near(row->name), row->name);
}

/* --- former names --- */

static const struct conf_old old_names[] = {
    {"region", "cloud", NULL},
    {"threads", NULL, "msgraphd needs none"},
    {NULL, NULL, NULL},
};

static const struct {
	const char *text;
	int cloud;
	const char *said; /* all warnings, one line each, FILE for the name */
} old_rows[] = {
    {"", CLOUD_GLOBAL, ""},
    {"cloud = usgov\n", CLOUD_USGOV, ""},
    {"region = usgov\n", CLOUD_USGOV,
	":1: \"region\" is called \"cloud\" now; change the name\n"},
    {"\nthreads = 8\n", CLOUD_GLOBAL,
	":2: \"threads\" is no setting any more: msgraphd needs none; remove "
	"the line\n"},
    {"threads =\nthreads =\n", CLOUD_GLOBAL,
	":1: \"threads\" is no setting any more: msgraphd needs none; remove "
	"the line\n"
	":2: \"threads\" is no setting any more: msgraphd needs none; remove "
	"the line\n"},
    /* the present name counts, wherever it stands */
    {"region = usgov\ncloud = china\n", CLOUD_CHINA,
	":1: \"region\" is called \"cloud\" now; change the name\n"},
    {"cloud = china\nregion = usgov\n", CLOUD_CHINA,
	":2: \"region\" is called \"cloud\" now, which line 1 sets; remove "
	"the line\n"},
};

static char said[20000];

static void
say(const char *text)
{
	assert_int_equal(strncmp(text, file, strlen(file)), 0);
	assert_null(strpbrk(text, "\r\n"));
	assert_true(strlen(said) + strlen(text) + 2 < sizeof(said));
	strcat(strcat(said, text + strlen(file)), "\n");
}

static void
test_former_names(void **state)
{
	struct conf conf;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(old_rows) / sizeof(old_rows[0]); i++) {
		write_file(old_rows[i].text);
		if (conf_load_old(&conf, file, old_names, &err) == -1)
			fail_msg("case %zu: %s", i, err.text);
		said[0] = '\0';
		conf_warn(&conf, say);
		assert_string_equal(said, old_rows[i].said);
		assert_int_equal(conf.cloud, old_rows[i].cloud);
		conf_free(&conf);
	}
}

/* A former name has the rules of the present one. */
static void
test_former_name_with_a_wrong_value(void **state)
{
	struct conf conf;
	struct error err;

	(void)state;
	write_file("region = mars\n");
	assert_int_equal(conf_load_old(&conf, file, old_names, &err), -1);
	assert_non_null(strstr(err.text, ":1: region: \"mars\" is not one of"));
}

/* However many warnings there are, the file is read and memory bounded. */
static void
test_warnings_are_bounded(void **state)
{
	FILE *out = fopen(file, "w");
	struct conf conf;
	int i;

	(void)state;
	for (i = 0; i < 10000; i++)
		fputs("threads = 1\n", out);
	fputs("cloud = china\n", out);
	fclose(out);
	assert_int_equal(conf_load_old(&conf, file, old_names, NULL), 0);
	assert_int_equal(conf.cloud, CLOUD_CHINA);
	said[0] = '\0';
	conf_warn(&conf, say);
	assert_true(strlen(said) > 1000 && strlen(said) < 8 * 1024);
	conf_free(&conf);
}

/* For what runs, an unknown name alone is a warning, and the rest counts. */
static const struct {
	const char *text;
	const char *said; /* parts of what is warned of; NULL: an error */
} running_rows[] = {
    {"cloud = china\n", ""},
    {"cloud = china\nfrobnicate = 1\n",
	":2: unknown setting \"frobnicate\"; see msgraph.conf(5) (not counted"},
    {"proxi = x\ncloud = china\n", ":1: unknown setting \"proxi\"; did you"},
    {"frobnicate = 1\nfrobnicate = 2\ncloud = china\n", ":2: unknown"},
    {"cloud = mars\n", NULL},
    {"cloud = china\ncloud = china\n", NULL},
    {"cloud\n", NULL},
    {"frobnicate = 1\nthreads in words\n", NULL},
};

static void
test_running(void **state)
{
	struct conf conf;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(running_rows) / sizeof(running_rows[0]); i++) {
		write_file(running_rows[i].text);
		if (running_rows[i].said == NULL) {
			assert_int_equal(
			    conf_load_running(&conf, file, &err), -1);
			continue;
		}
		if (conf_load_running(&conf, file, &err) == -1)
			fail_msg("case %zu: %s", i, err.text);
		said[0] = '\0';
		conf_warn(&conf, say);
		assert_non_null(strstr(said, running_rows[i].said));
		assert_int_equal(conf.cloud, CLOUD_CHINA);
		conf_free(&conf);
		assert_int_equal(conf_load(&conf, file, &err),
		    running_rows[i].said[0] == '\0' ? 0 : -1);
		conf_free(&conf);
	}
}

/* The real table: a former name leads to a setting, and is none itself. */
static void
test_table_of_former_names(void **state)
{
	const struct conf_old *old;

	(void)state;
	for (old = conf_old_names; old->name != NULL; old++) {
		assert_true((old->now == NULL) == (old->why != NULL));
		assert_true(old->now == NULL ||
		    strcmp(conf_near(old->now), old->now) == 0);
		assert_true(conf_near(old->name) == NULL ||
		    strcmp(conf_near(old->name), old->name) != 0);
	}
}

/* --- what -n prints --- */

static const struct {
	const char *text, *changed;
} changed_rows[] = {
    {"", ""},
    {"cloud = global\nauth_cache_ttl = 600\nproxy =\n", ""},
    {"max_message_size = 36700160\n", ""},
    {"cloud = usgov\n", "cloud = usgov\n"},
    {"cloud = usgov\ngraph_endpoint = https://graph.microsoft.us\n",
	"cloud = usgov\n"},
    {"cloud = usgov\ngraph_endpoint = https://graph.microsoft.com\n",
	"cloud = usgov\ngraph_endpoint = https://graph.microsoft.com\n"},
    {"max_recipients = 10\nca_file = /a # b\nauth_cache_ttl = 0\n"
     "sendmail_limit = 64k\nproxy = http://p:1\n",
	"ca_file = /a # b\nproxy = http://p:1\nauth_cache_ttl = 0s\n"
	"sendmail_limit = 64k\nmax_recipients = 10\n"},
};

/* The caller frees it. */
static char *
changed_of(const struct conf *conf)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	conf_print_changed(conf, "msgraphd", "/etc/x.conf", out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* It is a file that means the same, too. */
static void
test_changed(void **state)
{
	static const char first[] =
	    "# msgraphd " MSGRAPH_VERSION ", /etc/x.conf\n";
	struct conf conf;
	struct error err;
	char *text, *again;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(changed_rows) / sizeof(changed_rows[0]); i++) {
		write_file(changed_rows[i].text);
		assert_int_equal(conf_load(&conf, file, &err), 0);
		text = changed_of(&conf);
		conf_free(&conf);
		assert_int_equal(strncmp(text, first, strlen(first)), 0);
		assert_string_equal(
		    text + strlen(first), changed_rows[i].changed);
		write_file(text);
		assert_int_equal(conf_load(&conf, file, &err), 0);
		again = changed_of(&conf);
		conf_free(&conf);
		assert_string_equal(text, again);
		free(text);
		free(again);
	}
}

/* --- what a program makes of it --- */

static const struct {
	const char *line, *delimiters;
} delimiter_rows[] = {
    {"", "@:|"},
    {"username_delimiter = any\n", "@:|"},
    {"username_delimiter = @\n", "@"},
    {"username_delimiter = :\n", ":"},
    {"username_delimiter = |\n", "|"},
};

static void
test_delimiters(void **state)
{
	struct conf conf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(delimiter_rows) / sizeof(*delimiter_rows); i++) {
		write_file(delimiter_rows[i].line);
		assert_int_equal(conf_load(&conf, file, NULL), 0);
		assert_string_equal(
		    conf_delimiters(&conf), delimiter_rows[i].delimiters);
		conf_free(&conf);
	}
}

static const struct {
	const char *line;
	int first, second; /* whether the tenants are allowed */
} tenant_rows[] = {
    {"", 0, 0},
    {"allowed_tenants =\n", 0, 0},
    {"allowed_tenants = any\n", 1, 1},
    {"allowed_tenants = 11111111-2222-3333-4444-55555555555A\n", 1, 0},
    {"allowed_tenants = 11111111-2222-3333-4444-55555555555a, "
     "AAAAAAAAAAAAAAAAAAAAAA\n",
	1, 1},
    {"allowed_tenants = AAAAAAAAAAAAAAAAAAAAAA==\n", 0, 1},
};

static void
test_allowed_tenants(void **state)
{
	struct conf conf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tenant_rows) / sizeof(*tenant_rows); i++) {
		write_file(tenant_rows[i].line);
		assert_int_equal(conf_load(&conf, file, NULL), 0);
		assert_int_equal(conf_allows_tenant(&conf,
				     "11111111-2222-3333-4444-55555555555a"),
		    tenant_rows[i].first);
		assert_int_equal(conf_allows_tenant(&conf,
				     "00000000-0000-0000-0000-000000000000"),
		    tenant_rows[i].second);
		assert_int_equal(conf_has_default_maps(&conf), 1);
		conf_free(&conf);
	}
}

static void
test_run_time_form(void **state)
{
	static const char bytes[] = "cloud = usgov-dod\n"
				    "auth_cache_ttl = 2h\n"
				    "mailbox_from = envelope\n"
				    "sendmail_limit = 100k\n"
				    "log_level = error\n"
				    "log_destination = stderr\n";
	struct conf conf;

	(void)state;
	write_file(bytes);
	assert_int_equal(conf_load(&conf, file, NULL), 0);
	assert_int_equal(conf.cloud, CLOUD_USGOV_DOD);
	assert_int_equal(conf.auth_cache_ttl, 7200);
	assert_int_equal(conf.mailbox_from, MAILBOX_FROM_ENVELOPE);
	assert_int_equal(conf.sendmail_limit, 102400);
	assert_int_equal(conf.max_message_size, 36700160);
	assert_int_equal(conf.log_level, LOG_LEVEL_ERROR);
	assert_int_equal(conf.log_destination, LOG_TO_STDERR);
	assert_null(conf.ca_file);
	assert_null(conf.proxy);
	conf_free(&conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_row_is_described),
	    cmocka_unit_test(test_near_names),
	    cmocka_unit_test(test_every_name_is_near_itself),
	    cmocka_unit_test(test_former_names),
	    cmocka_unit_test(test_former_name_with_a_wrong_value),
	    cmocka_unit_test(test_warnings_are_bounded),
	    cmocka_unit_test(test_running),
	    cmocka_unit_test(test_table_of_former_names),
	    cmocka_unit_test(test_changed),
	    cmocka_unit_test(test_delimiters),
	    cmocka_unit_test(test_allowed_tenants),
	    cmocka_unit_test(test_run_time_form),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
