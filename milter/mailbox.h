/*
 * mailbox.h - decides which mailbox sends a message. A pure function over bytes.
 */
#ifndef MSGRAPH_MAILBOX_H
#define MSGRAPH_MAILBOX_H

#include <stddef.h>

#include "lib/base/error.h"
#include "lib/conf/conf.h"
#include "lib/mail/mailbox_unfit.h"
#include "lib/mail/mailboxes.h"

/* Of each, all but the addresses is looked at: fields do not stay. */
struct mailbox_sources {
	struct mailboxes from, sender, envelope;
};

/*
 * Writes the mailbox, in lower case, and returns 0: that of the first source
 * which names one, and no more, that Exchange can have. From, Sender, envelope;
 * the envelope first where the setting says so or From is missing. Returns
 * -1 when there is none, with err->dsn 5.1.7 if a source holds an address
 * that no mailbox can have, else 5.7.1; err->text tells the client of each source.
 */
int mailbox_decide(enum conf_mailbox_from, const struct mailbox_sources *,
    char mailbox[MAILBOX_SIZE], struct error *err);

#endif
