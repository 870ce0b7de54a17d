/*
 * postmap.c - see postmap.h.
 *
 * A child process, without a shell, with its output in pipes that the event
 * loop reads: a map that somebody has locked, or a disk that is slow, delays
 * nobody. posix_spawn(3) copies no memory, in which secrets are. What postmap
 * says when it fails stands in the error's text.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/base/wake.h"
#include "lib/base/buf.h"
#include "lib/base/printable.h"
#include "postmap.h"

#define POSTMAP_READ_SIZE 65536
#define POSTMAP_ERRORS_MAX 1024

/* How often it is looked whether a child has ended whose output has. */
#define POSTMAP_REAP_MS 5

/* One of the two outputs of the child. */
struct postmap_pipe {
	struct event *event; /* NULL: it has ended */
	int fd; /* -1: closed */
	struct buf in;
	struct postmap *postmap;
};

struct postmap {
	char *map;
	postmap_done done;
	void *ctx;
	pid_t child; /* 0: none, or it was waited for */
	struct postmap_pipe rows, errors;
	struct wake wake; /* too late; or: has it ended? */
	long long deadline; /* clock_ms() */
};

static void
postmap_pipe_close(struct postmap_pipe *pipe)
{
	if (pipe->event != NULL)
		event_free(pipe->event);
	pipe->event = NULL;
	if (pipe->fd != -1)
		close(pipe->fd);
	pipe->fd = -1;
}

static void
postmap_free(struct postmap *p)
{
	postmap_pipe_close(&p->rows);
	postmap_pipe_close(&p->errors);
	if (p->child != 0) {
		kill(p->child, SIGKILL);
		waitpid(p->child, NULL, 0);
	}
	wake_free(&p->wake);
	buf_free(&p->rows.in);
	buf_free(&p->errors.in);
	free(p->map);
	free(p);
}

/* --- the end --- */

static void
postmap_fail(struct postmap *p, enum error_class class, const char *what)
{
	struct error err;

	error_set(&err, class, "4.3.5", "%s: %s", p->map, what);
	p->done(p->ctx, NULL, 0, &err);
	postmap_free(p);
}

/* What postmap said last: why it gave up. NULL where it said nothing. */
static char *
postmap_last_line(struct postmap *p)
{
	struct buf *said = &p->errors.in;
	char *line;

	while (said->len > 0 && said->bytes[said->len - 1] == '\n')
		said->bytes[--said->len] = '\0';
	if (said->len == 0)
		return NULL;
	line = strrchr(said->bytes, '\n');
	line = line == NULL ? said->bytes : line + 1;
	printable_make(line, '?');
	return line;
}

static void
postmap_fail_with_words(struct postmap *p, int status)
{
	char *text = postmap_last_line(p), fallback[64];

	if (text == NULL) {
		snprintf(fallback, sizeof(fallback),
		    WIFSIGNALED(status) ? "postmap ended with signal %d"
					: "postmap ended with status %d",
		    WIFSIGNALED(status) ? WTERMSIG(status)
					: WEXITSTATUS(status));
		text = fallback;
	}
	postmap_fail(p, ERROR_OURS, text);
}

static void
postmap_succeed(struct postmap *p)
{
	char *bytes = p->rows.in.bytes;
	size_t len = p->rows.in.len;

	if (bytes == NULL)
		bytes = calloc(1, 1);
	if (bytes == NULL) {
		postmap_fail(p, ERROR_TEMPORARY, "out of memory");
		return;
	}
	memset(&p->rows.in, 0, sizeof(p->rows.in));
	p->done(p->ctx, bytes, len, NULL);
	postmap_free(p);
}

