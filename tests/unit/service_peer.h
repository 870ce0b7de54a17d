/*
 * service_peer.h - a service of the daemon's on a socket of its own, and peers
 * that speak to it.
 */
#ifndef TESTS_UNIT_SERVICE_PEER_H
#define TESTS_UNIT_SERVICE_PEER_H

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/daemon/services/service.h"
#include "daemon_fake.h"
#include "lib/local/sock.h"

static struct service *service;
static char path[64];

static int
service_begin(const struct service_kind *kind)
{
	if (fake_begin() == -1)
		return -1;
	service = service_new(
	    &d, kind, sock_listen(in_folder("socket", path), 0660, NULL), NULL);
	return service == NULL ? -1 : 0;
}

static int
service_end(void)
{
	service_free(&service);
	unlink(path);
	return fake_end();
}

static int
connect_only(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(to.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int
connect_to(void)
{
	int fd = connect_only();

	run();
	return fd;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	run();
}

/* What came: a text, "" for the end, NULL for nothing. */
static const char *
hear(int fd)
{
	static char text[512];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n == -1 && errno == EAGAIN)
		return NULL;
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

#endif
