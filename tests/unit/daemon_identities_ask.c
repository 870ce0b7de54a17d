/*
 * Who may send as whom (agent/daemon/identities/identities_ask.c): a row is a
 * question, and the answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identities_fake.h"

static void
check_ask(const struct ask_row *rows, size_t count)
{
	struct policy_answer answer;
	size_t i;

	for (i = 0; i < count; i++)
		ask(&rows[i], &answer);
}

#define CHECK_ASK(rows) check_ask(rows, sizeof(rows) / sizeof(*(rows)))

#define Q(...)                                    \
	(struct policy_question)                  \
	{                                         \
		.stage = POLICY_MAIL, __VA_ARGS__ \
	}

static const char clients_table[] =
    "signs application=T/D senders=@x\n"
    "users application=T/D" OPEN "logins=alice@x,bob\n"
    "users-off application=T/D" OPEN "logins=eve disabled=yes\n"
    "net application=T/C" OPEN "clients=192.0.2.0/24 senders=scan@x,@p.x\n"
    " recipients=@x,boss@y\n"
    "port25 application=T/C" OPEN "clients=192.0.2.0/24 daemon_name=port25\n"
    " from=relay@x transport=msgraph-slow\n"
    "cert application=T/C" OPEN "{ client_certificate = \"A, CA\", one }\n"
    " senders=any\n"
    "off application=T/C" OPEN "clients=192.0.2.9 senders=any disabled=yes\n";

static void
test_who_does_not_sign_in(void **state)
{
	static const struct ask_row rows[] = {
	    {"net", NULL, {.client_address = "192.0.2.1"}},
	    {"net", NULL, {.client_address = "192.0.2.1", .user = ""}},
	    /* the null sender is no other client */
	    {"net", NULL, {.client_address = "192.0.2.1", .sender = ""}},
	    {"port25", NULL,
		{.client_address = "192.0.2.1", .daemon_name = "port25"}},
	    {"cert", NULL,
		{.client_address = "192.0.2.1",
		    .certificate_issuer = "A, CA",
		    .certificate_subject = "one"}},
	    {"5.7.13", "entry \"off\" is disabled",
		{.client_address = "192.0.2.9"}},
	    /* nobody: sign in first */
	    {"5.7.0",
		"Authentication required (client=203.0.113.9, "
		"daemon_name=unknown: no entry)",
		{.client_address = "203.0.113.9"}},
	    {"5.7.0", "client=unknown, daemon_name=port587: no entry",
		{.daemon_name = "port587"}},
	    {"5.7.0",
		"client=203.0.113.9, daemon_name=unknown, "
		"client_certificate=\"A, CA\",\"two\": no entry",
		{.client_address = "203.0.113.9",
		    .certificate_issuer = "A, CA",
		    .certificate_subject = "two"}},
	    {"5.7.0", "client_certificate=\"A?, CA\",\"?two\": no entry",
		{.client_address = "203.0.113.9",
		    .certificate_issuer = "A\001, CA",
		    .certificate_subject = "\377two"}},
	    /* a service that an entry names may offer no AUTH */
	    {"5.7.1", "client=203.0.113.9, daemon_name=port25: no entry",
		{.client_address = "203.0.113.9", .daemon_name = "port25"}},
	    /* whoever signed in never falls back to a network */
	    {"signs", NULL, {.user = T "@" D, .client_address = "192.0.2.1"}},
	    {"5.7.1", NULL, {.user = U "@" D, .client_address = "192.0.2.1"}},
	    {"5.7.1", "user=joe: no entry (logins)",
		{.user = "joe", .client_address = "192.0.2.1"}},
	    {"users", NULL, {.user = "bob", .client_address = "192.0.2.1"}},
	    {"users", NULL, {.user = "alice@x"}},
	    {"5.7.1", "user=Bob: no entry", {.user = "Bob"}},
	    {"5.7.13", "entry \"users-off\" is disabled", {.user = "eve"}},
	    {"5.7.1", "entry \"net\" is for clients that bring no secret",
		{.user = "net@lookup", .client_address = "192.0.2.1"}},
	    {"5.7.13", NULL,
		{.user = T "@" C ".off", .client_address = "192.0.2.1"}},
	};
	struct policy_answer answer;

	(void)state;
	start(clients_table, NULL);
	CHECK_ASK(rows);
	ask(&rows[0], &answer);
	assert_string_equal(answer.from, "");
	assert_string_equal(answer.transport, "");
	assert_int_equal(answer.recipients, 1);
	assert_true(identity_equal(&answer.application, &app));
	ask(&rows[3], &answer);
	assert_string_equal(answer.from, "relay@x");
	assert_string_equal(answer.transport, "msgraph-slow");
	assert_int_equal(answer.recipients, 0);
}

/* --- what an entry may do --- */

#define END(address, box)                                         \
	{                                                         \
		.stage = POLICY_END, .client_address = (address), \
		.mailbox = (box)                                  \
	}

