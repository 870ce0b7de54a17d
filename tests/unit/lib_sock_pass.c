/*
 * Descriptors that travel over a local socket (lib/local/sock.c): one is taken,
 * and whatever a peer sends besides leaks nowhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/local/sock.h"

#define LATER 20000 /* milliseconds */

static int
is_cloexec(int fd)
{
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

static int
count_fds(void)
{
	int fd, count = 0;

	for (fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			count++;
	return count;
}

static int
is_same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static void
test_pass(void **state)
{
	int fds[2], file, passed = -1;
	struct error err;
	char bytes[16];

	(void)state;
	file = memfd_create("spool", MFD_CLOEXEC);
	assert_int_not_equal(file, -1);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(
	    sock_write_all(fds[0], "hello", 5, file, sock_now() + LATER, &err),
	    0);
	assert_int_equal(sock_recv(fds[1], bytes, 1, &passed), 1);
	assert_int_not_equal(passed, -1);
	assert_true(is_same_file(passed, file));
	assert_true(is_cloexec(passed));
	close(passed);
	/* later bytes bring none */
	passed = -1;
	assert_int_equal(sock_recv(fds[1], bytes, sizeof(bytes), &passed), 4);
	assert_int_equal(passed, -1);
	assert_int_equal(sock_recv(fds[1], bytes, sizeof(bytes), &passed), -1);
	assert_int_equal(errno, EAGAIN);
	close(fds[0]);
	assert_int_equal(sock_recv(fds[1], bytes, sizeof(bytes), &passed), 0);
	close(fds[1]);
	close(file);
}

#define MUCH ((size_t)1024 * 1024) /* more than a socket holds */

/* Reads all there is and returns how many descriptors came along. */
static void *
count_passed(void *fdp)
{
	static int count;
	char bytes[8192];
	int fd = *(int *)fdp, passed;
	ssize_t n = 1;

	count = 0;
	while (n > 0 || (n == -1 && errno == EAGAIN)) {
		passed = -1;
		n = sock_recv(fd, bytes, sizeof(bytes), &passed);
		if (passed != -1) {
			count++;
			close(passed);
		}
	}
	return &count;
}

/* However many pieces it takes, the descriptor goes with the first alone. */
static void
test_pass_once(void **state)
{
	static char bytes[MUCH];
	int fds[2], file = memfd_create("spool", MFD_CLOEXEC);
	pthread_t thread;
	struct error err;
	void *count;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(
	    pthread_create(&thread, NULL, count_passed, &fds[1]), 0);
	assert_int_equal(
	    sock_write_all(fds[0], bytes, MUCH, file, sock_now() + LATER, &err),
	    0);
	close(fds[0]);
	pthread_join(thread, &count);
	assert_int_equal(*(int *)count, 1);
	close(fds[1]);
	close(file);
}

/* Sends one byte with count copies of fd. */
static void
send_many(int to, int fd, size_t count)
{
	char byte = 'x', space[CMSG_SPACE(64 * sizeof(int))] = {0};
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cmsg;
	size_t i;

	msg.msg_control = space;
	msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (i = 0; i < count; i++)
		memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fd, sizeof(int));
	assert_int_equal(sendmsg(to, &msg, 0), 1);
}

static const struct {
	size_t count; /* sent with one byte */
	int held; /* 1: there is one already */
	int kept; /* new descriptors in the end */
} many[] = {
    {1, 0, 1},
    {2, 0, 1},
    {4, 0, 1},
    {5, 0, 1},
    {50, 0, 1},
    {1, 1, 0},
    {3, 1, 0},
    {50, 1, 0},
};

/* However many a peer sends, one is kept and none leaks. */
static void
test_pass_many(void **state)
{
	int fds[2], file, before, held, passed;
	char byte;
	size_t i;

	(void)state;
	file = memfd_create("spool", MFD_CLOEXEC);
	assert_int_not_equal(file, -1);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	for (i = 0; i < sizeof(many) / sizeof(*many); i++) {
		held = many[i].held ? dup(fds[0]) : -1;
		passed = held;
		send_many(fds[0], file, many[i].count);
		before = count_fds();
		assert_int_equal(sock_recv(fds[1], &byte, 1, &passed), 1);
		assert_int_equal(count_fds() - before, many[i].kept);
		if (many[i].held)
			assert_int_equal(passed, held);
		else
			assert_true(is_same_file(passed, file));
		close(passed);
	}
	close(fds[0]);
	close(fds[1]);
	close(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pass),
	    cmocka_unit_test(test_pass_once),
	    cmocka_unit_test(test_pass_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
