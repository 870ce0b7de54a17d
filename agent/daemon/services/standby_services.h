/*
 * standby_services.h - answers for a msgraphd that cannot start: "not now" to
 * sign-ins, "not ours" to cleanup's look-ups, and the reason to msgraph-agent.
 * So nobody waits until a mistake is mended.
 */
#ifndef MSGRAPHD_STANDBY_SERVICES_H
#define MSGRAPHD_STANDBY_SERVICES_H

#include "lib/base/error.h"

/*
 * Serves the sockets that systemd handed over, for so many seconds or until
 * SIGHUP. Returns 0 then, 1 after SIGTERM or SIGINT, and -1 with *err when
 * nothing can be served. The reason goes to msgraph-agent.
 */
int standby_services_run(
    const struct error *reason, unsigned int seconds, struct error *err);

#endif
