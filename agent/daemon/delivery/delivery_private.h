/*
 * delivery_private.h - struct delivery, for delivery.c (its beginning and end),
 * delivery_wait.c (its turn), delivery_post.c (the request and
 * what follows from its answer), delivery_search.c (whether an earlier attempt
 * has sent the message) and delivery_draft.c (the requests before it that a large
 * message needs).
 */
#ifndef MSGRAPHD_DELIVERY_PRIVATE_H
#define MSGRAPHD_DELIVERY_PRIVATE_H

#include <sys/queue.h>

#include "agent/daemon/graph/graph_draft.h"
#include "agent/daemon/graph/outcome.h"
#include "agent/daemon/net/http.h"
#include "agent/daemon/store/draft_store.h"
#include "agent/daemon/turn/turn.h"
#include "delivery.h"
#include "report.h"

/* How far a large message has got. */
struct large {
	struct draft draft;
	struct graph_body body; /* of the request under way */
	long long next; /* byte of the next attachment; -1: to be asked */
	unsigned int asked; /* how often, for this attachment */
	int whole; /* the next attachment goes in one request */
	int made; /* by this delivery: Graph may not find it at once */
	int useless; /* an earlier attempt's, and nobody knows what is in it */
	unsigned int missed; /* how often in a row it was not found */
	int restarted; /* happens once */
};

struct delivery {
	LIST_ENTRY(delivery) entry;
	struct msgraphd *daemon;
	struct delivery_request request;
	delivery_done done; /* NULL: the agent has gone */
	void *ctx;

	struct turn *turn; /* owned */
	/* what the delivery waits for, unless that is its turn or the journal */
	struct event *timer;
	struct http_call *call;
	int posting; /* call is the one that sends the message */
	int writing; /* the journal */

	struct journal_entry entry_now; /* as the journal has it */
	enum journal_status status_before; /* of an earlier attempt */
	int changed; /* entry_now, but for its fate, since it was written */
	int refused; /* for what somebody can mend */
	int renewed, retried; /* each happens once */
	int warned; /* of an earlier attempt without an answer */
	int searched; /* it is not found, or may not be searched for */
	int in_drafts; /* while it is searched for: Drafts have one like it */
	long long started, deadline; /* clock_ms() */
	struct report report;
	struct wire_reply reply; /* what finish() will say */
	void (*next)(struct delivery *d); /* after the journal's write */
	struct large *large; /* owned; NULL: not large, or not begun */
};

/* --- delivery.c --- */

/* Log line, reply, end: d is gone afterwards. */
void delivery_finish(struct delivery *d);

/*
 * Ends with the reply that is filled in already (or with this text or error, or
 * because memory was short or the agent has gone), after the
 * journal has been told that this attempt sent nothing. Of an earlier attempt
 * whose fate is unknown it goes on saying so.
 */
void delivery_finish_unsent(struct delivery *d);
void delivery_defer(
    struct delivery *d, const char *dsn, const char *reason, const char *text);
void delivery_defer_error(struct delivery *d, const struct error *err);
void delivery_defer_memory(struct delivery *d);
void delivery_defer_abandoned(struct delivery *d);

/* Writes what is known now into the journal, then goes on with next. */
void delivery_write(struct delivery *d, enum journal_status status,
    void (*next)(struct delivery *));

/*
 * Deferred until this very refusal has stood for access_denied_grace, bounced
 * then. The report says which it is.
 */
enum wire_status delivery_grace_status(
    struct delivery *d, const struct outcome *outcome);

/* --- delivery_wait.c --- */

/* Waits for permission to make a request. */
void delivery_wait_for_turn(struct delivery *d);

/* Waits, then goes on with delivery_wait_for_turn(). */
void delivery_pause(struct delivery *d, long long ms);

/* --- delivery_post.c --- */

/* The delivery has its token and its turn. */
void delivery_take_turn(struct delivery *d);

/* The next request: of its draft, or the one that sends the message. */
void delivery_go_on(struct delivery *d);

/* Takes an answer into the report; says what it means. */
struct outcome delivery_read_answer(
    struct delivery *d, const struct http_answer *answer);

/* Does what an outcome asks for, unless that is OUTCOME_SENT. */
void delivery_settle(struct delivery *d, const struct outcome *outcome);

/* What all requests of a delivery have in common. */
struct graph_call delivery_call(
    struct delivery *d, const char *id, http_done done);

/* --- delivery_search.c --- */

/* 1 when an earlier attempt may have sent the message and we can look. */
int delivery_search_is_due(const struct delivery *d);

/*
 * Looks at the draft of an earlier attempt, or into Drafts and Sent Items. Goes
 * on with delivery_go_on() when the message was not sent.
 */
void delivery_search(struct delivery *d);

/* --- delivery_draft.c --- */

/* 1 when there is something to do before the message can be sent. */
int delivery_draft_is_due(const struct delivery *d);

/* 1 when that is a draft to begin with. */
int delivery_draft_is_new(const struct delivery *d);

/* 1 when the next request makes a draft, or sends one. */
int delivery_draft_decides(const struct delivery *d);

/* Does the next of it, and goes on with delivery_wait_for_turn(). */
void delivery_draft_step(struct delivery *d);

/* Sends the draft; the answer is that of sendMail. */
struct http_call *delivery_draft_send(
    struct delivery *d, const char *id, http_done done, struct error *err);

/* 1 when the answer says that there is no such draft, and this was dealt with. */
int delivery_draft_is_missing(
    struct delivery *d, const struct http_answer *answer);

/* --- delivery_draft_state.c --- */

/*
 * Fills d->large, from what an earlier attempt has left or anew. 0, or -1 when
 * the delivery has ended. So does the second, which writes it into the state.
 */
int delivery_draft_load(struct delivery *d);
int delivery_draft_keep(struct delivery *d);

/* The same, but that the delivery goes on: the reply says why it failed. */
int delivery_draft_try_keep(struct delivery *d);

/* The draft will not be sent, and d->large is as new. */
void delivery_draft_discard(struct delivery *d);

/* Appends the ids of the drafts that we have made in its mailbox, a line each. */
int delivery_draft_ids(
    const struct delivery *d, struct buf *ids, struct error *err);

/* The delivery ends with d->reply: the draft is forgotten, kept or discarded. */
void delivery_draft_end(struct delivery *d);

void delivery_draft_free(struct delivery *d);

#endif
