/*
 * peer.c - see peer.h.
 *
 * Programs that read hostile mail may write into the folders of the sockets, so
 * one that was taken over could serve a socket of its own there, and wait for a
 * secret.
 */
#include <pwd.h>
#include <unistd.h>

#include "lib/local/sock.h"
#include "peer.h"

static int
peer_check(int fd, const char *path, struct error *err)
{
	const struct passwd *pw = getpwnam("msgraphd");
	uid_t uid;

	if (sock_peer_uid(fd, &uid) == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s: cannot tell who serves it", path);
	if (uid == 0 || uid == geteuid() || (pw != NULL && uid == pw->pw_uid))
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "%s is served by uid %u, and not by msgraphd or root: find out who "
	    "made it",
	    path, (unsigned int)uid);
}

int
peer_connect(
    const char *path, long long deadline, const char *nobody, struct error *err)
{
	int fd = sock_connect(path, deadline, err);

	if (fd == -1)
		return error_prefix(err, "%s", nobody);
	if (peer_check(fd, path, err) == 0)
		return fd;
	close(fd);
	return -1;
}
