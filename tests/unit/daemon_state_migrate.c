/*
 * A state of format 2 (agent/daemon/store/state_migrate.c): it is taken over
 * with its secrets, and a copy stays beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/store/state_sql.h"
#include "state_rows.h"

#define ROWS 300

/* As the version before made them. */
static const char format_2[] =
    "DROP TABLE entry;"
    "DROP TABLE throttle;"
    "CREATE TABLE hold (name TEXT PRIMARY KEY, until INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "DROP TABLE delivery;"
    "CREATE TABLE delivery (digest BLOB PRIMARY KEY, fate INTEGER NOT NULL,"
    " refused_since INTEGER NOT NULL, refusal TEXT NOT NULL,"
    " request_id TEXT NOT NULL, posted INTEGER NOT NULL,"
    " changed INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX delivery_changed ON delivery (changed);"
    "INSERT INTO hold VALUES ('tenant x', 99);"
    "INSERT INTO delivery VALUES (x'01', 2, 3, 'r', 'id', 4, 5);"
    "PRAGMA user_version = 2;";

static const struct identity id = {"tenant", "client"};

static int
begin(void **state)
{
	umask(077);
	return state_begin(state);
}

static int
end(void **state)
{
	char path[64];

	unlink(in_folder("state.db-2", path));
	return state_end(state);
}

static void
bind_sealed(
    sqlite3_stmt *put, int column, const char *context, const char *text)
{
	struct buf sealed;

	buf_init(&sealed, 1000);
	assert_int_equal(
	    vault_seal(vault, context, text, strlen(text), &sealed, NULL), 0);
	sqlite3_bind_blob(
	    put, column, sealed.bytes, (int)sealed.len, SQLITE_TRANSIENT);
	buf_free(&sealed);
}

/* Puts a row of format 2. */
static void
put(const char *identity, const char *secret, const char *token)
{
	sqlite3_stmt *put = NULL;
	char context[100];

	assert_int_equal(
	    state_prepare(st,
		"INSERT INTO credential VALUES (?, ?, ?, 1900000000, ?, 5)",
		&put, NULL),
	    0);
	sqlite3_bind_text(put, 1, identity, -1, SQLITE_TRANSIENT);
	snprintf(context, sizeof(context), "%s secret", identity);
	bind_sealed(put, 2, context, secret);
	snprintf(context, sizeof(context), "%s token", identity);
	if (token != NULL)
		bind_sealed(put, 3, context, token);
	sqlite3_bind_int64(put, 4, clock_wall());
	assert_int_equal(state_finish(st, put, NULL), 0);
}

static void
again(void)
{
	struct error err;

	state_close(&st);
	if ((st = state_open(folder, vault, &err)) == NULL)
		fail_msg("%s", err.text);
}

static void
assert_row(const struct identity *whose, const char *secret, const char *token)
{
	struct state_credential c;
	struct error err;

	if (state_get(st, whose, &c, &err) != 1)
		fail_msg("%s", err.text);
	assert_string_equal(c.secret->bytes, secret);
	if (token == NULL)
		assert_null(c.token);
	else
		assert_string_equal(c.token->bytes, token);
	assert_int_equal(c.token_expires, 1900000000);
	/* the old format did not protect it */
	assert_int_equal(c.verified, 0);
	state_credential_clear(&c);
}

static void
test_taken_over(void **state)
{
	struct identity other = {.client = "c"};
	char text[IDENTITY_TEXT_SIZE];
	int i;

	(void)state;
	run(format_2);
	put("tenant/client", "a secret", "a token");
	for (i = 0; i < ROWS; i++) {
		snprintf(other.tenant, sizeof(other.tenant), "%d", i);
		put(identity_text(&other, text), "other", NULL);
	}
	again();
	assert_int_equal(number("PRAGMA user_version"), 3);
	assert_row(&id, "a secret", "a token");
	for (i = 0; i < ROWS; i++) {
		snprintf(other.tenant, sizeof(other.tenant), "%d", i);
		assert_row(&other, "other", NULL);
	}
	assert_int_equal(number("SELECT min(used) FROM credential"), 5);
	assert_int_equal(number("SELECT until FROM throttle"), 99);
	assert_int_equal(number("SELECT status FROM delivery"), 2);
	assert_int_equal(number("SELECT changed FROM delivery"), 5);
	assert_int_equal(number("SELECT count(*) FROM entry"), 0);
	/* once, and what is written now is of the new format */
	again();
	assert_row(&id, "a secret", "a token");
}

/* A table that came later is made, and a row in it stays. */
static void
test_later_table(void **state)
{
	(void)state;
	run("DROP TABLE entry");
	again();
	run("INSERT INTO entry VALUES ('a', 1, 2, 3)");
	again();
	assert_int_equal(number("SELECT end_said FROM entry"), 3);
}

/* Puts the copy in the place of the state. */
static void
test_copy(void **state)
{
	char copy[64], file[64];
	struct stat status;

	(void)state;
	run(format_2);
	put("tenant/client", "a secret", "a token");
	again();
	assert_int_equal(stat(in_folder("state.db-2", copy), &status), 0);
	assert_int_equal(status.st_mode & 077, 0);
	run("DELETE FROM credential");
	state_close(&st);
	assert_int_equal(rename(copy, in_folder("state.db", file)), 0);
	again();
	assert_row(&id, "a secret", "a token");
}

/* A row that does not open costs no other row, nor the start. */
static void
test_damaged_row(void **state)
{
	static const struct identity bad = {"bad", "client"};
	struct state_credential c;
	struct error err;

	(void)state;
	run(format_2);
	put("tenant/client", "a secret", NULL);
	run("INSERT INTO credential VALUES ('bad/client', x'01', NULL, 0, 0, "
	    "0)");
	again();
	assert_row(&id, "a secret", NULL);
	assert_int_equal(state_get(st, &bad, &c, &err), -1);
}

/* What stands in its way leaves all as it was. */
static void
test_nothing_by_halves(void **state)
{
	char path[64];
	struct error err;

	(void)state;
	run(format_2);
	put("tenant/client", "a secret", NULL);
	state_close(&st);
	assert_int_equal(mkdir(in_folder("state.db-2", path), 0700), 0);
	assert_null(state_open(folder, vault, &err));
	assert_non_null(strstr(err.text, "cannot copy the state"));
	assert_int_equal(rmdir(path), 0);
	unlink(in_folder("state.db-2.new", path));
	again();
	assert_row(&id, "a secret", NULL);
}

/*
 * Whoever may write the state, without the key, makes nothing of it by giving
 * it the old format: its blobs do not open there.
 */
static void
test_format_set_back(void **state)
{
	struct state_credential c = {
	    .secret = secret_new("s", 1), .verified = 1};

	(void)state;
	assert_int_equal(state_put(st, &id, &c, NULL), 0);
	state_credential_clear(&c);
	run("ALTER TABLE throttle RENAME TO hold;"
	    "ALTER TABLE delivery RENAME COLUMN status TO fate;"
	    "UPDATE credential SET verified = 1900000000;"
	    "PRAGMA user_version = 2");
	again();
	assert_int_equal(state_get(st, &id, &c, NULL), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_taken_over, begin, end),
	    cmocka_unit_test_setup_teardown(test_later_table, begin, end),
	    cmocka_unit_test_setup_teardown(test_copy, begin, end),
	    cmocka_unit_test_setup_teardown(test_damaged_row, begin, end),
	    cmocka_unit_test_setup_teardown(test_nothing_by_halves, begin, end),
	    cmocka_unit_test_setup_teardown(test_format_set_back, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
