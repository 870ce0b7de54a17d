/*
 * What an earlier attempt has sent is looked for (agent/daemon/delivery): of a
 * large message, which is a draft first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/delivery/delivery.h"
#include "agent/daemon/delivery/draft_trash.h"
#include "daemon_fake.h"
#include "search_message.h"

/* Answers the request, which must be this one. */
static void
expect(const char *what, long status, const char *body)
{
	assert_int_equal(fake.count, 1);
	assert_non_null(strstr(fake.calls[0]->url, what));
	answer_body(status, body, 0);
}

/* The draft Dn is made, and the order to send it is answered so. */
static void
order_sent(int n, long status)
{
	char body[32], attach[32], order[32];

	snprintf(body, sizeof(body), "{\"id\":\"D%d\"}", n);
	snprintf(attach, sizeof(attach), "/D%d/attachments", n);
	snprintf(order, sizeof(order), "/D%d/send", n);
	expect("/messages", 201, body);
	expect(attach, 201, "{}");
	expect(order, status, "");
}

/* Drafts has nothing, and Sent Items a message to these; "": nothing too. */
static void
search(const char *found)
{
	expect(DRAFTS, 200, "{\"value\":[]}");
	say_found(found);
}

/*
 * A draft that was never sent says nothing of another one, by which some of its
 * recipients may have got the message.
 */
static void
test_draft_that_was_not_sent(void **state)
{
	(void)state;
	with_file = 1;
	bring(OWN, "a");
	expect("/messages", 201, "{\"id\":\"D0\"}");
	expect("/D0/attachments", 503, "");
	bring(OWN, "ab");
	order_sent(1, 500);
	bring(OWN, "a");
	expect("/D0/attachments", 201, "{}");
	search("ab");
	assert_int_equal(reply.status, WIRE_SENT);
	/* nor does one that Graph refused to send */
	delivery_end(state);
	begin(state);
	with_file = 1;
	bring(OWN, "a");
	order_sent(0, 503);
	bring(OWN, "ab");
	order_sent(1, 500);
	bring(OWN, "a");
	search("ab");
	assert_int_equal(reply.status, WIRE_SENT);
	/* of one that may have been sent is asked what became of it */
	bring(OWN, "b");
	search("");
	order_sent(2, 500);
	bring(OWN, "b");
	expect("/D2?", 200, "{\"isDraft\":false}");
	assert_int_equal(reply.status, WIRE_SENT);
}

/* Nor does one that a former fallback mailbox has begun. */
static void
test_draft_of_the_former(void **state)
{
	(void)state;
	with_file = 1;
	fake.fallback = F;
	bring(F, "a");
	expect("/messages", 201, "{\"id\":\"D0\"}");
	expect("/D0/attachments", 503, "");
	bring(F, "ab");
	order_sent(1, 500);
	fake.fallback = G;
	bring(F, "a");
	search("ab");
	assert_int_equal(reply.status, WIRE_SENT);
}

/* Orders two drafts sent, to a and b and then to b and c. No answer comes. */
static void
order_overlapping(void)
{
	bring(OWN, "ab");
	order_sent(0, 500);
	bring(OWN, "bc");
	search("");
	order_sent(1, 500);
}

/* If its own was sent, all its recipients have got it; else some by another. */
static void
test_drafts_that_overlap(void **state)
{
	(void)state;
	with_file = 1;
	order_overlapping();
	bring(OWN, "ab");
	expect("/D0?", 200, "{\"isDraft\":false}");
	assert_int_equal(reply.status, WIRE_SENT);
	delivery_end(state);
	begin(state);
	with_file = 1;
	order_overlapping();
	bring(OWN, "ab");
	expect("/D0?", 200, "{\"isDraft\":true}");
	search("bc");
	expect("/D0?", 200, "{\"isDraft\":true}");
	search("bc");
	assert_int_equal(reply.status, WIRE_DEFERRED);
	assert_int_equal(reply.recipients[0], 0);
	assert_int_equal(reply.recipients[1], WIRE_RECIPIENT_ACCEPTED);
}

/* Another was for its recipients too, and was ordered sent after it. */
static void
test_draft_that_another_has(void **state)
{
	(void)state;
	with_file = 1;
	bring(OWN, "a");
	order_sent(0, 500);
	bring(OWN, "ab");
	search("");
	order_sent(1, 500);
	bring(OWN, "a");
	expect("/D0?", 200, "{\"isDraft\":true}");
	search("ab");
	assert_int_equal(reply.status, WIRE_SENT);
}

/* Drafts have a message to "a" that the state does not know. */
static void
say_unknown_draft(int is_draft)
{
	char body[256];

	snprintf(body, sizeof(body),
	    "{\"value\":[{\"id\":\"D9\",\"isDraft\":%s,\"toRecipients\":"
	    "[{\"emailAddress\":{\"address\":\"a@y\"}}]}]}",
	    is_draft ? "true" : "false");
	expect(DRAFTS, 200, body);
}

/*
 * One whose making got no answer is in the mailbox, and nobody knows its id. It
 * does not keep the message waiting, since it was not handed over.
 */
