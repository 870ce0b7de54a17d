/*
 * message.h - what the milter knows of one message, from MAIL FROM to the end
 * of its data, and what it wants changed. No libmilter in here.
 */
#ifndef MSGRAPH_MESSAGE_H
#define MSGRAPH_MESSAGE_H

#include <stddef.h>
#include <time.h>

#include "lib/local/policy.h"
#include "lib/mail/mailbox_sources.h"
#include "client.h"
#include "reply.h"
#include "settings.h"

#define MESSAGE_STAMP "X-MSGraph-Mailbox"
#define MESSAGE_FROM "X-MSGraph-From" /* "replace": by the mailbox */
#define MESSAGE_RECIPIENTS \
	"X-MSGraph-Recipients" /* "trim": to the envelope's */
#define MESSAGE_OURS "X-MSGraph-" /* what a client may not send */

/*
 * All header fields together, with CR LF. What Postfix and we add comes on top,
 * and msgraph-agent takes 1 MiB.
 */
#define MESSAGE_HEADER_MAX (1000 * 1000)

/*
 * Postfix walks the header once for each field it removes, so a client must
 * not make it do that 100,000 times.
 */
#define MESSAGE_REMOVALS_MAX 100

struct message_fields {
	unsigned int seen;
	unsigned int filled; /* of them with something in it */
};

struct message_ours {
	char *name; /* owned, as the client wrote it first */
	unsigned int count;
};

struct message {
	struct settings *settings; /* owned reference */
	struct client client;
	struct policy_answer answer; /* at MAIL FROM, then at the end */
	char *argument; /* of MAIL FROM, owned */
	char sender[REPLY_SENDER_SIZE]; /* the envelope's, for the log */
	char message_id_text[REPLY_SENDER_SIZE]; /* without its brackets */
	unsigned int recipients; /* that were taken */
	struct mailbox_sources sources;
	struct message_fields from, date, message_id;
	struct message_ours ours[MESSAGE_REMOVALS_MAX];
	size_t ours_used;
	unsigned int ours_seen;
	size_t header_bytes;
	struct error err; /* the first thing found wrong, or ERROR_NONE */
};

/*
 * Makes a message of a client of whom nothing is known yet. sender is the
 * argument of MAIL FROM as it came. Takes over the reference to the settings
 * even when it fails. NULL: out of memory.
 */
struct message *message_new(struct settings *, const char *sender);

/* Frees and sets *messagep to NULL; takes NULL. */
void message_free(struct message **messagep);

/* Takes note of a field. What is wrong with it shows up in message_finish(). */
void message_header(struct message *, const char *name, const char *value);

/*
 * Checks the message when all fields have been seen, and decides the mailbox:
 * the from of the entry, else what header and envelope say. 0 with the mailbox;
 * or -1 with *err for the client.
 */
int message_finish(
    const struct message *, char mailbox[MAILBOX_SIZE], struct error *err);

/*
 * Makes one change to the header: the index-th field (from 1) of that name
 * goes; or, with a value, such a field is added at the end. -1 stops
 * message_edit().
 */
typedef int message_change(
    void *arg, const char *name, unsigned int index, const char *value);

/*
 * Calls change for each edit, the stamp last; fields of one name go from the
 * last to the first, so that indexes stay right. 0, or -1.
 */
int message_edit(struct message *, const char *mailbox, time_t now,
    message_change *change, void *arg);

/*
 * Writes what changes, for the log: " (added Date, Message-ID; From was
 * <root@localhost>: its domain has no dot)", or nothing.
 */
#define MESSAGE_ADDED_SIZE (128 + REPLY_SENDER_SIZE)
void message_added(const struct message *, char out[MESSAGE_ADDED_SIZE]);

#endif
