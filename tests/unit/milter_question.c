/*
 * What the milter asks msgraphd (milter/question.c, milter/client.c): a row is
 * a client or an address, and the question; or an answer, and what comes of it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "milter/question.h"
#include "policy_socket.h"

#define NAME                                    \
	"11111111-2222-3333-4444-555555555555@" \
	"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define OK "status=ok\napplication=" NAME "\n"
#define Q "request=policy\n"

static const char *const macros[][2] = {
    {"{auth_authen}", NAME ".erp"},
    {"{client_addr}", "IPv6:2001:db8::1"},
    {"{client_name}", "printer.example.com"},
    {"{daemon_name}", "port25"},
    {"{cert_issuer}", "CA"},
    {"{cert_subject}", "printer"},
    {NULL, NULL},
};

static const char *
get_macro(void *arg, const char *name)
{
	const char *const(*m)[2] = arg;

	for (; m != NULL && (*m)[0] != NULL; m++)
		if (strcmp((*m)[0], name) == 0)
			return (*m)[1];
	return NULL;
}

static struct message *
open_message(const struct policy_socket *s, const char *sender, void *arg)
{
	char file[] = "/tmp/milter_question.XXXXXX", line[128];
	int fd = mkstemp(file), len;
	struct message *m;
	struct error err;

	assert_int_not_equal(fd, -1);
	len = snprintf(line, sizeof(line), "submit_socket = %s\n", s->path);
	assert_int_equal(write(fd, line, (size_t)len), len);
	close(fd);
	assert_int_equal(settings_load(file, 0, &err), 0);
	unlink(file);
	m = message_new(settings_get(), sender);
	settings_clear();
	assert_non_null(m);
	assert_int_equal(client_read(&m->client, get_macro, arg, &err), 0);
	return m;
}

/* --- questions --- */

static void
test_mail(void **state)
{
	struct policy_socket s = {
	    .answers = {OK "entry=erp\nrecipients=yes\n\n", OK "\n"}};
	struct error err;
	struct message *m;

	(void)state;
	policy_socket_open(&s);
	m = open_message(&s, "<A@Example.com>", (void *)macros);
	assert_int_equal(question_mail(m, &err), 0);
	assert_string_equal(m->answer.entry, "erp");
	assert_int_equal(m->answer.recipients, 1);
	message_free(&m);
	m = open_message(&s, "<>", NULL);
	assert_int_equal(question_mail(m, &err), 0);
	message_free(&m);
	policy_socket_close(&s);
	assert_string_equal(s.questions[0],
	    Q "stage=mail\nuser=" NAME ".erp\nclient-address=2001:db8::1\n"
	      "daemon-name=port25\ncertificate-issuer=CA\n"
	      "certificate-subject=printer\nsender=a@example.com\n\n");
	assert_string_equal(s.questions[1], Q "stage=mail\n\n");
}

static const struct {
	const char *argument, *asked;
} recipients[] = {
    {"<B@Example.ORG>", "b@example.org"},
    {"<b@m\303\274ller.example>", "b@xn--mller-kva.example"},
    {"<\"b\"@example.org>", "b@example.org"},
    {"<@relay.example:b@example.org>", "b@example.org"},
    /* what no list may cover */
    {"<root>", "root"},
    {"<a b@example.org>", "a?b?example.org"},
    {"<a@example.net,b@example.org>", "a?example.net,b?example.org"},
};

static void
test_recipients(void **state)
{
	struct policy_socket s = {0};
	char want[128];
	struct error err;
	struct message *m;
	size_t i;

	(void)state;
	for (i = 0; i < POLICY_SOCKET_QUESTIONS; i++)
		s.answers[i] = OK "\n";
	policy_socket_open(&s);
	m = open_message(&s, "<>", NULL);
	/* where they do not matter, nobody is asked */
	assert_int_equal(question_recipient(m, "<b@example.org>", &err), 0);
	m->answer.recipients = 1;
	for (i = 0; i < sizeof(recipients) / sizeof(*recipients); i++)
		assert_int_equal(
		    question_recipient(m, recipients[i].argument, &err), 0);
	message_free(&m);
	policy_socket_close(&s);
	for (i = 0; i < sizeof(recipients) / sizeof(*recipients); i++) {
		snprintf(want, sizeof(want),
		    Q "stage=recipient\nrecipient=%s\n\n", recipients[i].asked);
		assert_string_equal(s.questions[i], want);
	}
}

