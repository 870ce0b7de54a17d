/*
 * record.h - what setup has changed, written down before it is changed: the way
 * back. It lies in Postfix's folder, for root alone, and is never more than the
 * truth: a change that it names may not have been made yet.
 */
#ifndef MSGRAPHCTL_RECORD_H
#define MSGRAPHCTL_RECORD_H

#include "change.h"

#define RECORD_NAME "msgraph_setup.undo"

struct record {
	struct changes changes; /* in the order in which they were made */
	int is_pending; /* Postfix may not have read the last of them yet */
};

/*
 * Reads the record of a Postfix's folder. 0, with an empty one where there is
 * none; or -1 with *err.
 */
int record_read(const char *folder, struct record *record, struct error *err);

/*
 * Adds the changes, but for those that are kept and what the record has as the
 * last of a name already. 0, or -1 without memory.
 */
int record_add(struct record *record, const struct changes *changes);

/* Writes the record, on disk when this returns. 0, or -1 with *err. */
int record_write(
    const char *folder, const struct record *record, struct error *err);

/* Removes the record's file. 0, or -1 with *err. */
int record_remove(const char *folder, struct error *err);

/* Frees the record, and leaves it empty. */
void record_free(struct record *record);

#endif
