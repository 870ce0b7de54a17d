/*
 * file.c - see file.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "stops.h"

static int
file_failed(const char *verb, const char *path, struct error *err)
{
	int saved = errno;

	error_set(err, ERROR_OURS, "4.3.5", "cannot %s %s: %s", verb, path,
	    strerror(saved));
	errno = saved;
	return -1;
}

int
file_is_there(const char *path, struct error *err)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t len;

	if (stat(path, &st) == 0)
		return 1;
	if (errno != ENOENT && errno != ENOTDIR)
		return file_failed("look for", path, err);
	if ((len = readlink(path, target, sizeof(target))) == -1)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "%s is a symbolic link to %.*s, which is not there: make it, or "
	    "remove the link (rm %s)",
	    path, (int)len, target, path);
}

int
file_read(const char *path, struct buf *out, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	size_t before = out->len;
	char bytes[4096];
	ssize_t n;

	if (fd == -1)
		return file_failed("read", path, err);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		if (buf_add(out, bytes, (size_t)n) == -1)
			break;
	saved = n > 0 ? EFBIG : errno;
	close(fd);
	if (n == 0 && buf_add(out, "", 0) == 0 &&
	    memchr(out->bytes + before, '\0', out->len - before) == NULL)
		return 0;
	errno = n == 0 ? EINVAL : saved;
	return file_failed("read", path, err);
}

/* Gives the new file what the old one has. -1 with errno. */
static int
file_like(int fd, const char *path, mode_t mode)
{
	struct stat old;

	if (stat(path, &old) == -1)
		return errno == ENOENT ? fchmod(fd, mode) : -1;
	if (fchown(fd, old.st_uid, old.st_gid) == -1)
		return -1;
	return fchmod(fd, old.st_mode & 07777);
}

static int
file_write(int fd, const char *text)
{
	size_t len = strlen(text), done = 0;
	ssize_t n;

	while (done < len) {
		n = write(fd, text + done, len - done);
		if (n == -1 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd);
}

/* Has a rename in the file's folder outlive a crash. */
static void
file_settle(char *path)
{
	int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return;
	fsync(fd);
	close(fd);
}

/* Writes the file under another name, and gives it its own. -1 with errno. */
static int
file_put(char place[PATH_MAX], const char *text, mode_t mode)
{
	char new[PATH_MAX + 8];
	int fd, saved;

	snprintf(new, sizeof(new), "%s.XXXXXX", place);
	if ((fd = mkostemp(new, O_CLOEXEC)) == -1)
		return -1;
	if (file_write(fd, text) == -1 || file_like(fd, place, mode) == -1 ||
	    rename(new, place) == -1) {
		saved = errno;
		close(fd);
		unlink(new);
		errno = saved;
		return -1;
	}
	close(fd);
	file_settle(place);
	return 0;
}

int
file_replace(const char *path, const char *text, mode_t mode, struct error *err)
{
	char place[PATH_MAX];
	sigset_t old;
	int status;

	if (realpath(path, place) == NULL) {
		if (errno != ENOENT || strlen(path) >= sizeof(place))
			return file_failed("write", path, err);
		if (file_is_there(path, err) != 0)
			return -1;
		memcpy(place, path, strlen(path) + 1);
	}
	stops_hold(&old);
	status = file_put(place, text, mode) == 0
	    ? 0
	    : file_failed("write", path, err);
	stops_release(&old);
	return status;
}
