/*
 * delivery_private.h - struct delivery, for the files of its steps. delivery.c
 * has the table of the phases, and of the files with their steps:
 *
 *	delivery_step		chooses the next phase; every other file uses it
 *	delivery_begin		whether the message was accepted before
 *	delivery_fallback	another mailbox sends, where there is none
 *	delivery_answer		what an answer of Graph means for the delivery
 *	delivery_draft_state	what the state knows of a large message's draft
 *	delivery_draft		the requests that make the draft
 *	delivery_search		whether an earlier attempt has sent the message
 *	delivery_post		the request that sends the message
 *
 * Each file may use those above it, and none below.
 */
#ifndef MSGRAPHD_DELIVERY_PRIVATE_H
#define MSGRAPHD_DELIVERY_PRIVATE_H

#include <sys/queue.h>

#include "agent/daemon/base/wake.h"
#include "agent/daemon/graph/graph_draft.h"
#include "agent/daemon/graph/outcome.h"
#include "agent/daemon/net/http.h"
#include "agent/daemon/store/draft_store.h"
#include "agent/daemon/turn/turn.h"
#include "delivery.h"
#include "report.h"

enum phase {
	PHASE_BEGIN,
	PHASE_TURN,
	PHASE_PERMIT,
	PHASE_CHOOSE,
	PHASE_LOOK,
	PHASE_SEARCH_DRAFTS,
	PHASE_SEARCH_SENT,
	PHASE_DRAFT,
	PHASE_TAKE_BACK,
	PHASE_INTENT,
	PHASE_POST,
	PHASE_UNSENT,
	PHASE_FINISH
};

/* How far a large message has got. */
struct delivery_large {
	struct draft draft;
	struct graph_body body; /* of the request under way */
	long long next; /* byte of the next attachment; -1: to be asked */
	unsigned int asked; /* how often, for this attachment */
	int whole; /* the next attachment goes in one request */
	int made; /* by this delivery: Graph may not find it at once */
	int is_sent; /* it was this draft that was sent */
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

	enum phase phase;
	struct wake wake; /* runs the phase's step */
	struct identities_prepare *prepare;
	struct turn *turn;
	struct http_call *call; /* under way */
	int posting; /* call is the one that sends the message */
	int writing; /* the journal */
	enum phase phase_after; /* that */

	struct journal_entry entry_now; /* as the journal has it */
	enum journal_status status_before; /* of an earlier attempt */
	char fallback[ADDRESS_SIZE]; /* the entry's; empty: none */
	/*
	 * Those to whom one earlier attempt has posted it without an answer,
	 * where they are some of the recipients only. Owned; text NULL: all or
	 * nobody.
	 */
	struct {
		struct journal_keys keys;
		char *text; /* as graph_recipients() has it */
		char post[JOURNAL_POST_SIZE]; /* that attempt */
	} posted_to;
	int other_is_posted; /* from the other mailbox, without an answer */
	char posted_from[ADDRESS_SIZE]; /* that, if it is known as a fallback */
	int is_former; /* request.mailbox is no fallback mailbox any more */
	int changed; /* entry_now, but for its status, since it was written */
	int refused; /* for what somebody can mend */
	int renewed, retried; /* each happens once */
	int warned; /* of an earlier attempt without an answer */
	int narrowed; /* nothing is done: some recipients were done before */
	int searched; /* it is not found, or may not be searched for */
	int in_drafts; /* while it is searched for: Drafts have one like it */
	long long started, deadline; /* clock_ms() */
	struct report report;
	struct wire_reply reply; /* what the last phase will say */
	struct delivery_large *large; /* owned; NULL: not large, or not begun */
};

#endif
