/*
 * standby.h - what a program does when it cannot start under systemd.
 *
 * A program that ends at a mistake of an admin, again and again, does harm: its
 * sockets stay open and nobody answers, and each attempt writes five lines into
 * the journal. So the first attempt fails, and "systemctl start" says so. The
 * one that systemd makes after it stands by: to systemd the program runs, its
 * status line names the mistake, and every few seconds it executes itself anew,
 * until it can start.
 *
 * The attempts know of each other by a file in the unit's runtime folder and an
 * environment variable. Without systemd a failed start just ends.
 */
#ifndef MSGRAPH_STANDBY_H
#define MSGRAPH_STANDBY_H

#include "lib/base/error.h"

/* How long a program stands by before it tries to start again. */
#define STANDBY_SECONDS 5

/*
 * Decides what becomes of a start that failed with *err. Returns 1 to stand by,
 * 0 to exit. The reason is logged, as log_fatal() does, unless the program
 * stands by for it already.
 */
int standby_begin(const struct error *err);

/* Tells systemd that the program runs, and by its status line what it lacks. */
void standby_announce(const struct error *err);

/*
 * Executes the program anew with the same arguments, descriptors and process
 * id. Returns only if that fails, with *err.
 */
int standby_try_again(char **argv, struct error *err);

/* Returns 1 in a program that was executed by standby_try_again(). */
int standby_is_retry(void);

/* Tells systemd that the program has started and serves. */
void standby_end(void);

#endif
