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
 * Returns within how many milliseconds "WATCHDOG=1" has to come again, or
 * systemd ends this process (WatchdogSec=, by WATCHDOG_USEC and WATCHDOG_PID);
 * 0: it does not watch.
 */
long long notify_watchdog_ms(void);

#endif
