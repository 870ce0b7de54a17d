/*
 * sock.c - see sock.h. No globals, no logging; used by all four programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sock.h"

/* Room for the descriptors of one message; more than one is a mistake. */
#define PASS_MAX 4
#define LISTEN_BACKLOG 512

long long
sock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int
sock_unix_address(const char *path, struct sockaddr_un *sun, struct error *err)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sun->sun_path))
		return error_set(err, ERROR_OURS, "4.3.5",
		    "socket path %s is longer than %zu bytes", path,
		    sizeof(sun->sun_path) - 1);
	strcpy(sun->sun_path, path);
	return 0;
}

/* 0 when fd is ready for events, -1 when the deadline has passed. */
static int
sock_wait_for(int fd, short events, long long deadline, struct error *err)
{
	struct pollfd pfd = {.fd = fd, .events = events};
	long long left;
	int n;

	do {
		left = deadline - sock_now();
		if (left <= 0)
			return error_set(
			    err, ERROR_TEMPORARY, "4.4.2", "no answer in time");
		n = poll(&pfd, 1, left > 60000 ? 60000 : (int)left);
	} while (n == 0 || (n == -1 && errno == EINTR));
	if (n == -1)
		return error_set(
		    err, ERROR_TEMPORARY, "4.3.0", "poll: %s", strerror(errno));
	return 0;
}

static int
sock_finish_connect(int fd, long long deadline, struct error *err)
{
	socklen_t len = sizeof(int);
	int so_error = 0;

	if (sock_wait_for(fd, POLLOUT, deadline, err) == -1)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &so_error, &len) == -1)
		so_error = errno;
	if (so_error != 0)
		return error_set(
		    err, ERROR_TEMPORARY, "4.3.0", "%s", strerror(so_error));
	return 0;
}

/*
 * A unix socket whose backlog is full answers EAGAIN at once instead of
 * letting the caller wait, so the wait is here: in short steps, to the
 * deadline, since there is no event to wait for.
 */
static int
sock_connect_until(int fd, const struct sockaddr_un *sun, long long deadline,
    struct error *err)
{
	const struct timespec step = {.tv_nsec = 10 * 1000 * 1000};

	for (;;) {
		if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) ==
		    0)
			return 0;
		if (errno == EINPROGRESS)
			return sock_finish_connect(fd, deadline, err);
		if ((errno != EAGAIN && errno != EINTR) ||
		    sock_now() >= deadline)
			return error_set(err, ERROR_TEMPORARY, "4.3.0", "%s",
			    strerror(errno));
		nanosleep(&step, NULL);
	}
}

int
sock_connect(const char *path, long long deadline, struct error *err)
{
	struct sockaddr_un sun;
	int fd;

	if (sock_unix_address(path, &sun, err) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.0", "socket: %s",
		    strerror(errno));
	if (sock_connect_until(fd, &sun, deadline, err) == -1) {
		close(fd);
		return error_prefix(err, "connect to %s", path);
	}
	return fd;
}

/* One that still answers belongs to a running program. */
int
sock_remove_stale(const char *path, struct error *err)
{
	struct sockaddr_un sun;
	struct stat st;
	int fd, alive;

	if (sock_unix_address(path, &sun, err) == -1)
		return -1;
	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0
				       : error_set(err, ERROR_OURS, "4.3.5",
					     "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s exists and is not a socket; move it away", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.0", "socket: %s",
		    strerror(errno));
	/* "refused" alone says that nobody listens */
	alive = connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0 ||
	    (errno != ECONNREFUSED && errno != ENOENT);
	close(fd);
	if (alive)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "another process answers on %s; is it running already?",
		    path);
	if (unlink(path) == -1 && errno != ENOENT)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "remove stale socket %s: %s", path, strerror(errno));
	return 0;
}

const char *
sock_listen_remedy(int error)
{
	if (error != ENOENT && error != EACCES)
		return "";
	return "; the folder must be there and be open to group msgraph: run "
	       "systemd-tmpfiles --create msgraph.conf";
}

