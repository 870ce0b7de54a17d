/*
 * spool.c - the message in a file without a name. See spool.h.
 *
 * A file and not memory, because messages of 35 MB come four at a time for each
 * mailbox. Without a name from its first moment on, so that no crash leaves
 * somebody's mail behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool.h"

#define CHUNK (64 * 1024)

/* Where the file system has no O_TMPFILE (overlays of old kernels, NFS). */
static int
spool_open_unlinked(const char *directory)
{
	char path[256];
	int fd, len;

	len =
	    snprintf(path, sizeof(path), "%s/msgraph-agent.XXXXXX", directory);
	if (len < 0 || (size_t)len >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd != -1)
		unlink(path);
	return fd;
}

static int
spool_open_file(const char *directory)
{
	int fd;

	fd = open(directory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (fd == -1)
		fd = spool_open_unlinked(directory);
	return fd;
}

int
spool_append(struct spool *s, const void *bytes, size_t len, struct error *err)
{
	const char *p = bytes;
	ssize_t n;

	while (len > 0) {
		n = write(s->fd, p, len);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
			s->end += n;
		} else if (n == 0 || errno != EINTR)
			return error_set(err, ERROR_TEMPORARY, "4.3.1",
			    "cannot write the message to a temporary file in "
			    "%s: %s",
			    s->directory,
			    n == 0 ? "nothing written" : strerror(errno));
	}
	return 0;
}

void
spool_cut(struct spool *s, long long end)
{
	if (ftruncate(s->fd, end) == 0 && lseek(s->fd, end, SEEK_SET) == end)
		s->end = end;
}

static int
spool_take(struct spool *s, const char *bytes, size_t len, struct error *err)
{
	size_t room = SPOOL_HEAD_MAX - s->head_len;

	if (room > len)
		room = len;
	memcpy(s->head + s->head_len, bytes, room);
	s->head_len += room;
	scan_update(&s->found, bytes, len);
	return spool_append(s, bytes, len, err);
}

static int
spool_copy(struct spool *s, int in, struct error *err)
{
	char chunk[CHUNK];
	ssize_t n;

	while ((n = read(in, chunk, sizeof(chunk))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return error_set(err, ERROR_TEMPORARY, "4.3.0",
			    "cannot read the message: %s", strerror(errno));
		if (spool_take(s, chunk, (size_t)n, err) == -1)
			return -1;
	}
	s->raw = s->end;
	s->growth_max = SPOOL_GROWTH_MAX;
	scan_end(&s->found);
	if (s->raw == 0)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "no message on standard input");
	return 0;
}

int
spool_fill(struct spool *s, int in, const char *directory, struct error *err)
{
	memset(s, 0, sizeof(*s));
	s->directory = directory;
	s->fd = spool_open_file(directory);
	if (s->fd == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.1",
		    "cannot make a temporary file in %s: %s", directory,
		    strerror(errno));
	/* pages that nothing is written to cost nothing */
	s->head = malloc(SPOOL_HEAD_MAX);
	if (s->head == NULL)
		return error_no_memory(err);
	return spool_copy(s, in, err);
}

void
spool_close(struct spool *s)
{
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
	free(s->head);
	s->head = NULL;
}
