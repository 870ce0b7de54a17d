/*
 * A delivery from its beginning to its end (agent/daemon/delivery): a row is
 * what Graph answers, one after the other, and what becomes of the message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/base/reason.h"
#include "agent/daemon/store/sender.h"
#include "daemon_fake.h"
#include "delivery_message.h"

#define ANSWERS 3

static enum journal_status posted_as; /* in the journal, at each request */

static struct journal_entry
journal_now(void)
{
	unsigned char key[1][JOURNAL_DIGEST_SIZE] = {{1}};
	struct journal_keys keys = {key, 1};
	struct journal_entry entry = {.keys = &keys};

	assert_int_equal(journal_find(d.journal, &entry, NULL), 0);
	entry.keys = NULL;
	return entry;
}

static void
on_call(void)
{
	posted_as = journal_now().status;
}

static int
begin(void **state)
{
	if (delivery_begin(state) == -1)
		return -1;
	fake.on_call = on_call;
	return 0;
}

static struct delivery *
start(void)
{
	struct delivery_request request = {
	    .queue_id = "4TEST", .mailbox = "a@x", .nrcpt = 1};

	give_message(&request);
	request.keys.list = calloc(1, JOURNAL_DIGEST_SIZE);
	request.keys.list[0][0] = 1;
	request.keys.count = 1;
	request.recipients = strdup("b@y\n");
	return delivery_start(&d, &request, on_done, NULL);
}

static const struct {
	struct {
		long status;
		const char *code;
		long retry_after;
	} answers[ANSWERS];
	size_t requests; /* so many are made */
	enum wire_status status;
	const char *dsn;
	enum journal_status left; /* in the journal, at the end */
} rows[] = {
    {{{202, "", 0}}, 1, WIRE_SENT, "2.0.0", JOURNAL_ACCEPTED},
    {{{401, "", 0}, {202, "", 0}}, 2, WIRE_SENT, "2.0.0", JOURNAL_ACCEPTED},
    {{{401, "", 0}, {401, "", 0}}, 2, WIRE_DEFERRED, "4.7.8", JOURNAL_NEW},
    {{{429, "", 2}, {202, "", 0}}, 2, WIRE_SENT, "2.0.0", JOURNAL_ACCEPTED},
    {{{429, "", 2}, {429, "", 90}}, 2, WIRE_DEFERRED, "4.4.5", JOURNAL_NEW},
    {{{429, "", 90}}, 1, WIRE_DEFERRED, "4.4.5", JOURNAL_NEW},
    {{{503, "", 0}}, 1, WIRE_DEFERRED, "4.3.2", JOURNAL_NEW},
    {{{500, "", 0}}, 1, WIRE_DEFERRED, "4.3.2", JOURNAL_POSTED},
    {{{0, "", 0}}, 1, WIRE_DEFERRED, "4.4.1", JOURNAL_POSTED},
    {{{200, "", 0}}, 1, WIRE_DEFERRED, "4.3.0", JOURNAL_POSTED},
    {{{413, "", 0}}, 1, WIRE_BOUNCED, "5.3.4", JOURNAL_NEW},
    {{{400, "ErrorMimeContentInvalid", 0}, {202, "", 0}}, 2, WIRE_SENT, "2.0.0",
	JOURNAL_ACCEPTED},
    {{{400, "ErrorMimeContentInvalid", 0}, {400, "ErrorMimeContentInvalid", 0}},
	2, WIRE_BOUNCED, "5.6.0", JOURNAL_NEW},
    {{{403, "ErrorAccessDenied", 0}}, 1, WIRE_DEFERRED, "4.7.1", JOURNAL_NEW},
};

static void
test_answers(void **state)
{
	size_t i, j;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_non_null(start());
		for (j = 0; j < rows[i].requests; j++) {
			/* a short throttling passes */
			pass(j > 0 && rows[i].answers[j - 1].status == 429
				? 2500
				: 0);
			assert_int_equal(fake.count, 1);
			assert_int_equal(posted_as, JOURNAL_POSTED);
			assert_int_equal(replies, 0);
			answer(rows[i].answers[j].status,
			    rows[i].answers[j].code,
			    rows[i].answers[j].retry_after);
		}
		assert_int_equal(replies, 1);
		assert_int_equal(reply.status, rows[i].status);
		assert_string_equal(reply.dsn, rows[i].dsn);
		assert_int_equal(fake.count, 0);
		assert_int_equal(journal_now().status, rows[i].left);
		assert_true(LIST_EMPTY(&d.deliveries));
		delivery_end(state);
		begin(state);
	}
}

