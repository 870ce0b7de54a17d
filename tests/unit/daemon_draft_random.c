/*
 * No large message is lost, doubled or sent without a part of it, whatever
 * comes: like daemon_delivery_random.c, with drafts. One half has fallback
 * mailboxes, the other goes to some of its recipients at a time. What each
 * mailbox holds is known here. RANDOM_MESSAGES says how many messages there
 * are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "agent/daemon/delivery/delivery.h"
#include "agent/daemon/delivery/draft_trash.h"
#include "agent/daemon/graph/graph_sent.h"
#include "agent/daemon/message/fingerprint.h"
#include "daemon_fake.h"

#define MESSAGE "From: a@x\r\n\r\nbody\r\n"
#define MESSAGES 150
#define PEOPLE 4
#define ALL ((1u << PEOPLE) - 1)
#define TRIES 200
#define DRAFTS 256
#define UPLOADS 256
#define FILES 3 /* the last of them is uploaded in two pieces */
#define FILE_SIZE 10
#define UPLOAD_SIZE (GRAPH_RANGE_SIZE + 1000)

static const char *const mailboxes[] = {"a@x", "f@x", "g@x"};

struct item {
	size_t mailbox;
	int files; /* attached */
	int is_sent, is_gone, was_told; /* its id to msgraphd */
	int is_on_way; /* sent, but still in Drafts */
	unsigned int to; /* its recipients, a bit each */
};

static struct {
	char queue_id[16];
	int own_exists, own_was_asked;
	int has_parts; /* to some recipients at a time, from one mailbox */
	int id_stays; /* of what is sent; else it has another */
	struct item drafts[DRAFTS];
	size_t count;
	struct {
		size_t draft;
		int pieces; /* that have come */
	} uploads[UPLOADS];
	size_t upload_count;
} m;

static unsigned int now_to; /* of the call at hand */
static char shape = 'x'; /* an upgrade may write the message otherwise */
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
	if (fake_begin() == -1)
		return -1;
	d.trash = draft_trash_new(&d, NULL);
	return d.trash == NULL ? -1 : 0;
}

static int
end(void **state)
{
	(void)state;
	delivery_drop_all(&d);
	draft_trash_free(&d.trash);
	return fake_end();
}

static void
on_done(void *ctx, const struct wire_reply *given)
{
	(void)ctx;
	reply = *given;
	replies++;
}

/* --- what Graph does --- */

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

/* The draft of an URL, if this mailbox has it under that id; or NULL. */
static struct item *
draft_of(const char *url)
{
	const char *id = strstr(url, "/messages/D");
	struct item *item;

	assert_non_null(id);
	item = &m.drafts[strtoul(id + strlen("/messages/D"), NULL, 10)];
	if (item->mailbox != mailbox_of(url) || item->is_gone ||
	    (item->is_sent && !item->is_on_way && !m.id_stays))
		return NULL;
	return item;
}

static void
say_items(size_t mailbox, int sent)
{
	static char body[DRAFTS * 512];
	size_t len, i;
	int who;

	len = (size_t)snprintf(body, sizeof(body), "{\"value\":[");
	for (i = 0; i < m.count; i++) {
		if (m.drafts[i].mailbox != mailbox || m.drafts[i].is_gone ||
		    (m.drafts[i].is_sent && !m.drafts[i].is_on_way) != sent)
			continue;
		len += (size_t)snprintf(body + len, sizeof(body) - len,
		    "{\"id\":\"D%zu\",\"isDraft\":%s,\"toRecipients\":[", i,
		    m.drafts[i].is_sent ? "false" : "true");
		for (who = 0; who < PEOPLE; who++)
			if (m.drafts[i].to >> who & 1)
				len += (size_t)snprintf(body + len,
				    sizeof(body) - len,
				    "{\"emailAddress\":{\"address\":\"%c@y\"}}"
				    ",",
				    'a' + who);
		len +=
		    (size_t)snprintf(body + len, sizeof(body) - len, "{}]},");
	}
	snprintf(body + len, sizeof(body) - len, "{}]}");
	answer_body(200, body, 0);
}

static void
send_draft(struct item *item)
{
	size_t i;

	assert_int_equal(item->files, FILES);
	for (i = 0; i < m.count; i++)
		if (m.drafts[i].is_sent && (m.drafts[i].to & item->to))
			fail_msg("%s: sent twice, %x %x from %s and %s",
			    m.queue_id, m.drafts[i].to, item->to,
			    mailboxes[m.drafts[i].mailbox],
			    mailboxes[item->mailbox]);
	item->is_sent = 1;
	item->is_on_way = (int)dice(2);
}

/* Says it, or loses the answer: 0 when msgraphd is killed instead. */
static int
say(int is_lost, long status, const char *body)
{
	static const long lost[] = {500, 504, 0};

	if (is_lost && dice(3) == 0)
		return 0;
	if (is_lost)
		answer(lost[dice(3)], "", 0);
	else
		answer_body(status, body, 0);
	return 1;
}

