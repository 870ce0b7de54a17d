/*
 * sock.h - local stream sockets: listen, connect, who is the peer, hand over a
 * descriptor. Everything is close-on-exec and bounded by a deadline.
 */
#ifndef MSGRAPH_SOCK_H
#define MSGRAPH_SOCK_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/error.h"

/* Milliseconds of a clock that only goes forward. */
long long sock_now(void);

/*
 * Connects to a unix socket before deadline (on sock_now()'s clock). Returns a
 * non-blocking descriptor that the caller closes, or -1.
 */
int sock_connect(const char *path, long long deadline, struct error *err);

/*
 * Binds and listens, replacing a socket that nobody answers, with mode 0660.
 * Returns a non-blocking descriptor, or -1 with a text that names the path.
 */
int sock_listen(const char *path, struct error *err);

/* The uid of the process at the other end (SO_PEERCRED); -1 on failure. */
int sock_peer_uid(int fd, uid_t *uid);

/*
 * Sends all bytes, with the descriptor pass (or -1) attached to the first of
 * them; reads until the peer closes, size is full, or the deadline passes.
 * sock_read_all() returns the count, both return -1 on failure.
 */
int sock_write_all(int fd, const void *bytes, size_t len, int pass,
    long long deadline, struct error *err);
ssize_t sock_read_all(
    int fd, void *bytes, size_t size, long long deadline, struct error *err);

/*
 * One recvmsg(). Like read(2), and *passed becomes the descriptor that came
 * along, or stays as it was; more than one is closed. The caller owns *passed.
 */
ssize_t sock_recv(int fd, void *bytes, size_t size, int *passed);

#endif
