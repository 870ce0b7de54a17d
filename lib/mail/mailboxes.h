/*
 * mailboxes.h - whom the fields of one name, such as From, name together.
 *
 * msgraph-milter decides by it which mailbox sends, and msgraph-agent which
 * address From will have. So both have one reading of what a client wrote.
 */
#ifndef MSGRAPH_MAILBOXES_H
#define MSGRAPH_MAILBOXES_H

#include "address.h"

/* Starts as all zeros, but for own. */
struct mailboxes {
	const char *own; /* borrowed; a key to look for, or NULL */

	unsigned int elements; /* addresses and others; 2 stands for more */
	unsigned int count; /* different mailboxes; 2 stands for several */
	int ambiguous; /* see address.h */
	struct address first; /* points into the fields; set if count > 0 */
	char key[ADDRESS_KEY_SIZE]; /* of the first */
	struct address found; /* the first with the key own */
	int has_own;
};

/*
 * Adds what one field, or the argument of MAIL FROM, names. Members of a group
 * (RFC 6854) count as the mailboxes that they are. What has no key counts as
 * text that is no address: see address_key().
 */
void mailboxes_read(struct mailboxes *, struct span value);

#endif
