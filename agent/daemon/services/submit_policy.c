/*
 * submit_policy.c - see submit_policy.h. agent/daemon/identities decides.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/identities/identities.h"
#include "agent/daemon/store/sender.h"
#include "lib/base/log.h"
#include "submit_policy.h"

/* A question whose answer waits for maps outside. */
struct submit_policy {
	struct conn *conn;
	struct policy_question question; /* points into conn->in */
	struct identities_prepare *prepare;
};

/*
 * Notes whose mailbox it is as soon as a message is accepted, since the first
 * one may bounce before a delivery begins: at the agent, or in Postfix.
 */
static void
submit_policy_expect_sender(struct conn *conn,
    const struct policy_question *question, const struct policy_answer *answer)
{
	const char *mailbox = question->mailbox;
	struct error err;

	if (question->stage != POLICY_END || answer->status != POLICY_OK)
		return;
	if (answer->from[0] != '\0')
		mailbox = answer->from;
	if (sender_expect(
		conn->daemon->state, mailbox, &answer->application, &err) == -1)
		log_error("%s", err.text);
}

static void
submit_policy_answer(struct conn *conn, const struct policy_question *question)
{
	struct policy_answer answer;
	struct buf out;

	buf_init(&out, POLICY_ANSWER_MAX);
	identities_ask(conn->daemon->identities, question, &answer);
	submit_policy_expect_sender(conn, question, &answer);
	if (policy_answer_format(&out, &answer) == -1)
		out.len = 0;
	conn_answer(conn, out.bytes, out.len);
	buf_free(&out);
}

static void
submit_policy_on_prepared(void *ctx)
{
	struct submit_policy *policy = ctx;
	struct submit_policy taken = *policy;

	free(policy);
	taken.conn->work = NULL;
	submit_policy_answer(taken.conn, &taken.question);
}

static void
submit_policy_gone(struct conn *conn)
{
	struct submit_policy *policy = conn->work;

	conn->work = NULL;
	identities_prepare_cancel(&policy->prepare);
	free(policy);
}

/* Returns 1 when the answer comes later. */
static int
submit_policy_wait(struct conn *conn, const struct policy_question *question)
{
	struct submit_policy *policy = calloc(1, sizeof(*policy));

	if (policy == NULL)
		return 0;
	policy->conn = conn;
	policy->question = *question;
	policy->prepare =
	    identities_prepare_user(conn->daemon->identities, question->user,
		strlen(question->user), submit_policy_on_prepared, policy);
	if (policy->prepare == NULL) {
		free(policy);
		return 0;
	}
	conn->work = policy;
	conn->gone = submit_policy_gone;
	return 1;
}

int
submit_policy_take(struct conn *conn)
{
	struct policy_question question;
	int found = policy_question_parse(&question, conn->in.bytes);

	if (found == 0)
		return 0;
	if (found == -1)
		conn_answer(conn, NULL, 0);
	else if (question.user == NULL || !submit_policy_wait(conn, &question))
		submit_policy_answer(conn, &question);
	return 1;
}
