/*
 * Questions of policy and their answers (lib/local/policy.c): a row is a struct
 * and the record of it, or a record and what is read from it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/local/policy.h"
#include "policy_socket.h"

#define T "11223344-5566-7788-99aa-bbccddeeff00"
#define C "fbefbefb-efbe-fbef-befb-efbefbefbefb"
#define Q "request=policy\n"

/* --- questions --- */

static const struct {
	struct policy_question question;
	const char *record;
} questions[] = {
    {{.stage = POLICY_MAIL}, Q "stage=mail\n\n"},
    {{.stage = POLICY_MAIL,
	 .user = T "@" C ".erp",
	 .client_address = "2001:db8::1",
	 .daemon_name = "port25",
	 .certificate_issuer = "Our CA",
	 .certificate_subject = "printer = 1",
	 .sender = "a@example.com"},
	Q "stage=mail\nuser=" T "@" C ".erp\nclient-address=2001:db8::1\n"
	  "daemon-name=port25\ncertificate-issuer=Our CA\n"
	  "certificate-subject=printer = 1\nsender=a@example.com\n\n"},
    {{.stage = POLICY_RECIPIENT, .user = "", .recipient = "b@example.org"},
	Q "stage=recipient\nrecipient=b@example.org\n\n"},
    {{.stage = POLICY_END, .mailbox = "a@example.com", .from = "c@example.com"},
	Q "stage=end\nmailbox=a@example.com\nfrom=c@example.com\n\n"},
};

static void
same(const char *a, const char *b)
{
	assert_string_equal(a == NULL ? "" : a, b == NULL ? "" : b);
}

static void
test_questions(void **state)
{
	struct policy_question again;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
		const struct policy_question *q = &questions[i].question;

		buf_init(&out, POLICY_QUESTION_MAX);
		assert_int_equal(policy_question_format(&out, q), 0);
		assert_string_equal(out.bytes, questions[i].record);
		assert_int_equal(policy_question_parse(&again, out.bytes), 1);
		assert_int_equal(again.stage, q->stage);
		same(again.user, q->user);
		same(again.client_address, q->client_address);
		same(again.daemon_name, q->daemon_name);
		same(again.certificate_issuer, q->certificate_issuer);
		same(again.certificate_subject, q->certificate_subject);
		same(again.sender, q->sender);
		same(again.mailbox, q->mailbox);
		same(again.from, q->from);
		same(again.recipient, q->recipient);
		buf_free(&out);
	}
}

/* Nothing is cut, and nothing becomes a line of its own. */
static void
test_bad_questions(void **state)
{
	static char long_user[POLICY_QUESTION_MAX];
	struct policy_question q = {.user = "a\nmailbox=b"};
	struct buf out;

	(void)state;
	buf_init(&out, POLICY_QUESTION_MAX);
	assert_int_equal(policy_question_format(&out, &q), -1);
	buf_free(&out);
	memset(long_user, 'x', sizeof(long_user) - 1);
	q.user = long_user;
	buf_init(&out, POLICY_QUESTION_MAX);
	assert_int_equal(policy_question_format(&out, &q), -1);
	buf_free(&out);
}

static const struct {
	const char *record;
	int result;
} question_rows[] = {
    {Q "stage=mail\nnew-name=1\n\n", 1},
    {Q "stage=end\nmailbox=a@example.com\n\n", 1},
    {"queue-id=1\nrequest=policy\n\n", 0},
    {"request=policy2\n\n", 0},
    {"request=submit\n\n", 0},
    {"\n", 0},
    {Q "\n", -1},
    {Q "stage=\n\n", -1},
    {Q "stage=Mail\n\n", -1},
    {Q "stage=data\n\n", -1},
    {Q "stage=recipient\n\n", -1},
    {Q "stage=recipient\nrecipient=\n\n", -1},
    {Q "stage=end\nfrom=a@example.com\n\n", -1},
};

static void
test_question_rows(void **state)
{
	struct policy_question q;
	char bytes[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(question_rows) / sizeof(*question_rows); i++) {
		strcpy(bytes, question_rows[i].record);
		if (policy_question_parse(&q, bytes) != question_rows[i].result)
			fail_msg("%s", question_rows[i].record);
	}
}

/* --- answers --- */

#define ANSWER(name) name, sizeof(name) - 1

