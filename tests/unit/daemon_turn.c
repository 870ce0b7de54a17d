/*
 * Permission for one request (agent/daemon/turn): what it waits for, who is
 * told that it will take too long, and that nobody is called back while busy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/base/reason.h"
#include "daemon_fake.h"

#define TURNS 100

static struct asked {
	struct turn *turn;
	int answers;
	struct turn_answer last;
} asked[TURNS];

static int
begin(void **state)
{
	(void)state;
	memset(asked, 0, sizeof(asked));
	return fake_begin();
}

static int
end(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < TURNS; i++)
		turn_free(&asked[i].turn);
	return fake_end();
}

static void
on_answer(void *ctx, const struct turn_answer *answer_given)
{
	struct asked *a = ctx;

	a->answers++;
	a->last = *answer_given;
}

static const char *entry = ""; /* of the next that asks */

/* Asks, as this application for this mailbox. */
static struct asked *
ask(size_t i, size_t app, const char *mailbox)
{
	struct turn_for whose = {.identity = &apps[app],
	    .entry = entry,
	    .mailbox = mailbox,
	    .deadline = clock_ms() + 585 * 1000,
	    .patience = 60 * 1000,
	    .is_delivery = 1};

	asked[i].turn = turn_new(d.turns, &whose);
	assert_non_null(asked[i].turn);
	turn_ask(asked[i].turn, on_answer, &asked[i]);
	assert_int_equal(asked[i].answers, 0); /* never from inside */
	return &asked[i];
}

static void
throttle(enum throttle_scope scope, long seconds)
{
	throttle_by_graph(d.throttles, &apps[0], "a@x", scope, seconds, NULL);
}

/* --- tokens --- */

static const struct {
	enum account_result token;
	enum turn_result result;
	const char *dsn, *reason;
} tokens[] = {
    {ACCOUNT_OK, TURN_READY, NULL, NULL},
    {ACCOUNT_REFUSED, TURN_REFUSED, NULL, NULL},
    {ACCOUNT_REFUSED_REQUEST, TURN_LATER, "4.7.8", REASON_CREDENTIAL},
    {ACCOUNT_UNKNOWN, TURN_LATER, "4.7.8", REASON_CREDENTIAL},
    {ACCOUNT_MISCONFIGURED, TURN_LATER, "4.3.5", REASON_CONFIGURATION},
    {ACCOUNT_UNAVAILABLE, TURN_LATER, "4.4.1", REASON_ENDPOINT},
};

static void
test_tokens(void **state)
{
	struct asked *a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
		fake.token_result = tokens[i].token;
		a = ask(i, 0, "a@x");
		run();
		assert_int_equal(a->answers, 1);
		assert_int_equal(a->last.result, tokens[i].result);
		if (tokens[i].dsn != NULL) {
			assert_string_equal(a->last.dsn, tokens[i].dsn);
			assert_string_equal(a->last.reason, tokens[i].reason);
			assert_non_null(strstr(a->last.text, "why"));
		}
	}
	assert_string_equal(turn_token(asked[0].turn)->bytes, "token");
}

/* The entry decides about the token, and about nothing else. */
static void
test_entries(void **state)
{
	static const char *const names[] = {"one", "two"};
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++) {
		entry = names[i % 2];
		ask(i, 0, "a@x");
		run();
		assert_string_equal(fake.entry, entry);
		assert_int_equal(asked[i].answers, i < 4); /* the gate */
	}
	turn_end(asked[0].turn);
	run();
	assert_int_equal(asked[4].answers, 1);
	fake.token_result = ACCOUNT_UNKNOWN;
	ask(5, 0, "b@x");
	run();
	entry = "";
	assert_string_equal(asked[5].last.text,
	    "entry one is gone or has no credential of its own, and why");
}

static void
test_rejected_token(void **state)
{
	struct asked *a = ask(0, 0, "a@x");

	(void)state;
	run();
	turn_reject_token(a->turn);
	strcpy(fake.token, "another");
	turn_ask(a->turn, on_answer, a);
	run();
	assert_int_equal(a->answers, 2);
	assert_string_equal(fake.rejected, "token");
	assert_string_equal(turn_token(a->turn)->bytes, "another");
	turn_ask(a->turn, on_answer, a);
	run();
	assert_string_equal(fake.rejected, "");
}

/* --- throttling --- */

static const struct {
	enum throttle_scope scope;
	long seconds;
	const char *mailbox;
	size_t app;
	int waits, told; /* 1: at once */
} throttled[] = {
    {THROTTLE_MAILBOX, 4, "a@x", 0, 1, 0},
    {THROTTLE_MAILBOX, 50, "a@x", 0, 1, 0},
    {THROTTLE_MAILBOX, 61, "a@x", 0, 0, 1},
    {THROTTLE_MAILBOX, 4, "b@x", 0, 0, 0},
    {THROTTLE_APPLICATION, 4, "b@x", 0, 1, 0},
    {THROTTLE_APPLICATION, 4, "a@x", 1, 0, 0},
};

static void
test_throttled(void **state)
{
	struct asked *a;
	size_t i;

	for (i = 0; i < sizeof(throttled) / sizeof(*throttled); i++) {
		throttle(throttled[i].scope, throttled[i].seconds);
		a = ask(0, throttled[i].app, throttled[i].mailbox);
		run();
		assert_int_equal(a->answers, !throttled[i].waits);
		assert_int_equal(
		    a->last.result == TURN_THROTTLED, throttled[i].told);
		if (throttled[i].waits) {
			pass(throttled[i].seconds * 1000 - 1500);
			assert_int_equal(a->answers, 0);
			pass(2000);
			assert_int_equal(a->answers, 1);
			assert_int_equal(a->last.result, TURN_READY);
		}
		end(state);
		begin(state);
	}
}

