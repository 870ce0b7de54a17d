/*
 * wire.h - the two local protocols, as pure functions over bytes.
 *
 * auth socket: Cyrus saslauthd's. The client sends four strings, each a
 * 16-bit big-endian count and that many bytes: login, password, service,
 * realm. The server sends one string that starts with "OK" or "NO" and
 * closes; it closes without an answer when it cannot tell now.
 *
 * submit socket: lines "name=value\n" and an empty line, then the same back.
 * The finished message travels as a descriptor (SCM_RIGHTS) with the first
 * byte. Unknown names are passed over, so that an agent and a daemon of
 * different versions understand each other during an upgrade.
 */
#ifndef MSGRAPH_WIRE_H
#define MSGRAPH_WIRE_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "route.h"

/* --- auth socket --- */

/* The longest of the four strings that is accepted. */
#define WIRE_AUTH_STRING_MAX 1024
#define WIRE_AUTH_REQUEST_MAX (4 * (2 + WIRE_AUTH_STRING_MAX))
#define WIRE_AUTH_REPLY_MAX 1024

/*
 * What msgraphctl calls its service. Nothing is stored then, and the answer is
 * a word (OK, NO, LATER) and, behind a blank, lines "name=value": application,
 * entry, and what the token says, or text. With the second, login is the name
 * of an entry, whose own credential is tried.
 */
#define WIRE_AUTH_TRY "msgraphctl"
#define WIRE_AUTH_TRY_ENTRY "msgraphctl-entry"

/*
 * What stands before the '@' of a name that nobody has, by which msgraphctl
 * asks whether the auth socket answers: refused as any other, and not counted.
 */
#define WIRE_AUTH_NOBODY "msgraphctl-doctor"

struct wire_auth {
	/* point into the parsed bytes, not terminated */
	const char *login, *password, *service, *realm;
	size_t login_len, password_len, service_len, realm_len;
};

enum wire_result { WIRE_INCOMPLETE, WIRE_DONE, WIRE_BAD };

/*
 * Reads a request from the bytes that have arrived so far. WIRE_BAD: a string
 * is too long, or bytes follow the last.
 */
enum wire_result wire_auth_parse(
    struct wire_auth *auth, const char *bytes, size_t len);

/* Appends one counted string. 0, or -1 when it is too long for the buffer. */
int wire_auth_string(struct buf *out, const char *bytes, size_t len);

/* --- submit socket ---
 *
 * The agent asks, with the descriptor of a spool file:
 *
 *	queue-id=4ZbQ2k1xYz
 *	identity=<canonical name of the application, or the user name as it
 *					was typed at AUTH>
 *	entry=<entry of the table>	(not where no entry decides)
 *	mailbox=scan@example.com
 *	again-as=relay@example.com	(only after an answer that said so:
 *					the mailbox that sends instead)
 *	sender=app@example.com		(empty: the null sender)
 *	recipient=a@example.org		(once for each, in pipe's order)
 *	raw=18231			(the spool file starts with the message
 *					as pipe gave it, so many bytes long)
 *	segment=0,512			(offset,length in the spool file; the
 *	segment=18231,40		 finished message is all segments in
 *	segment=600,17631		 their order)
 *	attachment=18271,9000000	(for each part that was taken out of a
 *	attachment-name=scan.pdf	 large message: its decoded bytes in
 *	attachment-type=application/pdf	 the spool file, and what it is called;
 *	attachment-id=1@example.com	 the Content-ID may be absent)
 *	attachment-inline=no
 *	<empty line>
 *
 * So an edit costs the bytes it writes, what is not edited cannot change, and
 * the daemon knows the raw message without understanding any of it. It
 * answers "status=", "dsn=", "text=", and an empty line. Before the empty line
 * the answer may name recipients of the request, by their place among its
 * recipient lines (the first is 0):
 *
 *	accepted=2		(Graph took the message for this one before)
 *	told=0			(this one was refused, and a notice that says so
 *				was taken by Graph before)
 *	refused=1		(Graph's words name this one)
 *	reason=recipient	(bounced for its recipients and nothing else)
 *
 *	again-as=relay@example.com
 *				(mailbox does not exist, and the entry names
 *				 this one to send instead)
 *
 * Deferred with "again-as" means: nothing was posted; write From anew for that
 * mailbox, and ask again with this line beside "mailbox", by which the journal
 * goes on knowing the message. A daemon that does not know the line asks Graph
 * for "mailbox" again, and an agent that does not know it defers.
 *
 * Deferred with "accepted" or "told" means: nothing was posted, ask again for
 * the others alone. Sent with "told" means: for all but these.
 *
 * With "notice=yes" the segments are no edited message but a notice from and to
 * the mailbox, about the recipients that the request names.
 */

/*
 * The most recipients of one request. Exchange takes no more in a message
 * (Microsoft: "Exchange Online limits", recipient limit), and max_recipients
 * can be set no higher.
 */
#define WIRE_RECIPIENTS_MAX 1000

/*
 * 1,000 recipients, 1,000 attachments and 8,000 segments, all at their longest
 */
#define WIRE_RECORD_MAX (4 * 1024 * 1024)
/* a line for each recipient, and the rest */
#define WIRE_REPLY_MAX (16 * 1024)

/*
 * Appends "name=value\n". 0, or -1 when value holds a control character or the
 * buffer is full.
 */
int wire_field(struct buf *out, const char *name, const char *value);

/* Appends the empty line that ends a record. 0, or -1. */
int wire_end(struct buf *out);

/*
 * Looks for the end of a record. WIRE_DONE: *record_len is its length with the
 * empty line. WIRE_BAD: a control character or a line without '='.
 */
enum wire_result wire_record(const char *bytes, size_t len, size_t *record_len);

/* Says how far a record that is still arriving has been looked at. */
struct wire_scan {
	size_t at, line; /* the next byte; where its line starts */
	int has_equals; /* in that line */
};

/*
 * Looks for the end of a record in bytes that grow from call to call, and goes
 * on at the place in scan, which is zeroed at first. So a record costs the same
 * in however many pieces it comes.
 */
enum wire_result wire_record_more(
    struct wire_scan *scan, const char *bytes, size_t len, size_t *record_len);

/*
 * Walks the lines of a whole record: *cursor starts at its first byte. Writes
 * terminators into it, returns the next name with *value, NULL at the end.
 */
const char *wire_next(char **cursor, char **value);

enum wire_status { WIRE_SENT, WIRE_DEFERRED, WIRE_BOUNCED };

/* The status of one recipient in a reply. */
enum wire_recipient_status {
	WIRE_RECIPIENT_NONE,
	WIRE_RECIPIENT_ACCEPTED,
	WIRE_RECIPIENT_TOLD,
	WIRE_RECIPIENT_REFUSED
};

struct wire_reply {
	enum wire_status status;
	char dsn[12];
	char text[512];
	int by_recipient; /* bounced for its recipients and nothing else */
	char again_as[ROUTE_MAILBOX_SIZE]; /* empty: not to be asked again */
	/*
	 * enum wire_recipient_status, by the place among the request's
	 * recipients
	 */
	unsigned char recipients[WIRE_RECIPIENTS_MAX];
};

/* Appends a reply as a record. 0, or -1 as wire_field() does. */
int wire_reply_format(struct buf *out, const struct wire_reply *reply);

/*
 * Reads a reply, whose bytes are written to. 0, or -1 when it is no whole
 * record, lacks a known status or a code, or names a place that no recipient
 * can have.
 */
int wire_reply_parse(struct wire_reply *reply, char *bytes, size_t len);

#endif
