/*
 * Another mailbox sends where there is none of From (fallback_mailbox): a row
 * is the deliveries of one message, one after the other, as the agent brings
 * them, with what Graph answers and what becomes of it. "killed" is msgraphd's
 * end while Graph has the message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/message/fingerprint.h"
#include "agent/daemon/store/sender.h"
#include "daemon_fake.h"
#include "delivery_message.h"

#define OWN "a@x"
#define OTHER "f@x"
#define STEPS 4
#define RECIPIENTS 3

/* Brings the message for these recipients, a letter each. */
static void
bring(int instead, int notice, const char *letters)
{
	struct delivery_request request = {
	    .queue_id = "4TEST", .nrcpt = 1, .notice = notice};
	char addresses[RECIPIENTS][8];
	const char *list[RECIPIENTS];
	size_t i;

	strcpy(request.mailbox, instead ? OTHER : OWN);
	strcpy(request.instead_of, instead ? OWN : "");
	give_message(&request);
	for (i = 0; letters[i] != '\0'; i++) {
		snprintf(
		    addresses[i], sizeof(addresses[i]), "%c@y", letters[i]);
		list[i] = addresses[i];
	}
	assert_int_equal(fingerprint(&request, list, i), 0);
	request.recipients = strdup("b@y\n");
	assert_non_null(delivery_start(&d, &request, on_done, NULL));
	run();
}

/* One delivery, for recipient b unless it is said. */
struct step {
	int instead; /* 1: from the fallback mailbox */
	long answer; /* -1: no request may be made; 0: killed */
	const char *code;
	enum wire_status status; /* unless killed */
	const char *dsn, *text; /* the text's beginning */
	const char *again_as;
	const char *to;
};

#define KILLED 0, "", 0, NULL, NULL, "", NULL
#define NO_MAILBOX 404, "ErrorInvalidUser"
#define AGAIN WIRE_DEFERRED, "4.1.0", "there is no such mailbox;", OTHER, NULL
#define SENT(text) WIRE_SENT, "2.0.0", text, "", NULL
#define BEFORE -1, "", SENT("accepted before, request-id=id-")
#define INSTEAD "Graph accepted, request-id="
#define GO_ON                                                         \
	-1, "", WIRE_DEFERRED, "4.3.0",                               \
	    "an earlier attempt, from the fallback mailbox, was not " \
	    "answered",                                               \
	    OTHER, NULL

static const struct {
	const char *fallback; /* of the entry */
	struct step steps[STEPS];
} rows[] = {
    /* only where there is no mailbox, and the entry names another */
    {OTHER, {{0, 202, "", SENT("Graph accepted, request-id=id-1")}}},
    {OTHER, {{0, NO_MAILBOX, AGAIN}, {1, 202, "", SENT(INSTEAD)}}},
    {OTHER, {{0, 404, "ResourceNotFound", AGAIN}}},
    {NULL,
	{{0, NO_MAILBOX, WIRE_DEFERRED, "4.1.0", "there is no such", "",
	    NULL}}},
    {"A@X",
	{{0, NO_MAILBOX, WIRE_DEFERRED, "4.1.0", "there is no such", "",
	    NULL}}},
    {OTHER,
	{{0, 404, "Request_ResourceNotFound", WIRE_DEFERRED, "4.1.0",
	    "there is no such", "", NULL}}},
    {OTHER,
	{{0, 404, "MailboxNotEnabledForRESTAPI", WIRE_DEFERRED, "4.1.0", "the",
	    "", NULL}}},
    {OTHER,
	{{0, 403, "ErrorAccessDenied", WIRE_DEFERRED, "4.7.1", "the", "",
	    NULL}}},
    {OTHER,
	{{0, 403, "ErrorSendAsDenied", WIRE_DEFERRED, "4.7.60", "the", "",
	    NULL}}},
    {OTHER, {{0, 404, "", WIRE_DEFERRED, "4.3.0", "Graph's", "", NULL}}},
    /* what becomes of it there; a third mailbox is not tried */
    {"g@x",
	{{1, -1, "", WIRE_DEFERRED, "4.3.0", "<f@x>, which is not the fallback",
	    "", NULL}}},
    {OTHER,
	{{1, NO_MAILBOX, WIRE_DEFERRED, "4.1.0",
	    "from the fallback mailbox <f@x>, since there is no <a@x>: there "
	    "is no such mailbox; From must name an existing one: HTTP 404",
	    "", NULL}}},
    {OTHER,
	{{1, 413, "", WIRE_BOUNCED, "5.3.4",
	    "from the fallback mailbox <f@x>, since there is no <a@x>: the "
	    "message",
	    "", NULL}}},
    /* it was accepted, and nobody heard of it: not from either, any more */
    {OTHER,
	{{0, NO_MAILBOX, AGAIN}, {1, 202, "", SENT(INSTEAD)}, {0, BEFORE},
	    {1, BEFORE}}},
    {OTHER, {{0, 202, "", SENT("Graph accepted")}, {1, BEFORE}, {0, BEFORE}}},
    /* killed before, and while it is posted from either */
    {OTHER,
	{{0, KILLED}, {0, NO_MAILBOX, AGAIN}, {1, 202, "", SENT(INSTEAD)},
	    {0, BEFORE}}},
    {OTHER,
	{{1, KILLED}, {0, GO_ON}, {1, 202, "", SENT(INSTEAD)}, {0, BEFORE}}},
    {OTHER,
	{{1, 500, "", WIRE_DEFERRED, "4.3.2", "from the", "", NULL}, {0, GO_ON},
	    {1, 202, "", SENT(INSTEAD)}, {1, BEFORE}}},
    /* the next attempt begins with the own mailbox, which may exist by now */
    {OTHER,
	{{1, 503, "", WIRE_DEFERRED, "4.3.2", "from the", "", NULL},
	    {0, 202, "", SENT("Graph accepted")}, {1, BEFORE}}},
    /* each recipient for itself */
    {OTHER,
	{{1, 202, "", WIRE_SENT, "2.0.0", "Graph", "", "ab"},
	    {0, -1, "", WIRE_DEFERRED, "4.3.0", "some of", "", "bc"},
	    {0, 202, "", WIRE_SENT, "2.0.0", "Graph", "", "c"},
	    {0, -1, "", WIRE_SENT, "2.0.0", "accepted before", "", "abc"}}},
};

