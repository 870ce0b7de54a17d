/*
 * parts.c - see parts.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/recipient_unfit.h"
#include "parts.h"

#define POSTS_OF_REFUSAL 2
#define NAMED_MAX 3

int
parts_init(struct parts *p, struct recipients *recipients, parts_call *call,
    void *ctx, struct error *err)
{
	memset(p, 0, sizeof(*p));
	p->recipients = recipients;
	p->call = call;
	p->ctx = ctx;
	p->state = calloc(recipients->sorted_count, sizeof(*p->state));
	p->why = calloc(recipients->sorted_count, sizeof(*p->why));
	return p->state == NULL || p->why == NULL ? error_no_memory(err) : 0;
}

void
parts_free(struct parts *p)
{
	free(p->state);
	free(p->why);
	p->state = p->why = NULL;
}

/* --- who is where --- */

size_t
parts_count(const struct parts *p, enum part part)
{
	size_t rank, n = 0;

	for (rank = 0; rank < p->recipients->sorted_count; rank++)
		n += p->state[rank] == part;
	return n;
}

/* Chooses those of the range that are in that state; returns how many. */
static size_t
parts_choose_range(struct parts *p, size_t from, size_t to, enum part part)
{
	size_t rank, n = 0;

	recipients_choose(p->recipients, from, to - from);
	for (rank = from; rank < to; rank++) {
		if (p->state[rank] == part)
			n++;
		else
			recipients_leave_out(p->recipients, rank);
	}
	return n;
}

void
parts_choose(struct parts *p, enum part part)
{
	parts_choose_range(p, 0, p->recipients->sorted_count, part);
}

static void
parts_move(struct parts *p, size_t from, size_t to, enum part part, size_t why)
{
	size_t rank;

	for (rank = from; rank < to; rank++) {
		if (p->state[rank] != PART_LEFT)
			continue;
		p->state[rank] = (unsigned char)part;
		p->why[rank] = (unsigned char)why;
	}
}

/*
 * Moves those that the reply says this of; returns how many. The places in a
 * reply are those of the chosen ones in pipe's order.
 */
static size_t
parts_take_status(struct parts *p, const struct wire_reply *reply,
    enum wire_recipient_status status, enum part part, size_t why)
{
	const struct recipients *rs = p->recipients;
	const struct recipient *r;
	size_t i, place = 0, n = 0;

	for (i = 0; i < rs->count && place < WIRE_RECIPIENTS_MAX; i++) {
		r = &rs->list[i];
		if (!recipient_is_chosen(rs, r))
			continue;
		if (reply->recipients[place++] != status ||
		    p->state[r->rank] != PART_LEFT)
			continue;
		p->state[r->rank] = (unsigned char)part;
		p->why[r->rank] = (unsigned char)why;
		n++;
	}
	return n;
}

static size_t
parts_count_status(const struct parts *p, const struct wire_reply *reply,
    enum wire_recipient_status status)
{
	const struct recipients *rs = p->recipients;
	size_t i, place = 0, n = 0;

	for (i = 0; i < rs->count && place < WIRE_RECIPIENTS_MAX; i++)
		if (recipient_is_chosen(rs, &rs->list[i]) &&
		    reply->recipients[place++] == status &&
		    rs->sorted[rs->list[i].rank] == &rs->list[i])
			n++;
	return n;
}

/* --- one range of ranks --- */

/* The rank from which the second half of those that are left starts. */
static size_t
parts_middle(const struct parts *p, size_t from, size_t left)
{
	size_t half = left / 2;

	for (; half > 0; from++)
		half -= p->state[from] == PART_LEFT;
	return from;
}

