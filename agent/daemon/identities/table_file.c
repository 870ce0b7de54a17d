/*
 * table_file.c - see table_file.h.
 *
 * A file is checked once it is open. A person who may write it decides who
 * sends as whom, so it is refused where others than root and msgraphd may.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/daemon/base/secret_file.h"
#include "lib/base/hidden.h"
#include "table_file.h"

static int
table_file_check_owner(
    const struct stat *st, const char *file, struct error *err)
{
	if (!S_ISREG(st->st_mode))
		return error_set(
		    err, ERROR_OURS, "4.3.5", "%s: not a regular file", file);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s: it belongs to uid %u, who could change who sends as "
		    "whom; run: chown root %s",
		    file, (unsigned int)st->st_uid, file);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s: mode %04o lets others change who sends as whom; run: "
		    "chmod go-w %s",
		    file, (unsigned int)(st->st_mode & 07777), file);
	return 0;
}

static int
table_file_check(const struct stat *st, const char *file, struct error *err)
{
	if (table_file_check_owner(st, file, err) == -1)
		return -1;
	if ((unsigned long long)st->st_size > TABLE_FILE_MAX)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s: longer than %lu bytes", file, TABLE_FILE_MAX);
	return 0;
}

static int
table_file_read_open(
    int fd, const char *file, char **bytes, size_t *len, struct error *err)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return error_set(
		    err, ERROR_OURS, "4.3.5", "%s: %s", file, strerror(errno));
	if (table_file_check(&st, file, err) == -1)
		return -1;
	if ((*bytes = malloc((size_t)st.st_size + 1)) == NULL)
		return error_no_memory(err);
	n = secret_file_read_all(fd, *bytes, (size_t)st.st_size);
	if (n == -1) {
		free(*bytes);
		*bytes = NULL;
		return error_set(err, ERROR_OURS, "4.3.5", "read %s: %s", file,
		    strerror(errno));
	}
	(*bytes)[n] = '\0';
	*len = (size_t)n;
	return 1;
}

int
table_file_read(const char *file, char **bytes, size_t *len, struct error *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), result;

	*bytes = NULL;
	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s: %s; msgraphd must be able to read it%s", file,
		    strerror(errno), hidden_remedy(file, errno));
	result = table_file_read_open(fd, file, bytes, len, err);
	close(fd);
	return result;
}

/* Names the user, since whoever reads this is another one. */
static int
table_file_unreadable(
    const char *file, const char *map, int error, struct error *err)
{
	const struct passwd *pw = getpwuid(geteuid());
	const char *user = pw == NULL ? "of msgraphd" : pw->pw_name;

	if (error == ENOENT || error == ENOTDIR)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s: there is no file %s, and identity_maps names it; "
		    "run: postmap %s",
		    map, file, map);
	if (error == EACCES && hidden_remedy(file, error)[0] == '\0')
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s: user %s may not read %s, or a folder above it; run: "
		    "chgrp msgraph %s; chmod g+r %s",
		    map, user, file, file, file);
	return error_set(err, ERROR_OURS, "4.3.5", "%s: user %s: %s: %s%s", map,
	    user, file, strerror(error), hidden_remedy(file, error));
}

int
table_file_check_map(const char *file, const char *map, struct error *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), result;
	struct stat st;

	if (fd == -1)
		return table_file_unreadable(file, map, errno, err);
	result = fstat(fd, &st) == -1
	    ? table_file_unreadable(file, map, errno, err)
	    : table_file_check_owner(&st, file, err);
	close(fd);
	return result == 0 || strncmp(err->text, map, strlen(map)) == 0
	    ? result
	    : error_prefix(err, "%s", map);
}

void
table_file_look(const char *file, struct table_mark *mark)
{
	struct stat st;

	memset(mark, 0, sizeof(*mark));
	if (stat(file, &st) == -1)
		return;
	mark->is_there = 1;
	mark->device = st.st_dev;
	mark->inode = st.st_ino;
	mark->size = st.st_size;
	mark->modified = st.st_mtim;
	mark->changed = st.st_ctim;
}

static int
table_file_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

int
table_file_same(const struct table_mark *a, const struct table_mark *b)
{
	return a->is_there == b->is_there && a->device == b->device &&
	    a->inode == b->inode && a->size == b->size &&
	    table_file_same_time(&a->modified, &b->modified) &&
	    table_file_same_time(&a->changed, &b->changed);
}
