/*
 * No message is lost or doubled (agent/daemon/delivery), whatever comes: messages
 * go their way by chance, with requests that fail, answers that are lost, a
 * daemon that is killed, other recipients at each try, and another fallback
 * mailbox. What each mailbox has sent is known here, and Graph tells it when it
 * is searched. RANDOM_MESSAGES says how many there are.
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

#define MESSAGE "From: a@x\r\n\r\nbody\r\n"
#define MESSAGES 100
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
	unsigned int unknown[MAILS]; /* requests that were not answered */
	size_t unknowns;
} m;

static struct wire_reply reply;
static int replies;
static unsigned int dice_state;

static unsigned int
dice(unsigned int sides)
{
	dice_state = dice_state * 1103515245u + 12345u;
	return (dice_state >> 16) % sides;
}

static int
begin(void **state)
{
	(void)state;
	return fake_begin();
}

static int
end(void **state)
{
	(void)state;
	delivery_drop_all(&d);
	return fake_end();
}

static void
on_done(void *ctx, const struct wire_reply *given)
{
	(void)ctx;
	reply = *given;
	replies++;
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
say_sent(size_t mailbox)
{
	char body[MAILS * 256] = "{\"value\":[";
	size_t len = strlen(body), i, who;

	for (i = 0; i < m.mails; i++) {
		if (m.from[i] != mailbox)
			continue;
		len += (size_t)snprintf(
		    body + len, sizeof(body) - len, "{\"toRecipients\":[");
		for (who = 0; who < PEOPLE; who++)
			if ((m.to[i] >> who & 1) != 0)
				len += (size_t)snprintf(body + len,
				    sizeof(body) - len,
				    "{\"emailAddress\":{\"address\":\"%c@y\"}}"
				    ",",
				    (char)('a' + who));
		len +=
		    (size_t)snprintf(body + len, sizeof(body) - len, "{}]},");
	}
	snprintf(body + len, sizeof(body) - len, "{}]}");
	answer_body(200, body, 0);
}

static void
send_mail(size_t mailbox, unsigned int to)
{
	size_t i;

	for (i = 0; i < m.mails; i++)
		if ((m.to[i] & to) != 0)
			fail_msg("%s: %x got it from %s, now %x from %s",
			    m.queue_id, m.to[i], mailboxes[m.from[i]], to,
			    mailboxes[mailbox]);
	assert_true(m.mails < MAILS);
	m.from[m.mails] = mailbox;
	m.to[m.mails++] = to;
}

static void
note_unknown(unsigned int to)
{
	assert_true(m.unknowns < MAILS);
	m.unknown[m.unknowns++] = to;
}

/* A request to send the message to these. 0 when msgraphd is killed. */
static int
take_post(size_t mailbox, unsigned int to)
{
	static const long lost[] = {500, 504, 0};

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
		note_unknown(to);
		if (dice(2) == 0)
			send_mail(mailbox, to);
		answer(lost[dice(3)], "", 0);
		return 1;
	case 3:
		note_unknown(to);
		if (dice(2) == 0)
			send_mail(mailbox, to);
		return 0;
	default:
		send_mail(mailbox, to);
		answer(202, "", 0);
		return 1;
	}
}

static int
take_request(unsigned int to)
{
	const char *url = fake.calls[0]->url;
	size_t mailbox = mailbox_of(url);

	if (strstr(url, "/sendMail") != NULL)
		return take_post(mailbox, to);
	if (dice(8) == 0)
		return 0;
	if (dice(8) == 0)
		answer(503, "", 0);
	else if (mailbox == 0 && !m.own_exists)
		answer(404, "ErrorInvalidUser", 0);
	else if (strstr(url, "/drafts/") != NULL)
		answer_body(200, "{\"value\":[]}", 0);
	else
		say_sent(mailbox);
	return 1;
}

/* --- the agent --- */

