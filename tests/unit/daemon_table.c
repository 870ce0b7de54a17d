/*
 * The table of identities as a file (agent/daemon/identities/table*.c): a row
 * is what the file holds, and what becomes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/identities/table.h"
#include "agent/daemon/identities/table_entry.h"
#include "table_folder.h"
#include "table_rows.h"

/* --- what is refused, and what is said --- */

/* Writes what is to be said, with the file's path. */
static void
expand(const char *said, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (; *said != '\0'; said++) {
		if (said[0] == 'F' && said[1] == ':')
			snprintf(out + used, size - used, "%s", table_path);
		else
			snprintf(out + used, size - used, "%c", *said);
		used = strlen(out);
	}
}

static void
test_mistakes(void **state)
{
	char said[600];
	struct table *table;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		table_write(mistakes[i].text);
		memset(&err, 0, sizeof(err));
		if ((table = read_files(table_path, 0, &err)) != NULL)
			fail_msg("taken: %s", mistakes[i].text);
		assert_int_equal(err.class, ERROR_OURS);
		assert_string_equal(err.dsn, "4.3.5");
		expand(mistakes[i].said, said, sizeof(said));
		if (strncmp(err.text, table_path, strlen(table_path)) != 0 ||
		    strstr(err.text, said) == NULL ||
		    strstr(err.text, "pa55") != NULL)
			fail_msg("%s\nsays: %s\nnot:  %s", mistakes[i].text,
			    err.text, said);
	}
}

/* --- what is taken --- */

static struct table *
read_table(const char *text)
{
	struct table *table;
	struct error err;

	table_write(text);
	if ((table = read_files(table_path, 0, &err)) == NULL)
		fail_msg("%s: %s", text, err.text);
	return table;
}

/* Each says the same as the first. */
static const char *const spellings[] = {
    "a application=T/C senders=a@x,@y rate_limit=30/m\n",
    "A application=T/C senders=a@x,@y rate_limit=30/m",
    "\n# one\n\na application=T/C\n\tsenders=a@x,@y\n rate_limit=30/m\n",
    "a application=T/C\n# between\n\n \n senders=@y,a@x\n#\n rate_limit=30/m",
    "a { application = T/C } { senders = a@x, @y } {rate_limit=30/m}",
    "a {application=T/C}\n {\n senders\n =\n a@x\n @y\n }\n rate_limit=30/m",
    "a\r\n application=T/C\r\n senders=a@x,@y\r\n rate_limit=30/m\r\n",
    "a { senders = \"a@x\" , \"@y\" } application=T/C rate_limit=30/m",
    "a application=" TENANT "@" CLIENT " senders=a@x,@y rate_limit=30/m",
    "a application=" TENANT ":AAAAAAAAAAAAAAAAAAAAAA senders=a@x,@y "
    "rate_limit=30/m",
};

static void
test_spellings(void **state)
{
	const struct entry *entry;
	struct table *table;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		table = read_table(spellings[i]);
		assert_int_equal(table_count(table), 1);
		assert_non_null(entry = table_find(table, "a"));
		assert_ptr_equal(entry, table_at(table, 0));
		assert_string_equal(entry->application.tenant, TENANT);
		assert_string_equal(entry->senders[0], "@y");
		assert_string_equal(entry->senders[1], "a@x");
		assert_null(entry->senders[2]);
		assert_int_equal(entry->rate_count, 30);
		assert_int_equal(entry->rate_seconds, 60);
		assert_int_equal(entry->sign_in, 1);
		table_free(&table);
	}
}

