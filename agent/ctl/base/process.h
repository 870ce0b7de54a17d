/*
 * process.h - what can be known of another process on this host.
 */
#ifndef MSGRAPHCTL_PROCESS_H
#define MSGRAPHCTL_PROCESS_H

#include <sys/types.h>

#define PROCESS_VERSION_SIZE 32

/* Returns when it started, in seconds since 1970; 0 where nobody can tell. */
long long process_started(pid_t pid);

/*
 * Writes the version of the program that runs in the process, which another may
 * have replaced on disk: what it prints with -V, as the process's own user. ""
 * where it is not known, and for who is not root.
 */
void process_version(pid_t pid, char version[PROCESS_VERSION_SIZE]);

#endif
