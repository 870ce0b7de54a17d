/*
 * watchdog.h - tells systemd that the milter answers, where it asks for that
 * (WatchdogSec=, sd_notify(3)).
 */
#ifndef MSGRAPH_WATCHDOG_H
#define MSGRAPH_WATCHDOG_H

/*
 * Starts a thread that asks on the milter's own socket, four times in what
 * systemd waits, and tells systemd of each answer. Starts none where systemd
 * does not watch. Nobody may change the environment afterwards, in which the
 * thread looks. 0, or the error of pthread_create(3).
 */
int watchdog_start(const char *socket);

#endif
