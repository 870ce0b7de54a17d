/*
 * The table changes while the daemon runs and mail waits
 * (agent/daemon/identities/identities.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identities_fake.h"

/* --- files --- */

static int goes; /* once: the file of the table, before it is opened */

/* The default file is that of the test. */
static const char *
place(const char *path)
{
	return strcmp(path, CONF_DEFAULT_MAPS) == 0 ? table_path : path;
}

/* These two stand in for those of the C library. */
int open(const char *path, int flags, ...);
int stat(const char *path, struct stat *out);

int
open(const char *path, int flags, ...)
{
	if (goes && strcmp(place(path), table_path) == 0) {
		goes = 0;
		unlink(table_path);
	}
	return openat(AT_FDCWD, place(path), flags, 0600);
}

int
stat(const char *path, struct stat *out)
{
	return fstatat(AT_FDCWD, place(path), out, 0);
}

/* --- the table changes --- */

static const struct sign_in_row a_is_there = {T "@" C, "a", NULL};
static const struct sign_in_row a_is_gone = {T "@" C, "5.7.8", NULL};

static void
test_mistake_keeps_the_old(void **state)
{
	const char *text;

	(void)state;
	start("a application=T/C\n", NULL);
	listen_to_log();
	change("a application=T/C\nb sender=@x application=T/D\n");
	identities_refresh(ids, 0);
	identities_refresh(ids, 0);
	text = said();
	assert_int_equal(count_lines(text, "\n"), 1);
	assert_said(text,
	    "error: table of identities: not read again, the old "
	    "one stays: ");
	assert_said(text,
	    ":2: unknown attribute \"sender\"; did you mean "
	    "\"senders\"?");
	check_sign_in(&a_is_there);
	listen_to_log();
	identities_refresh(ids, 1);
	assert_said(said(), "the old one stays");
	check_sign_in(&a_is_there);
	change("b application=T/D\n");
	check_sign_in(&a_is_gone);
	check_sign_in(&(struct sign_in_row){T "@" D, "b", NULL});
}

static void
test_vanished_file(void **state)
{
	const char *text;

	(void)state;
	start("a application=T/C\n", NULL);
	assert_int_equal(unlink(table_path), 0);
	listen_to_log();
	identities_refresh(ids, 0);
	identities_refresh(ids, 0);
	text = said();
	assert_int_equal(count_lines(text, "\n"), 1);
	assert_said(text,
	    "identities has gone; the old table stays, until a "
	    "reload says that this is meant");
	check_sign_in(&a_is_there);
	/* it comes back */
	change("b application=T/D\n");
	check_sign_in(&a_is_gone);
	change("a application=T/C\n");
	check_sign_in(&a_is_there);
	assert_int_equal(unlink(table_path), 0);
	identities_refresh(ids, 0);
	check_sign_in(&a_is_there);
	identities_refresh(ids, 1);
	check_sign_in(&(struct sign_in_row){U "@" C, LATER_, NULL});
}

/* As an editor does that writes the file anew: it is not there for a moment. */
static void
test_file_that_goes_while_it_is_read(void **state)
{
	char standard[] = CONF_DEFAULT_MAPS;

	(void)state;
	conf.identity_maps = standard;
	start("a application=T/C\n", NULL);
	check_sign_in(&a_is_there);
	goes = 1;
	listen_to_log();
	change("b application=T/D\n");
	assert_int_equal(goes, 0);
	assert_null(strstr(said(), "removed"));
	check_sign_in(&a_is_there);
	change("b application=T/D\n");
	check_sign_in(&a_is_gone);
	conf.identity_maps = table_path;
}

/* A file that a reload let go is no mistake when another one changes. */
static void
test_one_of_two_files(void **state)
{
	char both[2 * sizeof(table_path) + 8], other[sizeof(table_path) + 8];
	FILE *out;

	(void)state;
	snprintf(other, sizeof(other), "%s.2", table_path);
	snprintf(both, sizeof(both), "%s %s", table_path, other);
	conf.identity_maps = both;
	assert_non_null(out = fopen(other, "w"));
	fclose(out);
	start("a application=T/C\n", NULL);
	assert_int_equal(unlink(other), 0);
	identities_refresh(ids, 0);
	check_sign_in(&a_is_there);
	identities_refresh(ids, 1);
	check_sign_in(&a_is_there);
	listen_to_log();
	change("b application=T/D\n");
	assert_null(strstr(said(), "no such file"));
	check_sign_in(&a_is_gone);
	conf.identity_maps = table_path;
}

