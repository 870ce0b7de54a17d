/*
 * Who is not asked after Graph or Entra has asked to slow down
 * (agent/daemon/throttle/throttle.c): a row is what was told, in order, and who
 * is held. tests/simulation lets the minute pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include <event2/event.h>

#include "agent/daemon/store/state_sql.h"
#include "agent/daemon/store/throttle_store.h"
#include "agent/daemon/throttle/throttle.h"
#include "state_folder.h"

#define TENANT "11111111-2222-3333-4444-555555555555"
#define OTHER "22222222-2222-3333-4444-555555555555"

static const struct identity apps[] = {
    {TENANT, "aaaaaaaa-7777-8888-9999-000000000000"},
    {TENANT, "bbbbbbbb-7777-8888-9999-000000000000"},
    {OTHER, "aaaaaaaa-7777-8888-9999-000000000000"},
};
#define APPS (sizeof(apps) / sizeof(*apps))

static struct throttles *throttles;
static struct event_base *base;
static int commits;

static int
on_commit(void *ctx)
{
	(void)ctx;
	commits++;
	return 0;
}

static int
begin(void **state)
{
	(void)state;
	if (state_begin(state) == -1)
		return -1;
	base = event_base_new();
	throttles = throttles_new(base, st, NULL);
	sqlite3_commit_hook(st->db, on_commit, NULL);
	commits = 0;
	return throttles == NULL ? -1 : 0;
}

static int
end(void **state)
{
	(void)state;
	throttles_free(&throttles);
	event_base_free(base);
	return state_end(state);
}

static void
restart(void)
{
	throttles_free(&throttles);
	throttles = throttles_new(base, st, NULL);
	assert_non_null(throttles);
}

/* --- Graph --- */

struct graph_case {
	const char *told[3]; /* mailboxes of the first application; "": itself,
			 "*": its tenant */
	const char *held, *free; /* other mailboxes of it, blanks between */
};

static const struct graph_case graph[] = {
    {{"a@x"}, "a@x", "b@x c@x"},
    {{"a@x", "a@x", "a@x"}, "a@x", "b@x"},
    {{"a@x", "A@X"}, "a@x A@X", "b@x"}, /* one mailbox */
    {{"a@x", "b@x"}, "a@x b@x c@x", ""},
    {{"a@x", "a@x", "b@x"}, "a@x b@x c@x", ""},
    {{""}, "a@x b@x", ""},
    {{"*"}, "a@x b@x", ""},
};

static enum throttle_scope
scope_of(const char *told)
{
	if (*told == '*')
		return THROTTLE_TENANT;
	return *told == '\0' ? THROTTLE_APPLICATION : THROTTLE_MAILBOX;
}

static void
check_graph(const char *mailboxes, int held)
{
	char list[64], *at = list, *mailbox;

	snprintf(list, sizeof(list), "%s", mailboxes);
	while ((mailbox = strsep(&at, " ")) != NULL)
		if (*mailbox != '\0')
			assert_int_equal(throttle_left_graph(
					     throttles, &apps[0], mailbox) > 0,
			    held);
}

static void
test_graph(void **state)
{
	const struct graph_case *t;
	size_t i, j;

	for (i = 0; i < sizeof(graph) / sizeof(*graph); i++) {
		t = &graph[i];
		for (j = 0; j < 3 && t->told[j] != NULL; j++)
			assert_int_equal(
			    throttle_by_graph(throttles, &apps[0], t->told[j],
				scope_of(t->told[j]), 300, NULL),
			    0);
		check_graph(t->held, 1);
		check_graph(t->free, 0);
		/* nobody else, nor Entra */
		assert_int_equal(
		    throttle_left_graph(throttles, &apps[1], "a@x") > 0,
		    t->told[0][0] == '*');
		assert_int_equal(
		    throttle_left_graph(throttles, &apps[2], "a@x"), 0);
		assert_int_equal(throttle_left_entra(throttles, &apps[0]), 0);
		restart();
		check_graph(t->held, 1);
		check_graph(t->free, 0);
		end(state);
		begin(state);
	}
}

/* --- Entra --- */

static const struct {
	int told[3]; /* numbers of applications, -1 behind the last */
	int held[APPS];
} entra[] = {
    {{0, -1}, {1, 0, 0}},
    {{0, 0, 0}, {1, 0, 0}},
    {{0, 1, -1}, {1, 1, 0}},
    {{1, 1, 0}, {1, 1, 0}},
    /* the same client id in two tenants is two applications */
    {{0, 2, -1}, {1, 0, 1}},
};

static void
check_entra(size_t row)
{
	size_t i;

	for (i = 0; i < APPS; i++)
		if ((throttle_left_entra(throttles, &apps[i]) > 0) !=
		    entra[row].held[i])
			fail_msg("row %zu, application %zu", row, i);
}

