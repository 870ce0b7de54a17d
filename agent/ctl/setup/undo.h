/*
 * undo.h - the way back: what setup has recorded, taken back as far as nobody
 * has changed it since.
 */
#ifndef MSGRAPHCTL_UNDO_H
#define MSGRAPHCTL_UNDO_H

#include "present.h"
#include "record.h"

/*
 * Appends what has to be changed so that all is as it was. A value that is
 * neither what was there nor what setup has made of it is an admin's, and kept.
 * A service that setup has added goes, whatever became of its options. 0, or -1
 * with *err.
 */
int undo_plan(const struct record *record, const struct present *present,
    struct changes *changes, struct error *err);

/*
 * Refuses where something still needs what would be removed: main.cf, a service
 * of master.cf, or mail in the queue. 0, or -1 with *err that says what to do.
 */
int undo_check(const struct present *present, const struct changes *changes,
    struct error *err);

#endif