static void
test_draft_whose_id_is_not_known(void **state)
{
	(void)state;
	with_file = 1;
	bring(OWN, "a");
	order_sent(0, 500);
	bring(OWN, "a");
	expect("/D0?", 404, "{\"error\":{\"code\":\"ErrorItemNotFound\"}}");
	search("");
	expect("/messages", 500, "");
	/* one that was handed over does */
	bring(OWN, "a");
	say_unknown_draft(0);
	say_found("");
	assert_int_equal(reply.status, WIRE_DEFERRED);
	assert_non_null(strstr(reply.text, "may have taken the message"));
	bring(OWN, "a");
	say_unknown_draft(1);
	say_found("");
	order_sent(2, 202);
	assert_int_equal(reply.status, WIRE_SENT);
}

/* What sendMail has begun may be a draft as well, and goes on its way later. */
static void
test_draft_of_sendmail(void **state)
{
	(void)state;
	d.conf.verify_unknown = 1;
	bring(OWN, "ab");
	expect(POST, 500, "");
	/* sendmail_limit is another by now */
	with_file = 1;
	bring(OWN, "a");
	say_unknown_draft(1);
	say_found("");
	assert_int_equal(reply.status, WIRE_DEFERRED);
	assert_non_null(strstr(reply.text, "may have taken the message"));
	/* and the draft of somebody else's part does not change that */
	bring(OWN, "ac");
	search("");
	order_sent(0, 500);
	bring(OWN, "a");
	say_unknown_draft(1);
	say_found("");
	assert_int_equal(reply.status, WIRE_DEFERRED);
}

/* Of a draft that could not be made nothing is of use, or useless. */
static void
test_other_shape_after_no_draft(void **state)
{
	static const char none[] = "{\"value\":[]}";

	(void)state;
	with_file = 1;
	bring(OWN, "a");
	order_sent(0, 500);
	bring(OWN, "a");
	expect("/D0?", 404, "{\"error\":{\"code\":\"ErrorItemNotFound\"}}");
	expect(DRAFTS, 200, none);
	expect(SENT, 200, none);
	expect("/messages", 503, "");
	file_name = "other";
	bring(OWN, "a");
	expect(DRAFTS, 200, none);
	expect(SENT, 200, none);
	expect("/messages", 201, "{\"id\":\"D1\"}");
	expect("/D1/attachments", 503, "");
	assert_int_equal(reply.status, WIRE_DEFERRED);
}

/* Returns the id of the draft that is deleted, or "none". */
static const char *
deleted(void)
{
	static char id[8];

	draft_trash_wake(d.trash);
	run();
	if (fake.count == 0)
		return "none";
	assert_int_equal(fake.count, 1);
	assert_string_equal(fake.calls[0]->method, "DELETE");
	snprintf(id, sizeof(id), "%s", strrchr(fake.calls[0]->url, '/') + 1);
	answer_body(204, "", 0);
	return id;
}

/*
 * Where all or some of the recipients have got the message otherwise, their
 * draft is not sent any more. It is deleted, unless it may have been sent.
 */
static void
test_draft_that_is_left_over(void **state)
{
	(void)state;
	with_file = 1;
	d.trash = draft_trash_new(&d, NULL);
	bring(OWN, "a");
	expect("/messages", 201, "{\"id\":\"D0\"}");
	expect("/D0/attachments", 503, "");
	bring(OWN, "bc");
	expect("/messages", 201, "{\"id\":\"D1\"}");
	expect("/D1/attachments", 503, "");
	bring(OWN, "ab");
	order_sent(2, 202);
	assert_int_equal(reply.status, WIRE_SENT);
	assert_string_equal(deleted(), "none");
	bring(OWN, "a");
	assert_int_equal(reply.status, WIRE_SENT);
	assert_string_equal(deleted(), "D0");
	bring(OWN, "bc");
	assert_int_equal(reply.status, WIRE_DEFERRED);
	assert_string_equal(deleted(), "D1");
	bring(OWN, "ab");
	assert_string_equal(deleted(), "none");
	draft_trash_free(&d.trash);
}

/* The order to send it got no answer, and the message is found. */
static void
test_draft_that_may_be_sent(void **state)
{
	(void)state;
	with_file = 1;
	d.trash = draft_trash_new(&d, NULL);
	bring(OWN, "a");
	order_sent(0, 500);
	bring(OWN, "ab");
	search("a");
	assert_int_equal(reply.status, WIRE_DEFERRED);
	bring(OWN, "a");
	assert_int_equal(reply.status, WIRE_SENT);
	expect("/D0?", 200, "{\"isDraft\":false}");
	assert_string_equal(deleted(), "none");
	draft_trash_free(&d.trash);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, delivery_end)
	const struct CMUnitTest tests[] = {
	    TEST(test_draft_that_was_not_sent),
	    TEST(test_draft_of_the_former),
	    TEST(test_drafts_that_overlap),
	    TEST(test_draft_that_another_has),
	    TEST(test_draft_whose_id_is_not_known),
	    TEST(test_draft_of_sendmail),
	    TEST(test_other_shape_after_no_draft),
	    TEST(test_draft_that_is_left_over),
	    TEST(test_draft_that_may_be_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
