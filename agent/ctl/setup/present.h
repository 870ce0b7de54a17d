/*
 * present.h - what a Postfix and msgraph.conf say now of anything that setup
 * changes.
 */
#ifndef MSGRAPHCTL_PRESENT_H
#define MSGRAPHCTL_PRESENT_H

#include "agent/ctl/base/postconf.h"
#include "change.h"

struct present {
	const char *folder; /* Postfix's; borrowed */
	struct postconf postconf;
	struct buf main; /* the text of main.cf */
};

/* Reads what folder has. 0; or -1 with *err, and *present empty. */
int present_read(
    struct present *present, const char *folder, struct error *err);

/* Frees what was read. Takes an empty one. */
void present_free(struct present *present);

/*
 * Stores the value of what a change names, as change.h has it; *value is NULL
 * where there is none, and the caller frees it. 0, or -1 with *err.
 */
int present_value(const struct present *present, enum change_kind kind,
    const char *name, char **value, struct error *err);

#endif
