/*
 * milter_hello.c - see milter_hello.h.
 *
 * A thread of libmilter's that is free takes a new connection, and answers what
 * is there already. One that says nothing yet is given to another thread, the
 * "pool controller", which waits for all that say nothing. That one ends when
 * it gets no memory (libmilter/worker.c), and libmilter goes on without: so the
 * first packet comes a moment after the connection.
 */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "milter_hello.h"
#include "sock.h"

/*
 * The first packet of the milter protocol (libmilter/mfdef.h): length, 'O',
 * version 6, all actions, all protocol steps; and the one that ends it.
 */
static const char milter_hello_negotiate[] =
    "\0\0\0\015O\0\0\0\006\0\0\001\377\0\037\377\377";
static const char milter_hello_quit[] = "\0\0\0\001Q";

#define MILTER_HELLO_PAUSE_MS 50

const char *
milter_hello_path(const char *socket)
{
	static const char *const kinds[] = {"unix:", "local:"};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(socket, kinds[i], strlen(kinds[i])) == 0)
			return socket + strlen(kinds[i]);
	return socket[0] == '/' ? socket : NULL;
}

static int
milter_hello_say(int fd, long long deadline, struct error *err)
{
	char answer[5];
	ssize_t n;

	poll(NULL, 0, MILTER_HELLO_PAUSE_MS);
	if (sock_write_all(fd, milter_hello_negotiate,
		sizeof(milter_hello_negotiate) - 1, -1, deadline, err) == -1)
		return -1;
	n = sock_read_all(fd, answer, sizeof(answer), deadline, err);
	if (n == -1)
		return -1;
	if (n == (ssize_t)sizeof(answer) && answer[4] == 'O')
		return sock_write_all(fd, milter_hello_quit,
		    sizeof(milter_hello_quit) - 1, -1, deadline, err);
	return error_set(
	    err, ERROR_TEMPORARY, "4.3.0", "what answers is no milter");
}

int
milter_hello(
    const char *path, long long deadline, pid_t *pid, struct error *err)
{
	int fd = sock_connect(path, deadline, err), result;

	if (pid != NULL)
		*pid = fd == -1 ? 0 : sock_peer_pid(fd);
	if (fd == -1)
		return -1;
	result = milter_hello_say(fd, deadline, err);
	close(fd);
	return result;
}
