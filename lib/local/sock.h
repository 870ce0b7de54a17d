/*
 * sock.h - local stream sockets: listening, connecting, asking for the peer's
 * uid, handing over a descriptor. Everything is close-on-exec and bounded by a
 * deadline.
 */
#ifndef MSGRAPH_SOCK_H
#define MSGRAPH_SOCK_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/error.h"

/* Returns the milliseconds of a clock that only goes forward. */
long long sock_now(void);

/*
 * Connects to a unix socket before deadline (on sock_now()'s clock). Returns a
 * non-blocking descriptor that the caller closes, or -1.
 */
int sock_connect(const char *path, long long deadline, struct error *err);

/*
 * Removes a socket that nobody answers. 0, also where there is none; -1 with a
 * text where a program answers, or something else lies at path.
 */
int sock_remove_stale(const char *path, struct error *err);

/*
 * Binds and listens, replacing a socket that nobody answers, with this mode:
 * 0660 for one of a group, 0666 where the peers' groups decide
 * (sock_peer_is_in()). Returns a non-blocking descriptor, or -1 with a text
 * that names the path.
 */
int sock_listen(const char *path, mode_t mode, struct error *err);

/*
 * Returns the remedy for an errno of listening on a unix socket of ours, to be
 * put behind its text; "" where none is known.
 */
const char *sock_listen_remedy(int error);

/* Stores the uid of the process at the other end (SO_PEERCRED). 0, or -1. */
int sock_peer_uid(int fd, uid_t *uid);

/* Returns the pid of the process at the other end, 0 where nobody can tell. */
pid_t sock_peer_pid(int fd);

/*
 * Returns 1 when the process at the other end was in the group when it
 * connected: its first group (SO_PEERCRED) or one of the others
 * (SO_PEERGROUPS).
 */
int sock_peer_is_in(int fd, gid_t group);

/*
 * Sends all bytes before the deadline, with the descriptor pass (unless it is
 * -1) attached to the first of them. 0, or -1 with *err.
 */
int sock_write_all(int fd, const void *bytes, size_t len, int pass,
    long long deadline, struct error *err);

/*
 * Reads until the peer closes or size is full. Returns the count, or -1 with
 * *err, also when the deadline has passed.
 */
ssize_t sock_read_all(
    int fd, void *bytes, size_t size, long long deadline, struct error *err);

/*
 * Calls recvmsg(2) once. Returns as read(2) does; *passed becomes the
 * descriptor that came along, or stays as it was. More than one are closed, and
 * the caller owns *passed.
 */
ssize_t sock_recv(int fd, void *bytes, size_t size, int *passed);

#endif
