/*
 * graph_sent.h - asks whether a mailbox has sent a message already. Microsoft:
 * "List messages", "Get message", "Overview of the Microsoft Graph send mail
 * process".
 */
#ifndef MSGRAPHD_GRAPH_SENT_H
#define MSGRAPHD_GRAPH_SENT_H

#include "agent/daemon/net/http.h"
#include "lib/base/error.h"
#include "graph_draft.h"

/*
 * The most messages that are asked for at once; with more there is no telling.
 * Then the most bytes of such an answer, and values in it: a message to 1,000
 * recipients takes some 120,000 and 4,000.
 */
#define GRAPH_SEARCH_TOP 500
#define GRAPH_SEARCH_BYTES (512UL * 1024)
#define GRAPH_SEARCH_VALUES 20000

enum graph_folder {
	GRAPH_DRAFTS,
	GRAPH_SENT_ITEMS,
};

/*
 * Returns recipients as one text that can be compared: in lower case, sorted,
 * each once, a line each. Sorts list in place. The caller frees the text; NULL
 * when out of memory.
 */
char *graph_recipients(const char **list, size_t count);

/*
 * Asks which messages with this Message-ID (with its angle brackets) a folder
 * of the mailbox holds. call->draft is not needed.
 */
struct http_call *graph_find(const struct graph_call *call,
    enum graph_folder folder, const char *message_id, struct error *err);

/* A message of this delivery, as it may stand in a folder. */
struct graph_sought {
	const char *recipients; /* as graph_recipients() has them */
	long long age; /* seconds since it was posted first */
	const char *drafts; /* ids of drafts that we made, a line each */
	int no_drafts; /* 1: it is none that is a draft still */
};

/*
 * Reads the answer to graph_find(): 1 when the folder has a message that went
 * to all these recipients and was sent (in Drafts: changed) in the last age
 * seconds by the server's clock. A device may give all that it sends the same
 * Message-ID: an older message is another one, and where there is one to these
 * recipients, none counts. (A message that was sent in parts, or once for each
 * recipient, has its Message-ID in each.) A draft that we made, or any with
 * no_drafts, does not count as long as it is a draft. 0 when there is none, -1
 * when the answer does not say.
 */
int graph_read_found(
    const struct http_answer *answer, const struct graph_sought *sought);

/* Asks whether call->draft is a draft still. */
struct http_call *graph_look(const struct graph_call *call, struct error *err);

/*
 * Reads the answer to graph_look(): 1 when the draft was sent, 0 when not, -1
 * when the answer does not say.
 */
int graph_read_look(const struct http_answer *answer);

#endif
