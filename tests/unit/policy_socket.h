/*
 * A stand-in for msgraphd's submit socket: a thread that takes one connection
 * after the other, keeps the question, and answers as the test says.
 */
#ifndef MSGRAPH_POLICY_SOCKET_H
#define MSGRAPH_POLICY_SOCKET_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/local/sock.h"

#define POLICY_SOCKET_QUESTIONS 8

struct policy_socket {
	char folder[32], path[64];
	int listener;
	pthread_t thread;
	const char *answers[POLICY_SOCKET_QUESTIONS]; /* NULL: hangs up */
	int stalls; /* answers nothing, and does not hang up */
	char questions[POLICY_SOCKET_QUESTIONS][4096];
	unsigned int count;
};

static void
policy_socket_serve(struct policy_socket *s, int fd)
{
	char *question = s->questions[s->count], c;
	const char *answer = s->answers[s->count];
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && (len < 2 || memcmp(question + len - 2, "\n\n", 2)) &&
	    len < sizeof(s->questions[0]) - 1) {
		n = read(fd, question + len, 1);
		len += n > 0 ? 1 : 0;
	}
	question[len] = '\0';
	s->count++;
	if (s->stalls)
		n = read(fd, &c, 1);
	else if (answer != NULL)
		n = send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	(void)n;
}

static void *
policy_socket_run(void *arg)
{
	struct policy_socket *s = arg;
	int fd;

	while (s->count < POLICY_SOCKET_QUESTIONS &&
	    (fd = accept(s->listener, NULL, NULL)) != -1) {
		policy_socket_serve(s, fd);
		close(fd);
	}
	return NULL;
}

static void
policy_socket_open(struct policy_socket *s)
{
	struct error err;

	strcpy(s->folder, "/tmp/policyXXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/submit", s->folder);
	s->listener = sock_listen(s->path, 0660, &err);
	assert_int_not_equal(s->listener, -1);
	/* accept() is to wait */
	assert_int_equal(fcntl(s->listener, F_SETFL, 0), 0);
	assert_int_equal(
	    pthread_create(&s->thread, NULL, policy_socket_run, s), 0);
}

static void
policy_socket_close(struct policy_socket *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	unlink(s->path);
	rmdir(s->folder);
}

#endif
