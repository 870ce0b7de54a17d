/*
 * mailbox.h - which mailbox sends a message, and whether its address may be
 * stamped. Pure functions over bytes.
 */
#ifndef MSGRAPH_MAILBOX_H
#define MSGRAPH_MAILBOX_H

#include <stddef.h>

#include "lib/base/error.h"
#include "lib/conf/conf.h"
#include "lib/mail/mailboxes.h"

/* 254 bytes (RFC 5321 section 4.5.3.1.3 without the <>) and the NUL */
#define MAILBOX_SIZE 255

/* Of each, elements, count and key are looked at: fields do not stay. */
struct mailbox_sources {
	struct mailboxes from, sender, envelope;
};

/*
 * Writes the mailbox, in lower case, and returns 0. Returns -1 with err->dsn
 * 5.7.1 when it cannot be told, 5.6.7 or 5.1.7 when its address is not fit for
 * the stamp; err->text is for the client.
 */
int mailbox_decide(enum conf_mailbox_from, const struct mailbox_sources *,
    char mailbox[MAILBOX_SIZE], struct error *err);

/*
 * Whether Graph may take the address in MAIL FROM or RCPT TO. 0; or -1 with
 * err->dsn 5.6.7 when its local part is not ASCII.
 */
int mailbox_check(const char *argument, struct error *err);

/*
 * Tells why no mailbox can have this domain (lower case, ASCII), in constant
 * text; NULL when one can. It must be a name with a dot in it (RFC 1123 section
 * 2.1), whose last label is no number.
 */
const char *mailbox_domain_unfit(const char *domain);

/* NULL when the address may be stamped, or why not. */
const char *mailbox_unfit(const char *address);

#endif