static void
take_step(const struct step *step, size_t row, size_t number)
{
	size_t made = fake.made;
	int before = replies;

	bring(step->instead, 0, step->to == NULL ? "b" : step->to);
	if (fake.made - made != (step->answer != -1))
		fail_msg("row %zu, step %zu: %zu requests: %s", row, number,
		    fake.made - made, reply.text);
	if (step->answer == 0) {
		fake.all_sent = 1;
		delivery_drop_all(&d);
		return;
	}
	if (step->answer > 0) {
		assert_non_null(strstr(fake.calls[0]->url,
		    step->instead ? "/users/f%40x/" : "/users/a%40x/"));
		answer(step->answer, step->code, 0);
	}
	assert_int_equal(replies, before + 1);
	if (reply.status != step->status || strcmp(reply.dsn, step->dsn) != 0 ||
	    strncmp(reply.text, step->text, strlen(step->text)) != 0 ||
	    strcmp(reply.again_as, step->again_as) != 0)
		fail_msg("row %zu, step %zu: %d %s %s (%s)", row, number,
		    reply.status, reply.dsn, reply.text, reply.again_as);
}

static void
test_rows(void **state)
{
	size_t i, j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake.fallback = rows[i].fallback;
		for (j = 0; j < STEPS && rows[i].steps[j].again_as != NULL; j++)
			take_step(&rows[i].steps[j], i, j);
		delivery_end(state);
		delivery_begin(state);
	}
}

/* However long the refusal stands, an agent that knows no fallback defers. */
static void
test_old_refusal(void **state)
{
	(void)state;
	bring(0, 0, "b");
	answer(404, "ErrorInvalidUser", 0);
	assert_int_equal(reply.status, WIRE_DEFERRED);
	pass((d.conf.access_denied_grace + 1) * 1000LL);
	fake.fallback = OTHER;
	bring(0, 0, "b");
	answer(404, "ErrorInvalidUser", 0);
	assert_int_equal(reply.status, WIRE_DEFERRED);
	assert_string_equal(reply.dsn, "4.1.0");
	assert_string_equal(reply.again_as, OTHER);
	/* the fallback's own refusal is a new one */
	bring(1, 0, "b");
	answer(404, "ErrorInvalidUser", 0);
	assert_int_equal(reply.status, WIRE_DEFERRED);
	pass((d.conf.access_denied_grace + 1) * 1000LL);
	bring(1, 0, "b");
	answer(404, "ErrorInvalidUser", 0);
	assert_int_equal(reply.status, WIRE_BOUNCED);
	assert_string_equal(reply.dsn, "5.1.0");
}

