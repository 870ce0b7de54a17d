/*
 * No message is lost or doubled (agent/daemon/delivery), whatever comes:
 * messages go their way by chance, with requests that fail, answers that are
 * lost, a daemon that is killed, other recipients at each try, some that Graph
 * refuses, and another fallback mailbox. What each mailbox has sent is known
 * here, and Graph tells it when it is searched. RANDOM_MESSAGES says how many
 * there are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/daemon/delivery/delivery.h"
#include "agent/daemon/graph/graph_sent.h"
#include "agent/daemon/message/fingerprint.h"
#include "daemon_fake.h"
#include "delivery_message.h"

#define MESSAGES 150
#define PEOPLE 4 /* recipients of a message, a bit each */
#define ALL ((1u << PEOPLE) - 1)
#define TRIES 100
#define MAILS 64

static const char *const mailboxes[] = {"a@x", "f@x", "g@x"};

/* The message at hand. */
static struct {
	char queue_id[16];
	int own_exists, own_was_asked;
	size_t mails; /* that were sent, by whom and to whom */
	size_t from[MAILS];
	unsigned int to[MAILS];
	int is_notice[MAILS]; /* about these, to the mailbox itself */
	unsigned int unknown[MAILS]; /* requests that were not answered */
	size_t unknown_from[MAILS];
	size_t unknowns;
	int notice_unknown; /* one of them was a notice */
	unsigned int refused; /* by Graph */
} m;

/* What a call of the agent is for. */
struct call {
	unsigned int to;
	int is_notice; /* about these */
};

static unsigned int dice_state;

static unsigned int
dice(unsigned int sides)
{
	dice_state = dice_state * 1103515245u + 12345u;
	return (dice_state >> 16) % sides;
}

/* --- Graph --- */

static size_t
mailbox_of(const char *url)
{
	size_t i;
	char user[16];

	for (i = 0; i < 3; i++) {
		snprintf(user, sizeof(user), "/%c%%40x/", mailboxes[i][0]);
		if (strstr(url, user) != NULL)
			return i;
	}
	fail_msg("%s", url);
	return 0;
}

static void
say_sent(size_t mailbox, const struct call *call)
{
	char body[MAILS * 256] = "{\"value\":[";
	size_t len = strlen(body), i, who;

	for (i = 0; i < m.mails; i++) {
		if (m.from[i] != mailbox || m.is_notice[i] != call->is_notice ||
		    (call->is_notice && m.to[i] != call->to))
			continue;
		len += (size_t)snprintf(
		    body + len, sizeof(body) - len, "{\"toRecipients\":[");
		for (who = 0; who < PEOPLE; who++)
			if ((m.to[i] >> who & 1) != 0)
				len += (size_t)snprintf(body + len,
				    sizeof(body) - len,
				    "{\"emailAddress\":{\"address\":\"%c@%c\"}}"
				    ",",
				    call->is_notice ? mailboxes[mailbox][0]
						    : (char)('a' + who),
				    call->is_notice ? 'x' : 'y');
		len +=
		    (size_t)snprintf(body + len, sizeof(body) - len, "{}]},");
	}
	snprintf(body + len, sizeof(body) - len, "{}]}");
	answer_body(200, body, 0);
}

static void
send_mail(size_t mailbox, const struct call *call)
{
	unsigned int doubt = 0;
	size_t i;

	/* without verify_unknown these may get it twice, and nobody else */
	for (i = 0; i < m.unknowns && !d.conf.verify_unknown; i++)
		doubt |= m.unknown[i];
	for (i = 0; i < m.mails; i++)
		if (m.is_notice[i] == call->is_notice &&
		    (m.to[i] & call->to & ~doubt) != 0 && !m.notice_unknown)
			fail_msg("%s: %x got it from %s, now %x from %s",
			    m.queue_id, m.to[i], mailboxes[m.from[i]], call->to,
			    mailboxes[mailbox]);
	assert_true(m.mails < MAILS);
	m.from[m.mails] = mailbox;
	m.is_notice[m.mails] = call->is_notice;
	m.to[m.mails++] = call->to;
}

static void
note_unknown(size_t mailbox, const struct call *call)
{
	assert_true(m.unknowns < MAILS);
	m.unknown_from[m.unknowns] = mailbox;
	if (call->is_notice)
		m.notice_unknown = 1;
	else
		m.unknown[m.unknowns++] = call->to;
}