/* Another setting that names no file is a mistake, for a reload as well. */
static void
test_wrong_setting(void **state)
{
	char wrong[80];

	(void)state;
	snprintf(wrong, sizeof(wrong), "%s.wrong", table_path);
	start("a application=T/C\n", NULL);
	conf.identity_maps = wrong;
	listen_to_log();
	identities_refresh(ids, 1);
	assert_said(said(), "wrong: there is no such file");
	check_sign_in(&a_is_there);
	conf.identity_maps = NULL;
	identities_refresh(ids, 1);
	check_sign_in(&(struct sign_in_row){U "@" C, LATER_, NULL});
	conf.identity_maps = table_path;
	identities_refresh(ids, 1);
	check_sign_in(&a_is_there);
}

static void
test_half_written_file(void **state)
{
	(void)state;
	start("a application=T/C\n", NULL);
	/* whoever writes it may not be done */
	table_write("b application=T/D\n");
	identities_refresh(ids, 0);
	check_sign_in(&a_is_there);
	age(2);
	identities_refresh(ids, 0);
	check_sign_in(&a_is_gone);
}

/* A script that writes it at each second keeps nothing from being read. */
static void
test_file_that_is_always_new(void **state)
{
	int looks;

	(void)state;
	start("a application=T/C\n", NULL);
	for (looks = 0; looks < 6; looks++) {
		check_sign_in(&a_is_there);
		table_write("b application=T/D\n");
		identities_refresh(ids, 0);
	}
	check_sign_in(&a_is_gone);
}

/* A mistake at the start: nobody, and nothing is certain. */
static void
test_mistake_at_the_start(void **state)
{
	static const struct ask_row asked = {
	    "4.3.5", ":1: ", {.client_address = "192.0.2.1"}};
	static const struct ask_row asked_user = {
	    "4.3.5", ":1: ", {.user = T "@" C}};
	static const struct ask_row asked_login = {
	    "4.3.5", ":1: ", {.user = "bob"}};
	char name[ENTRY_NAME_SIZE];
	struct policy_answer answer;
	struct error err;

	(void)state;
	listen_to_log();
	start("a application=1\n", "any");
	assert_said(said(),
	    "error: table of identities: not read, and until "
	    "it is mended nobody signs in and mail waits: ");
	check_sign_in(&(struct sign_in_row){T "@" C, LATER_, ":1: "});
	check_sign_in(&(struct sign_in_row){"a@lookup", LATER_, ":1: "});
	/* what is no name of ours is none whatever the table says */
	check_sign_in(&(struct sign_in_row){"bob", "5.7.8", NULL});
	ask(&asked, &answer);
	assert_int_equal(answer.status, POLICY_LATER);
	ask(&asked_user, &answer);
	ask(&asked_login, &answer);
	assert_int_equal(identities_may_deliver(ids, &app, "a", &err), -1);
	assert_string_equal(err.dsn, "4.3.5");
	assert_non_null(strstr(err.text, "identities:1: application: "));
	assert_int_equal(identities_may_deliver(ids, &app, "", &err), -1);
	assert_null(identities_credentials(ids)->find(
	    identities_credentials(ids)->ctx, &app, "", name));
	change("a application=T/C\n");
	check_sign_in(&a_is_there);
	assert_int_equal(identities_may_deliver(ids, &app, "a", &err), 0);
}

static void
test_audit(void **state)
{
	const char *text;

	(void)state;
	listen_to_log();
	start(
	    "a application=T/C\nb application=T/D\nc application=U/C\n", NULL);
	assert_null(strstr(said(), "audit"));
	listen_to_log();
	change("# moved\nb application=T/D senders=@x rate_limit=1/s\n"
	       "a application=T/C\nd application=U/C\n");
	text = said();
	assert_said(text, "test[");
	assert_said(text,
	    ": audit: entry=b, application=" T "/" D ", action=changed (");
	assert_said(text, "identities:2: senders rate_limit)\n");
	assert_said(
	    text, ": audit: entry=d, application=" U "/" C ", action=added (");
	assert_said(text,
	    ": audit: entry=c, application=" U "/" C ", action=removed (");
	assert_null(strstr(text, "entry=a"));
	listen_to_log();
	identities_refresh(ids, 1);
	assert_null(strstr(said(), "audit"));
}

/* --- mail that waits, and credentials --- */

