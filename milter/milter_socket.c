/*
 * milter_socket.c - see milter_socket.h.
 *
 * libmilter opens the socket itself and says why it could not to syslog alone,
 * so what stands in its way is looked for here first.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

#include "lib/local/milter_hello.h"
#include "lib/local/sock.h"
#include "milter_socket.h"

#define BACKLOG 512

int
milter_socket_open(const char *socket, struct error *err)
{
	const char *path = milter_hello_path(socket);
	mode_t mask;
	int opened;

	if (path != NULL && sock_remove_stale(path, err) == -1)
		return -1;
	mask = umask(0117);
	errno = 0;
	opened = smfi_setconn((char *)socket) == MI_SUCCESS &&
	    smfi_setbacklog(BACKLOG) == MI_SUCCESS &&
	    smfi_opensocket(1) == MI_SUCCESS;
	umask(mask);
	if (opened)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5", "listen on %s: %s%s", socket,
	    errno == 0 ? "see libmilter's own line in the mail log"
		       : strerror(errno),
	    path == NULL ? "" : sock_listen_remedy(errno));
}

void
milter_socket_remove(const char *socket)
{
	const char *path = milter_hello_path(socket);

	if (path != NULL)
		unlink(path);
}
