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
#include "agent/daemon/store/state_sql.h"
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

static struct journal_keys
one_key(unsigned char first)
{
	struct journal_keys keys = {calloc(1, JOURNAL_DIGEST_SIZE), 1};

	keys.list[0][0] = first;
	return keys;
}

/* One of a kind, with these keys of its own and of the notice about it. */
static struct delivery *
start_as(
    const struct delivery_request *kind, unsigned char key, unsigned char told)
{
	struct delivery_request request = *kind;

	strcpy(request.queue_id, "4TEST");
	strcpy(request.mailbox, "a@x");
	request.nrcpt = 1;
	give_message(&request);
	request.keys = one_key(key);
	request.told = one_key(told);
	request.recipients = strdup("b@y\n");
	return delivery_start(&d, &request, on_done, NULL);
}

static struct delivery *
start(void)
{
	return start_as(&(struct delivery_request){.notice = 0}, 1, 2);
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

/*
 * The first message of a mailbox has a way back for its bounce; what has no
 * sender gets no bounce.
 */
static void
test_way_back(void **state)
{
	static const struct {
		long status;
		const char *code;
		int way_back;
		struct delivery_request kind;
	} ends[] = {{202, "", 1, {.notice = 0}}, {413, "", 1, {.notice = 0}},
	    {503, "", 1, {.notice = 0}},
	    {400, "ErrorMessageBlocked", 1, {.notice = 0}},
	    {403, "ErrorAccessDenied", 0, {.notice = 0}},
	    {404, "ErrorInvalidUser", 0, {.notice = 0}},
	    {413, "", 0, {.null_sender = 1}}, {413, "", 0, {.notice = 1}}};
	struct identity id;
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		start_as(&ends[i].kind, 1, 2);
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

/* Nor a message and the notice about it, whichever comes first. */
static void
test_message_and_notice_at_once(void **state)
{
	static const struct delivery_request message, notice = {.notice = 1};

	(void)state;
	start_as(&message, 1, 2);
	run();
	start_as(&notice, 2, 2);
	run();
	assert_int_equal(replies, 1);
	assert_string_equal(reply.dsn, "4.3.0");
	answer(413, "", 0);
	start_as(&notice, 2, 2);
	run();
	start_as(&message, 1, 2);
	run();
	assert_int_equal(replies, 3);
	assert_string_equal(reply.dsn, "4.3.0");
	assert_int_equal(fake.made, 2);
}

/* A refusal bounces when nothing else was said for so long. */
static void
test_grace(void **state)
{
	static const struct {
		long ms; /* after the attempt before; grace is 1000 s */
		long status;
		enum wire_status end;
	} attempts[] = {{0, 403, WIRE_DEFERRED}, {500000, 403, WIRE_DEFERRED},
	    {499000, 503, WIRE_DEFERRED}, {2000, 403, WIRE_DEFERRED},
	    {500000, 403, WIRE_DEFERRED}, {500000, 403, WIRE_BOUNCED}};
	size_t i;

	(void)state;
	fake.is_frozen = 1;
	for (i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
		pass(attempts[i].ms);
		start();
		run();
		answer(attempts[i].status,
		    attempts[i].status == 403 ? "ErrorAccessDenied" : "", 0);
		if (reply.status != attempts[i].end)
			fail_msg("attempt %zu: %s", i, reply.text);
	}
}

/* Who waits for another message gives up while there is time for a post. */
static void
test_spare_time(void **state)
{
	(void)state;
	fake.is_frozen = 1;
	d.conf.mailbox_concurrency = 1;
	start();
	run();
	start_as(&(struct delivery_request){.notice = 0}, 3, 4);
	run();
	pass(584 * 1000);
	assert_int_equal(replies, 0);
	pass(2000);
	assert_int_equal(replies, 1);
	assert_string_equal(reply.dsn, "4.4.2");
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

/*
 * Where the journal cannot be written nothing is posted; what was posted is
 * told all the same.
 */
static void
test_no_journal(void **state)
{
	(void)state;
	start();
	run();
	assert_int_equal(state_run(st, "DROP TABLE delivery", NULL), 0);
	answer(202, "", 0);
	assert_int_equal(reply.status, WIRE_SENT);
	start();
	run();
	assert_int_equal(replies, 2);
	assert_int_equal(reply.status, WIRE_DEFERRED);
	assert_int_equal(fake.made, 1);
}

/* What Graph says goes to the log and to the sender, but for the token. */
static void
test_token_in_answer(void **state)
{
#define TOKEN "secret-of-more-than-24-bytes"
	static const struct {
		const char *body, *request_id, *left;
	} says[] = {
	    {"{\"error\":{\"code\":\"" TOKEN "\",\"message\":\"words\"}}", "id",
		": words"},
	    {"{\"error\":{\"code\":\"A\",\"message\":\"for " TOKEN "\"}}", "id",
		" A (request-id=id)"},
	    {"{\"error\":{\"code\":\"A\",\"message\":\"words\"}}", TOKEN,
		" A: words"},
	};
	size_t i;

	for (i = 0; i < sizeof(says) / sizeof(*says); i++) {
		strcpy(fake.token, TOKEN);
		fake.request_id = says[i].request_id;
		start();
		run();
		answer_body(503, says[i].body, 0);
		assert_non_null(strstr(reply.text, says[i].left));
		assert_null(strstr(reply.text, TOKEN));
		delivery_end(state);
		begin(state);
	}
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
	    TEST(test_message_and_notice_at_once),
	    TEST(test_grace),
	    TEST(test_spare_time),
	    TEST(test_refused_secret_bounces_after_its_grace),
	    TEST(test_no_journal),
	    TEST(test_token_in_answer),
	    TEST(test_abandoned),
	    TEST(test_end_of_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
