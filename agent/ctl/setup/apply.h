/*
 * apply.h - makes the changes of a list.
 */
#ifndef MSGRAPHCTL_APPLY_H
#define MSGRAPHCTL_APPLY_H

#include "change.h"

enum apply_order {
	APPLY_FORTH, /* what others need comes first: files, ..., options */
	APPLY_BACK
};

/*
 * Makes the changes: those of Postfix by postconf in its folder, a run for each
 * kind. 0; or -1 with *err and some of them made.
 */
int apply_changes(const char *folder, const struct changes *changes,
    enum apply_order order, struct error *err);

#endif
