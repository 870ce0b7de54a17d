/*
 * What an earlier attempt has sent is looked for (agent/daemon/delivery,
 * verify_unknown): a row is the deliveries of one message, one after the other,
 * as the agent brings them, to some of its recipients and from its own mailbox
 * or a fallback. A delivery makes requests, and Graph's answers are in the row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/delivery/delivery.h"
#include "agent/daemon/store/state_sql.h"
#include "daemon_fake.h"
#include "search_message.h"

#define TRIES 5
#define REQUESTS 5

struct request {
	const char *what; /* stands in its URL; NULL: there is none */
	long status;
	const char *said; /* a code; or, of a search, to whom it went */
};

struct
try {
	const char *fallback; /* of the entry */
	const char *from, *to;
	struct request requests[REQUESTS];
	enum wire_status status;
	const char *text; /* its beginning */
	const char *again_as;
	const char *done; /* recipients that are, as the reply says */
};

#define UNKNOWN WIRE_DEFERRED, "Graph failed", "", ""
#define TAKEN WIRE_SENT, "Graph accepted", "", ""
#define FOUND WIRE_SENT, "accepted before, found in Sent Items", "", ""
#define SOME(done) WIRE_DEFERRED, "some of these", "", done

#define FROM(m) WIRE_DEFERRED, "from the fallback mailbox <" m ">", "", ""
#define UNANSWERED(m)                                                          \
	WIRE_DEFERRED,                                                         \
	    "an earlier attempt, from the fallback mailbox, was not answered", \
	    m, ""
#define OVER                                                                   \
	WIRE_DEFERRED,                                                         \
	    "<f@x>, which is not the fallback mailbox any more, has not sent", \
	    "", ""