/* Keeps why some were refused; returns its number. */
static size_t
parts_add_reason(struct parts *p, const struct wire_reply *reply)
{
	struct parts_reason *reason;
	size_t i;

	p->refused = *reply;
	for (i = 0; i < p->reason_count; i++)
		if (strcmp(p->reasons[i].text, reply->text) == 0 &&
		    strcmp(p->reasons[i].dsn, reply->dsn) == 0)
			return i;
	if (p->reason_count >= PARTS_REASONS_MAX - 1)
		return PARTS_REASONS_MAX - 2;
	reason = &p->reasons[p->reason_count];
	snprintf(reason->dsn, sizeof(reason->dsn), "%s", reply->dsn);
	snprintf(reason->text, sizeof(reason->text), "%s", reply->text);
	return p->reason_count++;
}

/*
 * Keeps why those count as refused whom nobody has asked about alone, once for
 * all; returns its number.
 */
static size_t
parts_add_undecided(struct parts *p, size_t why)
{
	struct parts_reason *reason = &p->reasons[p->reason_count];
	char said[sizeof(reason->text) / 2];

	if (p->undecided > 0)
		return p->undecided;
	memcpy(reason->dsn, p->reasons[why].dsn, sizeof(reason->dsn));
	snprintf(said, sizeof(said), "%s", p->reasons[why].text);
	snprintf(reason->text, sizeof(reason->text),
	    "not tried alone: after %d requests it is not known whom of these "
	    "Graph refuses. The last answer: %s",
	    PARTS_POSTS_MAX, said);
	p->undecided = p->reason_count++;
	return p->undecided;
}

void
parts_refuse_unfit(struct parts *p)
{
	struct wire_reply reply = {.status = WIRE_BOUNCED};
	const char *address, *unfit, *dsn;
	size_t rank;

	for (rank = 0; rank < p->recipients->sorted_count; rank++) {
		address = p->recipients->sorted[rank]->address;
		unfit = recipient_unfit(
		    span_between(address, address + strlen(address)), &dsn);
		if (unfit == NULL)
			continue;
		snprintf(reply.dsn, sizeof(reply.dsn), "%s", dsn);
		snprintf(reply.text, sizeof(reply.text),
		    "no message can be sent to this address: %s", unfit);
		parts_move(p, rank, rank + 1, PART_REFUSED,
		    parts_add_reason(p, &reply));
	}
}

/* 1 when the reply settles all that are left; 0; -1 when it ends the rest. */
static int
parts_take(
    struct parts *p, size_t from, size_t to, const struct wire_reply *reply)
{
	if (reply->status == WIRE_SENT) {
		parts_take_status(p, reply, WIRE_RECIPIENT_TOLD, PART_TOLD, 0);
		parts_move(p, from, to, PART_SENT, 0);
		if (!p->is_sent)
			p->sent = *reply;
		p->is_sent = 1;
		p->posts++;
		return 1;
	}
	if (reply->status == WIRE_BOUNCED && !reply->by_recipient) {
		parts_move(p, from, to, PART_BOUNCED, 0);
		if (!p->is_bounced)
			p->bounced = *reply;
		p->is_bounced = 1;
		p->posts++;
		return 1;
	}
	if (reply->status == WIRE_BOUNCED) {
		p->posts += POSTS_OF_REFUSAL;
		return 0;
	}
	if (!p->is_deferred)
		p->deferred = *reply;
	p->is_deferred = 1;
	return -1;
}

/* Nothing was posted, for some are done: 1, and they are noted. */
static int
parts_is_narrowed(struct parts *p, const struct wire_reply *reply)
{
	return reply->status == WIRE_DEFERRED &&
	    parts_take_status(p, reply, WIRE_RECIPIENT_ACCEPTED, PART_SENT, 0) +
		parts_take_status(p, reply, WIRE_RECIPIENT_TOLD, PART_TOLD, 0) >
	    0;
}

/* why: of the refusal that this range is a part of; is_part: there was one. */
static int
parts_settle_range(
    struct parts *p, size_t from, size_t to, int is_part, size_t why)
{
	struct wire_reply reply;
	size_t left, named, middle;
	int settled, first;

