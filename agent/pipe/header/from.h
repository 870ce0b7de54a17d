/*
 * from.h - makes From and Sender say what Exchange takes from this mailbox.
 */
#ifndef MSGRAPH_AGENT_FROM_H
#define MSGRAPH_AGENT_FROM_H

#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "disposition.h"

struct from {
	size_t fields;
	int changes;
	int nameless; /* the author's name goes */
	int has_author;
	struct address
	    author; /* the mailbox that stays; points into the head */
	const char *address; /* what it must be; borrowed; NULL: its own */
	char key[ADDRESS_KEY_SIZE]; /* of the author in the end */
	const char *first; /* the first From */
	struct span mailbox; /* the one that sends; borrowed */
	int has_reply_to;
	char reply_to[ADDRESS_KEY_SIZE]; /* a new one's, or "" */
};

/* Whose address From may have. */
enum from_kind {
	FROM_OF_CLIENT, /* that of a mailbox, if it names one */
	FROM_OF_BOUNCE, /* the mailbox's alone, whoever wrote it */
	FROM_REPLACED /* the same, and answers go where they would have gone */
};

/*
 * Reads all From fields. Where the head was converted to UTF-8, raw is the one
 * that came (else empty): an author whom only one of them names gives place to
 * the mailbox. 0; or -1 with *err set: 5.6.0 for an author that is too long to
 * be written, 4.3.5 for a mailbox that cannot be, 4.3.x where the machine
 * cannot tell what a name says.
 */
int from_survey(struct from *, struct span head, struct span raw,
    const char *mailbox, enum from_kind kind, struct error *);

/*
 * Returns what becomes of a From or Sender; any other field stays. Appends to
 * out what takes its place.
 */
enum disposition from_field(
    const struct from *, const struct header_field *, struct buf *out);

#endif