static size_t
bring(const char *mailbox, unsigned int to, char order[PEOPLE])
{
	struct delivery_request request = {.nrcpt = 1, .message_id = "<id@x>"};
	char addresses[PEOPLE][8], segment[32];
	const char *list[PEOPLE];
	FILE *file = tmpfile();
	size_t i, n = 0;

	fputs(MESSAGE, file);
	fflush(file);
	strcpy(request.queue_id, m.queue_id);
	strcpy(request.mailbox, mailbox);
	if (strcmp(mailbox, mailboxes[0]) != 0)
		strcpy(request.instead_of, mailboxes[0]);
	request.identity = apps[0];
	spool_init(&request.spool, dup(fileno(file)));
	fclose(file);
	snprintf(segment, sizeof(segment), "0,%zu", strlen(MESSAGE));
	request.spool.raw = (long long)strlen(MESSAGE);
	assert_int_equal(spool_add_segment(&request.spool, segment), 0);
	for (i = 0; i < PEOPLE; i++) {
		if ((to >> i & 1) == 0)
			continue;
		order[n] = (char)i;
		snprintf(addresses[n], sizeof(addresses[n]), "%c@y",
		    (char)('a' + i));
		list[n] = addresses[n];
		n++;
	}
	assert_int_equal(fingerprint(&request, list, n), 0);
	request.recipients = graph_recipients(list, n);
	assert_non_null(delivery_start(&d, &request, on_done, NULL));
	run();
	return n;
}

/* Everybody in to that the reply calls done. */
static unsigned int
done_of(const char *order, size_t n)
{
	unsigned int done = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (reply.recipients[i] == WIRE_RECIPIENT_ACCEPTED)
			done |= 1u << order[i];
	return done;
}

/* One call of the agent, with what follows from its answers. 1 when sent. */
static int
take_call(const char **mailbox, unsigned int to)
{
	char order[PEOPLE];
	unsigned int done;
	int before;
	size_t n;

	while (to != 0) {
		before = replies;
		n = bring(*mailbox, to, order);
		while (fake.count > 0) {
			if (take_request(to))
				continue;
			fake.all_sent = 1;
			delivery_drop_all(&d);
			return 0;
		}
		assert_int_equal(replies, before + 1);
		if (reply.status == WIRE_SENT)
			return 1;
		done = done_of(order, n);
		if (done != 0) {
			to &= ~done;
		} else if (reply.again_as[0] != '\0' &&
		    *mailbox == mailboxes[0]) {
			*mailbox = mailboxes[reply.again_as[0] == 'f' ? 1 : 2];
		} else {
			return 0;
		}
	}
	return 1;
}

/*
 * Returns 1 when what was posted without an answer can be found for these: to all
 * of them at once, or to the same ones each time.
 */
static int
may_be_found(unsigned int to)
{
	unsigned int first = 0;
	int are_same = 1, are_more = 1;
	size_t i;

	for (i = 0; i < m.unknowns; i++) {
		if ((m.unknown[i] & to) == 0)
			continue;
		if (first == 0)
			first = m.unknown[i];
		are_same &= m.unknown[i] == first;
		are_more &= (to & ~m.unknown[i]) == 0;
	}
	return are_same || are_more;
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
	/* one that has sent is not deleted: what it has sent would be unknown */
	if (dice(6) == 0)
		m.own_exists = m.own_was_asked || dice(2) == 0;
	pass(dice(2) == 0 ? 0 : 100 * 1000);
}

/* A message, from its first try to its last. */
static void
take_message(unsigned int number)
{
	unsigned int left = ALL, to, got = 0;
	const char *mailbox;
	int tries;
	size_t i;

	memset(&m, 0, sizeof(m));
	snprintf(m.queue_id, sizeof(m.queue_id), "4%u", number);
	for (tries = 0; left != 0 && tries < TRIES; tries++) {
		change_world();
		fake.all_sent = 0;
		if ((to = choose(left)) == 0)
			continue;
		mailbox = mailboxes[0];
		/* pipe may be killed before Postfix hears of it */
		if (take_call(&mailbox, to) && dice(4) != 0)
			left &= ~to;
	}
	for (i = 0; i < m.mails; i++)
		got |= m.to[i];
	if ((left | got) != ALL)
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
	d.conf.verify_unknown = 1;
	d.conf.access_denied_grace = 1000 * 86400;
	for (i = 0; i < count; i++) {
		dice_state = i;
		take_message(i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_messages, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
