/*
 * plugin_socket.h - an auth socket that answers as told, for the plugin's unit
 * tests. A thread takes one connection after the other: it reads a whole
 * request, records it, sends the answer that is set at that moment, and closes.
 *
 * socket_start() changes into a fresh folder, so that SOCKET_PATH is relative
 * as it is in smtpd.
 */
#ifndef TESTS_PLUGIN_SOCKET_H
#define TESTS_PLUGIN_SOCKET_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/local/wire.h"

#define SOCKET_PATH "auth"

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	char folder[64];
	int listener;
	const char *answer; /* NULL: close without one */
	size_t answer_len;
	int stalls; /* read on until the client gives up */
	char request[WIRE_AUTH_REQUEST_MAX];
	size_t request_len;
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .folder = "/tmp/pluginXXXXXX"};

static void
fake_read_request(int fd)
{
	struct wire_auth auth;
	char bytes[WIRE_AUTH_REQUEST_MAX];
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && wire_auth_parse(&auth, bytes, len) == WIRE_INCOMPLETE) {
		n = recv(fd, bytes + len, sizeof(bytes) - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	pthread_mutex_lock(&fake.lock);
	memcpy(fake.request, bytes, len);
	fake.request_len = len;
	pthread_mutex_unlock(&fake.lock);
}

static void
fake_answer(int fd)
{
	char byte;
	int stalls;

	pthread_mutex_lock(&fake.lock);
	stalls = fake.stalls;
	if (!stalls && fake.answer != NULL)
		send(fd, fake.answer, fake.answer_len, MSG_NOSIGNAL);
	pthread_mutex_unlock(&fake.lock);
	while (stalls && recv(fd, &byte, 1, 0) > 0)
		;
}

static void *
fake_run(void *unused)
{
	int fd;

	(void)unused;
	while ((fd = accept(fake.listener, NULL, NULL)) != -1) {
		fake_read_request(fd);
		fake_answer(fd);
		close(fd);
	}
	return NULL;
}

static inline void
socket_start(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "auth"};

	fake.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (mkdtemp(fake.folder) == NULL || chdir(fake.folder) == -1 ||
	    bind(fake.listener, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fake.listener, 5) == -1 ||
	    pthread_create(&fake.thread, NULL, fake_run, NULL) != 0) {
		perror("fake auth socket");
		exit(1);
	}
}

static inline void
socket_stop(void)
{
	shutdown(fake.listener, SHUT_RDWR);
	pthread_join(fake.thread, NULL);
	close(fake.listener);
	unlink(SOCKET_PATH);
	if (chdir("/") == 0)
		rmdir(fake.folder);
}

/* bytes stay the caller's; NULL: close without an answer. Forgets requests. */
static inline void
socket_answer(const char *bytes, size_t len)
{
	pthread_mutex_lock(&fake.lock);
	fake.answer = bytes;
	fake.answer_len = len;
	fake.request_len = 0;
	fake.stalls = 0;
	pthread_mutex_unlock(&fake.lock);
}

static inline void
socket_stall(void)
{
	pthread_mutex_lock(&fake.lock);
	fake.stalls = 1;
	pthread_mutex_unlock(&fake.lock);
}

/* The last request since socket_answer(), and its length; 0 if none. */
static inline size_t
socket_request(char *bytes, size_t size)
{
	size_t len;

	pthread_mutex_lock(&fake.lock);
	len = fake.request_len < size ? fake.request_len : size;
	memcpy(bytes, fake.request, len);
	pthread_mutex_unlock(&fake.lock);
	return len;
}

#endif
