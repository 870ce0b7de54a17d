/*
 * secret_file.c - see secret_file.h.
 *
 * A file is opened first and then checked, so that nobody can put another in
 * its place between the two. The bytes that were read are wiped here, also
 * after an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/printable.h"
#include "secret_file.h"

/* One more than a line and its end may have. */
#define READ_MAX (SECRET_MAX + 3)

int
secret_file_open(const char *file)
{
	return open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

int
secret_file_check(int fd, const char *what, const char *file, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return error_set(
		    err, ERROR_OURS, "4.3.5", "%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s %s is not a regular file", what, file);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s %s belongs to uid %u; chown it to the user "
		    "that msgraphd runs as",
		    what, file, (unsigned int)st.st_uid);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s %s has mode %04o; chmod it to 0400", what, file,
		    (unsigned int)(st.st_mode & 07777));
	return 0;
}

/* Bytes that were read, or -1. */
static ssize_t
secret_file_read_all(int fd, char *to, size_t room)
{
	size_t len = 0;
	ssize_t n;

	while (len < room && (n = read(fd, to + len, room - len)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* The length of the one line that the bytes are, or 0. */
static size_t
secret_file_line_length(const char *bytes, size_t len)
{
	size_t i;

	if (len > 0 && bytes[len - 1] == '\n')
		len--;
	if (len > 0 && bytes[len - 1] == '\r')
		len--;
	for (i = 0; i < len; i++)
		if (printable_is_control(bytes[i]))
			return 0;
	return len <= SECRET_MAX ? len : 0;
}

static struct secret *
secret_file_read_line(
    int fd, const char *what, const char *file, struct error *err)
{
	struct secret *secret = NULL;
	char bytes[READ_MAX];
	ssize_t n = secret_file_read_all(fd, bytes, sizeof(bytes));
	size_t len = n < 0 ? 0 : secret_file_line_length(bytes, (size_t)n);

	if (n < 0)
		error_set(err, ERROR_OURS, "4.3.5", "read %s %s: %s", what,
		    file, strerror(errno));
	else if (len == 0)
		error_set(err, ERROR_OURS, "4.3.5",
		    "%s %s must hold one line of 1 to %d bytes, without "
		    "control characters",
		    what, file, SECRET_MAX);
	else if ((secret = secret_new(bytes, len)) == NULL)
		error_no_memory(err);
	secret_wipe(bytes, sizeof(bytes));
	return secret;
}

struct secret *
secret_file_line(const char *what, const char *file, struct error *err)
{
	struct secret *secret = NULL;
	int fd = secret_file_open(file);

	if (fd == -1) {
		error_set(err, ERROR_OURS, "4.3.5", "open %s %s: %s", what,
		    file, strerror(errno));
		return NULL;
	}
	if (secret_file_check(fd, what, file, err) == 0)
		secret = secret_file_read_line(fd, what, file, err);
	close(fd);
	return secret;
}