int
sock_listen(const char *path, mode_t mode, struct error *err)
{
	struct sockaddr_un sun;
	int fd;

	if (sock_unix_address(path, &sun, err) == -1 ||
	    sock_remove_stale(path, err) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.0", "socket: %s",
		    strerror(errno));
	/*
	 * fchmod() before bind() sets the mode that the file is made with:
	 * there is no moment at which it is more open. The mode is
	 * set again for what a umask took away, and not through a symbolic
	 * link: others may write to the folder.
	 */
	if (fchmod(fd, mode) == -1 ||
	    bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) == -1 ||
	    listen(fd, LISTEN_BACKLOG) == -1) {
		error_set(err, ERROR_OURS, "4.3.5", "listen on %s: %s%s", path,
		    strerror(errno), sock_listen_remedy(errno));
		close(fd);
		return -1;
	}
	return fd;
}

int
sock_peer_uid(int fd, uid_t *uid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return -1;
	*uid = cred.uid;
	return 0;
}

pid_t
sock_peer_pid(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1
	    ? 0
	    : cred.pid;
}

int
sock_peer_is_in(int fd, gid_t group)
{
	gid_t *groups = NULL, *more;
	socklen_t len = sizeof(struct ucred), i;
	struct ucred cred;
	int found, code;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return 0;
	if (cred.gid == group)
		return 1;
	/*
	 * the kernel says how many there are, where there is no room for them
	 */
	len = 0;
	while ((code = getsockopt(
		    fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len)) == -1 &&
	    errno == ERANGE && (more = realloc(groups, len)) != NULL)
		groups = more;
	found = 0;
	for (i = 0; code == 0 && i < len / sizeof(*groups); i++)
		found |= groups[i] == group;
	free(groups);
	return found;
}

static ssize_t
sock_send_some(int fd, const void *bytes, size_t len, int pass)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = (void *)bytes, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cmsg;

	if (pass != -1) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.space;
		msg.msg_controllen = sizeof(control.space);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &pass, sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

int
sock_write_all(int fd, const void *bytes, size_t len, int pass,
    long long deadline, struct error *err)
{
	const char *p = bytes;
	ssize_t n;

	while (len > 0) {
		n = sock_send_some(fd, p, len, pass);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
			pass = -1;
		} else if (errno == EAGAIN) {
			if (sock_wait_for(fd, POLLOUT, deadline, err) == -1)
				return -1;
		} else if (errno != EINTR) {
			return error_set(err, ERROR_TEMPORARY, "4.3.0",
			    "send: %s", strerror(errno));
		}
	}
	return 0;
}

ssize_t
sock_read_all(
    int fd, void *bytes, size_t size, long long deadline, struct error *err)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = recv(fd, (char *)bytes + len, size - len, 0);
		if (n == 0)
			break;
		if (n > 0) {
			len += (size_t)n;
		} else if (errno == EAGAIN) {
			if (sock_wait_for(fd, POLLIN, deadline, err) == -1)
				return -1;
		} else if (errno != EINTR) {
			return error_set(err, ERROR_TEMPORARY, "4.3.0",
			    "receive: %s", strerror(errno));
		}
	}
	return (ssize_t)len;
}

static void
sock_keep_passed(struct cmsghdr *cmsg, int *passed)
{
	size_t i, count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fd;

	for (i = 0; i < count; i++) {
		memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
		if (*passed == -1)
			*passed = fd;
		else
			close(fd);
	}
}

ssize_t
sock_recv(int fd, void *bytes, size_t size, int *passed)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(PASS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = bytes, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof(control.space)};
	struct cmsghdr *cmsg;
	ssize_t n;

	n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	if (n == -1)
		return -1;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(&msg, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET &&
		    cmsg->cmsg_type == SCM_RIGHTS)
			sock_keep_passed(cmsg, passed);
	return n;
}
