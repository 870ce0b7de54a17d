/*
 * draft_trash.h - deletes drafts that will not be sent from their mailboxes.
 *
 * What Graph may have sent is not deleted unless it is a draft still. Nobody
 * waits for it. A draft that cannot be deleted is tried again at the next
 * sweep, until it is too old: a draft that is left over takes room in its
 * mailbox, and costs nobody a message.
 */
#ifndef MSGRAPHD_DRAFT_TRASH_H
#define MSGRAPHD_DRAFT_TRASH_H

#include "agent/daemon/base/msgraphd.h"
#include "lib/base/error.h"

struct draft_trash;

/* Makes an idle trash. The daemon is borrowed. NULL with *err. */
struct draft_trash *draft_trash_new(struct msgraphd *daemon, struct error *err);
void draft_trash_free(struct draft_trash **trashp);

/*
 * Discards drafts that have not changed since wall (clock_wall()), gives up
 * those that were discarded before it, and tries the others again. 0, or -1
 * with *err.
 */
int draft_trash_sweep(
    struct draft_trash *trash, long long wall, struct error *err);

/* Deletes a draft that was just discarded (draft_store.h). Takes NULL. */
void draft_trash_wake(struct draft_trash *trash);

#endif