static const struct {
	int posts_at_once; /* without verify_unknown */
	struct try tries[TRIES];
} rows[] = {
    /* the very same again */
    {0,
	{{NULL, OWN, "ab", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "ab", {{DRAFTS, 200, ""}, {SENT, 200, "ab"}}, FOUND},
	    {NULL, OWN, "b", {{0}}, WIRE_SENT, "accepted before", "", ""}}},
    {0,
	{{NULL, OWN, "ab", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "ab",
		{{DRAFTS, 200, ""}, {SENT, 200, "a"}, {POST, 202, ""}},
		TAKEN}}},
    /* fewer than it was for */
    {0,
	{{NULL, OWN, "ab", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "b", {{DRAFTS, 200, ""}, {SENT, 200, "ab"}}, FOUND},
	    {NULL, OWN, "a", {{DRAFTS, 200, ""}, {SENT, 200, "ab"}}, FOUND}}},
    /* more: those whom it was for are looked for, and the others get it */
    {0,
	{{NULL, OWN, "b", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "abc", {{DRAFTS, 200, ""}, {SENT, 200, "b"}},
		SOME("b")},
	    {NULL, OWN, "ac", {{POST, 202, ""}}, TAKEN},
	    {NULL, OWN, "abc", {{0}}, WIRE_SENT, "accepted before", "", ""}}},
    {0,
	{{NULL, OWN, "b", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "abc", {{DRAFTS, 200, "b"}, {SENT, 200, "ac"}},
		WIRE_DEFERRED, "Graph may have taken the message", "", ""}}},
    {0,
	{{NULL, OWN, "b", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "abc",
		{{DRAFTS, 200, ""}, {SENT, 200, ""}, {POST, 202, ""}}, TAKEN},
	    {NULL, OWN, "b", {{0}}, WIRE_SENT, "accepted before", "", ""}}},
    {1,
	{{NULL, OWN, "b", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "abc", {{POST, 202, ""}}, TAKEN}}},
    /* and then the others are in doubt as well */
    {0,
	{{NULL, OWN, "b", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "abc",
		{{DRAFTS, 200, ""}, {SENT, 200, ""}, {POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "ac", {{DRAFTS, 200, ""}, {SENT, 200, "abc"}}, FOUND}}},
    /* but not where Graph has refused it for all of them */
    {0,
	{{NULL, OWN, "b", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "ab",
		{{DRAFTS, 200, ""}, {SENT, 200, ""}, {POST, 503, ""}},
		WIRE_DEFERRED, "Exchange is busy", "", ""},
	    {NULL, OWN, "a", {{POST, 202, ""}}, TAKEN}}},
    /* and not before: not where an older refusal is over, either */
    {0,
	{{NULL, OWN, "ab", {{POST, 404, "ErrorInvalidUser"}}, WIRE_DEFERRED,
	     "there is no such mailbox", "", ""},
	    {NULL, OWN, "b", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "ab", {{DRAFTS, 503, ""}}, WIRE_DEFERRED,
		"whether Graph has taken the message", "", ""},
	    {NULL, OWN, "ab", {{DRAFTS, 200, ""}, {SENT, 200, "b"}},
		SOME("b")}}},
    /* to some of these and to others: each post is looked for by itself */
    {0,
	{{NULL, OWN, "ab", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "bc",
		{{DRAFTS, 200, ""}, {SENT, 200, ""}, {POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "ab",
		{{DRAFTS, 200, ""}, {SENT, 200, "bc"}, {DRAFTS, 200, ""},
		    {SENT, 200, "bc"}},
		SOME("b")},
	    {NULL, OWN, "a",
		{{DRAFTS, 200, ""}, {SENT, 200, "bc"}, {POST, 202, ""}}, TAKEN},
	    {NULL, OWN, "c", {{DRAFTS, 200, ""}, {SENT, 200, "bc"}}, FOUND}}},
    {0,
	{{NULL, OWN, "abc", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "ab",
		{{DRAFTS, 200, ""}, {SENT, 200, ""}, {POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "abc", {{DRAFTS, 200, ""}, {SENT, 200, "ab"}},
		SOME("ab")},
	    {NULL, OWN, "c",
		{{DRAFTS, 200, ""}, {SENT, 200, "ab"}, {POST, 202, ""}},
		TAKEN}}},
    /* one that is searched for and not found does not end the doubt */
    {0,
	{{NULL, OWN, "ab", {{POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "bc",
		{{DRAFTS, 200, ""}, {SENT, 200, ""}, {POST, 500, ""}}, UNKNOWN},
	    {NULL, OWN, "ab",
		{{DRAFTS, 200, ""}, {SENT, 200, ""}, {DRAFTS, 200, ""},
		    {SENT, 200, ""}, {POST, 503, ""}},
		WIRE_DEFERRED, "Exchange is busy", "", ""},
	    {NULL, OWN, "ab", {{DRAFTS, 200, ""}, {SENT, 200, "ab"}}, FOUND}}},
    /* from the fallback mailbox, which is searched as its own would be */
    {0,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {F, OWN, "a", {{0}}, UNANSWERED(F)},
	    {F, F, "a", {{DRAFTS, 200, ""}, {SENT, 200, "a"}}, FOUND},
	    {F, OWN, "a", {{0}}, WIRE_SENT, "accepted before", "", ""}}},
    {0,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {F, OWN, "a", {{0}}, UNANSWERED(F)},
	    {F, F, "a", {{DRAFTS, 200, ""}, {SENT, 200, ""}, {POST, 202, ""}},
		TAKEN}}},
    /* another one by then: the former is searched, and does not send */
    {0,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {G, OWN, "a", {{0}}, UNANSWERED(F)},
	    {G, F, "a", {{DRAFTS, 200, ""}, {SENT, 200, "a"}}, FOUND},
	    {G, OWN, "a", {{0}}, WIRE_SENT, "accepted before", "", ""},
	    {G, G, "a", {{0}}, WIRE_SENT, "accepted before", "", ""}}},
    {0,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {G, OWN, "a", {{0}}, UNANSWERED(F)},
	    {G, F, "a", {{DRAFTS, 200, ""}, {SENT, 200, ""}}, OVER},
	    {G, OWN, "a", {{POST, 404, "ErrorInvalidUser"}}, WIRE_DEFERRED,
		"there is no such mailbox", G, ""},
	    {G, G, "a", {{POST, 202, ""}}, TAKEN}}},
    {0,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {G, OWN, "a", {{0}}, UNANSWERED(F)},
	    {G, F, "a", {{DRAFTS, 200, "a"}, {SENT, 200, ""}}, WIRE_DEFERRED,
		"Graph may have taken the message", "", ""},
	    {G, OWN, "a", {{0}}, UNANSWERED(F)}}},
    {0,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {G, OWN, "a", {{0}}, UNANSWERED(F)},
	    {G, F, "a", {{DRAFTS, 503, ""}}, WIRE_DEFERRED,
		"from the fallback mailbox <f@x>, since there is no <a@x>: "
		"whether",
		"", ""},
	    {G, OWN, "a", {{0}}, UNANSWERED(F)}}},
    /* or it is gone, or may not be searched any more */
    {0,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {G, OWN, "a", {{0}}, UNANSWERED(F)},
	    {G, F, "a", {{DRAFTS, 404, "ErrorInvalidUser"}}, OVER},
	    {G, OWN, "a", {{POST, 202, ""}}, TAKEN}}},
    {0,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {G, OWN, "a", {{0}}, UNANSWERED(F)},
	    {G, F, "a", {{DRAFTS, 403, "ErrorAccessDenied"}}, OVER}}},
    /* none by then */
    {0,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {NULL, OWN, "a", {{0}}, UNANSWERED(F)},
	    {NULL, F, "a", {{DRAFTS, 200, ""}, {SENT, 200, ""}}, OVER},
	    {NULL, OWN, "a", {{POST, 202, ""}}, TAKEN}}},
    /* the agent brings another part of it from there, too */
    {0,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {G, F, "a", {{DRAFTS, 200, ""}, {SENT, 200, "a"}}, FOUND},
	    {G, F, "b", {{0}}, OVER}}},
    {1, {{G, F, "a", {{0}}, OVER}}},
    /* the last that has posted it counts */
    {0,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {G, F, "a", {{DRAFTS, 200, ""}, {SENT, 200, ""}}, OVER},
	    {G, G, "a", {{POST, 500, ""}}, FROM(G)},
	    {F, OWN, "a", {{0}}, UNANSWERED(G)}}},
    /* where nobody would search it, it is as if it had never been asked */
    {1,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {G, OWN, "a", {{0}}, UNANSWERED(G)},
	    {G, G, "a", {{POST, 202, ""}}, TAKEN}}},
    {1,
	{{F, F, "a", {{POST, 500, ""}}, FROM(F)},
	    {NULL, OWN, "a", {{POST, 202, ""}}, TAKEN}}},
};

