/*
 * table_file.h - the files of a table: who may have written them, and whether
 * they have changed.
 */
#ifndef MSGRAPHD_TABLE_FILE_H
#define MSGRAPHD_TABLE_FILE_H

#include <stddef.h>
#include <time.h>
#include <sys/types.h>

#include "lib/base/error.h"

/* Some 100,000 entries. */
#define TABLE_FILE_MAX (16UL * 1024 * 1024)

/* What changes when a file does. */
struct table_mark {
	int is_there;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

/*
 * Reads a file whose owner is root or this process's user, and which nobody
 * else may write. Symbolic links are followed. *bytes becomes its text with a
 * NUL behind it, the caller's. 1; 0 when there is no such file, or a folder
 * above it is missing; -1 with *err, whose text begins with the file.
 */
int table_file_read(
    const char *file, char **bytes, size_t *len, struct error *err);

/*
 * Checks that this process may read the file of a map, which postmap(1) is to
 * read, and that nobody may write it but those who may write a file of
 * table_file_read(). 0; or -1 with *err that names the map, the file, the user
 * and the remedy.
 */
int table_file_check_map(const char *file, const char *map, struct error *err);

/* Looks at a file. One that cannot be looked at is not there. */
void table_file_look(const char *file, struct table_mark *mark);

/* Returns 1 when both are of the same file with the same text. */
int table_file_same(const struct table_mark *a, const struct table_mark *b);

#endif
