/*
 * What is done now and then (agent/daemon/housekeeping.c): a row is a time that
 * passes, and what is left then. Everything was written at the start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/clock_watch.h"
#include "agent/daemon/delivery/draft_trash.h"
#include "agent/daemon/housekeeping.h"
#include "agent/daemon/services/bounce_count.h"
#include "agent/daemon/store/draft_store.h"
#include "agent/daemon/store/sender.h"
#include "agent/daemon/store/state_sql.h"
#include "daemon_fake.h"

#define MINUTE (60 * 1000LL)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static int swept, warned, refreshed, looked, reminded, told;

void __wrap_accounts_sweep(struct accounts *accounts);

void
__wrap_accounts_sweep(struct accounts *accounts)
{
	(void)accounts;
	swept++;
}

void __wrap_observe_tell(struct msgraphd *daemon);

void
__wrap_observe_tell(struct msgraphd *daemon)
{
	(void)daemon;
	told++;
}

void __wrap_identities_refresh(struct identities *identities, int is_reload);

void
__wrap_identities_refresh(struct identities *identities, int is_reload)
{
	(void)identities;
	assert_int_equal(is_reload, 0);
	refreshed++;
}

int __wrap_identities_look_at_files(struct identities *identities);

int
__wrap_identities_look_at_files(struct identities *identities)
{
	(void)identities;
	looked++;
	return 0;
}

int __wrap_identities_remind(struct identities *identities, struct error *err);

int
__wrap_identities_remind(struct identities *identities, struct error *err)
{
	(void)identities;
	(void)err;
	return ++reminded % 2; /* two steps each time */
}

int __wrap_accounts_warn(struct accounts *accounts);

int
__wrap_accounts_warn(struct accounts *accounts)
{
	(void)accounts;
	return ++warned % 3 != 0; /* three steps each time */
}

static int
begin(void **state)
{
	(void)state;
	warned = reminded = 0;
	if (fake_begin() == -1)
		return -1;
	d.conf.state_retention = 2 * 3600;
	d.trash = draft_trash_new(&d, NULL);
	d.clock_watch = clock_watch_new(&d);
	d.housekeeping = housekeeping_new(&d, NULL);
	return d.housekeeping == NULL ? -1 : 0;
}

static int
end(void **state)
{
	(void)state;
	housekeeping_free(&d.housekeeping);
	draft_trash_free(&d.trash);
	clock_watch_free(&d.clock_watch);
	bounce_counts_clear(&d.bounce_counts);
	return fake_end();
}

static void
on_written(void *ctx, const struct error *err)
{
	(void)ctx;
	assert_null(err);
}

static int
is_in_journal(void)
{
	unsigned char key[1][JOURNAL_DIGEST_SIZE] = {{1}};
	struct journal_keys keys = {key, 1};
	struct journal_entry entry = {.keys = &keys};

	assert_int_equal(journal_find(d.journal, &entry, NULL), 0);
	return entry.status == JOURNAL_ACCEPTED;
}

static int
has(const char *what)
{
	struct state_credential credential = {0};
	struct draft_store store = {st, vault};
	struct draft draft = {0};
	struct identity id;
	int found;

	switch (*what) {
	case 'j':
		return is_in_journal();
	case 's':
		return sender_find(st, "a@x", &id, NULL) == 1;
	case 'd':
		found = draft_find(
		    &store, (const unsigned char[32]){2}, &draft, NULL);
		draft_clear(&draft);
		return found == 1;
	case 'b':
		return !LIST_EMPTY(&d.bounce_counts);
	default:
		found = state_get(st, &apps[0], &credential, NULL);
		state_credential_clear(&credential);
		return found == 1;
	}
}

static void
write_all(void)
{
	unsigned char key[1][JOURNAL_DIGEST_SIZE] = {{1}};
	struct journal_keys keys = {key, 1};
	struct journal_entry entry = {
	    .keys = &keys, .status = JOURNAL_ACCEPTED};
	struct draft_store store = {st, vault};
	struct draft draft = {
	    .digest = {2}, .identity = apps[0], .mailbox = "a@x", .id = "i"};
	struct state_credential credential = {.secret = secret_new("s", 1)};

	journal_write(d.journal, &entry, on_written, NULL);
	sender_note(st, "a@x", &apps[0], NULL);
	draft_keep(&store, &draft, NULL);
	bounce_count_add(&d.bounce_counts, "a@x");
	credential.verified = clock_wall();
	assert_int_equal(state_put(st, &apps[0], &credential, NULL), 0);
	secret_free(&credential.secret);
	run();
}

