/*
 * file.h - small text files of the admin's: read whole, and replaced whole.
 */
#ifndef MSGRAPHCTL_FILE_H
#define MSGRAPHCTL_FILE_H

#include <sys/types.h>

#include "lib/base/buf.h"
#include "lib/base/error.h"

#define FILE_SIZE_MAX (4 * 1024 * 1024)

/*
 * Appends what is in the file to out. 0; or -1 with *err and errno: a file that
 * cannot be read, holds a NUL, or does not fit into out.
 */
int file_read(const char *path, struct buf *out, struct error *err);

/*
 * Returns 1 where there is something at the path, and 0 where there is nothing.
 * -1 with *err for a symbolic link that leads nowhere, which a new file would
 * replace, and where that cannot be seen.
 */
int file_is_there(const char *path, struct error *err);

/*
 * Writes the text beside the file and renames it into place, so that nobody
 * ever sees half of it, also after a crash. A file that exists keeps mode and
 * owner, and a symbolic link stays one: what it leads to is replaced. A new one
 * gets the mode. A signal to stop waits until it is done. 0; or -1 with *err,
 * and the file as it was.
 */
int file_replace(
    const char *path, const char *text, mode_t mode, struct error *err);

#endif