/*
 * What counts is what the entry said when the delivery was permitted: by now a
 * map may not answer, and that it names no fallback is not known then.
 */
static void
test_known_since_the_beginning(void **state)
{
	(void)state;
	bring(0, 0, "b");
	answer(404, "ErrorInvalidUser", 0);
	pass((d.conf.access_denied_grace + 1) * 1000LL);
	fake.fallback = OTHER;
	bring(0, 0, "b");
	fake.fallback = NULL;
	answer(404, "ErrorInvalidUser", 0);
	assert_int_equal(reply.status, WIRE_DEFERRED);
	assert_string_equal(reply.again_as, OTHER);
}

/* Who may not send at all is not told of another mailbox either. */
static void
test_disabled(void **state)
{
	(void)state;
	fake.fallback = OTHER;
	bring(1, 0, "b");
	answer(500, "", 0);
	fake.disabled = 1;
	bring(0, 0, "b");
	assert_string_equal(reply.dsn, "4.7.13");
	assert_string_equal(reply.again_as, "");
	fake.disabled = 0;
	bring(0, 0, "b");
	assert_string_equal(reply.again_as, OTHER);
}

/* Neither of the two goes out while the other is on its way. */
static void
test_under_way(void **state)
{
	int instead;

	for (instead = 0; instead <= 1; instead++) {
		fake.fallback = OTHER;
		bring(instead, 0, "ab");
		bring(!instead, 0, "bc");
		assert_int_equal(replies, 1);
		assert_non_null(strstr(reply.text, "still under way"));
		answer(202, "", 0);
		assert_int_equal(reply.status, WIRE_SENT);
		delivery_end(state);
		delivery_begin(state);
	}
}

/* The sender is told once, from whichever mailbox. */
static void
test_notice(void **state)
{
	(void)state;
	fake.fallback = OTHER;
	bring(0, 1, "b");
	answer(404, "ErrorInvalidUser", 0);
	assert_string_equal(reply.again_as, OTHER);
	bring(1, 1, "b");
	answer(202, "", 0);
	assert_int_equal(reply.status, WIRE_SENT);
	bring(0, 1, "b");
	assert_non_null(strstr(reply.text, "accepted before"));
	bring(0, 0, "b");
	assert_int_equal(reply.status, WIRE_SENT);
	assert_int_equal(reply.recipients[0], WIRE_RECIPIENT_TOLD);
	assert_int_equal(fake.made, 2);
}

/* Bounces have a way to the mailbox that sends, and none to one that is not. */
static void
test_way_back(void **state)
{
	struct identity id;

	(void)state;
	fake.fallback = OTHER;
	assert_int_equal(sender_expect(st, OWN, &apps[0], NULL), 0);
	bring(0, 0, "b");
	answer(404, "ErrorInvalidUser", 0);
	assert_int_equal(sender_find(st, OWN, &id, NULL), 0);
	bring(1, 0, "b");
	answer(503, "", 0);
	assert_int_equal(sender_find(st, OTHER, &id, NULL), 1);
	assert_int_equal(sender_find(st, OWN, &id, NULL), 0);
}

/* The fallback mailbox has places of its own at the gate, and throttles. */
static void
test_gate(void **state)
{
	(void)state;
	fake.fallback = OTHER;
	d.conf.mailbox_concurrency = 1;
	throttle_by_graph(
	    d.throttles, &apps[0], OWN, THROTTLE_MAILBOX, 50, NULL);
	bring(0, 0, "a");
	assert_int_equal(fake.count, 0);
	bring(1, 0, "b");
	assert_int_equal(fake.count, 1);
	bring(1, 0, "c");
	assert_int_equal(fake.count, 1);
	pass(51 * 1000);
	assert_int_equal(fake.count, 2);
	assert_non_null(strstr(fake.calls[1]->url, "/users/a%40x/"));
}

int
main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, delivery_begin, delivery_end)
	const struct CMUnitTest tests[] = {
	    TEST(test_rows),
	    TEST(test_old_refusal),
	    TEST(test_known_since_the_beginning),
	    TEST(test_disabled),
	    TEST(test_under_way),
	    TEST(test_notice),
	    TEST(test_way_back),
	    TEST(test_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
