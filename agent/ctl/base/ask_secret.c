/*
 * ask_secret.c - see ask_secret.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "ask_secret.h"

/* Reads up to the end of a line. NULL with *err. */
static struct secret *
ask_secret_line(int fd, const char *name, struct error *err)
{
	struct secret *line = secret_new(NULL, SECRET_MAX + 1);
	ssize_t n = 0;
	size_t len = 0;

	if (line == NULL) {
		error_no_memory(err);
		return NULL;
	}
	while (len <= SECRET_MAX && (n = read(fd, line->bytes + len, 1)) == 1 &&
	    line->bytes[len] != '\n')
		len++;
	if (n == -1)
		error_set(err, ERROR_OURS, "4.3.5", "cannot read %s: %s", name,
		    strerror(errno));
	else if (len > SECRET_MAX)
		error_set(err, ERROR_OURS, "4.3.5",
		    "the line in %s is longer than %d characters", name,
		    SECRET_MAX);
	if (len > 0 && len <= SECRET_MAX && line->bytes[len - 1] == '\r')
		len--;
	if (n != -1 && len == 0)
		error_set(err, ERROR_OURS, "4.3.5", "%s holds no secret", name);
	if (n == -1 || len == 0 || len > SECRET_MAX) {
		secret_free(&line);
		return NULL;
	}
	line->bytes[len] = '\0';
	line->len = len;
	return line;
}

static void
ask_secret_prompt(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) == -1)
		return; /* it can be typed all the same */
}

/*
 * Waits for a line, or for one of the signals, which are blocked: 1 for these.
 */
static int
ask_secret_wait(int fd, const sigset_t *stops)
{
	struct pollfd fds[2] = {{.fd = fd, .events = POLLIN},
	    {.fd = signalfd(-1, stops, SFD_CLOEXEC), .events = POLLIN}};

	while (poll(fds, 2, -1) == -1 && errno == EINTR)
		;
	if (fds[1].fd != -1)
		close(fds[1].fd);
	return fds[1].revents != 0;
}

/*
 * Asks once, with the terminal mute meanwhile, and as it was when a signal
 * takes effect. NULL with *stopped after one that has let this process live.
 */
static struct secret *
ask_secret_once(
    int fd, const struct termios *shown, int *stopped, struct error *err)
{
	struct termios hidden = *shown;
	struct secret *typed = NULL;
	sigset_t stops, old;

	sigemptyset(&stops);
	sigaddset(&stops, SIGHUP);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGQUIT);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGTSTP);
	sigprocmask(SIG_BLOCK, &stops, &old);
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSAFLUSH, &hidden);
	ask_secret_prompt(fd, "Secret: ");
	*stopped = ask_secret_wait(fd, &stops);
	if (!*stopped)
		typed = ask_secret_line(fd, "the terminal", err);
	ask_secret_prompt(fd, "\n");
	tcsetattr(fd, TCSAFLUSH, shown);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return typed;
}

static struct secret *
ask_secret_on(int fd, struct error *err)
{
	struct termios shown;
	struct secret *typed;
	int stopped;

	if (tcgetattr(fd, &shown) == -1) {
		error_set(err, ERROR_OURS, "4.3.5", "the terminal: %s",
		    strerror(errno));
		return NULL;
	}
	do
		typed = ask_secret_once(fd, &shown, &stopped, err);
	while (stopped);
	return typed;
}

struct secret *
ask_secret(const char *file, struct error *err)
{
	const struct rlimit none = {0, 0};
	struct secret *secret;
	int fd;

	/* a core file would hold it, and one by a pipe knows no limit */
	if (setrlimit(RLIMIT_CORE, &none) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0) == -1) {
		error_set(err, ERROR_OURS, "4.3.0",
		    "cannot turn core files off: %s", strerror(errno));
		return NULL;
	}
	if (file != NULL && strcmp(file, "-") == 0)
		return ask_secret_line(STDIN_FILENO, "standard input", err);
	fd = open(file != NULL ? file : "/dev/tty",
	    (file != NULL ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY);
	if (fd == -1) {
		if (file != NULL)
			error_set(err, ERROR_OURS, "4.3.5",
			    "cannot open %s: %s", file, strerror(errno));
		else
			error_set(err, ERROR_OURS, "4.3.5",
			    "there is no terminal to ask on: use "
			    "--secret-file");
		return NULL;
	}
	secret = file != NULL ? ask_secret_line(fd, file, err)
			      : ask_secret_on(fd, err);
	close(fd);
	return secret;
}
