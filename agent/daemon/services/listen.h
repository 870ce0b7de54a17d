/*
 * listen.h - gets listening sockets: systemd hands them over, or we make them.
 */
#ifndef MSGRAPHD_LISTEN_H
#define MSGRAPHD_LISTEN_H

#include <sys/types.h>

#include "lib/base/error.h"

/*
 * Returns a copy of the descriptor that was handed over (sd_listen_fds(3)) and
 * is bound to path, else of the one with that name in LISTEN_FDNAMES; else a
 * new socket at path, with the mode. The caller owns it. -1 with *err.
 */
int listen_get(
    const char *name, const char *path, mode_t mode, struct error *err);

/*
 * Returns a copy of the descriptor that was handed over with that name, where
 * the settings are not known. The caller owns it. -1 with *err.
 */
int listen_get_named(const char *name, struct error *err);

#endif
