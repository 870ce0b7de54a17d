/*
 * One message in as many calls as it takes (agent/pipe/parts/parts.c), before a
 * Graph that refuses some of the recipients and a journal that keeps what was
 * taken, with every set of refused ones, and stopped after every call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pipe/parts/parts.h"

#define MAX 300

static char addresses[MAX][16];
static char *list[MAX];

static struct world {
	struct recipients recipients;
	char refused[MAX]; /* by Graph, by place in the list */
	char told[MAX]; /* in the journal: 1 as soon as a notice was taken */
	unsigned int got[MAX];
	unsigned int names; /* so many are named in a refusal */
	int stop; /* after so many calls no more is answered; -1: never */
	unsigned int posts;
	int kept; /* a call that might keep foreign addresses was taken */
} world;

static void
begin(size_t count)
{
	struct error err;
	size_t i;

	memset(&world, 0, sizeof(world));
	world.stop = -1;
	for (i = 0; i < count; i++) {
		snprintf(addresses[i], sizeof(addresses[i]), "r%03zu@x", i);
		list[i] = addresses[i];
	}
	assert_int_equal(
	    recipients_init(&world.recipients, list, NULL, count, &err), 0);
}

static void
say(struct wire_reply *reply, enum wire_status status, const char *dsn)
{
	reply->status = status;
	snprintf(reply->dsn, sizeof(reply->dsn), "%s", dsn);
	snprintf(reply->text, sizeof(reply->text), "because");
}

/* Notes who is done; returns how many are not. */
static size_t
ask_journal(struct wire_reply *reply, size_t *done)
{
	const struct recipients *rs = &world.recipients;
	size_t i, place = 0, left = 0;

	for (i = 0; i < rs->count; i++) {
		if (!recipient_is_chosen(rs, &rs->list[i]))
			continue;
		if (world.got[i])
			reply->recipients[place] = WIRE_RECIPIENT_ACCEPTED;
		else if (world.told[i])
			reply->recipients[place] = WIRE_RECIPIENT_TOLD;
		else
			left++;
		place++;
	}
	*done = place - left;
	return left;
}

static size_t
ask_graph(struct wire_reply *reply)
{
	const struct recipients *rs = &world.recipients;
	size_t i, place = 0, refused = 0;

	for (i = 0; i < rs->count; i++) {
		if (!recipient_is_chosen(rs, &rs->list[i]))
			continue;
		if (world.refused[i] && refused++ < world.names)
			reply->recipients[place] = WIRE_RECIPIENT_REFUSED;
		place++;
	}
	return refused;
}

static void
call(void *ctx, int first, struct wire_reply *reply)
{
	const struct recipients *rs = &world.recipients;
	size_t i, done, left;

	assert_ptr_equal(ctx, &world);
	memset(reply, 0, sizeof(*reply));
	say(reply, WIRE_DEFERRED, "4.3.0");
	if (world.stop == 0)
		return;
	world.stop -= world.stop > 0;
	left = ask_journal(reply, &done);
	if (left == 0)
		say(reply, WIRE_SENT, "2.0.0");
	if (done > 0)
		return;
	world.posts++;
	if (ask_graph(reply) > 0) {
		world.posts++;
		say(reply, WIRE_BOUNCED, "5.1.3");
		reply->by_recipient = 1;
		return;
	}
	assert_int_equal(first, !world.kept);
	world.kept = 1;
	say(reply, WIRE_SENT, "2.0.0");
	for (i = 0; i < rs->count; i++)
		if (recipient_is_chosen(rs, &rs->list[i]))
			world.got[i]++;
}

/* One attempt. Returns what is to be said; *tell as parts_join(). */
static struct wire_reply
attempt(struct parts *p, int *tell)
{
	struct wire_reply reply;
	struct error err;

	assert_int_equal(
	    parts_init(p, &world.recipients, call, &world, &err), 0);
	world.posts = 0;
	parts_settle(p, 0, world.recipients.sorted_count);
	*tell = parts_join(p, &reply);
	return reply;
}

/* Takes the notice; returns how many it names. */
static size_t
take_notice(struct parts *p)
{
	const struct recipients *rs = &world.recipients;
	const char *why;
	size_t i, n = 0;

	parts_choose(p, PART_REFUSED);
	for (i = 0; i < rs->count; i++) {
		if (!recipient_is_chosen(rs, &rs->list[i]))
			continue;
		assert_false(world.told[i]);
		assert_int_equal(world.got[i], 0);
		why = parts_why(p, rs->list[i].rank)->text;
		if (!world.refused[i] || strcmp(why, "because") != 0)
			assert_string_equal(why,
			    "not tried alone: after 24 requests it is not "
			    "known whom of these Graph refuses. The last "
			    "answer: because");
		world.told[i] = 1;
		n++;
	}
	return n;
}