static void
test_every_attribute(void **state)
{
	const struct entry *e;
	struct table *table;

	(void)state;
	table = read_table(
	    "# first\nall application=T/C secret_file=/etc/s\n"
	    " clients=192.0.2.0/24,2001:db8::/64,::1 daemon_name=port25\n"
	    " { client_certificate = \"Example, Inc. CA\", \"scanner 1\" }\n"
	    " { logins = bob, \"joe and eve\" alice@x }\n"
	    " sign_in=yes from=a@x senders=@x recipients=b@y,@z\n"
	    " rate_limit=5/d fallback_mailbox=b@x transport=msgraph-slow"
	    " disabled=yes expires=2027-03-31 expect=26h\n");
	e = table_at(table, 0);
	assert_string_equal(e->file, table_path);
	assert_int_equal(e->line, 2);
	assert_string_equal(credential_attribute(e->credential), "secret_file");
	assert_string_equal(credential_value(e->credential), "/etc/s");
	assert_int_equal(e->network_count, 3);
	assert_int_equal(e->networks[0].bits, 120);
	assert_int_equal(e->networks[1].bits, 64);
	assert_int_equal(e->networks[2].bits, 128);
	assert_string_equal(e->daemon_name, "port25");
	assert_string_equal(e->certificate_issuer, "Example, Inc. CA");
	assert_string_equal(e->certificate_subject, "scanner 1");
	assert_string_equal(e->logins[1], "joe and eve");
	assert_ptr_equal(table_find_login(table, "bob"), e);
	assert_ptr_equal(table_find_login(table, "joe and eve"), e);
	assert_ptr_equal(table_find_login(table, "alice@x"), e);
	assert_null(table_find_login(table, "Bob"));
	assert_null(table_find_login(table, ""));
	assert_string_equal(e->from, "a@x");
	assert_string_equal(e->fallback_mailbox, "b@x");
	assert_string_equal(e->transport, "msgraph-slow");
	assert_int_equal(e->rate_seconds, 86400);
	assert_int_equal(e->sign_in, 1);
	assert_int_equal(e->disabled, 1);
	assert_string_equal(e->expires, "2027-03-31");
	assert_int_equal(e->expires_day, 20908);
	assert_int_equal(e->expect, 26 * 3600);
	assert_int_equal(table_covers(e->recipients, "b@y"), 1);
	assert_int_equal(table_covers(e->recipients, "c@y"), 0);
	assert_int_equal(table_covers(e->recipients, "c@z"), 1);
	assert_int_equal(table_covers(e->recipients, "c@sub.z"), 0);
	assert_int_equal(table_covers(e->recipients, "z"), 0);
	table_free(&table);
}

/* sign_in: 1 where clients may sign in as the entry. */
static const struct {
	const char *text;
	int sign_in, senders_any;
} openness[] = {
    {"a " APP, 1, 0},
    {"a " APP " sign_in=yes", 1, 0},
    {"a " APP " secret_file=/s", 1, 0},
    {"a " APP " senders=any", 1, 1},
    {"a " OPEN "clients=::1", 0, 0},
    {"a " OPEN "clients=::1 sign_in=no", 0, 0},
    {"a " OPEN "clients=::1 sign_in=yes", 1, 0},
    {"a " OPEN "client_certificate=ca,cn", 0, 0},
    {"a " APP " secret_file=/s clients=::1 senders=any", 0, 1},
    {"a " APP " secret_file=/s clients=::1 senders=@x", 0, 0},
    {"a " APP " secret_file=/s logins=bob", 0, 0},
    {"a " APP " secret_file=/s logins=bob sign_in=yes", 1, 0},
};

static void
test_who_may_sign_in(void **state)
{
	struct table *table;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(openness) / sizeof(openness[0]); i++) {
		table = read_table(openness[i].text);
		if (table_at(table, 0)->sign_in != openness[i].sign_in)
			fail_msg("%s", openness[i].text);
		assert_int_equal(
		    table_at(table, 0)->senders_any, openness[i].senders_any);
		table_free(&table);
	}
}

/* --- look-ups --- */

static void
test_applications(void **state)
{
	const struct entry *e;
	struct table *table;

	(void)state;
	table = read_table("c application=T/D\nz application=T/C\n"
			   "b application=U/C\na application=T/C\n"
			   "m application=T/C\n");
	e = table_first_of(table, ENTRY_ALL, &app);
	assert_string_equal(e->name, "z");
	e = table_next_of(table, ENTRY_ALL, e);
	assert_string_equal(e->name, "a");
	e = table_next_of(table, ENTRY_ALL, e);
	assert_string_equal(e->name, "m");
	assert_null(table_next_of(table, ENTRY_ALL, e));
	e = table_first_of(table, ENTRY_ALL, &app_2);
	assert_string_equal(e->name, "c");
	assert_null(table_next_of(table, ENTRY_ALL, e));
	assert_string_equal(
	    table_first_of(table, ENTRY_ALL, &app_3)->name, "b");
	assert_int_equal(table_has_tenant(table, TENANT), 1);
	assert_int_equal(table_has_tenant(table, TENANT_2), 1);
	assert_int_equal(table_has_tenant(table, CLIENT), 0);
	assert_int_equal(table_has_tenant(table, ""), 0);
	assert_null(table_find(table, "d"));
	assert_null(table_find(table, ""));
	assert_string_equal(table_find(table, "m")->name, "m");
	assert_int_equal(table_place(table, table_find(table, "m")), 4);
	table_free(&table);
}

