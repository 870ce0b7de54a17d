/*
 * The reader of what postconf prints. A script plays postconf: it prints the
 * files main and master of the test's folder, and fails where there are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/ctl/base/postconf.h"

static char folder[] = "/tmp/ctl_postconf.XXXXXX";

static const char script[] =
    "#!/bin/sh\n"
    "case $* in *-M*) file=master ;; *) file=main ;; esac\n"
    "cat $2/$file 2>/dev/null || {\n"
    "	echo postconf: warning: much ado >&2\n"
    "	echo postconf: fatal: open $2: No such file or directory >&2\n"
    "	exit 1\n"
    "}\n"
    "[ $file = master ] || echo postconf: warning: unused parameter >&2\n";

static void
put(const char *name, const char *text, mode_t mode)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
read_with(struct postconf *p, const char *main_cf, const char *master_cf)
{
	struct error err;

	put("main", main_cf, 0600);
	put("master", master_cf, 0600);
	if (postconf_read(p, folder, POSTCONF_AS_WRITTEN, &err) == -1)
		fail_msg("%s", err.text);
}

/* A service in words that are joined by '|': arguments, and each option. */
static const struct {
	const char *line, *wanted;
} services[] = {
    {"smtp inet n - y - - smtpd", ""},
    {"smtp      inet  n       -       y       -       -       smtpd", ""},
    {"a unix - - n - - smtpd -o a=b -o c=", "|a=b|c="},
    {"a unix - - n - - smtpd -oa=b -v -v -o c=d", "-v -v|a=b|c=d"},
    {"a unix - - n - - smtpd -o {a = b c} -o {d={ {x y} }} -v",
	"-v|a=b c|d={ {x y} }"},
    {"m unix - n n - 20 pipe -o a= flags=q argv=/bin/x -o y=z ${recipient}",
	"flags=q argv=/bin/x -o y=z ${recipient}|a="},
    {"a unix - - n - - smtpd -o a=static:{no no} -o b={c d}e -v",
	"-v|a=static:{no no}|b={c d}e"},
    {"a unix - - n - - pipe user=x argv=/x {y z}w -o v",
	"user=x argv=/x {y z}w -o v"},
    {"a unix - - n - - smtpd -o a=}b -o c=d", "|a=}b|c=d"},
    {"a unix - - n - - smtpd -o {", ""},
    {"a unix - - n - - smtpd -o", ""},
    {"a unix - -", ""},
};

static void
test_services(void **state)
{
	char found[256];
	const struct postconf_service *s;
	struct postconf p;
	size_t i, o;

	(void)state;
	for (i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		read_with(&p, "", services[i].line);
		assert_int_equal(p.service_count, 1);
		s = &p.services[0];
		assert_string_equal(s->line, services[i].line);
		snprintf(found, sizeof(found), "%s", s->arguments);
		for (o = 0; o < s->count; o++) {
			strcat(found, "|");
			strcat(found, s->options[o].name);
			strcat(found, "=");
			strcat(found, s->options[o].value);
		}
		assert_string_equal(found, services[i].wanted);
		postconf_free(&p);
	}
}

/* A service, and its line with "a" as "x y". */
static const struct {
	const char *line, *wanted;
} changed[] = {
    {"s unix - - n - - smtpd", "s unix - - n - - smtpd -o {a=x y}"},
    {"s unix - - n - - smtpd -v -o b=1",
	"s unix - - n - - smtpd -o {a=x y} -v -o b=1"},
    {"s unix - - n - - smtpd -o b=1 -oa=2 -o b=3 -v",
	"s unix - - n - - smtpd -o b=1  -o {a=x y} -o b=3 -v"},
    {"s  unix - - n - - smtpd -o a=1 -o { a = {2 3} } -o ab=4",
	"s  unix - - n - - smtpd -o a=1  -o {a=x y} -o ab=4"},
    {"s unix - - n - - pipe -o {b = a=1} user=u argv=/x -o a=5",
	"s unix - - n - - pipe -o {a=x y} -o {b = a=1} user=u argv=/x -o a=5"},
};

static void
test_define_with(void **state)
{
	struct postconf p;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
		read_with(&p, "", changed[i].line);
		buf_init(&out, 1000);
		postconf_define_with(&p.services[0], "a", "x y", &out);
		assert_string_equal(out.bytes, changed[i].wanted);
		buf_free(&out);
		postconf_free(&p);
	}
}

static void
test_look_ups(void **state)
{
	const struct postconf_service *s;
	struct postconf p;

	(void)state;
	read_with(&p, "a = b c\nempty =\nequals = x=y = z\nno line\n",
	    "x inet n - y - - smtpd\n"
	    "x unix n - y - - smtpd -o a=1 -o a=2\n"
	    "x inet n - - - 7 other -o b=\n");
	assert_string_equal(postconf_value(&p, "a"), "b c");
	assert_string_equal(postconf_value(&p, "empty"), "");
	assert_string_equal(postconf_value(&p, "equals"), "x=y = z");
	assert_null(postconf_value(&p, "b"));
	assert_int_equal(postconf_times(&p, "x/inet"), 2);
	assert_int_equal(postconf_times(&p, "x/unix"), 1);
	assert_int_equal(postconf_times(&p, "y/unix"), 0);
	assert_null(postconf_service(&p, "x"));
	s = postconf_service(&p, "x/inet");
	assert_string_equal(s->fields[POSTCONF_COMMAND], "other");
	assert_string_equal(s->fields[POSTCONF_PROCESSES], "7");
	assert_string_equal(s->fields[POSTCONF_CHROOT], "-");
	assert_string_equal(postconf_option(s, "b"), "");
	assert_string_equal(postconf_effective(&p, s, "a"), "b c");
	s = postconf_service(&p, "x/unix");
	assert_string_equal(postconf_effective(&p, s, "a"), "2");
	assert_null(postconf_effective(&p, s, "none"));
	postconf_free(&p);
}

static void
test_many(void **state)
{
	char main_cf[9000] = "", line[32];
	struct postconf p;
	int i;

	(void)state;
	for (i = 0; i < 500; i++) {
		snprintf(line, sizeof(line), "name%d = %d\n", i, i);
		strcat(main_cf, line);
	}
	read_with(&p, main_cf, "");
	assert_int_equal(p.setting_count, 500);
	assert_int_equal(p.service_count, 0);
	assert_string_equal(postconf_value(&p, "name499"), "499");
	postconf_free(&p);
}

/* What is wrong is said in Postfix's words. */
static void
test_failure(void **state)
{
	const char *const args[] = {"-e", "a=b", NULL};
	struct postconf p;
	struct error err;

	(void)state;
	assert_int_equal(
	    postconf_read(&p, "/nowhere", POSTCONF_AS_WRITTEN, &err), -1);
	assert_string_equal(err.text,
	    "postconf: fatal: open /nowhere: No such file or directory");
	assert_null(p.services);
	assert_int_equal(postconf_run("/nowhere", args, NULL, &err), -1);
	assert_int_equal(postconf_run(folder, args, NULL, &err), 0);
}

static int
set_up(void **state)
{
	char path[128];

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	put("postconf", script, 0700);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", folder);
	return setenv("PATH", path, 1);
}

static int
tear_down(void **state)
{
	static const char *const names[] = {"postconf", "main", "master"};
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_services),
	    cmocka_unit_test(test_define_with),
	    cmocka_unit_test(test_look_ups),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
