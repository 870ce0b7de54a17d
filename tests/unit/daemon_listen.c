/*
 * Where listening sockets come from (agent/daemon/services/listen.c): a row is
 * what systemd says in LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES and which
 * descriptors it left, and what becomes of it. Each row runs in a process of
 * its own, since descriptors 3 and up are what it is about.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/daemon/services/listen.h"
#include "lib/base/log.h"

static char folder[] = "/tmp/daemon_listenXXXXXX";
static char own_path[64], given_path[64];

/* What is left as a descriptor; PATH is bound where the settings say. */
enum left {
	NOTHING,
	PATH,
	UNIX,
	UNIX_BLOCKING,
	IDLE,
	DGRAM,
	SEQPACKET,
	TCP,
	A_FILE
};

/* What listen_get() does. */
enum result { OWN, THIRD, FOURTH, FAILS };

struct listen_case {
	const char *pid; /* "self", something else, or NULL: not set */
	const char *fds, *names; /* NULL: not set */
	enum left left[2]; /* descriptors 3 and 4 */
	enum result result;
};

static const struct listen_case cases[] = {
    /* not started by systemd's socket, or not for us */
    {NULL, NULL, NULL, {NOTHING, NOTHING}, OWN},
    {NULL, "1", "auth", {UNIX, NOTHING}, OWN},
    {"1", "1", "auth", {UNIX, NOTHING}, OWN},
    {"", "1", "auth", {UNIX, NOTHING}, OWN},
    {"self", NULL, "auth", {UNIX, NOTHING}, OWN},
    {"self", "0", "auth", {UNIX, NOTHING}, OWN},
    {"self", "-1", "auth", {UNIX, NOTHING}, OWN},
    {"self", "", "auth", {UNIX, NOTHING}, OWN},
    {"self", "x", "auth", {UNIX, NOTHING}, OWN},

    /* by its path, whatever its name */
    {"self", "1", NULL, {PATH, NOTHING}, THIRD},
    {"self", "1", "", {PATH, NOTHING}, THIRD},
    {"self", "2", "a.socket:b.socket", {UNIX, PATH}, FOURTH},
    {"self", "2", "auth:b.socket", {UNIX, PATH}, FOURTH},
    {"self", "2", "auth:b", {A_FILE, PATH}, FOURTH},
    {"self", "1", "submit", {PATH, NOTHING}, THIRD},
    {"self", "999999999", "submit", {PATH, NOTHING}, THIRD},

    /* by name, in any place */
    {"self", "1", "auth", {UNIX, NOTHING}, THIRD},
    {"self", "2", "auth:submit", {UNIX, UNIX}, THIRD},
    {"self", "2", "submit:auth", {UNIX, UNIX}, FOURTH},
    {"self", "2", ":auth", {UNIX, UNIX}, FOURTH},
    {"self", "2", "auth:auth", {UNIX, UNIX}, THIRD},
    {"self", "1", "auth", {UNIX_BLOCKING, NOTHING}, THIRD},

    /* nobody handed over what we look for */
    {"self", "1", NULL, {UNIX, NOTHING}, OWN},
    {"self", "2", "submit:connection", {UNIX, UNIX}, OWN},
    {"self", "2", "authority:aut", {UNIX, UNIX}, OWN},
    {"self", "2", "Auth:auth ", {UNIX, UNIX}, OWN},
    {"self", "1", "", {UNIX, NOTHING}, OWN},
    {"self", "1", "submit:auth", {UNIX, UNIX}, OWN},
    /* and somebody has the path */
    {"self", "1", "submit", {UNIX, PATH}, FAILS},

    /* handed over, but not what it should be */
    {"self", "1", "auth", {NOTHING, NOTHING}, FAILS},
    {"self", "1", "auth", {IDLE, NOTHING}, FAILS},
    {"self", "1", "auth", {DGRAM, NOTHING}, FAILS},
    {"self", "1", "auth", {SEQPACKET, NOTHING}, FAILS},
    {"self", "1", "auth", {TCP, NOTHING}, FAILS},
    {"self", "1", "auth", {A_FILE, NOTHING}, FAILS},
    {"self", "9", "a:b:c:d:auth", {UNIX, UNIX}, FAILS},
};

