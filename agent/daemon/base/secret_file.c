/*
 * secret_file.c - see secret_file.h.
 *
 * A file is opened first and then checked, so that nobody can put another in
 * its place between the two. The bytes that were read are wiped here, also
 * after an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/hidden.h"
#include "lib/base/printable.h"
#include "acl.h"
#include "secret_file.h"

/* One more than a line and its end may have. */
#define READ_MAX (SECRET_MAX + 3)

/* The user that reads mail, and groups of it that are looked at. */
#define READER "msgraph"
#define READER_GROUPS 64

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK)

int
secret_file_open(const char *file)
{
	return open(file, OPEN_FLAGS | O_NOFOLLOW);
}

/* --- who owns it, who may read it --- */

/* The user that msgraphd runs as, for a command to type. */
static const char *
secret_file_user(char number[16])
{
	const struct passwd *pw = getpwuid(geteuid());

	if (pw != NULL)
		return pw->pw_name;
	snprintf(number, 16, "%u", (unsigned int)geteuid());
	return number;
}

/* Returns 1 when the user that reads mail is a member of the group. */
static int
secret_file_is_readers_group(gid_t gid)
{
	const struct passwd *pw = getpwnam(READER);
	const struct group *gr;
	gid_t groups[READER_GROUPS];
	int i, count = READER_GROUPS;

	if (pw != NULL) {
		if (getgrouplist(READER, pw->pw_gid, groups, &count) == -1)
			return 1; /* too many to tell */
		for (i = 0; i < count; i++)
			if (groups[i] == gid)
				return 1;
	}
	gr = getgrnam(READER);
	return gr != NULL && gr->gr_gid == gid;
}

/* The bits of an open file's mode that a rule takes away. */
static mode_t
secret_file_excess(enum secret_file_rule rule, int fd, const struct stat *st)
{
	mode_t excess = S_IRWXG | S_IRWXO;

	if ((st->st_mode & S_IRWXG) != 0 && acl_is_only_for(fd, geteuid()))
		excess = S_IRWXO;
	if (rule == SECRET_FILE_TOKEN &&
	    ((st->st_mode & S_IRGRP) == 0 ||
		!secret_file_is_readers_group(st->st_gid)))
		excess &= ~(mode_t)(S_IRGRP | S_IXGRP);
	return st->st_mode & excess;
}

/* Names a mode that is too wide, with the command to type. Returns -1. */
static int
secret_file_say_excess(enum secret_file_rule rule, const struct stat *st,
    mode_t excess, const char *what, const char *file, struct error *err)
{
	int is_read = (excess & (S_IRGRP | S_IROTH)) != 0;
	/* what only root may read then is of no use */
	int is_chown = is_read && st->st_uid != geteuid();
	char number[16];

	return error_set(err, ERROR_OURS, "4.3.5",
	    "%s %s has mode %04o, so others may %s it; run: %s%s%s%s%s"
	    "chmod %04o %s",
	    what, file, (unsigned int)(st->st_mode & 07777),
	    is_read ? "read" : "change", is_chown ? "chown " : "",
	    is_chown ? secret_file_user(number) : "", is_chown ? " " : "",
	    is_chown ? file : "", is_chown ? "; " : "",
	    rule == SECRET_FILE_KEY || is_chown
		? 0400
		: (unsigned int)((st->st_mode & 0777) & ~excess),
	    file);
}

static int
secret_file_check_rule(int fd, enum secret_file_rule rule, const char *what,
    const char *file, struct error *err)
{
	struct stat st;
	char number[16];
	mode_t excess;

	if (fstat(fd, &st) == -1)
		return error_set(
		    err, ERROR_OURS, "4.3.5", "%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s %s is not a regular file", what, file);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s %s belongs to uid %u; run: chown %s %s", what, file,
		    (unsigned int)st.st_uid, secret_file_user(number), file);
	excess = secret_file_excess(rule, fd, &st);
	return excess == 0
	    ? 0
	    : secret_file_say_excess(rule, &st, excess, what, file, err);
}

int
secret_file_check(int fd, const char *what, const char *file, struct error *err)
{
	return secret_file_check_rule(fd, SECRET_FILE_KEY, what, file, err);
}

/* Opens and checks. The descriptor, or -1 with *err. */
static int
secret_file_open_checked(enum secret_file_rule rule, const char *what,
    const char *file, struct error *err)
{
	char number[16];
	int fd = rule == SECRET_FILE_KEY ? secret_file_open(file)
					 : open(file, OPEN_FLAGS);

	if (fd == -1 && errno == ELOOP)
		error_set(err, ERROR_OURS, "4.3.5",
		    "open %s %s: it may be no symbolic link; name the file "
		    "itself",
		    what, file);
	else if (fd == -1 && errno == EACCES &&
	    hidden_remedy(file, errno)[0] == '\0')
		error_set(err, ERROR_OURS, "4.3.5",
		    "open %s %s: %s; run: chown %s %s; and each folder above "
		    "must let that user in",
		    what, file, strerror(EACCES), secret_file_user(number),
		    file);
	else if (fd == -1)
		error_set(err, ERROR_OURS, "4.3.5", "open %s %s: %s%s", what,
		    file, strerror(errno), hidden_remedy(file, errno));
	else if (secret_file_check_rule(fd, rule, what, file, err) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* --- what it holds --- */

ssize_t
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
	struct secret *secret;
	int fd = secret_file_open_checked(SECRET_FILE_KEY, what, file, err);

	if (fd == -1)
		return NULL;
	secret = secret_file_read_line(fd, what, file, err);
	close(fd);
	return secret;
}

struct secret *
secret_file_read(enum secret_file_rule rule, const char *what, const char *file,
    size_t max, struct error *err)
{
	struct secret *all, *secret = NULL;
	int fd = secret_file_open_checked(rule, what, file, err);
	ssize_t n;

	if (fd == -1)
		return NULL;
	if ((all = secret_new(NULL, max + 1)) == NULL) {
		error_no_memory(err);
	} else if ((n = secret_file_read_all(fd, all->bytes, max + 1)) < 0) {
		error_set(err, ERROR_OURS, "4.3.5", "read %s %s: %s", what,
		    file, strerror(errno));
	} else if (n == 0 || (size_t)n > max) {
		error_set(err, ERROR_OURS, "4.3.5",
		    "%s %s must hold 1 to %zu bytes", what, file, max);
	} else if ((secret = secret_new(all->bytes, (size_t)n)) == NULL) {
		error_no_memory(err);
	}
	secret_free(&all);
	close(fd);
	return secret;
}
