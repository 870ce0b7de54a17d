/*
 * observe.h - keeps what msgraphctl (by services/admin_service.c) and systemd
 * are told of msgraphd.
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

/*
 * Tells systemd that the event loop runs (WATCHDOG=1), where it asks for that,
 * and in one line (STATUS=) what msgraphctl status says at length, when that
 * has changed. For housekeeping, every few seconds.
 */
void observe_tell(struct msgraphd *daemon);

/* Frees both. Takes what was not begun. */
void observe_end(struct msgraphd *daemon);

#endif
