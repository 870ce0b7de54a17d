/*
 * arc_key.c - see arc_key.h.
 *
 * Whoever answers on the agent's port names the file, and gets what it holds.
 * So a path is never followed: its folder must be the agent's, and the name is
 * opened in that folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/daemon/base/secret_file.h"
#include "arc_key.h"
#include "lib/base/printable.h"

#define SCHEME "Basic realm="
#define SUFFIX ".key"

/* Groups count from the start of a process on. */
#define REMEDY                                                             \
	"; msgraphd must be in the agent's group, run: usermod -aG himds " \
	"msgraphd; systemctl restart msgraphd"

/* Copies the name of the file out of the challenge. 0, or -1 with *err. */
static int
arc_key_name(const char *folder, const char *challenge, char *name, size_t size,
    struct error *err)
{
	const char *path = challenge + strlen(SCHEME);
	size_t folder_len = strlen(folder), len;

	if (strncasecmp(challenge, SCHEME, strlen(SCHEME)) != 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "Azure Arc's agent names no file of a key");
	path += strspn(path, "\"");
	len = strcspn(path, "\"");
	if (strncmp(path, folder, folder_len) != 0 || path[folder_len] != '/' ||
	    memchr(path + folder_len + 1, '/', len - folder_len - 1) != NULL)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "Azure Arc's agent names a file outside of %s, which is "
		    "not read",
		    folder);
	path += folder_len + 1;
	len -= folder_len + 1;
	if (len >= size || len <= strlen(SUFFIX) || path[0] == '.' ||
	    strncmp(path + len - strlen(SUFFIX), SUFFIX, strlen(SUFFIX)) != 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "Azure Arc's agent names a file in %s that does not end "
		    "in %s, which is not read",
		    folder, SUFFIX);
	memcpy(name, path, len);
	name[len] = '\0';
	return 0;
}

/* Opens a file of the folder, through no link. The descriptor, or -1. */
static int
arc_key_open(const char *folder, const char *name, struct error *err)
{
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	int saved;

	if (dir != -1) {
		fd = openat(
		    dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		saved = errno;
		close(dir);
		errno = saved;
	}
	if (fd != -1)
		return fd;
	return error_set(err, ERROR_OURS, "4.3.5", "open %s/%s: %s%s", folder,
	    name, errno == ELOOP ? "it is a symbolic link" : strerror(errno),
	    errno == EACCES ? REMEDY : "");
}

/* The length of the key: a header must not get more than it holds. 0: none. */
static size_t
arc_key_length(const char *bytes, size_t len)
{
	size_t i;

	while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
		len--;
	for (i = 0; i < len; i++)
		if (!printable_is_visible(bytes[i]))
			return 0;
	return len;
}

static struct secret *
arc_key_read_open(
    int fd, const char *folder, const char *name, struct error *err)
{
	char bytes[ARC_KEY_MAX + 1];
	struct secret *key = NULL;
	struct stat st;
	ssize_t n = -1;
	size_t len = 0;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = secret_file_read_all(fd, bytes, sizeof(bytes));
	if (n > 0 && n <= ARC_KEY_MAX)
		len = arc_key_length(bytes, (size_t)n);
	if (len == 0)
		error_set(err, ERROR_OURS, "4.3.5",
		    "%s/%s is no file of a key: 1 to %d visible characters",
		    folder, name, ARC_KEY_MAX);
	else if ((key = secret_new(bytes, len)) == NULL)
		error_no_memory(err);
	secret_wipe(bytes, sizeof(bytes));
	return key;
}

struct secret *
arc_key_read(const char *folder, const char *challenge, struct error *err)
{
	struct secret *key;
	char name[128];
	int fd;

	if (arc_key_name(folder, challenge, name, sizeof(name), err) == -1 ||
	    (fd = arc_key_open(folder, name, err)) == -1)
		return NULL;
	key = arc_key_read_open(fd, folder, name, err);
	close(fd);
	return key;
}