static int
take_create(size_t mailbox, int is_done, int is_lost)
{
	char body[64];

	if (is_done) {
		assert_true(m.count < DRAFTS);
		snprintf(body, sizeof(body), "{\"id\":\"D%zu\"}", m.count);
		m.drafts[m.count].mailbox = mailbox;
		m.drafts[m.count].to = now_to;
		m.drafts[m.count++].was_told = !is_lost;
	}
	return say(is_lost, 201, body);
}

static int
take_draft_request(
    const char *url, const char *method, int is_done, int is_lost)
{
	struct item *item = draft_of(url);
	char body[128];

	if (item == NULL) {
		answer(404, "ErrorItemNotFound", 0);
		return 1;
	}
	if (strcmp(method, "DELETE") == 0) {
		if (item->is_sent)
			fail_msg("%s: a sent message is deleted", m.queue_id);
		item->is_gone |= is_done;
		return say(is_lost, 204, "");
	}
	if (strcmp(method, "GET") == 0) {
		snprintf(body, sizeof(body), "{\"isDraft\":%s}",
		    item->is_sent ? "false" : "true");
		return say(is_lost, 200, body);
	}
	if (strstr(url, "/createUploadSession") != NULL) {
		assert_true(m.upload_count < UPLOADS);
		snprintf(body, sizeof(body),
		    "{\"uploadUrl\":\"https://up.example/%zu\"}",
		    m.upload_count);
		m.uploads[m.upload_count++].draft = (size_t)(item - m.drafts);
		return say(is_lost, 201, body);
	}
	if (strstr(url, "/attachments") != NULL) {
		item->files += is_done;
		return say(is_lost, 201, "{}");
	}
	assert_non_null(strstr(url, "/send"));
	if (is_done)
		send_draft(item);
	return say(is_lost, 202, "");
}

static int
take_upload(const char *url, const char *method, int is_done, int is_lost)
{
	size_t i = strtoul(url + strlen("https://up.example/"), NULL, 10);
	int *pieces = &m.uploads[i].pieces;
	char body[64];

	if (*pieces == 2)
		return say(0, 404, "");
	if (strcmp(method, "PUT") == 0 && is_done && ++*pieces == 2) {
		m.drafts[m.uploads[i].draft].files++;
		return say(is_lost, 201, "");
	}
	snprintf(body, sizeof(body), "{\"nextExpectedRanges\":[\"%lld-\"]}",
	    *pieces * (long long)GRAPH_RANGE_SIZE);
	return say(is_lost, 200, body);
}

/* Takes one request of msgraphd. 0 when that is killed. */
static int
take_request(void)
{
	char url[2048], method[8];
	int is_done = dice(8) != 0, is_lost = !is_done || dice(8) == 0;
	size_t mailbox;

	strcpy(url, fake.calls[0]->url);
	strcpy(method, fake.calls[0]->method);
	if (is_lost && dice(3) == 0) {
		answer(503, "", 0);
		return 1;
	}
	if (strncmp(url, "https://up.example/", 19) == 0)
		return take_upload(url, method, is_done, is_lost);
	mailbox = mailbox_of(url);
	if (mailbox == 0 && !m.own_exists) {
		answer(404, "ErrorInvalidUser", 0);
		return 1;
	}
	m.own_was_asked |= mailbox == 0;
	if (strstr(url, "/mailFolders/") != NULL) {
		say_items(mailbox, strstr(url, "/drafts/") == NULL);
		return 1;
	}
	return strstr(url, "/messages/") == NULL
	    ? take_create(mailbox, is_done, is_lost)
	    : take_draft_request(url, method, is_done, is_lost);
}

/* --- the agent --- */

static void
add_file(struct delivery_request *request, long long at, long long size)
{
	char line[64];

	snprintf(line, sizeof(line), "%lld,%lld", at, size);
	attachments_read(&request->attachments, "attachment", line, NULL);
	attachments_read(&request->attachments, "attachment-name", "n", NULL);
	attachments_read(&request->attachments, "attachment-type", "t/t", NULL);
}

