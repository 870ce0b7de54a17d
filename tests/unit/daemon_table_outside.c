/*
 * daemon_table_outside.c - rows of maps outside: what they may say, and where
 * they stand in a table with root's files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "agent/daemon/identities/table_entry.h"
#include "agent/daemon/identities/table_row.h"
#include "table_folder.h"

/* --- one row --- */

#define RAW TENANT "@" CLIENT

static const struct {
	const char *key, *row;
	const char *mistake; /* NULL: it is right */
} rows[] = {
    {"scan", "application=T/C", NULL},
    {"scan",
	"application=T/C from=a@x senders=a@x,@y recipients=@z rate_limit=1/s "
	"transport=msgraph-slow disabled=yes",
	NULL},
    {"scan", "  { application = T/C }  {senders=a@x, @y}  ", NULL},
    {RAW, "", NULL},
    {RAW, "senders=@x", NULL},
    {RAW, "application=T/C", NULL},
    {RAW, "application=T/D", "application is another than the key's"},
    {RAW, "sign_in=yes", "counts in root's files alone"},
    {"scan", "", "application=tenant/client is missing"},
    {"scan", "from=a@x", "application=tenant/client is missing"},
    {"scan", "application=T/C secret_file=/s", "\"secret_file\" counts in"},
    {"scan", "application=T/C clients=::1", "\"clients\" counts in"},
    {"scan", "application=T/C logins=bob", "\"logins\" counts in"},
    {"scan", "application=T/C daemon_name=a", "\"daemon_name\" counts in"},
    {"scan", "application=T/C sign_in=yes", "\"sign_in\" counts in"},
    {"scan", "application=T/C sign_in=no", "\"sign_in\" counts in"},
    {"scan", "application=T/C sender=@x", "did you mean \"senders\"?"},
    {"scan", "application=T/C application=T/C", "given twice"},
    {"scan", "application=T/C from=A@x", "from"},
    {"scan", "application=T/C from=a@x senders=@y", "senders does not cover"},
    {"scan", "application=T/C senders=@y fallback_mailbox=a@x",
	"senders does not cover a@x, which fallback_mailbox names"},
    {"scan", "secure match=mail.example.com", "neither name=value"},
    {"scan", "application=T/C {", "without its"},
    {"a@b", "application=T/C", "neither a name nor tenant@client"},
    {"", "application=T/C", "neither a name nor tenant@client"},
};

static char *
filled(const char *text)
{
	static char bytes[1024];
	FILE *out;

	memset(bytes, 0, sizeof(bytes));
	out = fmemopen(bytes, sizeof(bytes), "w");
	table_fill(out, text);
	fclose(out);
	return bytes;
}

static void
test_rows(void **state)
{
	struct entry *entry;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		entry = table_row_new(
		    "map:x", rows[i].key, filled(rows[i].row), &err);
		if ((entry == NULL) != (rows[i].mistake != NULL))
			fail_msg("%s: %s", rows[i].row,
			    entry == NULL ? err.text : "taken");
		if (entry == NULL) {
			assert_int_equal(
			    strncmp(err.text, "map:x: entry \"", 14), 0);
			if (strstr(err.text, rows[i].mistake) == NULL)
				fail_msg("%s: %s", rows[i].row, err.text);
			continue;
		}
		assert_true(identity_equal(&entry->application, &app));
		assert_true(entry->sign_in && entry->credential == NULL);
		assert_string_equal(entry->name,
		    strcmp(rows[i].key, RAW) == 0 ? "" : rows[i].key);
		table_row_free(&entry);
	}
}

/* A row that names a credential would lend it: each one is root's. */
static void
test_every_attribute_is_decided(void **state)
{
	static const char *const outside[] = {"application", "from", "senders",
	    "recipients", "rate_limit", "fallback_mailbox", "transport",
	    "disabled"};
	struct entry entry;
	struct error err;
	const char *name;
	size_t i, n;
	int may;

	(void)state;
	for (i = 0; (name = table_entry_attribute(i)) != NULL; i++) {
		memset(&entry, 0, sizeof(entry));
		entry.is_outside = 1;
		for (may = 0, n = 0; n < sizeof(outside) / sizeof(outside[0]);
		     n++)
			may = may || strcmp(name, outside[n]) == 0;
		table_entry_set(&entry, name, "", &err);
		if ((strstr(err.text, "root's files") == NULL) != may)
			fail_msg("%s: %s", name, err.text);
		table_entry_clear(&entry);
	}
}

