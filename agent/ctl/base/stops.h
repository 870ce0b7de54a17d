/*
 * stops.h - the signals by which somebody ends this program: ^C, kill, and a
 * terminal that goes away.
 */
#ifndef MSGRAPHCTL_STOPS_H
#define MSGRAPHCTL_STOPS_H

#include <signal.h>

/* Adds them to the set, but for those that are ignored, as after nohup(1). */
void stops_add(sigset_t *set);

/*
 * Has them wait until stops_release(), while there is something that must not
 * be left behind. *old is filled; one pair may stand in another.
 */
void stops_hold(sigset_t *old);

/* Lets those through that have come since stops_hold(). */
void stops_release(const sigset_t *old);

#endif
