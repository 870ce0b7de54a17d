/*
 * Local sockets (lib/local/sock.c): deadlines, stale sockets, modes and who the
 * peer is. No test waits longer than it must: a deadline that has to pass is
 * some tens of milliseconds away. lib_sock_pass.c has the descriptors that
 * travel.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/local/sock.h"

#define SOON 50 /* milliseconds, for deadlines that are to pass */
#define LATER 20000 /* for those that are not */

static char folder[] = "/tmp/lib_sockXXXXXX";
static char path[64], other[64];

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/s", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	unlink(other);
	return rmdir(folder);
}

static int
clean_up(void **state)
{
	(void)state;
	unlink(path);
	unlink(other);
	return 0;
}

static int
is_cloexec(int fd)
{
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

static int
is_nonblocking(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

/* Two connected ends; the caller closes both. */
static void
make_pair(int fds[2])
{
	assert_int_equal(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
	    0);
}

/* --- listening --- */

static void
test_listen(void **state)
{
	mode_t old = umask(077);
	struct error err;
	struct stat st;
	int fd, peer;

	(void)state;
	fd = sock_listen(path, 0660, &err);
	umask(old);
	if (fd == -1)
		fail_msg("%s", err.text);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_true(is_cloexec(fd));
	assert_true(is_nonblocking(fd));
	assert_int_equal(accept(fd, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	peer = sock_connect(path, sock_now() + LATER, &err);
	assert_int_not_equal(peer, -1);
	assert_true(is_cloexec(peer));
	assert_true(is_nonblocking(peer));
	close(peer);
	close(fd);
}

/* The mode is the same whatever the caller's umask lets through. */
static void
test_listen_open_umask(void **state)
{
	mode_t old = umask(0);
	struct stat st;
	int fd = sock_listen(path, 0660, NULL);

	(void)state;
	umask(old);
	assert_int_not_equal(fd, -1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	close(fd);
}

/* What a killed program left behind goes away. */
static void
test_stale(void **state)
{
	struct error err;
	int first = sock_listen(path, 0660, &err), second;

	(void)state;
	assert_int_not_equal(first, -1);
	close(first);
	assert_int_equal(sock_connect(path, sock_now() + LATER, &err), -1);
	assert_int_equal(err.class, ERROR_TEMPORARY);
	second = sock_listen(path, 0660, &err);
	if (second == -1)
		fail_msg("%s", err.text);
	close(second);
}

static void
assert_not_listening(const char *said)
{
	struct error err;

	assert_int_equal(sock_listen(path, 0660, &err), -1);
	assert_int_equal(err.class, ERROR_OURS);
	assert_string_equal(err.dsn, "4.3.5");
	if (strstr(err.text, path) == NULL || strstr(err.text, said) == NULL)
		fail_msg("%s", err.text);
}

/* What belongs to somebody else stays. */
static void
test_not_stale(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct stat st;
	int fd;

	(void)state;
	fd = sock_listen(path, 0660, NULL);
	assert_int_not_equal(fd, -1);
	assert_not_listening("is it running already?");
	close(fd);
	unlink(path);

	/* a socket of another kind that is in use */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(sun.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_not_listening("");
	assert_int_equal(lstat(path, &st), 0);
	close(fd);
	unlink(path);

	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_not_listening("is not a socket");
	unlink(path);

	assert_int_equal(symlink(other, path), 0);
	assert_not_listening("is not a socket");
	assert_int_equal(lstat(path, &st), 0);
}

static void
test_bad_paths(void **state)
{
	char longest[300];
	struct error err;

	(void)state;
	assert_int_equal(sock_listen("/nonexistent/x/s", 0660, &err), -1);
	assert_int_equal(err.class, ERROR_OURS);
	assert_non_null(strstr(err.text, "/nonexistent/x/s"));
	assert_int_equal(sock_connect("/nonexistent/x/s", 0, &err), -1);
	assert_string_equal(
	    err.text, "connect to /nonexistent/x/s: No such file or directory");
	assert_int_equal(err.class, ERROR_TEMPORARY);

	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(sock_listen(longest, 0660, &err), -1);
	assert_non_null(strstr(err.text, "longer than 107 bytes"));
	assert_int_equal(sock_connect(longest, sock_now() + LATER, &err), -1);
	assert_non_null(strstr(err.text, "longer than 107 bytes"));
	assert_int_equal(err.class, ERROR_OURS);
}

/* --- connecting --- */

/* With the backlog full the caller waits, but not past its deadline. */
static void
test_connect_deadline(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int listener, first, second;
	long long deadline;
	struct error err;

	(void)state;
	strcpy(sun.sun_path, path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 0), 0);
	first = sock_connect(path, sock_now() + LATER, &err);
	assert_int_not_equal(first, -1);
	deadline = sock_now() + SOON;
	second = sock_connect(path, deadline, &err);
	assert_int_equal(second, -1);
	assert_int_equal(err.class, ERROR_TEMPORARY);
	assert_non_null(strstr(err.text, path));
	assert_true(sock_now() >= deadline);
	/* once there is room again, so is an answer */
	close(accept(listener, NULL, NULL));
	second = sock_connect(path, sock_now() + LATER, &err);
	assert_int_not_equal(second, -1);
	close(first);
	close(second);
	close(listener);
}

static void
test_peer(void **state)
{
	uid_t uid = 12345;
	int fds[2];

	(void)state;
	make_pair(fds);
	assert_int_equal(sock_peer_uid(fds[0], &uid), 0);
	assert_int_equal(uid, geteuid());
	close(fds[0]);
	close(fds[1]);
	uid = 12345;
	assert_int_equal(sock_peer_uid(-1, &uid), -1);
	assert_int_equal(uid, 12345);
}

/* --- all of it, or in time --- */

#define MUCH ((size_t)4 * 1024 * 1024) /* more than a socket holds */

static void *
read_slowly(void *fdp)
{
	static char bytes[MUCH + 1];
	struct error err;
	ssize_t n;

	n = sock_read_all(
	    *(int *)fdp, bytes, sizeof(bytes), sock_now() + LATER, &err);
	return n == (ssize_t)MUCH && bytes[0] == 'x' && bytes[MUCH - 1] == 'x'
	    ? fdp
	    : NULL;
}

static void
test_much(void **state)
{
	pthread_t thread;
	struct error err;
	void *result;
	char *bytes;
	int fds[2];

	(void)state;
	bytes = malloc(MUCH);
	assert_non_null(bytes);
	memset(bytes, 'x', MUCH);
	make_pair(fds);
	assert_int_equal(
	    pthread_create(&thread, NULL, read_slowly, &fds[1]), 0);
	assert_int_equal(
	    sock_write_all(fds[0], bytes, MUCH, -1, sock_now() + LATER, &err),
	    0);
	close(fds[0]);
	pthread_join(thread, &result);
	assert_non_null(result);
	close(fds[1]);
	free(bytes);
}

static void
test_write_deadline(void **state)
{
	long long deadline;
	struct error err;
	char *bytes;
	int fds[2];

	(void)state;
	bytes = calloc(1, MUCH);
	assert_non_null(bytes);
	make_pair(fds);
	deadline = sock_now() + SOON;
	assert_int_equal(
	    sock_write_all(fds[0], bytes, MUCH, -1, deadline, &err), -1);
	assert_true(sock_now() >= deadline);
	assert_int_equal(err.class, ERROR_TEMPORARY);
	assert_string_equal(err.dsn, "4.4.2");
	/* a peer that has gone is an error and no signal */
	signal(SIGPIPE, SIG_DFL);
	close(fds[1]);
	assert_int_equal(
	    sock_write_all(fds[0], bytes, 1, -1, sock_now() + LATER, &err), -1);
	assert_non_null(strstr(err.text, "Broken pipe"));
	close(fds[0]);
	free(bytes);
}

static void
test_read(void **state)
{
	char bytes[8];
	long long deadline;
	struct error err;
	int fds[2];

	(void)state;
	make_pair(fds);
	assert_int_equal(write(fds[0], "abcdefghij", 10), 10);
	/* full before the peer closes */
	assert_int_equal(
	    sock_read_all(fds[1], bytes, 8, sock_now() + LATER, &err), 8);
	assert_memory_equal(bytes, "abcdefgh", 8);
	/* two bytes and silence */
	deadline = sock_now() + SOON;
	assert_int_equal(sock_read_all(fds[1], bytes, 8, deadline, &err), -1);
	assert_true(sock_now() >= deadline);
	assert_string_equal(err.text, "no answer in time");
	/* a deadline long past is no reason to leave what is there */
	assert_int_equal(write(fds[0], "xyz", 3), 3);
	close(fds[0]);
	assert_int_equal(sock_read_all(fds[1], bytes, 8, 0, &err), 3);
	assert_memory_equal(bytes, "xyz", 3);
	/* and at the end there is nothing */
	assert_int_equal(sock_read_all(fds[1], bytes, 8, 0, &err), 0);
	close(fds[1]);
	assert_int_equal(sock_read_all(-1, bytes, 8, 0, &err), -1);
	assert_int_equal(err.class, ERROR_TEMPORARY);
}

/* Forward, in steps that a deadline can be made of. */
static void
test_clock(void **state)
{
	long long first = sock_now(), now;

	(void)state;
	do {
		now = sock_now();
		assert_true(now >= first);
	} while (now < first + 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_listen, clean_up),
	    cmocka_unit_test_teardown(test_listen_open_umask, clean_up),
	    cmocka_unit_test_teardown(test_stale, clean_up),
	    cmocka_unit_test_teardown(test_not_stale, clean_up),
	    cmocka_unit_test_teardown(test_bad_paths, clean_up),
	    cmocka_unit_test_teardown(test_connect_deadline, clean_up),
	    cmocka_unit_test(test_peer),
	    cmocka_unit_test(test_much),
	    cmocka_unit_test(test_write_deadline),
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