/* The first message of a mailbox has a way back for its bounce. */
static void
test_way_back(void **state)
{
	static const struct {
		long status;
		const char *code;
		int way_back;
	} ends[] = {{202, "", 1}, {413, "", 1}, {503, "", 1},
	    {400, "ErrorMessageBlocked", 1}, {403, "ErrorAccessDenied", 0},
	    {404, "ErrorInvalidUser", 0}};
	struct identity id;
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		start();
		run();
		assert_int_equal(sender_find(st, "a@x", &id, NULL), 0);
		answer(ends[i].status, ends[i].code, 0);
		assert_int_equal(
		    sender_find(st, "a@x", &id, NULL), ends[i].way_back);
		delivery_end(state);
		begin(state);
	}
}

static void
test_accepted_before(void **state)
{
	(void)state;
	start();
	run();
	answer(202, "", 0);
	start();
	run();
	assert_int_equal(replies, 2);
	assert_int_equal(reply.status, WIRE_SENT);
	assert_string_equal(reply.text, "accepted before, request-id=id-1");
	assert_int_equal(fake.made, 1);
}

static void
test_same_message_twice_at_once(void **state)
{
	(void)state;
	start();
	run();
	start();
	run();
	assert_int_equal(replies, 1);
	assert_string_equal(reply.dsn, "4.3.0");
	answer(202, "", 0);
	assert_int_equal(replies, 2);
	assert_int_equal(reply.status, WIRE_SENT);
}

static void
test_refused_secret_bounces_after_its_grace(void **state)
{
	(void)state;
	fake.token_result = ACCOUNT_REFUSED;
	start();
	run();
	assert_string_equal(reply.dsn, "4.7.8");
	pass((d.conf.access_denied_grace + 1) * 1000LL);
	start();
	run();
	assert_string_equal(reply.dsn, "5.7.8");
	assert_int_equal(reply.status, WIRE_BOUNCED);
	assert_int_equal(fake.made, 0);
}

/* --- whose agent has gone --- */

static void
test_abandoned(void **state)
{
	struct delivery *delivery = start();
	int turns;

	/* at whatever moment before the request */
	for (turns = 0; turns < 20; turns++) {
		if (fake.made > 0)
			break;
		delivery_abandon(&delivery);
		run();
		assert_int_equal(fake.made, 0);
		assert_true(LIST_EMPTY(&d.deliveries));
		assert_int_equal(journal_now().status, JOURNAL_NEW);
		delivery_end(state);
		begin(state);
		delivery = start();
		for (int i = 0; i <= turns; i++) {
			fake_give_tokens();
			event_base_loop(d.base, EVLOOP_NONBLOCK);
		}
	}
	assert_true(turns > 0 && turns < 20);
	/* and once it is made, it goes on to its end */
	delivery_abandon(&delivery);
	run();
	answer(202, "", 0);
	assert_int_equal(replies, 0);
	assert_int_equal(journal_now().status, JOURNAL_ACCEPTED);
	assert_true(LIST_EMPTY(&d.deliveries));
}

static void
test_end_of_the_daemon(void **state)
{
	(void)state;
	throttle_by_graph(
	    d.throttles, &apps[0], "a@x", THROTTLE_MAILBOX, 50, NULL);
	start();
	run();
	delivery_drop_all(&d);
	assert_true(LIST_EMPTY(&d.deliveries));
	assert_int_equal(journal_now().status, JOURNAL_NEW);
	pass(51 * 1000);
	start();
	run();
	assert_int_equal(fake.count, 1);
	delivery_drop_all(&d);
	assert_int_equal(fake.count, 0);
	assert_int_equal(journal_now().status, JOURNAL_POSTED);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, delivery_end)
	const struct CMUnitTest tests[] = {
	    TEST(test_answers),
	    TEST(test_way_back),
	    TEST(test_accepted_before),
	    TEST(test_same_message_twice_at_once),
	    TEST(test_refused_secret_bounces_after_its_grace),
	    TEST(test_abandoned),
	    TEST(test_end_of_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