static void
test_fallback(void **state)
{
	static const struct {
		const char *table, *entry, *mailbox;
	} rows[] = {
	    {"a application=T/C fallback_mailbox=b@x\n", "a", "b@x"},
	    {"a application=T/C senders=b@x fallback_mailbox=b@x\n", "a",
		"b@x"},
	    {"a application=T/C\n", "a", NULL},
	    /* no entry, renamed, of another application by now */
	    {"a application=T/C fallback_mailbox=b@x\n", "", NULL},
	    {"b application=T/C fallback_mailbox=b@x\n", "a", NULL},
	    {"a application=T/D fallback_mailbox=b@x\n", "a", NULL},
	    {"a application=T/C fallback_mailbox=b\n", "a", NULL},
	};
	const char *got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(rows[i].table, NULL);
		got = identities_fallback(ids, &app, rows[i].entry);
		assert_int_equal(got == NULL, rows[i].mailbox == NULL);
		if (got != NULL)
			assert_string_equal(got, rows[i].mailbox);
	}
}

static void
test_may_deliver(void **state)
{
	static const struct {
		const char *table, *entry, *dsn, *text;
	} rows[] = {
	    {"a application=T/C\n", "a", NULL, NULL},
	    {"a application=T/C\n", "", NULL, NULL},
	    /* renamed, removed, of another application by now */
	    {"b application=T/C\n", "a", NULL, NULL},
	    {"", "a", NULL, NULL},
	    {"a application=T/D disabled=yes\n", "a", NULL, NULL},
	    {"a application=T/C disabled=yes\nb application=T/C\n", "a",
		"4.7.13", "entry \"a\" of the table of identities is disabled"},
	    {"a application=T/C disabled=yes\nb application=T/C\n", "b", NULL,
		NULL},
	    {"a application=T/C disabled=yes\nb application=T/C\n", "", NULL,
		NULL},
	    {"a application=T/C disabled=yes\n", "", "4.7.13",
		"every entry of the application is disabled"},
	    {"a application=T/C disabled=yes\n", "old", "4.7.13", "every"},
	};
	struct error err;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(rows[i].table, NULL);
		result = identities_may_deliver(ids, &app, rows[i].entry, &err);
		assert_int_equal(result, rows[i].dsn == NULL ? 0 : -1);
		if (result == 0)
			continue;
		assert_string_equal(err.dsn, rows[i].dsn);
		assert_non_null(strstr(err.text, rows[i].text));
	}
}

static void
count_credentials(
    void *arg, const char *entry, const struct credential *credential)
{
	char *names = arg;

	assert_non_null(credential);
	strcat(strcat(names, entry), " ");
}

static void
test_credentials(void **state)
{
	static const struct {
		const char *entry, *name; /* NULL: none */
	} rows[] = {
	    {"", "b"},
	    {"a", NULL},
	    {"b", "b"},
	    {"c", "c"},
	    {"off", NULL},
	    {"other", NULL},
	    {"gone", NULL},
	};
	const struct credentials *credentials;
	const struct credential *found;
	char name[ENTRY_NAME_SIZE], names[64] = "";
	size_t i;

	(void)state;
	start("off application=T/C secret_file=/off disabled=yes\n"
	      "a application=T/C\nb application=T/C secret_file=/b\n"
	      "c application=T/C certificate_file=/c\n"
	      "other application=T/D secret_file=/other\n",
	    NULL);
	credentials = identities_credentials(ids);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		found = credentials->find(
		    credentials->ctx, &app, rows[i].entry, name);
		assert_true((found == NULL) == (rows[i].name == NULL));
		if (found == NULL)
			continue;
		assert_string_equal(name, rows[i].name);
		assert_string_equal(credential_value(found) + 1, name);
	}
	assert_null(credentials->find(credentials->ctx, &app_3, "", name));
	credentials->each(credentials->ctx, count_credentials, names);
	assert_string_equal(names, "b c other ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mistake_keeps_the_old),
	    cmocka_unit_test(test_vanished_file),
	    cmocka_unit_test(test_file_that_goes_while_it_is_read),
	    cmocka_unit_test(test_one_of_two_files),
	    cmocka_unit_test(test_wrong_setting),
	    cmocka_unit_test(test_half_written_file),
	    cmocka_unit_test(test_file_that_is_always_new),
	    cmocka_unit_test(test_mistake_at_the_start),
	    cmocka_unit_test(test_audit),
	    cmocka_unit_test(test_may_deliver),
	    cmocka_unit_test(test_fallback),
	    cmocka_unit_test(test_credentials),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
