/*
 * draft_trash.h - deletes drafts that will not be sent from their mailboxes.
 *
 * Nobody waits for it, and what fails is tried again every ten minutes until
 * state_retention has passed: a draft that is left over costs its mailbox room
 * and nobody a message.
 */
#ifndef MSGRAPHD_DRAFT_TRASH_H
#define MSGRAPHD_DRAFT_TRASH_H

#include "agent/daemon/base/msgraphd.h"
#include "lib/base/error.h"

struct draft_trash;

/* Begins with what the last daemon left. The daemon must outlive it. */
struct draft_trash *draft_trash_new(struct msgraphd *daemon, struct error *err);
void draft_trash_free(struct draft_trash **trashp);

/* A draft was discarded (draft_store.h). Takes NULL. */
void draft_trash_wake(struct draft_trash *trash);

#endif
