/*
 * listener.h - a session with a service of this host's Postfix, as far as a
 * client comes before it signs in.
 */
#ifndef MSGRAPHCTL_LISTENER_H
#define MSGRAPHCTL_LISTENER_H

#include "postfix.h"
#include "smtp.h"

/*
 * Connects to the service, says EHLO, starts TLS where the service has it, and
 * says EHLO again. Each wait is at most wait_ms long. NULL with *err, which
 * says what the service did not do.
 */
struct smtp *listener_open(const struct postconf *postfix,
    const struct postconf_service *service, int wait_ms, struct error *err);

#endif
