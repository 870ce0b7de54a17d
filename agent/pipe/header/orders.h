/*
 * orders.h - what msgraph-milter has written into the header for msgraph-agent
 * to do, because an entry of the table of identities asks for it.
 */
#ifndef MSGRAPH_AGENT_ORDERS_H
#define MSGRAPH_AGENT_ORDERS_H

#include "lib/base/span.h"

struct orders {
	int replace_from; /* X-MSGraph-From: replace */
	int trim; /* X-MSGraph-Recipients: trim */
};

/*
 * Reads them. They count for nothing in a message that came past the milter,
 * which removes what a client wrote under these names.
 */
struct orders orders_read(struct span head);

#endif
