/*
 * reload.h - has a Postfix read its configuration anew, and looks what it says.
 */
#ifndef MSGRAPHCTL_RELOAD_H
#define MSGRAPHCTL_RELOAD_H

#include "agent/ctl/base/postconf.h"

/*
 * Runs "postfix check" and, where it is running, "postfix reload", and appends
 * to said what they print, and each line of the log about trouble that comes of
 * it (a service that stands twice, a port that cannot be had). 1; 0 where
 * Postfix is not running; or -1 with *err.
 */
int reload_postfix(const char *folder, const struct postconf *postconf,
    struct buf *said, struct error *err);

/*
 * Has msgraphd read msgraph.conf anew, where systemd has it running. 1; or 0
 * where it has not.
 */
int reload_msgraphd(void);

#endif
