/*
 * milter_hello.h - asks whether a milter answers, as an MTA that begins a
 * session.
 */
#ifndef MSGRAPH_MILTER_HELLO_H
#define MSGRAPH_MILTER_HELLO_H

#include <sys/types.h>

#include "lib/base/error.h"

/*
 * Returns the path of a unix socket as libmilter and Postfix name it
 * ("unix:path", "local:path", "/path"); NULL for other kinds.
 */
const char *milter_hello_path(const char *socket);

/*
 * Connects to the unix socket and negotiates options (SMFIC_OPTNEG), before the
 * deadline on sock_now()'s clock: libmilter has taken the connection, waited
 * for its first packet, and made a thread for it. *pid, unless pid is NULL,
 * becomes that of the process that listens, 0 where nobody does. 0, or -1 with
 * *err: nobody listens, no answer in time, or none of a milter.
 */
int milter_hello(
    const char *path, long long deadline, pid_t *pid, struct error *err);

#endif
