/*
 * observe.h - keeps what those are told who look on: msgraphctl (by
 * services/admin_service.c) and systemd.
 */
#ifndef MSGRAPHD_OBSERVE_H
#define MSGRAPHD_OBSERVE_H

#include "agent/daemon/base/msgraphd.h"
#include "lib/base/error.h"

/*
 * Makes daemon->activity and daemon->recent, and has warnings and errors noted
 * from now on. 0, or -1 with *err.
 */
int observe_begin(struct msgraphd *daemon, struct error *err);

/* Frees both. Takes what was not begun. */
void observe_end(struct msgraphd *daemon);

#endif