static void
postmap_on_wake(void *ctx)
{
	struct postmap *p = ctx;
	int status;
	pid_t ended = 0;

	if (p->rows.fd == -1 && p->errors.fd == -1)
		ended = waitpid(p->child, &status, WNOHANG);
	if (ended != 0) {
		p->child = 0;
		if (ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			postmap_succeed(p);
		else
			postmap_fail_with_words(p, ended > 0 ? status : 0);
	} else if (clock_ms() >= p->deadline ||
	    wake_in(&p->wake, POSTMAP_REAP_MS) == -1) {
		postmap_fail(p, ERROR_TEMPORARY,
		    "postmap did not end in time: is the map locked?");
	}
}

/* --- its output --- */

/* Returns 1 when more may come, 0 at the end, -1 where there is too much. */
static int
postmap_pipe_read(struct postmap_pipe *pipe)
{
	void *to = buf_reserve(&pipe->in, POSTMAP_READ_SIZE);
	ssize_t n;

	if (to == NULL)
		return -1;
	n = read(pipe->fd, to, POSTMAP_READ_SIZE);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	pipe->in.len += (size_t)n;
	pipe->in.bytes[pipe->in.len] = '\0';
	if (pipe == &pipe->postmap->errors && pipe->in.len > POSTMAP_ERRORS_MAX)
		buf_drop(&pipe->in, pipe->in.len - POSTMAP_ERRORS_MAX);
	return n > 0;
}

static void
postmap_on_output(evutil_socket_t fd, short what, void *ctx)
{
	struct postmap_pipe *pipe = ctx;
	struct postmap *p = pipe->postmap;
	int result = postmap_pipe_read(pipe);

	(void)fd;
	(void)what;
	if (result == -1 && pipe == &p->rows) {
		postmap_fail(
		    p, ERROR_OURS, "the map is longer than 16 megabytes");
		return;
	}
	if (result == 1)
		return;
	postmap_pipe_close(pipe);
	if (p->rows.fd == -1 && p->errors.fd == -1)
		wake_up(&p->wake);
}

static int
postmap_pipe_open(struct postmap_pipe *to, struct postmap *p,
    struct event_base *base, size_t max, int *child_fd)
{
	int fds[2];

	to->postmap = p;
	buf_init(&to->in, max + POSTMAP_READ_SIZE);
	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	to->fd = fds[0];
	*child_fd = fds[1];
	if (fcntl(to->fd, F_SETFL, O_NONBLOCK) == -1)
		return -1;
	to->event = event_new(
	    base, to->fd, EV_READ | EV_PERSIST, postmap_on_output, to);
	return to->event == NULL ? -1 : event_add(to->event, NULL);
}

/* --- the beginning --- */

/* Where the settings of Postfix are, if not in their usual place; or NULL. */
static char *
postmap_config(char *text, size_t size)
{
	const char *folder = getenv("MAIL_CONFIG");
	int n;

	if (folder == NULL)
		return NULL;
	n = snprintf(text, size, "MAIL_CONFIG=%s", folder);
	return n > 0 && (size_t)n < size ? text : NULL;
}

/* Its outputs, and no other descriptor: not all of libcurl's close by exec. */
static int
postmap_spawn_actions(posix_spawn_file_actions_t *actions, int rows, int errors)
{
	int result = posix_spawn_file_actions_addopen(
	    actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (result == 0)
		result = posix_spawn_file_actions_adddup2(
		    actions, rows, STDOUT_FILENO);
	if (result == 0)
		result = posix_spawn_file_actions_adddup2(
		    actions, errors, STDERR_FILENO);
	if (result == 0)
		result = posix_spawn_file_actions_addclosefrom_np(
		    actions, STDERR_FILENO + 1);
	return result;
}

/* Returns 0, or an errno. */
static int
postmap_spawn(struct postmap *p, int rows, int errors)
{
	char *argv[] = {(char[]){"postmap"}, (char[]){"-s"}, p->map, NULL};
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", folder[PATH_MAX];
	char *env[] = {path, postmap_config(folder, sizeof(folder)), NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, ignored;
	int result;

	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &ignored);
	result = postmap_spawn_actions(&actions, rows, errors);
	if (result == 0)
		result = posix_spawnp(
		    &p->child, argv[0], &actions, &attributes, argv, env);
	/* a PATH of an admin's shell may have no sbin */
	if (result == ENOENT)
		result = posix_spawn(&p->child, "/usr/sbin/postmap", &actions,
		    &attributes, argv, env);
	if (result != 0)
		p->child = 0;
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

static int
postmap_begin(struct postmap *p, struct event_base *base, struct error *err)
{
	int rows = -1, errors = -1, result = ENOMEM;

	if (postmap_pipe_open(&p->rows, p, base, POSTMAP_BYTES_MAX, &rows) ==
		0 &&
	    postmap_pipe_open(
		&p->errors, p, base, POSTMAP_ERRORS_MAX, &errors) == 0 &&
	    wake_init(&p->wake, base, postmap_on_wake, p) == 0 &&
	    wake_in(&p->wake, POSTMAP_TIMEOUT_MS) == 0)
		result = postmap_spawn(p, rows, errors);
	if (rows != -1)
		close(rows);
	if (errors != -1)
		close(errors);
	return result == 0
	    ? 0
	    : error_set(err, ERROR_OURS, "4.3.5",
		  "%s: cannot run postmap, which reads such maps: %s", p->map,
		  strerror(result));
}

struct postmap *
postmap_start(struct event_base *base, const char *map, postmap_done done,
    void *ctx, struct error *err)
{
	struct postmap *p = calloc(1, sizeof(*p));

	if (p == NULL || (p->map = strdup(map)) == NULL) {
		free(p);
		error_no_memory(err);
		return NULL;
	}
	p->rows.fd = p->errors.fd = -1;
	p->done = done;
	p->ctx = ctx;
	p->deadline = clock_ms() + POSTMAP_TIMEOUT_MS;
	if (postmap_begin(p, base, err) == -1) {
		postmap_free(p);
		return NULL;
	}
	return p;
}

void
postmap_cancel(struct postmap **postmapp)
{
	if (*postmapp != NULL)
		postmap_free(*postmapp);
	*postmapp = NULL;
}

/* --- waiting --- */

struct postmap_result {
	char *bytes;
	size_t len;
	struct error err;
};

static void
postmap_on_done(void *ctx, char *bytes, size_t len, const struct error *err)
{
	struct postmap_result *result = ctx;

	result->bytes = bytes;
	result->len = len;
	if (err != NULL)
		result->err = *err;
}

int
postmap_read(const char *map, char **bytes, size_t *len, struct error *err)
{
	struct event_base *base = event_base_new();
	struct postmap_result result = {0};

	if (base == NULL)
		return error_no_memory(err);
	if (postmap_start(base, map, postmap_on_done, &result, &result.err) !=
	    NULL)
		event_base_dispatch(base);
	event_base_free(base);
	if (result.bytes == NULL && err != NULL)
		*err = result.err;
	*bytes = result.bytes;
	*len = result.len;
	return result.bytes == NULL ? -1 : 0;
}
