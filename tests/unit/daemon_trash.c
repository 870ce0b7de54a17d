/*
 * Drafts that will not be sent are deleted
 * (agent/daemon/delivery/draft_trash.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/delivery/draft_trash.h"
#include "agent/daemon/store/draft_store.h"
#include "agent/daemon/store/state_sql.h"
#include "daemon_fake.h"

static struct draft_store store;

static int
begin(void **state)
{
	(void)state;
	if (fake_begin() == -1)
		return -1;
	store.state = st;
	store.vault = vault;
	d.trash = draft_trash_new(&d, NULL);
	return d.trash == NULL ? -1 : 0;
}

static int
end(void **state)
{
	(void)state;
	draft_trash_free(&d.trash);
	return fake_end();
}

static void
discard(unsigned char number, const char *id)
{
	struct draft draft = {.digest = {number}, .identity = apps[0]};

	strcpy(draft.mailbox, "a@x");
	strcpy(draft.id, id);
	assert_int_equal(draft_keep(&store, &draft, NULL), 0);
	assert_int_equal(draft_discard(&store, draft.digest, NULL), 1);
}

static int
rows(void)
{
	struct draft draft = {0};
	long long number = 0;
	int count = 0;

	while (draft_next_discarded(&store, &number, &draft, NULL) == 1) {
		draft_clear(&draft);
		count++;
	}
	return count;
}

/* Answers the request; the next one comes by a timer. */
static void
answer_and_go_on(long status, long retry_after)
{
	answer(status, "", retry_after);
	pass(2);
}

static const struct {
	long status[2]; /* of the answers; -1: there is no further request */
	int left;
} answers[] = {
    {{204, -1}, 0},
    {{404, -1}, 0},
    {{503, -1}, 1},
    {{429, -1}, 1},
    {{401, 204}, 0},
    {{401, 401}, 1},
};

static void
test_answers(void **state)
{
	size_t i, j;

	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		discard(1, "draft-1");
		draft_trash_wake(d.trash);
		run();
		for (j = 0; j < 2 && answers[i].status[j] != -1; j++) {
			assert_int_equal(fake.count, 1);
			assert_string_equal(fake.calls[0]->method, "DELETE");
			answer_and_go_on(answers[i].status[j], 100);
		}
		assert_int_equal(fake.count, 0);
		assert_int_equal(rows(), answers[i].left);
		end(state);
		begin(state);
	}
}

/* One that may have been sent is looked at, and deleted if it was not. */
static void
test_looked_at(void **state)
{
	static const struct {
		long status;
		const char *body;
		int deleted, stays;
	} looks[] = {
	    {200, "{\"isDraft\":true}", 1, 0},
	    {200, "{\"isDraft\":false}", 0, 0},
	    {404, "", 0, 0},
	    {200, "{}", 0, 1},
	    {503, "", 0, 1},
	};
	struct draft draft = {.digest = {1}, .sending = 1, .identity = apps[0]};
	size_t i;

	(void)state;
	strcpy(draft.mailbox, "a@x");
	strcpy(draft.id, "one");
	for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		assert_int_equal(draft_keep(&store, &draft, NULL), 0);
		assert_int_equal(draft_discard(&store, draft.digest, NULL), 1);
		draft_trash_wake(d.trash);
		run();
		assert_int_equal(fake.count, 1);
		assert_string_equal(fake.calls[0]->method, "GET");
		answer_body(looks[i].status, looks[i].body, 0);
		assert_int_equal(fake.count, looks[i].deleted);
		if (looks[i].deleted) {
			assert_string_equal(fake.calls[0]->method, "DELETE");
			answer_body(204, "", 0);
		}
		assert_int_equal(rows(), looks[i].stays);
		assert_int_equal(state_run(st, "DELETE FROM draft", NULL), 0);
	}
}

static void
test_one_at_a_time_and_all(void **state)
{
	(void)state;
	discard(1, "draft-1");
	discard(2, ""); /* never made */
	discard(3, "draft-3");
	draft_trash_wake(d.trash);
	run();
	assert_int_equal(fake.count, 1);
	discard(4, "draft-4");
	draft_trash_wake(d.trash);
	answer_and_go_on(204, 0);
	answer_and_go_on(204, 0);
	answer_and_go_on(204, 0);
	assert_int_equal(fake.count, 0);
	assert_int_equal(rows(), 0);
}

/* One that stands before the draft at hand is met as well. */
static void
test_woken_for_an_earlier_one(void **state)
{
	struct draft first = {.digest = {1}, .identity = apps[0]};

	(void)state;
	strcpy(first.mailbox, "a@x");
	strcpy(first.id, "draft-1");
	assert_int_equal(draft_keep(&store, &first, NULL), 0);
	discard(2, "draft-2");
	draft_trash_wake(d.trash);
	run();
	assert_int_equal(fake.count, 1);
	assert_int_equal(draft_discard(&store, first.digest, NULL), 1);
	draft_trash_wake(d.trash);
	answer_and_go_on(204, 0);
	assert_int_equal(fake.count, 1);
	answer_and_go_on(204, 0);
	assert_int_equal(rows(), 0);
}

static int
events(void)
{
	return event_base_get_num_events(
	    d.base, EVENT_BASE_COUNT_ADDED | EVENT_BASE_COUNT_ACTIVE);
}

/* However many there are: sockets are looked at between two. */
static void
test_many_are_throttled(void **state)
{
	int i, loops, before;

	(void)state;
	throttle_by_graph(
	    d.throttles, &apps[0], "a@x", THROTTLE_MAILBOX, 3600, NULL);
	for (i = 1; i < 50; i++)
		discard((unsigned char)i, "draft");
	pass(1000);
	before = events();
	draft_trash_wake(d.trash);
	for (loops = 0; events() > before; loops++)
		event_base_loop(d.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_true(loops >= 49);
	assert_int_equal(fake.made, 0);
	assert_int_equal(rows(), 49);
}

static void
test_throttled_and_swept(void **state)
{
	(void)state;
	throttle_by_graph(
	    d.throttles, &apps[0], "a@x", THROTTLE_MAILBOX, 3, NULL);
	discard(1, "draft-1");
	draft_trash_wake(d.trash);
	run();
	assert_int_equal(fake.made, 0);
	pass(600 * 1000);
	draft_trash_sweep(d.trash, clock_wall() - 3600, NULL);
	run();
	assert_int_equal(fake.count, 1);
	answer_and_go_on(503, 0);
	pass(600 * 1000);
	draft_trash_sweep(d.trash, clock_wall() - 300, NULL);
	run();
	assert_int_equal(fake.count, 0);
	assert_int_equal(rows(), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_answers),
	    TEST(test_looked_at),
	    TEST(test_one_at_a_time_and_all),
	    TEST(test_woken_for_an_earlier_one),
	    TEST(test_many_are_throttled),
	    TEST(test_throttled_and_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