static void
take_requests(const struct try *try, size_t row, size_t number)
{
	const struct request *r = try->requests;
	char user[64];
	size_t i;

	snprintf(user, sizeof(user), "/users/%c%%40x/", try->from[0]);
	for (i = 0; i < REQUESTS && r[i].what != NULL; i++) {
		if (fake.count != 1 ||
		    strstr(fake.calls[0]->url, r[i].what) == NULL ||
		    strstr(fake.calls[0]->url, user) == NULL)
			fail_msg("row %zu, try %zu, request %zu: %s", row,
			    number, i,
			    fake.count == 0 ? reply.text : fake.calls[0]->url);
		if (r[i].status == 200)
			say_found(r[i].said);
		else
			answer(r[i].status, r[i].said, 0);
	}
	if (fake.count != 0)
		fail_msg("row %zu, try %zu: %s as well", row, number,
		    fake.calls[0]->url);
}

static void
take_try(const struct try *try, size_t row, size_t number)
{
	int before = replies;
	char done[RECIPIENTS + 1] = "";
	size_t i, n = 0;

	fake.fallback = try->fallback;
	bring(try->from, try->to);
	take_requests(try, row, number);
	assert_int_equal(replies, before + 1);
	for (i = 0; try->to[i] != '\0'; i++)
		if (reply.recipients[i] == WIRE_RECIPIENT_ACCEPTED)
			done[n++] = try->to[i];
	if (reply.status != try->status ||
	    strncmp(reply.text, try->text, strlen(try->text)) != 0 ||
	    strcmp(reply.again_as, try->again_as) != 0 ||
	    strcmp(done, try->done) != 0)
		fail_msg("row %zu, try %zu: %d %s (again as %s, done %s)", row,
		    number, reply.status, reply.text, reply.again_as, done);
}

static void
test_rows(void **state)
{
	size_t i, j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		d.conf.verify_unknown = !rows[i].posts_at_once;
		for (j = 0; j < TRIES && rows[i].tries[j].from != NULL; j++)
			take_try(&rows[i].tries[j], i, j);
		delivery_end(state);
		begin(state);
	}
}

/* The clock was ahead when it was posted, and nobody saw it being set. */
static void
test_posted_in_the_future(void **state)
{
	const time_t now = (time_t)clock_wall();
	char body[256];

	(void)state;
	d.conf.verify_unknown = 1;
	bring(OWN, "a");
	answer(500, "", 0);
	assert_int_equal(
	    state_run(st, "UPDATE delivery SET posted = posted + 7200", NULL),
	    0);
	bring(OWN, "a");
	say_found("");
	strftime(body, sizeof(body),
	    "{\"value\":[{\"sentDateTime\":\"%Y-%m-%dT%H:%M:%SZ\","
	    "\"toRecipients\":[{\"emailAddress\":{\"address\":\"a@y\"}}]}]}",
	    gmtime(&now));
	answer_body(200, body, 0);
	assert_int_equal(reply.status, WIRE_SENT);
	assert_int_equal(fake.count, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, delivery_end)
	const struct CMUnitTest tests[] = {
	    TEST(test_rows),
	    TEST(test_posted_in_the_future),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
