/*
 * conf_copy.c - the settings that msgraphd runs with, written down for
 * msgraph-agent.
 *
 * msgraph.conf may change at any time, by a template for many hosts say, and a
 * mistake in it must not stop the mail of a host whose msgraphd runs with what
 * was there before. So msgraphd writes down what it has loaded, and the agent,
 * which starts for each delivery, takes that. The copy is what -n prints, and
 * so has no line that msgraphd has passed over.
 *
 * Its name is that of the submit socket and ".conf", so that several msgraphd
 * on a host, each with a file of its own, do not meet. Group msgraph may write
 * to that folder: a copy counts only where it is msgraphd's own, or root's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_private.h"

#define COPY_SUFFIX ".conf"
#define COPY_SIZE (PATH_MAX + sizeof(COPY_SUFFIX) + sizeof(".new"))

/* --- msgraphd's side --- */

static int
conf_copy_print(const struct conf *conf, const char *file, const char *path)
{
	FILE *out;
	int fd, failed;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (fchmod(fd, 0644) == -1 || (out = fdopen(fd, "w")) == NULL) {
		close(fd);
		return -1;
	}
	conf_print_changed(conf, "msgraphd", file, out);
	failed = fflush(out) == EOF || ferror(out) || fsync(fd) == -1;
	return fclose(out) == EOF || failed ? -1 : 0;
}

int
conf_copy_write(const struct conf *conf, const char *file, struct error *err)
{
	char path[COPY_SIZE], fresh[COPY_SIZE];

	snprintf(path, sizeof(path), "%s" COPY_SUFFIX, conf->submit_socket);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if (conf_copy_print(conf, file, fresh) == 0 && rename(fresh, path) == 0)
		return 0;
	error_set(
	    err, ERROR_OURS, "4.3.5", "write %s: %s", path, strerror(errno));
	/* older settings than msgraphd's own would be worse than none */
	unlink(fresh);
	unlink(path);
	return -1;
}

/* --- the agent's side --- */

static int
conf_copy_is_trusted(int fd)
{
	const struct passwd *pw;
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return 0;
	if (st.st_uid == 0)
		return 1;
	pw = getpwnam("msgraphd");
	return pw != NULL && pw->pw_uid == st.st_uid;
}

/* Opens the copy that belongs to the submit socket; NULL: it does not count. */
static FILE *
conf_copy_open(const char *submit_socket)
{
	char path[COPY_SIZE];
	FILE *in = NULL;
	int fd;

	snprintf(path, sizeof(path), "%s" COPY_SUFFIX, submit_socket);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return NULL;
	if (!conf_copy_is_trusted(fd) || (in = fdopen(fd, "r")) == NULL)
		close(fd);
	return in;
}

/* Loads the copy that belongs to the file; -1 where none counts. */
static int
conf_copy_load(struct conf *conf, const char *file)
{
	struct conf named;
	FILE *in;
	int result;

	if (conf_load_tolerant(&named, file, NULL) == -1)
		return -1;
	in = conf_copy_open(named.submit_socket);
	conf_free(&named);
	if (in == NULL)
		return -1;
	result = conf_load_open(conf, in, file, NULL);
	fclose(in);
	return result;
}

int
conf_load_in_use(struct conf *conf, const char *file, struct error *err)
{
	return conf_copy_load(conf, file) == 0 ? 0 : conf_load(conf, file, err);
}
