/*
 * Postfix's configuration as checks ask for it: words of lists, times, and
 * which services are ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/ctl/doctor/postfix.h"

static void
test_words(void **state)
{
	static const struct {
		const char *list, *words[4];
	} rows[] = {
	    {"", {NULL}},
	    {" , ", {NULL}},
	    {"a", {"a", NULL}},
	    {"a, bc\tdef,", {"a", "bc", "def", NULL}},
	    {"regexp:{ {/^X: y/ IGNORE} }, b",
		{"regexp:{ {/^X: y/ IGNORE} }", "b", NULL}},
	    {"{ unix:a, timeout=5s } inet:b:1",
		{"{ unix:a, timeout=5s }", "inet:b:1", NULL}},
	    {"{ a, b", {"{ a, b", NULL}},
	};
	const char *at, *word;
	size_t i, j, len;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		at = rows[i].list;
		for (j = 0; (len = postfix_word(&at, &word)) > 0; j++) {
			assert_non_null(rows[i].words[j]);
			assert_int_equal(len, strlen(rows[i].words[j]));
			assert_memory_equal(word, rows[i].words[j], len);
		}
		assert_null(rows[i].words[j]);
	}
	assert_true(postfix_has_word("PLAIN, LOGIN", "LOGIN"));
	assert_false(postfix_has_word("PLAINER LOGINS", "LOGIN"));
	assert_false(postfix_has_word("", "LOGIN"));
}

static struct postconf_setting settings[] = {
    {"a_time", "900s"},
    {"minutes", "15m"},
    {"days", "5d"},
    {"size", "36700160"},
    {"empty", ""},
    {"word", "Yes"},
    {"default_process_limit", "50"},
    {"cleanup_service_name", "cleanup"},
};

static struct postconf_setting option = {
    "cleanup_service_name", "msgraph-cleanup"};

static char none[] = "";
static char arguments[] = "user=msgraph argv=/opt/msgraph-agent --x";

static struct postconf_service services[] = {
    {.fields = {"25", "inet", "n", "-", "y", "-", "-", "smtpd"},
	.arguments = none},
    {.fields = {"8025", "inet", "n", "-", "y", "-", "7", "smtpd"},
	.arguments = none,
	.options = &option,
	.count = 1},
    {.fields = {"msgraph-2", "unix", "-", "n", "n", "-", "20", "pipe"},
	.arguments = none},
    {.fields = {"graph", "unix", "-", "n", "n", "-", "0", "pipe"},
	.arguments = arguments},
    {.fields = {"msgraphic", "unix", "-", "n", "n", "-", "-", "pipe"},
	.arguments = none},
    {.fields = {"msgraph", "unix", "n", "-", "y", "-", "0", "cleanup"},
	.arguments = none},
};

static const struct postconf postfix = {
    .settings = settings,
    .setting_count = sizeof(settings) / sizeof(settings[0]),
    .services = services,
    .service_count = sizeof(services) / sizeof(services[0]),
};

static void
test_values(void **state)
{
	static const struct {
		const char *name;
		long number;
	} rows[] = {
	    {"a_time", 900},
	    {"minutes", 900},
	    {"days", 432000},
	    {"size", 36700160},
	    {"empty", 0},
	    {"nothing", 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(postfix_number(&postfix, NULL, rows[i].name),
		    rows[i].number);
	assert_true(postfix_is_yes(&postfix, NULL, "word"));
	assert_false(postfix_is_yes(&postfix, NULL, "nothing"));
	assert_string_equal(postfix_get(&postfix, NULL, "nothing"), "");
	assert_string_equal(
	    postfix_get(&postfix, &services[1], "cleanup_service_name"),
	    "msgraph-cleanup");
	assert_string_equal(
	    postfix_get(&postfix, &services[0], "cleanup_service_name"),
	    "cleanup");
}

static void
test_services(void **state)
{
	static const struct {
		int listens, sends;
		long limit;
	} rows[] = {
	    {0, 0, 50},
	    {1, 0, 7},
	    {0, 1, 20},
	    {0, 1, 0},
	    {0, 0, 50},
	    {0, 0, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(postfix_is_listener(&postfix, &services[i]),
		    rows[i].listens);
		assert_int_equal(
		    postfix_is_transport(&services[i]), rows[i].sends);
		assert_int_equal(
		    postfix_limit(&postfix, &services[i]), rows[i].limit);
	}
}

/* "-" was "y" before Postfix 3.0, and is with a compatibility_level of 0. */
static void
test_roots(void **state)
{
	static const struct {
		const char *level, *chroot;
		int is_inside;
	} rows[] = {
	    {"0", "-", 1},
	    {"0", "n", 0},
	    {"1", "-", 0},
	    {"3.6", "-", 0},
	    {"3.6", "y", 1},
	    {"", "y", 1},
	};
	struct postconf_setting values[] = {
	    {"queue_directory", "/q"}, {"compatibility_level", ""}};
	const struct postconf old = {.settings = values, .setting_count = 2};
	struct postconf_service service = {
	    .fields = {"25", "inet", "n", "-", "", "-", "-", "smtpd"}};
	const char *root;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		values[1].value = rows[i].level;
		service.fields[POSTCONF_CHROOT] = rows[i].chroot;
		root = postfix_root(&old, &service);
		assert_string_equal(
		    root == NULL ? "" : root, rows[i].is_inside ? "/q" : "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_services),
	    cmocka_unit_test(test_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
