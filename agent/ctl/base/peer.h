/*
 * peer.h - whether it is msgraphd who serves a socket.
 */
#ifndef MSGRAPHCTL_PEER_H
#define MSGRAPHCTL_PEER_H

#include "lib/base/error.h"

/* What an error begins with where msgraphd has taken the question. */
#define PEER_SILENT "msgraphd was asked (systemctl status msgraphd)"

/*
 * Connects to a socket of msgraphd's until the deadline (sock_now()), and makes
 * sure that its user, root or this user serves it. Returns the descriptor; or
 * -1 with *err, which begins with the text where nobody answers, and nothing
 * was sent.
 */
int peer_connect(const char *path, long long deadline, const char *nobody,
    struct error *err);

#endif
