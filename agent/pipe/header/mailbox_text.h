/*
 * mailbox_text.h - one mailbox of an address list, written so that every reader
 * finds the same address in it.
 */
#ifndef MSGRAPH_AGENT_MAILBOX_TEXT_H
#define MSGRAPH_AGENT_MAILBOX_TEXT_H

#include "lib/base/buf.h"
#include "lib/mail/address.h"

/*
 * Appends the mailbox, for the address whose key this is. If it is unambiguous,
 * its bytes are kept, but for a route, which goes, and a domain that is not
 * ASCII, which becomes A-labels. Otherwise the name is put into quotes and the
 * address is written as key.
 */
void mailbox_text_write(
    struct buf *out, const struct address *, const char *key);

/* Appends the mailbox with another address in the place of its own. */
void mailbox_text_write_as(
    struct buf *out, const struct address *, const char *address);

/* Appends "name:" for a group, the name in quotes where it must be. */
void mailbox_text_write_group(struct buf *out, const struct address *group);

/* Returns 1 when mailbox_text_write() would change nothing. */
int mailbox_text_is_right(const struct address *);

#endif
