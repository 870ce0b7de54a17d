/*
 * question.c - asks msgraphd. See question.h.
 *
 * msgraphd alone has the table of identities and the counters. It compares
 * bytes, so every address goes there in canonical form; what cannot be read as
 * an address has none, and no '@' is left in it, so that no list covers it. A
 * connection a question: a milter's thread that waits holds nothing else.
 */
#include <stdatomic.h>
#include <string.h>

#include "lib/local/policy.h"
#include "lib/local/sock.h"
#include "lib/mail/address.h"
#include "question.h"

/*
 * Whether msgraphd let the last question wait for too long. The next ones then
 * wait only a little, until there is an answer: libmilter may have a few
 * threads for many clients, which would wait one after the other.
 */
static atomic_int question_stalled;

static int
question_unanswered(struct error *err)
{
	char why[sizeof(err->text)];

	memcpy(why, err->text, sizeof(why));
	return error_set(err, ERROR_OURS, "4.3.0",
	    "%s; is msgraphd running? see systemctl status msgraphd", why);
}

/* Asks, with what is known of the client added to the question. */
static int
question_ask(const struct message *m, struct policy_question *question,
    struct policy_answer *answer, struct error *err)
{
	char sender[ADDRESS_KEY_SIZE];
	long long deadline =
	    sock_now() + (question_stalled ? QUESTION_STALLED_MS : QUESTION_MS);

	address_canonical(m->argument, sender);
	question->sender = sender;
	question->user = m->client.user;
	question->client_address = m->client.address;
	question->daemon_name = m->client.daemon_name;
	question->certificate_issuer = m->client.certificate_issuer;
	question->certificate_subject = m->client.certificate_subject;
	if (policy_ask(m->settings->conf.submit_socket, question, deadline,
		answer, err) == -1) {
		if (sock_now() >= deadline)
			question_stalled = 1;
		return question_unanswered(err);
	}
	question_stalled = 0;
	if (answer->status == POLICY_OK)
		return 0;
	return error_set(err,
	    answer->status == POLICY_LATER ? ERROR_TEMPORARY : ERROR_REFUSED,
	    answer->dsn, "%s", answer->text);
}

int
question_mail(struct message *m, struct error *err)
{
	struct policy_question question = {.stage = POLICY_MAIL};

	return question_ask(m, &question, &m->answer, err);
}

int
question_recipient(
    const struct message *m, const char *argument, struct error *err)
{
	struct policy_question question = {.stage = POLICY_RECIPIENT};
	char recipient[ADDRESS_KEY_SIZE];
	struct policy_answer answer;

	if (!m->answer.recipients)
		return 0;
	address_canonical(argument, recipient);
	question.recipient = recipient;
	return question_ask(m, &question, &answer, err);
}

int
question_end(struct message *m, const char *mailbox, struct error *err)
{
	const struct mailboxes *from = &m->sources.from;
	struct policy_question question = {
	    .stage = POLICY_END, .mailbox = mailbox};
	struct policy_answer answer;

	/* otherwise the mailbox stands there when the message leaves */
	if (m->answer.from[0] == '\0' && from->count == 1)
		question.from = from->key;
	if (question_ask(m, &question, &answer, err) == -1)
		return -1;
	if (!policy_answer_same(&answer, &m->answer))
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "the table of identities was changed while the message "
		    "came in, try again");
	m->answer = answer;
	return 0;
}