static size_t
bring(const char *mailbox, char order[PEOPLE])
{
	struct delivery_request request = {.nrcpt = 1, .message_id = "<id@x>"};
	static const char *const all[] = {"a@y", "b@y", "c@y", "d@y"};
	const char *list[PEOPLE];
	size_t n = 0, w;
	char segment[32];
	FILE *file = tmpfile();
	long long at = strlen(MESSAGE);
	int i;

	fprintf(file, "%s%s%c", MESSAGE, mailbox, shape);
	fflush(file);
	assert_int_equal(ftruncate(fileno(file), at + 100 + UPLOAD_SIZE), 0);
	strcpy(request.queue_id, m.queue_id);
	strcpy(request.mailbox, mailbox);
	if (strcmp(mailbox, mailboxes[0]) != 0)
		strcpy(request.instead_of, mailboxes[0]);
	request.identity = apps[0];
	spool_init(&request.spool, dup(fileno(file)));
	fclose(file);
	snprintf(segment, sizeof(segment), "%lld,4", at);
	request.spool.raw = at;
	assert_int_equal(spool_add_segment(&request.spool, segment), 0);
	for (i = 0; i < FILES - 1; i++)
		add_file(&request, at + 4 + i * FILE_SIZE, FILE_SIZE);
	add_file(&request, at + 100, UPLOAD_SIZE);
	for (w = 0; w < PEOPLE; w++)
		if (now_to >> w & 1) {
			order[n] = (char)w;
			list[n++] = all[w];
		}
	assert_int_equal(fingerprint(&request, list, n), 0);
	request.recipients = graph_recipients(list, n);
	assert_non_null(delivery_start(&d, &request, on_done, NULL));
	run();
	return n;
}

static void
restart(void)
{
	fake.all_sent = 1;
	delivery_drop_all(&d);
	draft_trash_free(&d.trash);
	assert_int_equal(fake.count, 0);
	d.trash = draft_trash_new(&d, NULL);
}

/* One try of the agent. 1 when all of them have got it. */
static int
take_call(const char *mailbox, unsigned int to)
{
	int before, waits;
	char order[PEOPLE];
	size_t n, i, drafts;
	unsigned int done;

	for (;;) {
		before = replies;
		drafts = m.count;
		shape = dice(8) == 0 ? 'y' : 'x';
		now_to = to;
		n = bring(mailbox, order);
		for (waits = 0; replies == before && waits < 50;) {
			if (fake.count == 0) {
				pass(9000);
				waits++;
			} else if (!take_request()) {
				restart();
				return 0;
			}
		}
		assert_int_equal(replies, before + 1);
		assert_true(m.count - drafts <= 2); /* it starts over once */
		if (reply.status == WIRE_BOUNCED)
			fail_msg("%s: %s", m.queue_id, reply.text);
		if (reply.status == WIRE_SENT)
			return 1;
		if (reply.again_as[0] != '\0' && mailbox == mailboxes[0]) {
			mailbox = mailboxes[reply.again_as[0] == 'f' ? 1 : 2];
			continue;
		}
		for (i = 0, done = 0; i < n; i++)
			if (reply.recipients[i] == WIRE_RECIPIENT_ACCEPTED)
				done |= 1u << order[i];
		if (done == 0)
			return 0;
		to &= ~done;
	}
}

static void
change_world(void)
{
	static const char *const names[] = {NULL, "f@x", "g@x"};
	size_t i;

	for (i = 0; i < m.count; i++)
		m.drafts[i].is_on_way &= (int)dice(2);
	if (dice(4) == 0 || m.has_parts)
		fake.fallback = names[m.has_parts ? 0 : dice(3)];
	if (dice(6) == 0 || m.has_parts)
		m.own_exists = m.has_parts || m.own_was_asked || dice(2) == 0;
	pass(dice(2) == 0 ? 0 : 100 * 1000);
}

/* As housekeeping does, every ten minutes. */
static void
sweep(void)
{
	int round;

	for (round = 0; round < 20; round++) {
		draft_trash_sweep(
		    d.trash, clock_wall() - d.conf.state_retention, NULL);
		run();
		while (fake.count > 0)
			if (!take_request())
				restart();
	}
}

/* Drafts that msgraphd knew are deleted in the end, be it by their age. */
static void
empty_trash(void)
{
	size_t i;

	sweep();
	pass((d.conf.state_retention + 1) * 1000LL);
	sweep();
	for (i = 0; i < m.count; i++)
		if (m.drafts[i].was_told && !m.drafts[i].is_sent &&
		    !m.drafts[i].is_gone)
			fail_msg("%s: draft %zu stays", m.queue_id, i);
}

static void
take_message(unsigned int number)
{
	unsigned int left = ALL, to, got = 0;
	int tries;
	size_t i;

	memset(&m, 0, sizeof(m));
	snprintf(m.queue_id, sizeof(m.queue_id), "4%u", number);
	m.id_stays = (int)dice(2);
	m.has_parts = number % 2;
	for (tries = 0; left != 0 && tries < TRIES; tries++) {
		change_world();
		fake.all_sent = 0;
		to = m.has_parts ? left & dice(ALL + 1) : left;
		if (to == 0)
			continue;
		if (take_call(mailboxes[0], to) && dice(4) != 0)
			left &= ~to;
	}
	for (i = 0; i < m.count; i++)
		got |= m.drafts[i].is_sent ? m.drafts[i].to : 0;
	if (left != 0)
		fail_msg("%s: still waits: %s", m.queue_id, reply.text);
	if (got != ALL)
		fail_msg("%s: %x never got it", m.queue_id, ALL & ~got);
	empty_trash();
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