static const struct {
	const char *from, *entry_from, *question;
} ends[] = {
    {"B <B@example.com>", "", "mailbox=m@example.com\nfrom=b@example.com\n"},
    {"b@example.com, c@example.com", "", "mailbox=m@example.com\n"},
    {"root@localhost", "", "mailbox=m@example.com\n"},
    {"b@example.com", "m@example.com", "mailbox=m@example.com\n"},
};

static void
test_end(void **state)
{
	struct policy_socket s = {.answers = {OK "\n", OK "\n", OK "\n",
				      OK "from=m@example.com\n\n"}};
	struct error err = {.text = ""};
	char want[128];
	struct message *m;
	size_t i;

	(void)state;
	policy_socket_open(&s);
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		m = open_message(&s, "<>", NULL);
		strcpy(m->answer.application.tenant,
		    "11111111-2222-3333-4444-555555555555");
		strcpy(m->answer.application.client,
		    "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
		strcpy(m->answer.from, ends[i].entry_from);
		message_header(m, "From", ends[i].from);
		assert_int_equal(question_end(m, "m@example.com", &err), 0);
		message_free(&m);
	}
	policy_socket_close(&s);
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		snprintf(
		    want, sizeof(want), Q "stage=end\n%s\n", ends[i].question);
		assert_string_equal(s.questions[i], want);
	}
}

/* --- answers --- */

static const struct {
	const char *answer;
	enum error_class class; /* ERROR_NONE: the message goes on */
	const char *dsn, *text; /* text: or the transport */
} answers[] = {
    {OK "\n", ERROR_NONE, "", ""},
    {OK "transport=msgraph-2\n\n", ERROR_NONE, "", "msgraph-2"},
    {"status=refused\ndsn=5.7.1\ntext=not you\n\n", ERROR_REFUSED, "5.7.1",
	"not you"},
    {"status=later\ndsn=4.7.1\ntext=slowly\n\n", ERROR_TEMPORARY, "4.7.1",
	"slowly"},
    {NULL, ERROR_OURS, "4.3.0",
	"ask msgraphd: msgraphd hung up without an answer; is msgraphd "
	"running? see systemctl status msgraphd"},
    /* the table was changed meanwhile */
    {OK "entry=erp\n\n", ERROR_TEMPORARY, "4.3.0", "the table of identities"},
    {OK "from=x@example.com\n\n", ERROR_TEMPORARY, "4.3.0", "the table"},
    {OK "recipients=yes\n\n", ERROR_TEMPORARY, "4.3.0", "the table"},
};

static void
test_answers(void **state)
{
	struct policy_socket s = {0};
	struct error err;
	struct message *m;
	size_t i;
	int result;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		s.answers[i] = answers[i].answer;
	policy_socket_open(&s);
	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		print_message("row %zu\n", i);
		m = open_message(&s, "<>", NULL);
		strcpy(m->answer.application.tenant,
		    "11111111-2222-3333-4444-555555555555");
		strcpy(m->answer.application.client,
		    "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
		result = question_end(m, "m@example.com", &err);
		assert_int_equal(
		    result, answers[i].class == ERROR_NONE ? 0 : -1);
		/* the transport may have become another */
		if (result == 0)
			assert_string_equal(
			    m->answer.transport, answers[i].text);
		if (result == -1) {
			assert_int_equal(err.class, answers[i].class);
			assert_string_equal(err.dsn, answers[i].dsn);
			assert_non_null(strstr(err.text, answers[i].text));
		}
		message_free(&m);
	}
	policy_socket_close(&s);
}

/* --- clients --- */

static const struct {
	const char *name, *address, *text;
} clients[] = {
    {"printer.example.com", "192.0.2.9", "printer.example.com[192.0.2.9]"},
    {"unknown", "IPv6:2001:db8::1", "unknown[2001:db8::1]"},
    {"unknown", "unknown", "unknown[unknown]"},
    {NULL, NULL, "unknown[unknown]"},
    {"a, b", "192.0.2.9", "a??b[192.0.2.9]"},
};

static void
test_clients(void **state)
{
	char text[CLIENT_TEXT_SIZE];
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(clients) / sizeof(*clients); i++) {
		const char *const row[][2] = {
		    {"{client_name}", clients[i].name},
		    {"{client_addr}", clients[i].address}, {NULL, NULL}};
		struct client c = {.user = NULL};

		assert_string_equal(client_text(&c, text), "unknown[unknown]");
		assert_int_equal(
		    client_read(&c, get_macro, (void *)row, &err), 0);
		assert_string_equal(client_text(&c, text), clients[i].text);
		assert_string_equal(c.user, "");
		client_free(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mail),
	    cmocka_unit_test(test_recipients),
	    cmocka_unit_test(test_end),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
