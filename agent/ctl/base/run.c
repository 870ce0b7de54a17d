/*
 * run.c - see run.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/local/sock.h"
#include "run.h"

#define RUN_CANNOT 126 /* as a shell's: found, and not to be run */
#define RUN_NOT_FOUND 127

struct run_pipe {
	int read, write;
};

static int
run_open(struct run_pipe *p, struct error *err)
{
	int fds[2];

	p->read = p->write = -1;
	if (pipe2(fds, O_CLOEXEC) == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "cannot make a pipe: %s", strerror(errno));
	p->read = fds[0];
	p->write = fds[1];
	return 0;
}

static void
run_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* In the child: standard input is empty, the rest goes where it is read. */
static void
run_redirect(int out, int errors)
{
	int null = open("/dev/null", O_RDONLY);

	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(out, STDOUT_FILENO) == -1 ||
	    (errors != -1 && dup2(errors, STDERR_FILENO) == -1))
		_exit(RUN_CANNOT);
}

/* --- in the parent --- */

/* Appends what has come. Returns 1 while there may be more, 0 at the end. */
static int
run_take(int fd, struct buf *to)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n == -1)
		return errno == EINTR;
	return n > 0 && buf_add(to, bytes, (size_t)n) == 0;
}

/* Reads both until they end. 0, or -1 where that takes too long. */
static int
run_read(int *out, struct buf *out_to, int *errors, struct buf *errors_to)
{
	long long deadline = sock_now() + RUN_SECONDS * 1000LL, left;
	struct pollfd fds[2];

	while (*out != -1 || *errors != -1) {
		left = deadline - sock_now();
		fds[0] = (struct pollfd){.fd = *out, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = *errors, .events = POLLIN};
		if (left <= 0 || poll(fds, 2, (int)left) == 0)
			return -1;
		if (*out != -1 && fds[0].revents != 0 &&
		    !run_take(*out, out_to))
			run_close(out);
		if (*errors != -1 && fds[1].revents != 0 &&
		    !run_take(*errors, errors_to))
			run_close(errors);
	}
	return 0;
}

/* Waits for the child, which is killed where it did not end in time. */
static int
run_wait(pid_t pid, int late, const char *name, struct error *err)
{
	int status;

	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return error_set(err, ERROR_TEMPORARY, "4.3.0",
			    "cannot wait for %s: %s", name, strerror(errno));
	if (late)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "%s did not end within %d seconds", name, RUN_SECONDS);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- a program --- */

static void
run_exec(const char *const *argv, int out, int errors)
{
	sigset_t none;

	sigemptyset(&none); /* those that we hold end the program */
	sigprocmask(SIG_SETMASK, &none, NULL);
	run_redirect(out, errors);
	setenv("LC_ALL", "C", 1);
	execvp(argv[0], (char *const *)argv);
	_exit(errno == ENOENT ? RUN_NOT_FOUND : RUN_CANNOT);
}

int
run(const char *const *argv, struct buf *out, struct buf *errors,
    struct error *err)
{
	struct run_pipe o = {-1, -1}, e = {-1, -1};
	int status = -1, late;
	pid_t pid;

	if (run_open(&o, err) == -1 ||
	    (errors != NULL && errors != out && run_open(&e, err) == -1))
		goto done;
	if ((pid = fork()) == -1) {
		error_set(err, ERROR_TEMPORARY, "4.3.0", "cannot run %s: %s",
		    argv[0], strerror(errno));
		goto done;
	}
	if (pid == 0)
		run_exec(argv, o.write, errors == out ? o.write : e.write);
	run_close(&o.write);
	run_close(&e.write);
	late = run_read(&o.read, out, &e.read, errors) == -1;
	status = run_wait(pid, late, argv[0], err);
	if (status == RUN_NOT_FOUND)
		status = error_set(err, ERROR_OURS, "4.3.5",
		    "%s is not installed, or not on the PATH", argv[0]);
	else if (status != -1 &&
	    (out->failed || (errors != NULL && errors->failed)))
		status = error_set(err, ERROR_OURS, "4.3.5",
		    "%s prints more than is read of it", argv[0]);
done:
	run_close(&o.read);
	run_close(&o.write);
	run_close(&e.read);
	run_close(&e.write);
	return status;
}

/* Returns the last line with "fatal:", the last without one, or NULL. */
static const char *
run_complaint(struct buf *errors)
{
	char *line, *rest = NULL, *found = NULL;
	int is_fatal = 0;

	if (errors->len == 0)
		return NULL;
	for (line = strtok_r(errors->bytes, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (strstr(line, "fatal:") != NULL)
			is_fatal = 1;
		else if (is_fatal)
			continue;
		found = line;
	}
	return found;
}

int
run_failed(
    const char *program, int status, struct buf *errors, struct error *err)
{
	const char *why = run_complaint(errors);

	if (why != NULL)
		return error_set(err, ERROR_OURS, "4.3.5", "%s", why);
	return error_set(err, ERROR_OURS, "4.3.5",
	    status > 128 ? "%s was ended by signal %d"
			 : "%s failed with status %d",
	    program, status > 128 ? status - 128 : status);
}

/* --- as another user --- */

int
run_become(const struct passwd *user, const char *root_directory)
{
	return initgroups(user->pw_name, user->pw_gid) == -1 ||
		(root_directory != NULL &&
		    (chroot(root_directory) == -1 || chdir("/") == -1)) ||
		setgid(user->pw_gid) == -1 || setuid(user->pw_uid) == -1
	    ? -1
	    : 0;
}

static void
run_work(const struct passwd *user, const char *root_directory,
    int (*work)(void *arg), void *arg)
{
	int status;

	if (run_become(user, root_directory) == -1)
		_exit(RUN_CANNOT);
	status = work(arg);
	fflush(stdout);
	_exit(status);
}

int
run_as(const char *user, const char *root_directory, int (*work)(void *arg),
    void *arg, struct buf *out, struct error *err)
{
	const struct passwd *found = getpwnam(user);
	struct run_pipe o;
	int status = -1, none = -1, late;
	pid_t pid;

	if (found == NULL)
		return error_set(
		    err, ERROR_OURS, "4.3.5", "there is no user %s", user);
	if (run_open(&o, err) == -1)
		return -1;
	if ((pid = fork()) == -1) {
		error_set(err, ERROR_TEMPORARY, "4.3.0", "cannot fork: %s",
		    strerror(errno));
	} else {
		if (pid == 0) {
			run_redirect(o.write, o.write);
			run_work(found, root_directory, work, arg);
		}
		run_close(&o.write);
		late = run_read(&o.read, out, &none, NULL) == -1;
		status = run_wait(pid, late, user, err);
	}
	run_close(&o.read);
	run_close(&o.write);
	if (status == RUN_CANNOT)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "cannot become user %s%s", user,
		    geteuid() == 0 ? "" : ": run this as root");
	return status;
}
