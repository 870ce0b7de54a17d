/*
 * run.h - runs another program and takes what it prints. Without a shell, with
 * a deadline, with a limit on what it may say.
 */
#ifndef MSGRAPHCTL_RUN_H
#define MSGRAPHCTL_RUN_H

#include <pwd.h>

#include "lib/base/buf.h"
#include "lib/base/error.h"

#define RUN_SECONDS 30
#define RUN_OUTPUT_MAX (4 * 1024 * 1024)

/*
 * Runs argv (NULL at its end), found by PATH, with empty standard input and the
 * C locale, for at most RUN_SECONDS. Its output and its errors are appended to
 * out (and to errors, which may be the same, or NULL: as they are, to ours);
 * more than the buffers' limits is a failure. Returns the exit status (128 and
 * the signal where one ended it); or -1 with *err, when it could not be run or
 * did not end.
 */
int run(const char *const *argv, struct buf *out, struct buf *errors,
    struct error *err);

/*
 * Fills *err for a program that ended with this status (not 0), and returns -1:
 * with the line of its errors, cut up here, that says most.
 */
int run_failed(
    const char *program, int status, struct buf *errors, struct error *err);

/*
 * Makes this process the user's, with its groups, in the chroot root_directory
 * unless that is NULL; "/" is the working directory there. 0, or -1 with errno.
 */
int run_become(const struct passwd *user, const char *root_directory);

/*
 * Calls work(arg) in a child process that is this user with its groups, and,
 * where root_directory is not NULL, in that chroot; "/" is the working
 * directory there. What it writes to its standard output and errors is appended
 * to out. Returns what work() returned, from 0 to 125; or -1 with *err: no such
 * user, not root, no end within RUN_SECONDS.
 */
int run_as(const char *user, const char *root_directory, int (*work)(void *arg),
    void *arg, struct buf *out, struct error *err);

#endif