static int
bound_unix(int type, const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);

	strcpy(sun.sun_path, path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		_exit(99);
	return fd;
}

static int
bound_tcp(void)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		_exit(99);
	return fd;
}

static int
make(enum left left)
{
	int fd = -1;

	switch (left) {
	case NOTHING:
		return -1;
	case PATH:
		fd = bound_unix(SOCK_STREAM, own_path);
		break;
	case UNIX:
		fd = bound_unix(SOCK_STREAM | SOCK_NONBLOCK, given_path);
		break;
	case UNIX_BLOCKING:
		fd = bound_unix(SOCK_STREAM, given_path);
		break;
	case IDLE:
		return bound_unix(SOCK_STREAM, given_path);
	case DGRAM:
		return bound_unix(SOCK_DGRAM, given_path);
	case SEQPACKET:
		fd = bound_unix(SOCK_SEQPACKET, given_path);
		break;
	case TCP:
		fd = bound_tcp();
		break;
	case A_FILE:
		return open("/dev/null", O_RDONLY);
	}
	if (listen(fd, 1) == -1)
		_exit(99);
	return fd;
}

static void
set(const char *name, const char *value)
{
	if (value == NULL)
		unsetenv(name);
	else
		setenv(name, value, 1);
}

/* Places what is left at 3 and 4, and nothing behind them. */
static void
leave(const struct listen_case *t)
{
	int i, fd[2];

	for (i = 3; i < 64; i++)
		close(i);
	/* made high up first, so that one does not sit in the other's place */
	for (i = 0; i < 2; i++) {
		fd[i] = make(t->left[i]);
		if (fd[i] != -1) {
			fd[i] = fcntl(fd[i], F_DUPFD, 32);
			close(3);
		}
	}
	for (i = 0; i < 2; i++) {
		if (fd[i] != -1) {
			dup2(fd[i], 3 + i);
			close(fd[i]);
		}
	}
}

/*
 * Whether fd is the other's socket, and the other goes on to a program that is
 * executed, for which it is still there.
 */
static int
is_copy_of(int fd, int original)
{
	struct stat a, b;

	return fd != original && fstat(fd, &a) == 0 &&
	    fstat(original, &b) == 0 && a.st_ino == b.st_ino &&
	    (fcntl(original, F_GETFD) & FD_CLOEXEC) == 0;
}

static enum result
result_of(const struct listen_case *t, int fd, const struct error *err)
{
	if (fd == -1) {
		if (err->class != ERROR_OURS ||
		    strcmp(err->dsn, "4.3.5") != 0 ||
		    strstr(err->text, "\"auth\"") == NULL)
			_exit(98);
		return FAILS;
	}
	if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0 ||
	    (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0)
		_exit(97);
	if (t->left[0] != NOTHING && is_copy_of(fd, 3))
		return THIRD;
	return t->left[1] != NOTHING && is_copy_of(fd, 4) ? FOURTH : OWN;
}

static void
run_case(const struct listen_case *t)
{
	struct error err = {0};
	char pid[32];
	int fd;

	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	set("LISTEN_PID",
	    t->pid != NULL && strcmp(t->pid, "self") == 0 ? pid : t->pid);
	set("LISTEN_FDS", t->fds);
	set("LISTEN_FDNAMES", t->names);
	log_open("daemon_listen", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	leave(t);
	fd = listen_get("auth", own_path, 0660, &err);
	_exit((int)result_of(t, fd, &err));
}

static void
test_cases(void **state)
{
	size_t i;
	pid_t pid;
	int status;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unlink(own_path);
		pid = fork();
		assert_int_not_equal(pid, -1);
		if (pid == 0)
			run_case(&cases[i]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) ||
		    WEXITSTATUS(status) != (int)cases[i].result)
			fail_msg("case %zu: status %d", i, status);
	}
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(own_path, sizeof(own_path), "%s/own", folder);
	snprintf(given_path, sizeof(given_path), "%s/given", folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(own_path);
	unlink(given_path);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