static const struct {
	long long ms; /* since the row before */
	const char *left; /* journal, sender, draft, bounces, credential */
} rows[] = {
    {59 * MINUTE, "jsdbc"},
    {12 * MINUTE, "jsdc"},
    {48 * MINUTE, "jsdc"},
    {12 * MINUTE, "sc"},
    {399 * DAY, "sc"},
    {2 * DAY, ""},
};

static void
test_ages(void **state)
{
	const char *what;
	size_t i;

	(void)state;
	write_all();
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		pass(rows[i].ms);
		for (what = "jsdbc"; *what != '\0'; what++)
			if (has(what) != (strchr(rows[i].left, *what) != NULL))
				fail_msg("row %zu: %c", i, *what);
	}
}

/* systemd hears of it as often as the shortest watchdog could want. */
static void
test_systemd_is_told(void **state)
{
	int i;

	(void)state;
	told = 0;
	for (i = 0; i < 60; i++) {
		pass(5 * 1000);
		assert_in_range(told, i, i + 2);
	}
}

static void
test_accounts_are_swept_each_minute(void **state)
{
	int i;

	(void)state;
	swept = 0;
	for (i = 0; i < 10; i++)
		pass(MINUTE + 1000);
	/* those for Graph, and those for storage */
	assert_in_range(swept, 18, 20);
}

/* At the start as well. */
static void
test_reminders_each_minute(void **state)
{
	int i;

	(void)state;
	run();
	assert_int_equal(reminded, 2);
	for (i = 0; i < 10; i++)
		pass(MINUTE + 1000);
	assert_in_range(reminded, 20, 22);
}

static void
test_table_is_looked_at_every_few_seconds(void **state)
{
	int i;

	(void)state;
	refreshed = looked = 0;
	for (i = 0; i < 10; i++)
		pass(5100);
	assert_in_range(refreshed, 9, 10);
	assert_in_range(looked, 9, 11);
}

/* Of credentials that end soon; also at the start. */
static void
test_a_warning_a_day(void **state)
{
	int i;

	(void)state;
	run();
	assert_int_equal(warned, 3);
	for (i = 0; i < 71; i++)
		pass(HOUR);
	assert_int_equal(warned, 9);
}

/* A clock that was wrong at the start costs no secret. */
static void
test_no_secret_goes_on_the_first_day(void **state)
{
	(void)state;
	write_all();
	housekeeping_free(&d.housekeeping);
	pass(500 * DAY);
	d.housekeeping = housekeeping_new(&d, NULL);
	pass(23 * HOUR);
	assert_true(has("c"));
	assert_false(has("s"));
	pass(2 * HOUR);
	assert_false(has("c"));
}

static int
count_rows(void)
{
	sqlite3_stmt *stmt = NULL;
	int count;

	assert_int_equal(
	    state_prepare(st, "SELECT count(*) FROM delivery", &stmt, NULL), 0);
	assert_int_equal(state_step(st, stmt, NULL), 1);
	count = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return count;
}

static struct {
	struct event *ready;
	int calls, between; /* of the calls, when some of it was done */
} heard;

static void
on_ready(evutil_socket_t fd, short what, void *ctx)
{
	int count = count_rows();

	(void)fd;
	(void)what;
	(void)ctx;
	heard.between += count > 0 && count < 5000;
	if (++heard.calls < 20)
		event_add(heard.ready, NULL);
}

/* Who says something on a socket is heard before all of it is done. */
static void
test_piece_by_piece(void **state)
{
	int pair[2];

	(void)state;
	memset(&heard, 0, sizeof(heard));
	assert_int_equal(
	    state_run(st,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
		" FROM n WHERE i < 5000) INSERT INTO delivery"
		" SELECT randomblob(32), 2, 0, '', '', 0, 0 FROM n",
		NULL),
	    0);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	heard.ready = event_new(d.base, pair[0], EV_READ, on_ready, NULL);
	event_add(heard.ready, NULL);
	pass(11 * MINUTE);
	assert_int_equal(count_rows(), 0);
	assert_in_range(heard.between, 4, 15); /* other chores are due too */
	event_free(heard.ready);
	close(pair[0]);
	close(pair[1]);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_ages),
	    TEST(test_systemd_is_told),
	    TEST(test_accounts_are_swept_each_minute),
	    TEST(test_reminders_each_minute),
	    TEST(test_table_is_looked_at_every_few_seconds),
	    TEST(test_a_warning_a_day),
	    TEST(test_no_secret_goes_on_the_first_day),
	    TEST(test_piece_by_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
