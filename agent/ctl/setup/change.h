/*
 * change.h - what is to be changed of Postfix's configuration and of ours, as a
 * list: shown to the admin, written down for the way back, and then done.
 */
#ifndef MSGRAPHCTL_CHANGE_H
#define MSGRAPHCTL_CHANGE_H

#include <stddef.h>

#include "agent/ctl/base/output.h"
#include "lib/base/error.h"

/* In the order in which changes are done; the way back is the other way. */
enum change_kind {
	CHANGE_FOLDER, /* name: its path; new: "" */
	CHANGE_FILE, /* name: its path; old, new: what is in it */
	CHANGE_SETTING, /* of main.cf */
	CHANGE_SERVICE, /* name: "8025/inet"; old, new: the line of master.cf */
	CHANGE_OPTION, /* name: "8025/inet/smtpd_milters" */
	CHANGE_TENANTS, /* name: path of msgraph.conf; allowed_tenants */
	CHANGE_KINDS
};

struct change {
	enum change_kind kind;
	int is_kept; /* the old value stays, although the new one differs */
	char *name, *old, *new; /* old and new are NULL where there is none */
};

/* Begins empty, as {NULL}. */
struct changes {
	struct change *list;
	size_t count, room;
	int failed; /* memory ran out: what is there is not all */
};

/* The tables that changes are printed as; the last one is empty. */
extern const struct output_list change_tables[];

/* Adds a copy. */
void changes_add(struct changes *changes, enum change_kind kind, int is_kept,
    const char *name, const char *old, const char *new);

/* Returns the last of the kind and name, or NULL. */
struct change *changes_find(
    const struct changes *changes, enum change_kind kind, const char *name);

/* Returns 1 for two values that are equal, or both NULL. */
int change_is_same(const char *a, const char *b);

/*
 * Splits the name of a CHANGE_OPTION: copies that of its service, and returns
 * that of the option.
 */
const char *change_option(const char *name, char service[512]);

/* Returns 1 when the service goes that "name" or "name:more" stands for. */
int changes_remove(const struct changes *changes, const char *value);

/* Returns how many change something. */
size_t changes_effective(const struct changes *changes);

/* Prints them as the table "changes", in the order they are done. 0, or -1. */
int changes_print(
    const struct changes *changes, const char *folder, int is_json);

/* Frees the list, and leaves it empty. */
void changes_free(struct changes *changes);

#endif
