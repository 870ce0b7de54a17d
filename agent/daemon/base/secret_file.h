/*
 * secret_file.h - files that hold a secret: who may own them and who may read
 * them.
 */
#ifndef MSGRAPHD_SECRET_FILE_H
#define MSGRAPHD_SECRET_FILE_H

#include "lib/base/error.h"
#include "lib/base/secret.h"

/*
 * Opens a secret's file for reading. The descriptor, or -1 with errno set. It
 * follows no symbolic link and waits for no writer of a pipe.
 */
int secret_file_open(const char *file);

/*
 * Checks an open file: regular, owned by us or root, closed to group and
 * others. 0, or -1 with *err that names what, the file and the remedy.
 */
int secret_file_check(
    int fd, const char *what, const char *file, struct error *err);

/*
 * Reads a file of one line, with or without its end, of 1 to SECRET_MAX bytes
 * and no control character. The caller owns the result. NULL with *err, which
 * shows no byte of the file.
 */
struct secret *secret_file_line(
    const char *what, const char *file, struct error *err);

#endif
