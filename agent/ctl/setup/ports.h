/*
 * ports.h - ports of master.cf's services, and who listens on one already.
 */
#ifndef MSGRAPHCTL_PORTS_H
#define MSGRAPHCTL_PORTS_H

#include <netinet/in.h>

#include "agent/ctl/base/postconf.h"

/*
 * Stores address and port of a place as master.cf has it, "[address:]port" with
 * a number or a name as port; the address is "" where there is none, and stands
 * in no brackets. Returns the port, or -1 where it is none.
 */
int ports_parse(const char *place, char address[INET6_ADDRSTRLEN]);

/*
 * Returns the service of master.cf that listens at this place, whatever it is
 * spelled like, or may do so: a host's name counts as any address. NULL: none.
 */
const struct postconf_service *ports_service(
    const struct postconf *postconf, const char *place);

/*
 * Returns why Postfix cannot listen at the place, at which master(8) would end,
 * and all mail of the host with it; NULL where nothing is known against it.
 */
const char *ports_unfit(const struct postconf *postconf, const char *place);

/*
 * Returns 1 when a program of this host, Postfix included, listens at the place
 * now.
 */
int ports_is_listened_to(const char *place);

#endif
