/*
 * secret_file.h - files that hold a secret: who may own them and who may read
 * them.
 */
#ifndef MSGRAPHD_SECRET_FILE_H
#define MSGRAPHD_SECRET_FILE_H

#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/base/secret.h"

/* Every such file belongs to the user that msgraphd runs as, or to root. */
enum secret_file_rule {
	/* Closed to group and others, and no symbolic link. */
	SECRET_FILE_KEY,
	/*
	 * Written by somebody else for us (Kubernetes: a symbolic link to a
	 * file of root): not writable by group and others, and not readable by
	 * user msgraph, which reads mail.
	 */
	SECRET_FILE_TOKEN
};

/*
 * Opens a secret's file for reading. The descriptor, or -1 with errno set. It
 * follows no symbolic link and waits for no writer of a pipe.
 */
int secret_file_open(const char *file);

/*
 * Checks an open file: regular, and as SECRET_FILE_KEY wants it. 0, or -1 with
 * *err that names what, the file and the remedy.
 */
int secret_file_check(
    int fd, const char *what, const char *file, struct error *err);

/*
 * Reads up to the end, or until room is full. The bytes read, or -1 with errno.
 */
ssize_t secret_file_read_all(int fd, char *to, size_t room);

/*
 * Reads a file of one line, with or without its end, of 1 to SECRET_MAX bytes
 * and no control character, under SECRET_FILE_KEY. The caller owns the result.
 * NULL with *err, which shows no byte of the file.
 */
struct secret *secret_file_line(
    const char *what, const char *file, struct error *err);

/*
 * Reads all of a file, of 1 to max bytes. The caller owns the result. NULL with
 * *err (ERROR_OURS, 4.3.5), which names what, the file and the command to type,
 * and shows nothing of what the file holds.
 */
struct secret *secret_file_read(enum secret_file_rule rule, const char *what,
    const char *file, size_t max, struct error *err);

#endif
