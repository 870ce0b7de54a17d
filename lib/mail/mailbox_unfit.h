/*
 * mailbox_unfit.h - whether a mailbox of Exchange can have an address.
 *
 * msgraph-milter decides by it which mailbox sends, and msgraph-agent whether
 * the address in From may stay.
 */
#ifndef MSGRAPH_MAILBOX_UNFIT_H
#define MSGRAPH_MAILBOX_UNFIT_H

/* 254 bytes (RFC 5321 section 4.5.3.1.3 without the <>) and the NUL */
#define MAILBOX_SIZE 255

/*
 * Tells why no mailbox can have this address (a key, see address.h), in
 * constant text of at most 50 bytes; NULL when one can.
 */
const char *mailbox_unfit(const char *address);

/*
 * Tells why no mailbox can have this domain (lower case, ASCII), in constant
 * text; NULL when one can. It must be a name with a dot in it (RFC 1123 section
 * 2.1), whose last label is no number.
 */
const char *mailbox_domain_unfit(const char *domain);

#endif
