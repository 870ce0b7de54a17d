/*
 * by_socket.h - sends the message of test-send as msgraph-agent would: straight
 * to msgraphd, past Postfix. For an entry whose client this host is not.
 */
#ifndef MSGRAPHCTL_BY_SOCKET_H
#define MSGRAPHCTL_BY_SOCKET_H

#include "agent/ctl/base/steps.h"
#include "lib/conf/conf.h"
#include "letter.h"

/*
 * Sends with the own credential of an entry of an application (tenant/client),
 * and tells how it ends.
 */
void by_socket(struct steps *steps, const struct conf *conf,
    const char *application, const char *entry, const struct letter *letter);

#endif