static void
test_patience_is_for_all_waits(void **state)
{
	struct asked *a;

	(void)state;
	throttle(THROTTLE_MAILBOX, 40);
	a = ask(0, 0, "a@x");
	run();
	pass(41 * 1000);
	assert_int_equal(a->answers, 1);
	assert_int_equal(a->last.result, TURN_READY);
	turn_throttle(a->turn, THROTTLE_MAILBOX, 40);
	turn_ask(a->turn, on_answer, a);
	run();
	assert_int_equal(a->answers, 2);
	assert_int_equal(a->last.result, TURN_THROTTLED);
	assert_string_equal(a->last.dsn, "4.4.5");
}

/* Somebody is told while others stand at the gate. */
static void
test_throttled_at_the_gate(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++)
		ask(i, 0, "a@x");
	run();
	assert_int_equal(asked[4].answers, 0);
	turn_throttle(asked[0].turn, THROTTLE_MAILBOX, 3);
	turn_end(asked[0].turn);
	run();
	assert_int_equal(asked[4].answers, 0);
	pass(3100);
	assert_int_equal(asked[4].last.result, TURN_READY);
	assert_int_equal(asked[4].answers, 1);
}

/* How many of so many wait for a long Retry-After; the rest is told. */
static const struct {
	int apps, mailboxes, waiting;
} rooms[] = {{1, 1, 2}, {1, 3, 6}, {1, 30, 8}, {3, 30, 24}};

static void
test_few_wait_long(void **state)
{
	char mailbox[16];
	int waiting;
	size_t i, j;

	for (i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
		for (j = 0; j < 3; j++)
			throttle_by_graph(d.throttles, &apps[j], "",
			    THROTTLE_APPLICATION, 50, NULL);
		for (j = 0; j < TURNS; j++) {
			snprintf(mailbox, sizeof(mailbox), "m%zu@x",
			    j / 3 % (size_t)rooms[i].mailboxes);
			ask(j, j % (size_t)rooms[i].apps, mailbox);
		}
		run();
		for (waiting = 0, j = 0; j < TURNS; j++)
			waiting += asked[j].answers == 0;
		assert_int_equal(waiting, rooms[i].waiting);
		pass(51 * 1000);
		for (j = 0; j < TURNS; j++)
			assert_int_equal(asked[j].answers, 1);
		end(state);
		begin(state);
	}
}

/* Those that wait long hold processes, which others may not take as well. */
static void
test_long_waits_count(void **state)
{
	char mailbox[16];
	int waiting = 0;
	size_t i;

	(void)state;
	/* quick ones, so that nearly all processes may be theirs */
	for (i = 0; i < TURNS; i++) {
		ask(i, 1, "b@x");
		run();
		turn_free(&asked[i].turn);
	}
	throttle_by_graph(
	    d.throttles, &apps[0], "", THROTTLE_APPLICATION, 50, NULL);
	for (i = 0; i < TURNS; i++) {
		snprintf(mailbox, sizeof(mailbox), "m%zu@x", i % 40);
		memset(&asked[i], 0, sizeof(asked[i]));
		ask(i, i >= 8, mailbox);
	}
	run();
	for (i = 0; i < TURNS; i++)
		waiting += asked[i].answers == 0;
	assert_int_equal(waiting, 8 + 5);
	pass(51 * 1000);
	for (i = 8; i < TURNS - 5; i++)
		turn_free(&asked[i].turn);
	run();
	for (i = 0; i < 8; i++)
		assert_int_equal(asked[i].answers, 1);
}

/* --- the gate, and the end --- */

static void
test_deadline_at_the_gate(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++)
		ask(i, 0, "a@x");
	run();
	pass(590 * 1000);
	assert_int_equal(asked[3].answers, 1);
	assert_int_equal(asked[4].last.result, TURN_LATER);
	assert_string_equal(asked[4].last.dsn, "4.4.2");
}

static void
test_stop(void **state)
{
	size_t i;

	(void)state;
	throttle(THROTTLE_MAILBOX, 50);
	ask(0, 0, "a@x"); /* waits for that */
	for (i = 1; i < 6; i++)
		ask(i, 1, "b@x"); /* the last of them before the gate */
	run();
	ask(6, 1, "c@x"); /* just begun */
	turns_stop(d.turns);
	run();
	ask(7, 1, "c@x");
	run();
	for (i = 0; i < 8; i++) {
		assert_int_equal(asked[i].answers, 1);
		assert_int_equal(asked[i].last.result,
		    i >= 1 && i < 5 ? TURN_READY : TURN_LATER);
		if (asked[i].last.result == TURN_LATER)
			assert_string_equal(asked[i].last.dsn, "4.3.2");
	}
}

static void
test_free_while_it_waits(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++)
		ask(i, 0, "a@x");
	turn_free(&asked[0].turn); /* just begun */
	event_base_loop(d.base, EVLOOP_NONBLOCK);
	event_base_loop(d.base, EVLOOP_NONBLOCK);
	turn_free(&asked[1].turn); /* waits for a place or a token */
	run();
	turn_free(&asked[7].turn); /* waits at the gate */
	turn_free(&asked[2].turn); /* has its turn */
	run();
	for (i = 3; i < 7; i++)
		assert_int_equal(asked[i].last.result, TURN_READY);
	assert_int_equal(fake.waiting, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_tokens),
	    TEST(test_entries),
	    TEST(test_rejected_token),
	    TEST(test_throttled),
	    TEST(test_patience_is_for_all_waits),
	    TEST(test_throttled_at_the_gate),
	    TEST(test_few_wait_long),
	    TEST(test_long_waits_count),
	    TEST(test_deadline_at_the_gate),
	    TEST(test_stop),
	    TEST(test_free_while_it_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