/* What the last attempt has to have come to. */
static void
check_end(size_t count, const struct wire_reply *reply, int bounces)
{
	size_t i;

	assert_int_equal(reply->status, bounces ? WIRE_BOUNCED : WIRE_SENT);
	for (i = 0; i < count; i++) {
		assert_int_equal(world.got[i], !world.refused[i]);
		assert_int_equal(world.told[i], world.refused[i] && !bounces);
	}
}

static void
run_set(size_t count, unsigned int set, unsigned int names, int stop)
{
	unsigned int all = (1u << count) - 1;
	struct wire_reply reply;
	struct parts p;
	size_t i;
	int tell;

	begin(count);
	world.names = names;
	world.stop = stop;
	for (i = 0; i < count; i++)
		world.refused[i] = (set >> i & 1) != 0;
	reply = attempt(&p, &tell);
	assert_true(world.posts <= PARTS_POSTS_MAX);
	if (stop != -1 && reply.status == WIRE_DEFERRED && !tell) {
		parts_free(&p);
		world.stop = -1;
		reply = attempt(&p, &tell);
	}
	if (tell) {
		assert_int_equal(reply.status, WIRE_DEFERRED);
		assert_true(take_notice(&p) > 0);
		/* killed before anybody heard of it */
		parts_free(&p);
		world.stop = -1;
		reply = attempt(&p, &tell);
		assert_false(tell);
		assert_int_equal(world.posts, 0);
		assert_non_null(strstr(reply.text, "the sender was told"));
	}
	check_end(count, &reply, set == all);
	parts_free(&p);
	recipients_free(&world.recipients);
}

static void
test_every_set(void **state)
{
	unsigned int set, names;
	size_t count;
	int stop;

	(void)state;
	for (count = 1; count <= 5; count++)
		for (set = 0; set < 1u << count; set++)
			for (names = 0; names <= count; names++)
				for (stop = -1; stop < 14; stop++)
					run_set(count, set, names, stop);
}

static void
test_limit(void **state)
{
	static const struct {
		size_t count, step, refused; /* each so-manieth from its end */
		unsigned int posts;
	} rows[] = {{300, 2, 150, 24}, {300, 300, 1, 23}, {300, 100, 3, 23},
	    {40, 1, 40, 24}};
	struct wire_reply reply;
	struct parts p;
	size_t i, j, got, told;
	int tell;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(rows[i].count);
		for (j = 0; j < rows[i].refused; j++)
			world.refused[rows[i].count - 1 - j * rows[i].step] = 1;
		reply = attempt(&p, &tell);
		assert_in_range(world.posts, 1, PARTS_POSTS_MAX);
		assert_int_equal(world.posts, rows[i].posts);
		assert_int_equal(tell, rows[i].step > 1);
		if (tell)
			take_notice(&p);
		else
			assert_int_equal(reply.status, WIRE_BOUNCED);
		for (j = got = told = 0; j < rows[i].count; j++) {
			assert_in_range(world.got[j] + (size_t)world.told[j],
			    tell ? 1 : 0, 1);
			got += world.got[j];
			told += (size_t)world.told[j];
		}
		assert_true(!tell || (got > 0 && told >= rows[i].refused));
		parts_free(&p);
		recipients_free(&world.recipients);
	}
}

/* --- mixtures --- */

/* What a call is answered. */
struct said {
	enum wire_status status;
	const char *dsn, *text;
	const char *marks; /* by place; NULL: nothing is said of them */
};

static const struct mixture {
	size_t count, size; /* recipients, and how many at a time */
	int is_twice; /* the last is the first again */
	struct said said[4];
	const char *firsts; /* by call: whether none has got the message */
	struct said joined;
	int tell;
} mixtures[] = {
    /* who has got it, or was refused before, hears of no bounce */
    {2, 2, 0,
	{{WIRE_DEFERRED, "4.3.0", "again", "a."},
	    {WIRE_BOUNCED, "5.6.0", "unreadable", NULL}},
	"10", {WIRE_DEFERRED, "4.6.0", "unreadable", NULL}, 0},
    {2, 2, 0,
	{{WIRE_DEFERRED, "4.3.0", "again", "t."},
	    {WIRE_BOUNCED, "5.6.0", "unreadable", NULL}},
	"10", {WIRE_DEFERRED, "4.6.0", "unreadable", NULL}, 0},
    /* of two reasons the first is told */
    {2, 1, 0,
	{{WIRE_BOUNCED, "5.6.0", "one", NULL},
	    {WIRE_BOUNCED, "5.7.1", "two", NULL}},
	"11", {WIRE_BOUNCED, "5.6.0", "one", NULL}, 0},
    {2, 1, 0,
	{{WIRE_DEFERRED, "4.4.1", "one", NULL},
	    {WIRE_DEFERRED, "4.4.2", "two", NULL}},
	"11", {WIRE_DEFERRED, "4.4.1", "one", NULL}, 0},
    /* what waits decides */
    {2, 1, 0,
	{{WIRE_BOUNCED, "5.6.0", "one", NULL},
	    {WIRE_DEFERRED, "4.4.2", "two", NULL}},
	"11", {WIRE_DEFERRED, "4.4.2", "two", NULL}, 0},
    {2, 1, 0,
	{{WIRE_SENT, "2.0.0", "sent", "t"}, {WIRE_SENT, "2.0.0", "sent", NULL}},
	"10",
	{WIRE_SENT, "2.0.0",
	    "sent to 1 of 2; <r000@x> refused, the sender was told", NULL},
	0},
    /* one who is named at two places is one */
    {3, 3, 1,
	{{WIRE_BOUNCED, "5.1.3", "because", "r.r"},
	    {WIRE_SENT, "2.0.0", "sent", NULL}},
	"11", {WIRE_DEFERRED, "4.1.3", "because", NULL}, 1},
};

