/*
 * mailboxes.h - the mailboxes that all fields of one name, such as From, name
 * together.
 *
 * msgraph-milter decides by them which mailbox sends, and msgraph-agent which
 * address From will have. So both read in the same way what a client wrote.
 */
#ifndef MSGRAPH_MAILBOXES_H
#define MSGRAPH_MAILBOXES_H

#include "address.h"

/* Starts as all zeros, but for own. */
struct mailboxes {
	const char *own; /* borrowed; a key to look for, or NULL */

	unsigned int addresses; /* bad ones as well; 2 stands for more */
	unsigned int count; /* different mailboxes; 2 stands for several */
	unsigned int unfit_count; /* addresses of none; 2 stands for more */
	int ambiguous; /* see address.h */
	int by_pairs; /* read so: see below. Names in it mean nothing then */
	struct address first; /* points into the fields; set if count > 0 */
	char key[ADDRESS_KEY_SIZE]; /* of the first */
	struct address found; /* the first with the key own */
	int has_own;

	/* The first address that no mailbox can have, if unfit_count > 0. */
	struct address first_unfit; /* points into the fields */
	char unfit[ADDRESS_KEY_SIZE]; /* its key */
	const char *unfit_reason; /* see mailbox_unfit(); NULL: none */
};

/*
 * Adds what one field, or the argument of MAIL FROM, names. Members of a group
 * (RFC 6854) count as the mailboxes that they are. What has no key counts as
 * text that is no address (see address_key()), and so does an address that no
 * mailbox can have, but as unfit.
 *
 * Bytes that are no UTF-8 may be of a charset such as Big5, where the second
 * byte of a character may be a '\\' or '@'; msgraph-milter cannot know, since the
 * charset may be declared in the body. Such a value is read twice, byte by byte
 * and with each pair of bytes that may be one character as that. If one reading
 * finds an address and the other none, the one counts; if they find different
 * ones, they count as several.
 */
void mailboxes_read(struct mailboxes *, struct span value);

#endif