/* Refuses the message, and may name some of those for whom. */
static void
refuse(unsigned int bad)
{
	unsigned int named = bad & dice(ALL + 1), who;
	char body[256] = "{\"error\":{\"code\":\"ErrorInvalidRecipients\","
			 "\"message\":\"";

	for (who = 0; who < PEOPLE; who++)
		if ((named >> who & 1) != 0)
			snprintf(body + strlen(body),
			    sizeof(body) - strlen(body), "'%c@y' ",
			    (char)('a' + who));
	snprintf(body + strlen(body), sizeof(body) - strlen(body), "\"}}");
	answer_body(400, body, 0);
}

/* A request to send the message. 0 when msgraphd is killed. */
static int
take_post(size_t mailbox, const struct call *call)
{
	static const long lost[] = {500, 504, 0};
	unsigned int bad = call->is_notice ? 0 : call->to & m.refused;

	if (mailbox == 0 && !m.own_exists) {
		answer(404, "ErrorInvalidUser", 0);
		return 1;
	}
	m.own_was_asked |= mailbox == 0;
	switch (dice(6)) {
	case 0:
		answer(503, "", 0);
		return 1;
	case 1:
		answer(429, "", 90);
		return 1;
	case 2:
	case 3:
		note_unknown(mailbox, call);
		if (bad == 0 && dice(2) == 0)
			send_mail(mailbox, call);
		if (dice(2) == 0)
			return 0;
		answer(lost[dice(3)], "", 0);
		return 1;
	default:
		if (bad != 0) {
			refuse(bad);
			return 1;
		}
		send_mail(mailbox, call);
		answer(202, "", 0);
		return 1;
	}
}

static int
take_request(const struct call *call)
{
	const char *url = fake.calls[0]->url;
	size_t mailbox = mailbox_of(url);

	if (strstr(url, "/sendMail") != NULL)
		return take_post(mailbox, call);
	if (dice(8) == 0)
		return 0;
	if (dice(8) == 0)
		answer(503, "", 0);
	else if (mailbox == 0 && !m.own_exists)
		answer(404, "ErrorInvalidUser", 0);
	else if (strstr(url, "/drafts/") != NULL)
		answer_body(200, "{\"value\":[]}", 0);
	else
		say_sent(mailbox, call);
	return 1;
}

/* --- the agent --- */

static size_t
bring(const char *mailbox, const struct call *call, char order[PEOPLE])
{
	struct delivery_request request = {
	    .nrcpt = 1, .notice = call->is_notice, .message_id = "<id@x>"};
	char addresses[PEOPLE][8];
	const char *list[PEOPLE];
	size_t i, n = 0;

	strcpy(request.queue_id, m.queue_id);
	strcpy(request.mailbox, mailbox);
	if (strcmp(mailbox, mailboxes[0]) != 0)
		strcpy(request.instead_of, mailboxes[0]);
	give_message(&request);
	for (i = 0; i < PEOPLE; i++) {
		if ((call->to >> i & 1) == 0)
			continue;
		order[n] = (char)i;
		snprintf(addresses[n], sizeof(addresses[n]), "%c@y",
		    (char)('a' + i));
		list[n] = addresses[n];
		n++;
	}
	assert_int_equal(fingerprint(&request, list, n), 0);
	request.recipients = graph_recipients(
	    call->is_notice ? &mailbox : list, call->is_notice ? 1 : n);
	assert_non_null(delivery_start(&d, &request, on_done, NULL));
	run();
	return n;
}

/* Those of whom the reply says this. */
static unsigned int
who_is(enum wire_recipient_status status, const char *order, size_t n)
{
	unsigned int who = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (reply.recipients[i] == status)
			who |= 1u << order[i];
	return who;
}

/* What becomes of recipients in the course of one try. */
struct result {
	unsigned int sent, told, refused;
	const char *mailbox; /* that sends */
};

/* Gets a reply about a call, from whichever mailbox. 0 when there is none. */
static size_t
get_reply(const struct call *call, struct result *result, char order[PEOPLE])
{
	int before;
	size_t n;

	for (;;) {
		before = replies;
		n = bring(result->mailbox, call, order);
		while (fake.count > 0) {
			if (take_request(call))
				continue;
			fake.all_sent = 1;
			delivery_drop_all(&d);
			return 0;
		}
		assert_int_equal(replies, before + 1);
		if (reply.again_as[0] == '\0' ||
		    result->mailbox != mailboxes[0])
			return n;
		result->mailbox = mailboxes[reply.again_as[0] == 'f' ? 1 : 2];
	}
}