struct reader {
	const struct mixture *row;
	size_t calls;
};

static void
call_said(void *ctx, int first, struct wire_reply *reply)
{
	static const char marks[] = ".atr";
	struct reader *reader = ctx;
	const struct said *said = &reader->row->said[reader->calls];
	size_t i;

	assert_true(reader->calls < strlen(reader->row->firsts));
	assert_int_equal(first, reader->row->firsts[reader->calls++] == '1');
	memset(reply, 0, sizeof(*reply));
	reply->status = said->status;
	snprintf(reply->dsn, sizeof(reply->dsn), "%s", said->dsn);
	snprintf(reply->text, sizeof(reply->text), "%s", said->text);
	if (said->marks == NULL)
		return;
	reply->by_recipient = said->status == WIRE_BOUNCED;
	for (i = 0; said->marks[i] != '\0'; i++)
		reply->recipients[i] =
		    (unsigned char)(strchr(marks, said->marks[i]) - marks);
}

static void
test_mixtures(void **state)
{
	const struct mixture *row = mixtures;
	struct wire_reply reply;
	struct reader reader;
	struct error err;
	struct parts p;
	size_t i, rank;

	(void)state;
	for (i = 0; i < sizeof(mixtures) / sizeof(*mixtures); i++, row++) {
		begin(row->count);
		if (row->is_twice) {
			recipients_free(&world.recipients);
			list[row->count - 1] = list[0];
			assert_int_equal(recipients_init(&world.recipients,
					     list, NULL, row->count, &err),
			    0);
		}
		reader = (struct reader){row, 0};
		assert_int_equal(
		    parts_init(&p, &world.recipients, call_said, &reader, &err),
		    0);
		for (rank = 0; rank < world.recipients.sorted_count;
		     rank += row->size)
			parts_settle(&p, rank, row->size);
		assert_int_equal(reader.calls, strlen(row->firsts));
		assert_int_equal(parts_join(&p, &reply), row->tell);
		assert_int_equal(reply.status, row->joined.status);
		assert_string_equal(reply.dsn, row->joined.dsn);
		assert_string_equal(reply.text, row->joined.text);
		parts_free(&p);
		recipients_free(&world.recipients);
	}
}

/* Each is refused for a reason of its own. */
static void
call_refuse(void *ctx, int first, struct wire_reply *reply)
{
	unsigned int *calls = ctx;

	(void)first;
	memset(reply, 0, sizeof(*reply));
	reply->status = WIRE_BOUNCED;
	reply->by_recipient = 1;
	snprintf(reply->dsn, sizeof(reply->dsn), "5.1.3");
	snprintf(reply->text, sizeof(reply->text), "reason %u", ++*calls);
}

/* Each range is asked about once, and no more reasons are kept than fit. */
static void
test_many_ranges(void **state)
{
	unsigned int calls = 0;
	struct error err;
	struct parts p;
	size_t rank;

	(void)state;
	begin(44);
	assert_int_equal(
	    parts_init(&p, &world.recipients, call_refuse, &calls, &err), 0);
	for (rank = 0; rank < 40; rank++)
		parts_settle(&p, rank, 1);
	parts_settle(&p, 40, 4);
	assert_int_equal(calls, 41);
	assert_int_equal(p.reason_count, PARTS_REASONS_MAX);
	assert_string_equal(parts_why(&p, 0)->text, "reason 1");
	assert_non_null(strstr(parts_why(&p, 43)->text, "not tried alone"));
	parts_free(&p);
	recipients_free(&world.recipients);
}

static void
test_summary(void **state)
{
	struct parts p;
	char text[512];
	size_t i;
	int tell;

	(void)state;
	begin(6);
	for (i = 1; i < 6; i++)
		world.refused[i] = 1;
	world.names = 5;
	attempt(&p, &tell);
	assert_true(tell);
	parts_summary(&p, ", the sender was told", text, sizeof(text));
	assert_string_equal(text,
	    "sent to 1 of 6; <r001@x>, <r002@x>, <r003@x> and 2 more refused, "
	    "the sender was told");
	parts_free(&p);
	recipients_free(&world.recipients);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_set),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_mixtures),
	    cmocka_unit_test(test_many_ranges),
	    cmocka_unit_test(test_summary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