static void
test_no_entries(void **state)
{
	static const char *const texts[] = {"", "\n", "# nothing\n", " \n\t\n"};
	static const struct table_client client = {.address = "192.0.2.1"};
	struct table *table;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		table = read_table(texts[i]);
		assert_int_equal(table_count(table), 0);
		assert_null(table_find(table, "a"));
		assert_null(table_first_of(table, ENTRY_ALL, &app));
		assert_null(table_find_client(table, &client));
		assert_int_equal(table_names_daemon(table, "x"), 0);
		assert_int_equal(table_has_tenant(table, TENANT), 0);
		table_free(&table);
	}
	table = read_files(NULL, 0, NULL);
	assert_int_equal(table_count(table), 0);
	table_free(&table);
}

/* --- the file --- */

static void
assert_file_refused(const char *said)
{
	struct error err;

	assert_null(read_files(table_path, 1, &err));
	if (strstr(err.text, said) == NULL)
		fail_msg("%s", err.text);
}

static void
test_file(void **state)
{
	char other[80];
	struct table *table;
	struct error err;

	(void)state;
	table_write("a application=T/C\n");
	assert_int_equal(chmod(table_path, 0664), 0);
	assert_file_refused("mode 0664 lets others change who sends as whom; "
			    "run: chmod go-w ");
	assert_int_equal(chmod(table_path, 0602), 0);
	assert_file_refused("chmod go-w ");
	assert_int_equal(chmod(table_path, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(table_path, 12345, (gid_t)-1), 0);
		assert_file_refused("belongs to uid 12345");
		assert_int_equal(chown(table_path, 0, (gid_t)-1), 0);
	}
	/* Kubernetes shows files as symbolic links */
	snprintf(other, sizeof(other), "%s.other", table_path);
	assert_int_equal(rename(table_path, other), 0);
	assert_int_equal(symlink(other, table_path), 0);
	table = read_files(table_path, 0, NULL);
	assert_int_equal(table_count(table), 1);
	table_free(&table);
	assert_int_equal(chmod(other, 0606), 0);
	assert_file_refused("chmod go-w ");
	unlink(other);
	unlink(table_path);
	assert_null(read_files(table_path, 0, &err));
	assert_non_null(strstr(err.text, "identities: there is no such file"));
	table = read_files(table_path, 1, &err);
	assert_int_equal(table_count(table), 0);
	table_free(&table);
	assert_int_equal(mkdir(table_path, 0700), 0);
	assert_file_refused("not a regular file");
	assert_int_equal(rmdir(table_path), 0);
	assert_int_equal(mkfifo(table_path, 0600), 0);
	assert_file_refused("not a regular file");
}

static void
test_nul(void **state)
{
	struct error err;
	FILE *out;

	(void)state;
	table_write("a application=T/C\n");
	out = fopen(table_path, "a");
	fwrite("b application\0=x\n", 1, 17, out);
	fclose(out);
	assert_null(read_files(table_path, 0, &err));
	assert_non_null(strstr(err.text, ":2: the line holds a NUL"));
}

static void
test_two_files(void **state)
{
	char second[80], both[200];
	struct table *table;
	struct error err;

	(void)state;
	snprintf(second, sizeof(second), "%s.2", table_path);
	table_write("a application=T/D\n");
	assert_int_equal(rename(table_path, second), 0);
	table_write("b application=T/C");
	snprintf(both, sizeof(both), "%s, %s", table_path, second);
	table = read_files(both, 0, &err);
	assert_int_equal(table_count(table), 2);
	assert_string_equal(table_find(table, "a")->file, second);
	assert_string_equal(table_at(table, 0)->name, "b");
	table_free(&table);
	table_write("\na application=T/C");
	assert_null(read_files(both, 0, &err));
	snprintf(both, sizeof(both),
	    "%s:1: there is an entry \"a\" already, %s:2", second, table_path);
	assert_string_equal(err.text, both);
	unlink(second);
}

static void
test_attributes_are_named(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; table_entry_attribute(i) != NULL; i++)
		assert_true(strlen(table_entry_attribute(i)) < 40);
	assert_true(i > 10 && i <= TABLE_ATTRIBUTES_MAX);
	assert_true(credential_is_attribute("secret_file"));
	assert_true(credential_is_attribute("certificate_file"));
	assert_true(credential_is_attribute("federated_token_file"));
	assert_true(credential_is_attribute("managed_identity"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_spellings),
	    cmocka_unit_test(test_every_attribute),
	    cmocka_unit_test(test_who_may_sign_in),
	    cmocka_unit_test(test_applications),
	    cmocka_unit_test(test_no_entries),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_two_files),
	    cmocka_unit_test(test_attributes_are_named),
	};

	return cmocka_run_group_tests(
	    tests, table_folder_begin, table_folder_end);
}
