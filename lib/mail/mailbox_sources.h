/*
 * mailbox_sources.h - decides which mailbox sends a message, by the message and
 * its envelope. Pure functions over bytes.
 *
 * msgraph-milter decides by it for each message, and msgraph-agent for a
 * message that came past the milter. So both decide alike.
 */
#ifndef MSGRAPH_MAILBOX_SOURCES_H
#define MSGRAPH_MAILBOX_SOURCES_H

#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/span.h"
#include "mailbox_unfit.h"
#include "mailboxes.h"

/*
 * What each source names. Starts as all zeros. Only keys are read here, which
 * are copies, so that fields need not stay.
 */
struct mailbox_sources {
	struct mailboxes from, sender, envelope;
};

/* Takes note of a header field. All but From and Sender say nothing here. */
void mailbox_sources_field(
    struct mailbox_sources *, struct span name, struct span value);

/*
 * Takes note of the envelope's sender, with brackets or without. "<>" and the
 * empty text are the null sender, which names nobody.
 */
void mailbox_sources_envelope(struct mailbox_sources *, struct span sender);

/* Returns 1 when From holds no address at all. */
int mailbox_sources_lack_from(const struct mailbox_sources *);

/*
 * Writes the mailbox, in lower case, and returns 0: that of the first source
 * which names one, and no more, that Exchange can have. From, Sender, envelope;
 * the envelope first where envelope_first is set or From is missing. Returns
 * -1 when there is none, with err->dsn 5.1.7 if a source holds an address
 * that no mailbox can have, else 5.7.1; err->text tells the client of each
 * source. All sources are looked at in either order, so envelope_first does not
 * matter for a refusal.
 */
int mailbox_sources_decide(const struct mailbox_sources *, int envelope_first,
    char mailbox[MAILBOX_SIZE], struct error *err);

#endif
