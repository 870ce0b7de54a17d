/*
 * delivery_private.h - struct delivery, for delivery.c (its way to Graph) and
 * delivery_post.c (the request and what follows from its answer).
 */
#ifndef MSGRAPHD_DELIVERY_PRIVATE_H
#define MSGRAPHD_DELIVERY_PRIVATE_H

#include <sys/queue.h>

#include "delivery.h"
#include "outcome.h"
#include "report.h"

struct delivery {
	LIST_ENTRY(delivery) entry;
	struct msgraphd *daemon;
	struct delivery_request request;
	delivery_done done; /* NULL: the agent has gone */
	void *ctx;

	/* at most one of these is set: what the delivery waits for */
	struct event *timer;
	struct ask *ask;
	struct http_call *call;
	int writing; /* the journal */

	struct pass *pass; /* while in the gate, or waiting before it */
	struct secret *token; /* owned: what the last post was made with */
	struct journal_entry entry_now; /* as the journal has it */
	enum journal_fate fate_before; /* of an earlier attempt */
	int refused; /* refused_since is new */
	int renewed, retried; /* each happens once */
	int warned; /* of an earlier attempt without an answer */
	long long started, deadline; /* clock_ms() */
	long long held; /* ms waited for holds */
	struct report report;
	struct wire_reply reply; /* what finish() will say */
	void (*next)(struct delivery *d); /* after the journal's write */
};

/* --- delivery.c --- */

/* Log line, reply, end: d is gone afterwards. */
void delivery_finish(struct delivery *d);

/*
 * Ends with the reply that is filled in already (or with this text), after the
 * journal has been told that this attempt sent nothing. Of an earlier attempt
 * whose fate is unknown it goes on saying so.
 */
void delivery_finish_unsent(struct delivery *d);
void delivery_finish_text(struct delivery *d, enum wire_status status,
    const char *dsn, const char *text);

/* Writes what is known now into the journal, then goes on with next. */
void delivery_write(struct delivery *d, enum journal_fate fate,
    void (*next)(struct delivery *));

/* Deferred while access_denied_grace lasts, bounced after it. */
enum wire_status delivery_heal_status(struct delivery *d);

/* Steps of the way. rejected: a token that Graph does not take, or NULL. */
void delivery_wait_for_hold(struct delivery *d);
void delivery_get_token(struct delivery *d, const struct secret *rejected);

/* --- delivery_post.c --- */

/* The delivery has its token and its turn. */
void delivery_write_intent(struct delivery *d);

#endif