static void
test_entra(void **state)
{
	const struct identity third = {
	    TENANT, "cccccccc-7777-8888-9999-000000000000"};
	size_t i, j;

	for (i = 0; i < sizeof(entra) / sizeof(*entra); i++) {
		for (j = 0; j < 3 && entra[i].told[j] != -1; j++)
			assert_int_equal(
			    throttle_by_entra(
				throttles, &apps[entra[i].told[j]], 300, NULL),
			    0);
		check_entra(i);
		assert_int_equal(throttle_left_entra(throttles, &third) > 0,
		    entra[i].held[0] && entra[i].held[1]);
		assert_int_equal(
		    throttle_left_graph(throttles, &apps[0], "a@x"), 0);
		restart();
		check_entra(i);
		end(state);
		begin(state);
	}
}

/* --- for how long --- */

static void
check_left(long long left, long seconds)
{
	assert_true(left <= seconds * 1000LL);
	assert_true(left > (seconds - 5) * 1000LL);
}

static void
test_seconds(void **state)
{
	(void)state;
	throttle_by_graph(
	    throttles, &apps[0], "a@x", THROTTLE_MAILBOX, 0, NULL);
	check_left(throttle_left_graph(throttles, &apps[0], "a@x"),
	    THROTTLE_SECONDS_DEFAULT);
	throttle_by_graph(
	    throttles, &apps[0], "a@x", THROTTLE_MAILBOX, 600, NULL);
	check_left(throttle_left_graph(throttles, &apps[0], "a@x"), 600);
	/* never shorter than it is */
	throttle_by_graph(
	    throttles, &apps[0], "a@x", THROTTLE_MAILBOX, 10, NULL);
	check_left(throttle_left_graph(throttles, &apps[0], "a@x"), 600);
	throttle_by_graph(
	    throttles, &apps[0], "a@x", THROTTLE_MAILBOX, 86400, NULL);
	check_left(throttle_left_graph(throttles, &apps[0], "a@x"),
	    THROTTLE_SECONDS_MAX);
	/* the longer of the two counts */
	throttle_by_graph(
	    throttles, &apps[1], "", THROTTLE_APPLICATION, 600, NULL);
	throttle_by_graph(
	    throttles, &apps[1], "a@x", THROTTLE_MAILBOX, 10, NULL);
	check_left(throttle_left_graph(throttles, &apps[1], "a@x"), 600);
}

/* --- on the disk --- */

/* The clock may have been anything when it was written. */
static void
test_wrong_clock(void **state)
{
	struct throttle_row row = {.until = time(NULL) + 30 * 86400LL};
	char name[THROTTLE_NAME_SIZE];

	(void)state;
	row.name = throttle_mailbox(&apps[0], "a@x", name);
	assert_int_equal(throttle_store_put(st, &row, 1, NULL), 0);
	restart();
	check_left(throttle_left_graph(throttles, &apps[0], "a@x"),
	    THROTTLE_SECONDS_MAX);
}

/*
 * However many are told at once, the daemon waits for the disk once; and once
 * more for what is told in the half second after that.
 */
static const struct {
	int mailboxes, times, turns, commits; /* turns: of the event loop */
} bursts[] = {
    {1, 1, 1, 1},
    {1, 100, 1, 1},
    {100, 1, 1, 1},
    {300, 3, 1, 2},
    {1, 100, 100, 2},
    {100, 1, 100, 2},
};

static void
test_burst(void **state)
{
	char mailbox[32];
	size_t i;
	int j, k, count;

	for (i = 0; i < sizeof(bursts) / sizeof(*bursts); i++) {
		count = 0;
		for (j = 0; j < bursts[i].times; j++)
			for (k = 0; k < bursts[i].mailboxes; k++) {
				snprintf(mailbox, sizeof(mailbox), "m%d@x", k);
				throttle_by_graph(throttles, &apps[0], mailbox,
				    THROTTLE_MAILBOX, 300 + j, NULL);
				if (++count < bursts[i].turns)
					event_base_loop(base,
					    EVLOOP_ONCE | EVLOOP_NONBLOCK);
			}
		if (bursts[i].turns == 1)
			assert_int_equal(commits, 0);
		else
			assert_int_equal(commits, 1);
		/* before anybody is answered */
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		assert_int_equal(commits, 1);
		event_base_loop(base, 0); /* until nothing is left to do */
		assert_int_equal(commits, bursts[i].commits);
		restart();
		assert_int_equal(commits, bursts[i].commits);
		check_graph("m0@x", 1);
		end(state);
		begin(state);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_graph, begin, end),
	    cmocka_unit_test_setup_teardown(test_entra, begin, end),
	    cmocka_unit_test_setup_teardown(test_seconds, begin, end),
	    cmocka_unit_test_setup_teardown(test_wrong_clock, begin, end),
	    cmocka_unit_test_setup_teardown(test_burst, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