	while ((left = parts_choose_range(p, from, to, PART_LEFT)) > 0) {
		if (is_part && p->posts + POSTS_OF_REFUSAL > PARTS_POSTS_MAX) {
			parts_move(p, from, to, PART_REFUSED,
			    parts_add_undecided(p, why));
			return 0;
		}
		first =
		    parts_count(p, PART_SENT) + parts_count(p, PART_TOLD) == 0;
		p->call(p->ctx, first, &reply);
		if (parts_is_narrowed(p, &reply))
			continue;
		settled = parts_take(p, from, to, &reply);
		if (settled != 0)
			return settled == 1 ? 0 : -1;
		why = parts_add_reason(p, &reply);
		is_part = 1;
		named = parts_count_status(p, &reply, WIRE_RECIPIENT_REFUSED);
		if (left == 1) {
			parts_move(p, from, to, PART_REFUSED, why);
		} else if (named > 0 && named < left) {
			parts_take_status(p, &reply, WIRE_RECIPIENT_REFUSED,
			    PART_REFUSED, why);
		} else {
			middle = parts_middle(p, from, left);
			if (parts_settle_range(p, from, middle, 1, why) == -1)
				return -1;
			from = middle;
		}
	}
	return 0;
}

void
parts_settle(struct parts *p, size_t rank, size_t count)
{
	size_t all = p->recipients->sorted_count;

	parts_settle_range(
	    p, rank, all - rank > count ? rank + count : all, 0, 0);
}

const struct parts_reason *
parts_why(const struct parts *p, size_t rank)
{
	return &p->reasons[p->why[rank]];
}

/* --- what is said of it --- */

static int
parts_is_refused(const struct parts *p, size_t rank)
{
	return p->state[rank] == PART_REFUSED || p->state[rank] == PART_TOLD;
}

void
parts_summary(const struct parts *p, const char *rest, char *text, size_t size)
{
	const struct recipients *rs = p->recipients;
	size_t rank, named = 0;
	size_t refused =
	    parts_count(p, PART_REFUSED) + parts_count(p, PART_TOLD);
	struct buf out;

	buf_init(&out, 4096);
	buf_printf(&out, "sent to %zu of %zu; ", parts_count(p, PART_SENT),
	    rs->sorted_count);
	for (rank = 0; rank < rs->sorted_count && named < NAMED_MAX; rank++) {
		if (!parts_is_refused(p, rank))
			continue;
		buf_printf(&out, "%s<%s>", named++ > 0 ? ", " : "",
		    rs->sorted[rank]->address);
	}
	if (refused > named)
		buf_printf(&out, " and %zu more", refused - named);
	buf_printf(&out, " refused%s", rest);
	snprintf(text, size, "%s", out.bytes == NULL ? "failed" : out.bytes);
	buf_free(&out);
}

static void
parts_join_deferred(const struct wire_reply *why, struct wire_reply *reply)
{
	*reply = *why;
	if (reply->status == WIRE_BOUNCED)
		reply->dsn[0] = '4';
	reply->status = WIRE_DEFERRED;
}

/*
 * Only where all were accepted is the message sent, and only where none was
 * does it bounce. Other mixtures are tried again, and msgraphd's journal keeps
 * what was accepted from being posted again.
 */
int
parts_join(const struct parts *p, struct wire_reply *reply)
{
	size_t told = parts_count(p, PART_TOLD);
	size_t done = parts_count(p, PART_SENT) + told;
	size_t refused = parts_count(p, PART_REFUSED);

	if (p->is_deferred) {
		parts_join_deferred(&p->deferred, reply);
	} else if (p->is_bounced && done > 0) {
		parts_join_deferred(&p->bounced, reply);
	} else if (p->is_bounced) {
		*reply = p->bounced;
	} else if (refused > 0 && done == 0) {
		*reply = p->refused;
	} else if (refused > 0) {
		parts_join_deferred(&p->refused, reply);
		return 1;
	} else {
		*reply = p->sent;
		reply->status = WIRE_SENT;
		if (!p->is_sent)
			snprintf(reply->text, sizeof(reply->text),
			    "accepted before");
		if (told > 0)
			parts_summary(p, ", the sender was told", reply->text,
			    sizeof(reply->text));
	}
	return 0;
}
