/*
 * What survives a restart (agent/daemon/store/state.c): credentials go in
 * sealed and come out the same, and a state that is not right is named, not
 * replaced.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "agent/daemon/store/state.h"

#define SECRET "Abc8Q~a-secret-that-must-not-be-seen"
#define TOKEN "eyJ0eXAi.a-token-that-must-not-be-seen.sig"
#define ID_A "11111111-2222-3333-4444-555555555555"
#define ID_B "66666666-7777-8888-9999-000000000000"

static const struct identity a = {ID_A, ID_B}, b = {ID_B, ID_A};

static char folder[] = "/tmp/daemon_stateXXXXXX";
static char directory[64], key_file[64], db_file[64];
static struct vault *vault;

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	umask(077);
	snprintf(directory, sizeof(directory), "%s/state", folder);
	snprintf(key_file, sizeof(key_file), "%s/key", folder);
	snprintf(db_file, sizeof(db_file), "%s/state.db", directory);
	vault = vault_load(key_file, 1, NULL);
	return vault == NULL ? -1 : 0;
}

/* Calls each(path) for every file of the state's folder. */
static void
each_file(void (*each)(const char *path))
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	char path[512];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		each(path);
	}
	if (dir != NULL)
		closedir(dir);
}

static void
remove_file(const char *path)
{
	unlink(path);
}

static int
begin(void **state)
{
	(void)state;
	return mkdir(directory, 0700);
}

static int
end(void **state)
{
	(void)state;
	each_file(remove_file);
	return rmdir(directory);
}

static int
tear_down(void **state)
{
	(void)state;
	vault_free(&vault);
	unlink(key_file);
	return rmdir(folder);
}

static struct state *
open_state(void)
{
	struct error err;
	struct state *st = state_open(directory, vault, &err);

	if (st == NULL)
		fail_msg("%s", err.text);
	return st;
}

static void
put(struct state *st, const struct identity *id, const char *secret,
    const char *token, long long expires, long long verified)
{
	struct state_credential c = {0};
	struct error err;

	c.secret = secret_new(secret, strlen(secret));
	if (token != NULL)
		c.token = secret_new(token, strlen(token));
	c.token_expires = expires;
	c.verified = verified;
	if (state_put(st, id, &c, &err) == -1)
		fail_msg("%s", err.text);
	state_credential_clear(&c);
	assert_null(c.secret);
	assert_null(c.token);
}

static void
assert_credential(struct state *st, const struct identity *id,
    const char *secret, const char *token, long long expires,
    long long verified)
{
	struct state_credential c;
	struct error err;

	if (state_get(st, id, &c, &err) != 1)
		fail_msg("%s", err.text);
	assert_int_equal(c.secret->len, strlen(secret));
	assert_string_equal(c.secret->bytes, secret);
	if (token == NULL) {
		assert_null(c.token);
	} else {
		assert_int_equal(c.token->len, strlen(token));
		assert_string_equal(c.token->bytes, token);
	}
	assert_int_equal(c.token_expires, expires);
	assert_int_equal(c.verified, verified);
	state_credential_clear(&c);
}

/* --- what is kept --- */

static void
test_round_trip(void **state)
{
	struct state *st;
	struct state_credential c;

	(void)state;
	assert_int_equal(state_exists(directory), 0);
	st = open_state();
	assert_int_equal(state_exists(directory), 1);
	assert_int_equal(state_get(st, &a, &c, NULL), 0);
	assert_null(c.secret);

	put(st, &a, SECRET, TOKEN, 1800000000, 1700000000);
	put(st, &b, "", NULL, 0, -5);
	assert_credential(st, &a, SECRET, TOKEN, 1800000000, 1700000000);
	assert_credential(st, &b, "", NULL, 0, -5);
	/* the last word counts, also that there is no token any more */
	put(st, &a, "new", NULL, 0, 1700000001);
	assert_credential(st, &a, "new", NULL, 0, 1700000001);
	put(st, &a, "newer", "t", 9223372036854775807LL, 0);
	state_close(&st);
	assert_null(st);
	state_close(&st);

	st = open_state();
	assert_credential(st, &a, "newer", "t", 9223372036854775807LL, 0);
	assert_credential(st, &b, "", NULL, 0, -5);
	state_close(&st);
}

