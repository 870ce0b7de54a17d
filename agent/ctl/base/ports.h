/*
 * ports.h - ports of master.cf's services, and who listens on one already.
 */
#ifndef MSGRAPHCTL_PORTS_H
#define MSGRAPHCTL_PORTS_H

#include <netinet/in.h>
#include <sys/types.h>

#include "postconf.h"

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

/* Returns 1 for two places of which a host can have one alone. */
int ports_collide(const char *place, const char *other);

/*
 * Returns why Postfix cannot listen at the place, at which master(8) would end,
 * and all mail of the host with it; NULL where nothing is known against it.
 */
const char *ports_unfit(const struct postconf *postconf, const char *place);

/*
 * Returns the inode of a socket that listens at the place, in the network that
 * the process is in; 0: there is none.
 */
unsigned long ports_listener(pid_t pid, const char *place);

#endif
