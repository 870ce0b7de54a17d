/*
 * route.h - the stamp, and the next hop that comes of it: by which transport a
 * message goes, from which mailbox, as which application and entry.
 *
 *	[transport:]<mailbox>/<tenant>@<client>[.<entry>]
 *
 * msgraph-milter writes it into X-MSGraph-Mailbox, and Postfix gives what
 * stands behind the transport to msgraph-agent as the next hop. So what decides
 * about a message travels with it. Next hops of versions before 0.2 are a
 * mailbox alone.
 */
#ifndef MSGRAPH_ROUTE_H
#define MSGRAPH_ROUTE_H

#include "identity.h"

#define ROUTE_MAILBOX_SIZE 255 /* as MAILBOX_SIZE of lib/mail */
#define ROUTE_TRANSPORT_SIZE 65 /* a service name of master.cf, and its NUL */
#define ROUTE_SIZE \
	(ROUTE_TRANSPORT_SIZE + ROUTE_MAILBOX_SIZE + IDENTITY_CANONICAL_SIZE)

/* The transport of a stamp that names none. */
#define ROUTE_TRANSPORT "msgraph"

struct route {
	char mailbox[ROUTE_MAILBOX_SIZE];
	int has_application; /* 0: a next hop of a version before 0.2 */
	struct identity application;
	char entry[ENTRY_NAME_SIZE]; /* may be empty */
};

/*
 * Returns 1 for the name of a transport that a stamp may have: "msgraph", or
 * "msgraph-" and letters a to z and digits. The file msgraph_route knows no
 * other.
 */
int route_is_transport(const char *name);

/*
 * Writes the stamp; transport is NULL or empty for ROUTE_TRANSPORT, and entry
 * may be empty. 0; or -1 when it does not fit, the transport is none, or the
 * mailbox has a blank or colon in it.
 */
int route_stamp(char stamp[ROUTE_SIZE], const char *transport,
    const char *mailbox, const struct identity *application, const char *entry);

/*
 * Reads a next hop (no transport). What stands behind the last '/' is the
 * application where it is a canonical name, else the '/' is the mailbox's own.
 * 0; or -1 when the mailbox is too long. Whether the mailbox is an address is
 * not looked at.
 */
int route_parse(const char *nexthop, struct route *route);

#endif