/* As long as they get: a token fills the most that Entra's answer may be. */
static void
test_long(void **state)
{
	struct state *st = open_state();
	char *token = malloc(60001), secret[SECRET_MAX + 1];

	(void)state;
	assert_non_null(token);
	memset(token, 't', 60000);
	token[60000] = '\0';
	memset(secret, 's', SECRET_MAX);
	secret[SECRET_MAX] = '\0';
	put(st, &a, secret, token, 1, 2);
	assert_credential(st, &a, secret, token, 1, 2);
	free(token);
	state_close(&st);
}

/* --- what lies on disk --- */

static int files_seen;

static void
check_file(const char *path)
{
	struct stat st;
	char *bytes;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	bytes = malloc((size_t)st.st_size + 1);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	if (memmem(bytes, (size_t)st.st_size, SECRET, 12) != NULL ||
	    memmem(bytes, (size_t)st.st_size, TOKEN, 12) != NULL)
		fail_msg("%s holds a secret", path);
	free(bytes);
	close(fd);
	files_seen++;
}

static void
test_sealed(void **state)
{
	struct state *st = open_state();

	(void)state;
	files_seen = 0;
	put(st, &a, SECRET, TOKEN, 1, 2);
	put(st, &b, SECRET, TOKEN, 1, 2);
	each_file(check_file);
	/* the database and its log, which holds the last commits */
	assert_true(files_seen >= 2);
	state_close(&st);
	each_file(check_file);
}

