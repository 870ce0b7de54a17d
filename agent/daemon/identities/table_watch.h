/*
 * table_watch.h - whether the files of the table in force have changed. Those
 * of maps that are read whole count as well.
 */
#ifndef MSGRAPHD_TABLE_WATCH_H
#define MSGRAPHD_TABLE_WATCH_H

#include "table_file.h"
#include "table_source.h"

struct table_watch {
	struct table_sources sources;
	char *setting; /* that they are of */
	struct table_mark *marks; /* of their files, when last looked at */
};

/*
 * Looks at the files of a setting; NULL is as empty. 0; or -1 with *err.
 * table_watch_clear() frees in any case.
 */
int table_watch_look(
    struct table_watch *watch, const char *setting, struct error *err);

/* Returns 1 when both are of the same setting, and the files are the same. */
int table_watch_same(const struct table_watch *a, const struct table_watch *b);

/*
 * Returns a file that was there and is not now, or NULL; both are of the same
 * setting. Borrowed of now.
 */
const char *table_watch_gone(
    const struct table_watch *was, const struct table_watch *now);

/*
 * Returns 1 when a file was written within the last second: whoever writes it
 * may not be done.
 */
int table_watch_is_fresh(const struct table_watch *watch);

/* Frees what the struct owns; takes all zeros. */
void table_watch_clear(struct table_watch *watch);

#endif
