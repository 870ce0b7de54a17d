/*
 * parts.h - one message to its recipients in as many calls as it takes to find
 * out whom Graph refuses: the others get it all the same.
 *
 * Graph takes a message for all of its recipients or for none. A refusal that
 * names some of them is followed by a call for the others, and one that names
 * nobody (or all) by two, for one half each. At the start msgraphd says which
 * recipients an earlier attempt has served. So every attempt takes the same
 * way, whatever the last one was killed at.
 */
#ifndef MSGRAPH_AGENT_PARTS_H
#define MSGRAPH_AGENT_PARTS_H

#include "agent/pipe/header/recipients.h"
#include "lib/local/wire.h"

/* A call that is refused posts twice. Past these there are no more halves. */
#define PARTS_POSTS_MAX 24
/*
 * A reason for each refusal of Graph's, more than recipient_unfit() has, and
 * one for those who are not decided.
 */
#define PARTS_REASONS_MAX (PARTS_POSTS_MAX / 2 + 13)

enum part {
	PART_LEFT, /* not decided: deferred, or not tried */
	PART_SENT,
	PART_TOLD, /* refused before, and the sender was told */
	PART_REFUSED,
	PART_BOUNCED /* for another reason than its address */
};

struct parts_reason {
	char dsn[12];
	char text[512];
};

/*
 * Makes the call for the recipients that are chosen. first: none of the
 * delivery's recipients has got the message so far.
 */
typedef void parts_call(void *ctx, int first, struct wire_reply *reply);

struct parts {
	struct recipients *recipients; /* borrowed */
	parts_call *call;
	void *ctx;
	unsigned char *state; /* owned: enum part, by rank */
	unsigned char *why; /* owned: which of reasons, by rank */
	struct parts_reason reasons[PARTS_REASONS_MAX];
	size_t reason_count;
	size_t undecided; /* the reason of those, or 0 */
	unsigned int posts;
	struct wire_reply sent, refused, bounced, deferred; /* the first each;
							       of refused the
							       last */
	int is_sent, is_deferred, is_bounced;
};

/*
 * Makes the parts of these recipients, of whom none is settled yet. 0, or -1
 * without memory. parts_free() takes what either leaves.
 */
int parts_init(struct parts *, struct recipients *, parts_call *, void *ctx,
    struct error *);
void parts_free(struct parts *);

/* Refuses those to whom no message can be sent, without any call. */
void parts_refuse_unfit(struct parts *);

/*
 * Settles the recipients of these ranks (at most count from this one on): makes
 * calls until each is sent, refused or bounced, or one call is deferred, which
 * ends it.
 */
void parts_settle(struct parts *, size_t rank, size_t count);

/* Returns how many recipients are in that state. */
size_t parts_count(const struct parts *, enum part);

/* Chooses the recipients in that state, and no others. */
void parts_choose(struct parts *, enum part);

/* Returns why the one of this rank was refused. */
const struct parts_reason *parts_why(const struct parts *, size_t rank);

/*
 * Writes the answer for pipe(8), which is one for all. Returns 1 when instead
 * the sender must be told who was refused, since others have got the message;
 * reply then says that this was not done.
 */
int parts_join(const struct parts *, struct wire_reply *reply);

/*
 * Writes "sent to 2 of 3; <x> refused" and what follows it into text, of size
 * bytes. Names three at most.
 */
void parts_summary(
    const struct parts *, const char *rest, char *text, size_t size);

#endif
