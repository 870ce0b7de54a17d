/*
 * mailbox.h - which mailbox sends a message, and whether its address may be
 * stamped. Pure functions over bytes.
 */
#ifndef MSGRAPH_MAILBOX_H
#define MSGRAPH_MAILBOX_H

#include <stddef.h>

#include "lib/base/error.h"
#include "lib/conf/conf.h"
#include "lib/mail/address.h"

/* 254 bytes (RFC 5321 section 4.5.3.1.3 without the <>) and the NUL */
#define MAILBOX_SIZE 255

/* What all fields of one name say, or the envelope sender. */
struct mailbox_named {
	unsigned int elements; /* addresses, groups, and what is neither */
	unsigned int mailboxes; /* different ones; 2 stands for several */
	char key[ADDRESS_KEY_SIZE]; /* the first; "": not fit for a key */
};

struct mailbox_sources {
	struct mailbox_named from, sender, envelope;
};

/* Adds what one field, or the argument of MAIL FROM, names. */
void mailbox_read(struct mailbox_named *, const char *value, size_t len);

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

/* NULL when the address may be stamped, or why not. */
const char *mailbox_unfit(const char *address);

#endif