/* As parts.c settles some of the recipients. 0 when the rest waits. */
static int
settle(unsigned int to, struct result *result)
{
	struct call call = {to, 0};
	char order[PEOPLE];
	unsigned int done, told, half;
	size_t n;

	while (call.to != 0) {
		if ((n = get_reply(&call, result, order)) == 0)
			return 0;
		told = who_is(WIRE_RECIPIENT_TOLD, order, n);
		done = who_is(WIRE_RECIPIENT_ACCEPTED, order, n);
		if (reply.status == WIRE_SENT) {
			result->told |= told;
			result->sent |= call.to & ~told;
			return 1;
		}
		if (reply.status == WIRE_DEFERRED && (done | told) == 0)
			return 0;
		if (reply.status == WIRE_DEFERRED) {
			result->told |= told;
			result->sent |= done;
			call.to &= ~(told | done);
			continue;
		}
		assert_true(reply.by_recipient);
		done = who_is(WIRE_RECIPIENT_REFUSED, order, n);
		if (n == 1 || (done != 0 && done != call.to)) {
			result->refused |= n == 1 ? call.to : done;
			call.to &= ~result->refused;
		} else {
			half = 1u << order[0];
			if (n > 2)
				half |= 1u << order[1];
			if (!settle(half, result))
				return 0;
			call.to &= ~half;
		}
	}
	return 1;
}

/* One try of the agent. 1 when nobody waits any more. */
static int
take_try(unsigned int to)
{
	struct result result = {.mailbox = mailboxes[0]};
	struct call call = {0, 1};
	char order[PEOPLE];

	if (!settle(to, &result))
		return 0;
	if ((result.refused & ~m.refused) != 0)
		fail_msg("%s: %x is refused", m.queue_id, result.refused);
	/* where nobody got it, Postfix tells the sender */
	call.to = result.refused;
	return call.to == 0 || call.to == to ||
	    (get_reply(&call, &result, order) != 0 &&
		reply.status == WIRE_SENT);
}

/*
 * Returns 1 when what was posted without an answer can be found for these: from
 * one mailbox each time, or to all of them at once, or to the same ones each
 * time.
 */
static int
may_be_found(unsigned int to)
{
	unsigned int first = 0;
	int are_same = 1, are_more = 1, are_of_one = 1;
	size_t i, from = 0;

	for (i = 0; i < m.unknowns; i++) {
		if ((m.unknown[i] & to) == 0)
			continue;
		if (first == 0) {
			first = m.unknown[i];
			from = m.unknown_from[i];
		}
		are_same &= m.unknown[i] == first;
		are_more &= (to & ~m.unknown[i]) == 0;
		are_of_one &= m.unknown_from[i] == from;
	}
	return are_of_one || are_same || are_more;
}

/* Chooses whom a call is for, of those who are left. */
static unsigned int
choose(unsigned int left)
{
	unsigned int to;

	do
		to = left & dice(ALL + 1);
	while (!may_be_found(to));
	return to;
}

static void
change_world(void)
{
	static const char *const names[] = {NULL, "f@x", "g@x"};

	if (dice(4) == 0)
		fake.fallback = names[dice(3)];
	/*
	 * one that has sent is not deleted: what it has sent would be unknown
	 */
	if (dice(6) == 0)
		m.own_exists = m.own_was_asked || dice(2) == 0;
	pass(dice(2) == 0 ? 0 : 100 * 1000);
}

/* A message, from its first try to its last. */
static void
take_message(unsigned int number)
{
	unsigned int left = ALL, to, got = 0;
	int tries;
	size_t i;

	memset(&m, 0, sizeof(m));
	snprintf(m.queue_id, sizeof(m.queue_id), "4%u", number);
	m.refused = dice(3) == 0 ? dice(ALL + 1) : 0;
	for (tries = 0; left != 0 && tries < TRIES; tries++) {
		change_world();
		fake.all_sent = 0;
		if ((to = choose(left)) == 0)
			continue;
		/* pipe may be killed before Postfix hears of it */
		if (take_try(to) && dice(4) != 0)
			left &= ~to;
	}
	for (i = 0; i < m.mails; i++)
		got |= m.is_notice[i] ? 0 : m.to[i];
	if ((left | got | m.refused) != ALL)
		fail_msg(
		    "%s: %x never got it", m.queue_id, ALL & ~(left | got));
}

static void
test_messages(void **state)
{
	const char *wanted = getenv("RANDOM_MESSAGES");
	unsigned int i, count = MESSAGES;

	(void)state;
	if (wanted != NULL)
		count = (unsigned int)strtoul(wanted, NULL, 10);
	d.conf.access_denied_grace = 1000 * 86400;
	for (i = 0; i < count; i++) {
		dice_state = i;
		d.conf.verify_unknown = i % 4 != 0;
		take_message(i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_messages, delivery_begin, delivery_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
