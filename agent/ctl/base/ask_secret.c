/*
 * ask_secret.c - see ask_secret.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
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

static struct secret *
ask_secret_on(int fd, struct error *err)
{
	struct termios shown, hidden;
	struct secret *typed;
	sigset_t stops, old;

	if (tcgetattr(fd, &shown) == -1) {
		error_set(err, ERROR_OURS, "4.3.5", "the terminal: %s",
		    strerror(errno));
		return NULL;
	}
	/* a stop in between would leave the terminal mute */
	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTSTP);
	sigaddset(&stops, SIGTERM);
	sigprocmask(SIG_BLOCK, &stops, &old);
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSAFLUSH, &hidden);
	ask_secret_prompt(fd, "Secret: ");
	typed = ask_secret_line(fd, "the terminal", err);
	ask_secret_prompt(fd, "\n");
	tcsetattr(fd, TCSAFLUSH, &shown);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return typed;
}

struct secret *
ask_secret(const char *file, struct error *err)
{
	const struct rlimit none = {0, 0};
	struct secret *secret;
	int fd;

	/* from here on a core file would hold it */
	if (setrlimit(RLIMIT_CORE, &none) == -1) {
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