/* --- a table of files and maps --- */

static struct table *
read_both(const char *file, const char *const *maps, struct error *err)
{
	struct table_sources sources;
	struct table_dump dumps[4] = {{NULL, 0}};
	struct table *table;
	char setting[256];
	size_t i;

	table_write(file);
	snprintf(setting, sizeof(setting),
	    "hash:/one, socketmap:unix:/s:n %s lmdb:/two", table_path);
	assert_int_equal(table_sources_read(&sources, setting, NULL), 0);
	assert_int_equal(sources.count, 4);
	assert_int_equal(table_sources_count(&sources, TABLE_WHOLE), 2);
	assert_int_equal(table_sources_count(&sources, TABLE_ASKED), 1);
	assert_string_equal(sources.all[0].file, "/one.db");
	assert_string_equal(sources.all[3].file, "/two.lmdb");
	assert_null(sources.all[1].file);
	for (i = 0; i < 4; i += 3) {
		dumps[i].bytes = strdup(filled(maps[i / 3]));
		dumps[i].len = strlen(dumps[i].bytes);
	}
	table = table_read(&sources, dumps, 0, err);
	for (i = 0; i < 4; i++)
		free(dumps[i].bytes);
	table_sources_clear(&sources);
	return table;
}

static void
test_files_come_first(void **state)
{
	static const char *const maps[] = {
	    "both\tapplication=T/D\none\tapplication=T/C from=one@x\n"
	    "maps\tapplication=T/C from=first@x\n",
	    "maps\tapplication=T/D\ntwo\tapplication=U/C disabled=yes\n"};
	char place[TABLE_PLACE_SIZE];
	struct table *table;
	struct error err;

	(void)state;
	table = read_both("both application=T/C\n", maps, &err);
	assert_non_null(table);
	assert_int_equal(table_count(table), 4);
	assert_true(
	    identity_equal(&table_find(table, "both")->application, &app));
	assert_string_equal(table_find(table, "maps")->from, "first@x");
	assert_string_equal(
	    table_row_place(table_find(table, "one"), place), "hash:/one");
	assert_true(table_find(table, "two")->disabled);
	/* what is hidden is found by nothing else */
	assert_null(table_first_of(table, ENTRY_ALL, &app_2));
	assert_string_equal(
	    table_first_of(table, ENTRY_SIGN_IN, &app)->name, "both");
	/* nor do rows of root's application make its name ambiguous */
	assert_null(
	    table_next_of(table, ENTRY_SIGN_IN, table_find(table, "both")));
	table_free(&table);
	table = read_both("both application=U/C\n", maps, &err);
	assert_non_null(table);
	assert_string_equal(
	    table_first_of(table, ENTRY_SIGN_IN, &app)->name, "one");
	assert_non_null(
	    table_next_of(table, ENTRY_SIGN_IN, table_find(table, "one")));
	table_free(&table);
}

static void
test_mistake_of_a_map(void **state)
{
	static const char *const maps[] = {
	    "a application=T/C\nb application=T/C clients=::1\n", ""};
	struct error err;

	(void)state;
	assert_null(read_both("x application=T/C\n", maps, &err));
	assert_string_equal(err.text,
	    "hash:/one: entry \"b\": \"clients\" counts in root's files alone, "
	    "and a map outside may not say it");
}

static void
test_names_in_files_are_still_there_once(void **state)
{
	static const char *const maps[] = {"a application=T/C\n", ""};
	struct error err;

	(void)state;
	assert_null(
	    read_both("a application=T/C\na application=T/C\n", maps, &err));
	assert_non_null(strstr(err.text, "there is an entry \"a\" already"));
}

static void
test_settings(void **state)
{
	static const char *const wrong[] = {
	    "hash:names", "lmdb:x", "texthash:"};
	struct table_sources sources;
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(
		    table_sources_read(&sources, wrong[i], &err), -1);
		assert_non_null(strstr(err.text, "a path is needed"));
		table_sources_clear(&sources);
	}
	assert_int_equal(table_sources_read(&sources, " , ", &err), 0);
	assert_int_equal(sources.count, 0);
	table_sources_clear(&sources);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_every_attribute_is_decided),
	    cmocka_unit_test(test_files_come_first),
	    cmocka_unit_test(test_mistake_of_a_map),
	    cmocka_unit_test(test_names_in_files_are_still_there_once),
	    cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(
	    tests, table_folder_begin, table_folder_end);
}