static void
run_sql(const char *sql)
{
	char *message = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(db_file, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(db);
}

/* A blob opens in its own row and column alone, beside its own time. */
static const char *const moves[] = {
    "UPDATE credential SET secret = (SELECT secret FROM credential"
    " WHERE identity LIKE '666%')",
    "UPDATE credential SET secret = token",
    "UPDATE credential SET token = secret",
    "UPDATE credential SET secret = x''",
    "UPDATE credential SET secret = x'01'",
    "UPDATE credential SET secret = 'text'",
    "UPDATE credential SET secret = zeroblob(100)",
    "UPDATE credential SET secret = substr(secret, 1, length(secret) - 1)",
    "UPDATE credential SET identity = replace(identity, '111', '222')"
    " WHERE identity LIKE '111%'",
    /* nor beside another time */
    "UPDATE credential SET verified = verified + 1",
    "UPDATE credential SET verified = 0",
    "UPDATE credential SET token_expires = token_expires + 1",
};

static void
test_moved_blobs(void **state)
{
	const struct identity moved = {
	    "22222211-2222-3333-4444-555555555555", ID_B};
	struct state_credential c;
	struct error err;
	struct state *st;
	size_t i;
	int found;

	(void)state;
	for (i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
		each_file(remove_file);
		st = open_state();
		put(st, &a, SECRET, TOKEN, 1, 2);
		put(st, &b, "other", "other token", 1, 2);
		state_close(&st);
		run_sql(moves[i]);
		st = open_state();
		found = state_get(st, &a, &c, &err);
		if (found == 0)
			found = state_get(st, &moved, &c, &err);
		if (found != -1)
			fail_msg("%s: %d", moves[i], found);
		assert_int_equal(err.class, ERROR_OURS);
		assert_non_null(strstr(err.text, " of "));
		assert_null(c.secret);
		assert_null(c.token);
		state_close(&st);
	}
}

/* --- what is not right --- */

static void
assert_not_opened(const struct vault *with, const char *said)
{
	struct error err;

	assert_null(state_open(directory, with, &err));
	assert_int_equal(err.class, ERROR_OURS);
	assert_string_equal(err.dsn, "4.3.5");
	if (strstr(err.text, said) == NULL)
		fail_msg("%s", err.text);
}

static void
test_wrong_key(void **state)
{
	char other_file[80];
	struct vault *other;
	struct state *st = open_state();

	(void)state;
	put(st, &a, SECRET, TOKEN, 1, 2);
	state_close(&st);
	snprintf(other_file, sizeof(other_file), "%s.other", key_file);
	other = vault_load(other_file, 1, NULL);
	unlink(other_file);
	assert_not_opened(other, "sealed with another vault key");
	vault_free(&other);
	/* nothing was reset */
	st = open_state();
	assert_credential(st, &a, SECRET, TOKEN, 1, 2);
	state_close(&st);
}

static void
write_db(const char *bytes, size_t len)
{
	int fd = open(db_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static void
test_damage(void **state)
{
	static char garbage[8192];
	struct state *st;

	(void)state;
	memset(garbage, 'x', sizeof(garbage));
	write_db(garbage, sizeof(garbage));
	assert_not_opened(vault, "-M");
	unlink(db_file);

	st = open_state();
	put(st, &a, SECRET, TOKEN, 1, 2);
	state_close(&st);
	assert_int_equal(truncate(db_file, 5000), 0);
	assert_not_opened(vault, "-M");
	each_file(remove_file);

	st = open_state();
	state_close(&st);
	run_sql("PRAGMA user_version = 99");
	assert_not_opened(vault, "has format 99");
	run_sql("PRAGMA user_version = 1");
	assert_not_opened(vault, "has format 1, this program knows 3; move it");
	run_sql("PRAGMA user_version = 3; DELETE FROM meta");
	assert_not_opened(vault, db_file);
}

static void
test_bad_places(void **state)
{
	char longest[5000], target[80];
	struct error err;

	(void)state;
	assert_null(state_open("/nonexistent/x", vault, &err));
	assert_non_null(strstr(err.text, "the directory must be there"));
	assert_int_equal(state_exists("/nonexistent/x"), 0);
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_null(state_open(longest, vault, &err));
	assert_memory_equal(err.text, "state_directory ", 16);
	assert_int_equal(state_exists(longest), 0);
	/* the file may not be somewhere else */
	snprintf(target, sizeof(target), "%s/target", folder);
	assert_int_equal(symlink(target, db_file), 0);
	assert_not_opened(vault, db_file);
	assert_int_equal(access(target, F_OK), -1);
}

/* --- out of the way --- */

/* What another process is told that tries to while this one has it open. */
static void
assert_not_moved(void)
{
	char name[512];
	struct error err;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(state_move_aside(directory, name, sizeof(name), &err) ==
				-1 &&
			    strstr(err.text, "stop it first") != NULL
			? 0
			: 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_move_aside(void **state)
{
	char name[512], again[512];
	struct state *st;
	struct error err;
	struct state_credential c;

	(void)state;
	assert_int_equal(
	    state_move_aside(directory, name, sizeof(name), &err), -1);
	assert_non_null(strstr(err.text, "there is no state"));
	st = open_state();
	put(st, &a, SECRET, TOKEN, 1, 2);
	assert_not_moved();
	assert_credential(st, &a, SECRET, TOKEN, 1, 2);
	state_close(&st);

	assert_int_equal(
	    state_move_aside(directory, name, sizeof(name), &err), 0);
	assert_memory_equal(name, db_file, strlen(db_file));
	assert_int_equal(state_exists(directory), 0);
	st = open_state();
	assert_int_equal(state_get(st, &a, &c, NULL), 0);
	state_close(&st);
	/* nothing was lost: the old one works when it is put back */
	snprintf(again, sizeof(again), "%s", name);
	assert_int_equal(rename(again, db_file), 0);
	st = open_state();
	assert_credential(st, &a, SECRET, TOKEN, 1, 2);
	state_close(&st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_round_trip, begin, end),
	    cmocka_unit_test_setup_teardown(test_long, begin, end),
	    cmocka_unit_test_setup_teardown(test_sealed, begin, end),
	    cmocka_unit_test_setup_teardown(test_moved_blobs, begin, end),
	    cmocka_unit_test_setup_teardown(test_wrong_key, begin, end),
	    cmocka_unit_test_setup_teardown(test_damage, begin, end),
	    cmocka_unit_test_setup_teardown(test_bad_places, begin, end),
	    cmocka_unit_test_setup_teardown(test_move_aside, begin, end),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
