/*
 * listen.c - see listen.h.
 *
 * With socket activation the queue of connections outlives the daemon: while it
 * restarts, clients wait instead of being refused. The protocol is three
 * environment variables (sd_listen_fds(3)), for which no library is needed.
 *
 * A descriptor is known by the path it is bound to, which clients use; where a
 * unit's path differs from the setting, by its name. Callers get a copy: the
 * descriptors that were handed over stay open, for a program that executes
 * itself anew (lib/local/standby.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/local/sock.h"
#include "listen.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* How many descriptors are meant for this process. */
static int
listen_handed_over(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

	if (pid == NULL || fds == NULL || atol(pid) != (long)getpid())
		return 0;
	return atoi(fds);
}

/* The index of name in the colon-separated list, or -1. */
static int
listen_index_of(const char *name, const char *list)
{
	size_t len;
	int i;

	for (i = 0; list != NULL; i++) {
		len = strcspn(list, ":");
		if (len == strlen(name) && strncmp(list, name, len) == 0)
			return i;
		list = list[len] == ':' ? list + len + 1 : NULL;
	}
	return -1;
}

/* The index of the descriptor that is bound to path, or -1. */
static int
listen_index_bound_to(const char *path, int count)
{
	struct sockaddr_un sun;
	socklen_t len;
	int i;

	for (i = 0; i < count; i++) {
		/* the kernel need not end a path with a NUL */
		memset(&sun, 0, sizeof(sun));
		len = sizeof(sun) - 1;
		if (getsockname(FIRST_FD + i, (struct sockaddr *)&sun, &len) ==
		    -1) {
			if (errno == EBADF)
				break;
			continue;
		}
		if (sun.sun_family == AF_UNIX &&
		    strcmp(sun.sun_path, path) == 0)
			return i;
	}
	return -1;
}

/* A socket option, -1 where there is none. */
static int
listen_option(int fd, int which)
{
	socklen_t len = sizeof(int);
	int value = -1;

	return getsockopt(fd, SOL_SOCKET, which, &value, &len) == -1 ? -1
								     : value;
}

/* The peer's uid decides who is let in, and only unix sockets tell it. */
static int
listen_copy(int fd, const char *name, struct error *err)
{
	int copy, flags;

	if (listen_option(fd, SO_ACCEPTCONN) != 1 ||
	    listen_option(fd, SO_DOMAIN) != AF_UNIX ||
	    listen_option(fd, SO_TYPE) != SOCK_STREAM)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "the descriptor handed over as \"%s\" is not a listening "
		    "unix stream socket; check its .socket unit",
		    name);
	if ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    (copy = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD)) == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "the descriptor handed over as \"%s\": %s", name,
		    strerror(errno));
	return copy;
}

int
listen_get_named(const char *name, struct error *err)
{
	int i = listen_index_of(name, getenv("LISTEN_FDNAMES"));

	if (i < 0 || i >= listen_handed_over())
		return error_set(err, ERROR_OURS, "4.3.5",
		    "no descriptor was handed over as \"%s\"", name);
	return listen_copy(FIRST_FD + i, name, err);
}

int
listen_get(const char *name, const char *path, mode_t mode, struct error *err)
{
	int fd, count = listen_handed_over();
	int i = listen_index_bound_to(path, count);

	if (i == -1)
		i = listen_index_of(name, getenv("LISTEN_FDNAMES"));
	if (i >= 0 && i < count)
		return listen_copy(FIRST_FD + i, name, err);
	fd = sock_listen(path, mode, err);
	if (count > 0 && fd == -1)
		return error_prefix(err,
		    "no descriptor that was handed over has this path or the "
		    "name \"%s\"",
		    name);
	if (count > 0)
		log_warning("no descriptor that was handed over has the path "
			    "%s or the name \"%s\"; a new socket was made",
		    path, name);
	return fd;
}
