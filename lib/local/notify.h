/*
 * notify.h - tells systemd how the program is, by the protocol of sd_notify(3).
 */
#ifndef MSGRAPH_NOTIFY_H
#define MSGRAPH_NOTIFY_H

/*
 * Sends assignments such as "READY=1\nSTATUS=text" to the socket that
 * NOTIFY_SOCKET names; without it there is nobody to tell. One that cannot be
 * sent is logged.
 */
void notify_systemd(const char *text);

/*
 * Returns 1 when systemd ends this process unless "WATCHDOG=1" comes again and
 * again (WatchdogSec=, by WATCHDOG_USEC and WATCHDOG_PID).
 */
int notify_is_watched(void);

#endif
