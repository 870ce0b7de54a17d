/*
 * recipient_unfit.h - whether a message can be sent to an address.
 *
 * msgraph-milter decides by it at RCPT, where each recipient has an answer of
 * its own, and msgraph-agent for what has come past the milter and for what
 * Postfix has made of an alias. So both decide alike.
 */
#ifndef MSGRAPH_RECIPIENT_UNFIT_H
#define MSGRAPH_RECIPIENT_UNFIT_H

#include "lib/base/span.h"

/*
 * Tells why no message can be sent to the address, in constant text; NULL when
 * one can. *dsn then becomes 5.6.7 where the local part is not ASCII, else
 * 5.1.3: the address cannot be written into a header, is longer than 254 bytes,
 * or has no domain of the Internet (mailbox_domain_unfit()), for which Graph
 * would refuse a message to all of its recipients.
 */
const char *recipient_unfit(struct span address, const char **dsn);

#endif