static void
test_senders_and_recipients(void **state)
{
	static const struct ask_row rows[] = {
	    /* MAIL FROM alone is no protection: the mailbox decides */
	    {"net", NULL, {.client_address = "192.0.2.1", .sender = "boss@x"}},
	    {"net", NULL, END("192.0.2.1", "scan@x")},
	    {"net", NULL, END("192.0.2.1", "any@p.x")},
	    {"5.7.1", "entry \"net\" may not send from boss@x (senders)",
		END("192.0.2.1", "boss@x")},
	    {"5.7.1", "(senders)", END("192.0.2.1", "scan@sub.p.x")},
	    {"5.7.1", "may not send from unknown (senders)",
		END("192.0.2.1", "")},
	    {"cert", NULL,
		{.stage = POLICY_END,
		    .certificate_issuer = "A, CA",
		    .certificate_subject = "one",
		    .mailbox = "boss@x"}},
	    {"signs", NULL,
		{.stage = POLICY_END, .user = T "@" D, .mailbox = "a@x"}},
	    {"5.7.1", "(senders)",
		{.stage = POLICY_END, .user = T "@" D, .mailbox = "a@y"}},
	    /* From's address counts where it has chosen the mailbox */
	    {"net", NULL,
		{.stage = POLICY_END,
		    .client_address = "192.0.2.1",
		    .mailbox = "scan@x",
		    .from = "boss@x"}},
	    /* an entry's from replaces both */
	    {"port25", NULL,
		{.stage = POLICY_END,
		    .client_address = "192.0.2.1",
		    .daemon_name = "port25",
		    .mailbox = "boss@x",
		    .from = "boss@x"}},
	    /* each recipient */
	    {"net", NULL,
		{.stage = POLICY_RECIPIENT,
		    .client_address = "192.0.2.1",
		    .recipient = "a@x"}},
	    {"net", NULL,
		{.stage = POLICY_RECIPIENT,
		    .client_address = "192.0.2.1",
		    .recipient = "boss@y"}},
	    {"5.7.1", "entry \"net\" may not send to a@y (recipients)",
		{.stage = POLICY_RECIPIENT,
		    .client_address = "192.0.2.1",
		    .recipient = "a@y"}},
	    {"5.7.1", "may not send to unknown",
		{.stage = POLICY_RECIPIENT, .client_address = "192.0.2.1"}},
	    {"signs", NULL,
		{.stage = POLICY_RECIPIENT,
		    .user = T "@" D,
		    .recipient = "a@y"}},
	};
	static const struct ask_row envelope_rows[] = {
	    {"net", NULL, END("192.0.2.1", "scan@x")},
	    {"net", NULL,
		{.stage = POLICY_END,
		    .client_address = "192.0.2.1",
		    .mailbox = "scan@x",
		    .from = "b@p.x"}},
	    {"5.7.1", "entry \"net\" may not send with the From address boss@x",
		{.stage = POLICY_END,
		    .client_address = "192.0.2.1",
		    .mailbox = "scan@x",
		    .from = "boss@x"}},
	};

	(void)state;
	start(clients_table, NULL);
	conf.mailbox_from = MAILBOX_FROM_HEADER;
	CHECK_ASK(rows);
	conf.mailbox_from = MAILBOX_FROM_ENVELOPE;
	CHECK_ASK(envelope_rows);
	conf.mailbox_from = MAILBOX_FROM_HEADER;
}

static void
test_rate_limit(void **state)
{
	static const struct ask_row mail = {
	    "a", NULL, {.stage = POLICY_MAIL, .user = "a@lookup"}};
	static const struct ask_row more = {"a", NULL,
	    {.stage = POLICY_END, .user = "a@lookup", .mailbox = "x@x"}};
	static const struct ask_row less = {"5.7.1", NULL,
	    {.stage = POLICY_END, .user = "a@lookup", .mailbox = "x@y"}};
	static const struct ask_row full = {"4.7.1",
	    "entry \"a\" has sent its 3 messages in 60 s (rate_limit); the "
	    "next may go in ",
	    {.stage = POLICY_MAIL, .user = "a@lookup"}};
	static const struct ask_row other = {
	    "b", NULL, {.stage = POLICY_MAIL, .user = "b@lookup"}};
	struct policy_answer answer;
	int i;

	(void)state;
	start("a application=T/C senders=@x rate_limit=3/m\n"
	      "b application=T/D rate_limit=3/m\n",
	    NULL);
	/* what is asked, or refused, does not count */
	for (i = 0; i < 10; i++) {
		ask(&mail, &answer);
		ask(&less, &answer);
	}
	for (i = 0; i < 3; i++) {
		ask(&mail, &answer);
		ask(&more, &answer);
	}
	ask(&full, &answer);
	assert_int_equal(answer.status, POLICY_LATER);
	ask(&other, &answer);
	/* what was let in at MAIL is not stopped at its end */
	ask(&more, &answer);
	/* another table does not begin anew */
	change("b application=T/D\n"
	       "a application=T/C senders=@x rate_limit=3/m\n");
	ask(&full, &answer);
	clock_advance(60000);
	for (i = 0; i < 3; i++) {
		ask(&mail, &answer);
		ask(&more, &answer);
	}
	ask(&full, &answer);
	change("a application=T/C senders=@x\n");
	ask(&mail, &answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_who_does_not_sign_in),
	    cmocka_unit_test(test_senders_and_recipients),
	    cmocka_unit_test(test_rate_limit),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