static const struct {
	const char *record;
	size_t len;
	int result;
	const char *again; /* NULL: as record */
} answers[] = {
    {ANSWER("status=ok\napplication=" T "@" C "\n\n"), 0, NULL},
    {ANSWER("status=ok\napplication=" T "@" C "\nentry=erp\n"
	    "from=a@example.com\ntransport=msgraph-slow\nrecipients=yes\n\n"),
	0, NULL},
    {ANSWER("status=later\ndsn=4.3.5\ntext=line 3: a = b\n\n"), 0, NULL},
    {ANSWER("status=refused\ndsn=5.7.1\ntext=no\n\n"), 0, NULL},
    {ANSWER("status=refused\ndsn=5.7.0\n\n"), 0,
	"status=refused\ndsn=5.7.0\ntext=\n\n"},
    {ANSWER("new=1\nstatus=ok\napplication=" T "@" C "\nrecipients=no\n\n"), 0,
	"status=ok\napplication=" T "@" C "\n\n"},
    /* it stands by */
    {ANSWER("status=deferred\ndsn=4.3.5\ntext=msgraphd cannot start\n\n"), 0,
	"status=later\ndsn=4.3.5\ntext=msgraphd cannot start\n\n"},
    /* none */
    {ANSWER(""), -1, NULL},
    {ANSWER("\n"), -1, NULL},
    {ANSWER("status=ok\napplication=" T "@" C "\n"), -1, NULL},
    {ANSWER("status=ok\n\n"), -1, NULL},
    {ANSWER("status=yes\ndsn=4.3.0\n\n"), -1, NULL},
    {ANSWER("status=ok\napplication=" T "\n\n"), -1, NULL},
    {ANSWER("status=ok\napplication=" T ":" C "\n\n"), -1, NULL},
    {ANSWER("status=ok\napplication=" T "@" C "\nentry=a b\n\n"), -1, NULL},
    {ANSWER("status=ok\napplication=" T "@" C "\nfrom=\n\n"), -1, NULL},
    {ANSWER("status=ok\napplication=" T "@" C "\ntransport=\n\n"), -1, NULL},
    {ANSWER("status=later\ntext=x\n\n"), -1, NULL},
    /* a code of the other kind would be a bounce, or none */
    {ANSWER("status=later\ndsn=5.7.1\ntext=x\n\n"), -1, NULL},
    {ANSWER("status=refused\ndsn=4.7.1\ntext=x\n\n"), -1, NULL},
    {ANSWER("status=refused\ndsn=\ntext=x\n\n"), -1, NULL},
    {ANSWER("status=refused\ndsn=5.7.1.1.1.1.1.1\ntext=x\n\n"), -1, NULL},
    {ANSWER("status=ok\rapplication=" T "@" C "\n\n"), -1, NULL},
};

static void
test_answers(void **state)
{
	struct policy_answer answer;
	char bytes[512];
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		memcpy(bytes, answers[i].record, answers[i].len + 1);
		if (policy_answer_parse(&answer, bytes, answers[i].len) !=
		    answers[i].result)
			fail_msg("%s", answers[i].record);
		if (answers[i].result == -1)
			continue;
		buf_init(&out, POLICY_ANSWER_MAX);
		assert_int_equal(policy_answer_format(&out, &answer), 0);
		assert_string_equal(out.bytes,
		    answers[i].again == NULL ? answers[i].record
					     : answers[i].again);
		buf_free(&out);
	}
}

/* A text is cut, an address never is. */
static void
test_long_answers(void **state)
{
	static char bytes[2048], value[1024];
	struct policy_answer answer;

	(void)state;
	memset(value, 'x', sizeof(answer.text) + 10);
	snprintf(bytes, sizeof(bytes), "status=later\ndsn=4.3.0\ntext=%s\n\n",
	    value);
	assert_int_equal(policy_answer_parse(&answer, bytes, strlen(bytes)), 0);
	assert_int_equal(strlen(answer.text), sizeof(answer.text) - 1);
	value[sizeof(answer.from)] = '\0';
	snprintf(bytes, sizeof(bytes),
	    "status=ok\napplication=" T "@" C "\nfrom=%s\n\n", value);
	assert_int_equal(
	    policy_answer_parse(&answer, bytes, strlen(bytes)), -1);
}

/* --- asking --- */

static void
test_ask(void **state)
{
	struct policy_socket s = {
	    .answers = {
		"status=ok\napplication=" T "@" C "\n\n", NULL, "what?\n\n"}};
	struct policy_question q = {.stage = POLICY_MAIL, .user = "u"};
	struct policy_answer answer;
	struct error err;

	(void)state;
	policy_socket_open(&s);
	assert_int_equal(
	    policy_ask(s.path, &q, sock_now() + 20000, &answer, &err), 0);
	assert_int_equal(answer.status, POLICY_OK);
	assert_int_equal(
	    policy_ask(s.path, &q, sock_now() + 20000, &answer, &err), -1);
	assert_string_equal(
	    err.text, "ask msgraphd: msgraphd hung up without an answer");
	assert_int_equal(
	    policy_ask(s.path, &q, sock_now() + 20000, &answer, &err), -1);
	assert_string_equal(
	    err.text, "ask msgraphd: msgraphd's answer cannot be read");
	assert_int_equal(err.class, ERROR_TEMPORARY);
	policy_socket_close(&s);
	assert_string_equal(s.questions[0], Q "stage=mail\nuser=u\n\n");
	assert_int_equal(
	    policy_ask(s.path, &q, sock_now() + 20000, &answer, &err), -1);
	assert_non_null(strstr(err.text, "No such file or directory"));
}

static void
test_ask_in_vain(void **state)
{
	struct policy_socket s = {.stalls = 1};
	struct policy_question q = {.stage = POLICY_MAIL};
	struct policy_answer answer;
	struct error err;

	(void)state;
	policy_socket_open(&s);
	assert_int_equal(
	    policy_ask(s.path, &q, sock_now() + 50, &answer, &err), -1);
	assert_string_equal(err.text, "ask msgraphd: no answer in time");
	policy_socket_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_questions),
	    cmocka_unit_test(test_bad_questions),
	    cmocka_unit_test(test_question_rows),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_long_answers),
	    cmocka_unit_test(test_ask),
	    cmocka_unit_test(test_ask_in_vain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
