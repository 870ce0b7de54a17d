/*
 * listen.h - where listening sockets come from: systemd hands them over, or we
 * make them.
 */
#ifndef MSGRAPHD_LISTEN_H
#define MSGRAPHD_LISTEN_H

#include "lib/base/error.h"

/*
 * Returns the descriptor that was handed over (sd_listen_fds(3)) and is bound to
 * path, else the one with that name in LISTEN_FDNAMES; else a new socket at
 * path. The caller owns the descriptor. -1 with *err.
 */
int listen_get(const char *name, const char *path, struct error *err);

#endif
