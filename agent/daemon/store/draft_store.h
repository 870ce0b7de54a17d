/*
 * draft_store.h - the drafts in mailboxes, as the state has them, so that a
 * large message is not uploaded from its beginning again, and no draft is left
 * behind.
 *
 * A draft belongs to a delivery, known by the journal's digest, until it is
 * sent or discarded. A discarded one waits to be deleted from its mailbox
 * (draft_trash.h). The row is sealed: with the address of an upload session
 * anybody can write into the mailbox.
 */
#ifndef MSGRAPHD_DRAFT_STORE_H
#define MSGRAPHD_DRAFT_STORE_H

#include "agent/daemon/base/limits.h"
#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "lib/base/secret.h"
#include "lib/local/identity.h"
#include "journal.h"
#include "state.h"
#include "vault.h"

struct draft {
	unsigned char digest[JOURNAL_DIGEST_SIZE]; /* of the delivery */
	unsigned char shape[JOURNAL_DIGEST_SIZE]; /* see delivery_draft.c */
	struct identity identity;
	char mailbox[ADDRESS_SIZE];
	char id[DRAFT_ID_SIZE]; /* Graph's; empty: not made yet */
	size_t attached; /* so many attachments are in it */
	int attaching; /* and perhaps the next: its request has begun */
	int sending; /* it was perhaps sent: that request has begun */
	struct secret *upload; /* owned; the next one's session, or NULL */
};

struct draft_store {
	struct state *state; /* borrowed */
	const struct vault *vault; /* borrowed */
};

/* Wipes what the struct owns; takes a zeroed one. */
void draft_clear(struct draft *draft);

/* Stores a draft, and replaces the one of its digest. 0, -1 with *err. */
int draft_keep(const struct draft_store *store, const struct draft *draft,
    struct error *err);

/*
 * Finds the draft of a delivery. 1 with *draft, 0 when there is none, -1 with
 * *err.
 */
int draft_find(const struct draft_store *store,
    const unsigned char digest[JOURNAL_DIGEST_SIZE], struct draft *draft,
    struct error *err);

/*
 * Appends the ids of the drafts in this mailbox, discarded ones too, a line
 * each: of the last 1,000 that were made, as far as they can be read and ids
 * has room. 0, or -1 with *err.
 */
int draft_ids(const struct draft_store *store, const char *mailbox,
    struct buf *ids, struct error *err);

/*
 * Forgets a draft that was sent and so is one no more. Takes an unknown digest.
 * 0, or -1 with *err.
 */
int draft_forget(const struct draft_store *store,
    const unsigned char digest[JOURNAL_DIGEST_SIZE], struct error *err);

/*
 * Discards a draft that will not be sent. 1 when there was one, 0, or -1 with
 * *err.
 */
int draft_discard(const struct draft_store *store,
    const unsigned char digest[JOURNAL_DIGEST_SIZE], struct error *err);

/*
 * Finds the first discarded draft whose number is over *number, and sets
 * *number to its own. 1, 0 when there is none, -1 with *err (for a row that
 * cannot be read too, whose number *number is then).
 */
int draft_next_discarded(const struct draft_store *store, long long *number,
    struct draft *draft, struct error *err);

/*
 * Drops a discarded draft, which is deleted from its mailbox, or too old to be
 * tried again. 0, or -1 with *err.
 */
int draft_drop(
    const struct draft_store *store, long long number, struct error *err);

/*
 * Discards drafts that have not changed since wall (clock_wall()), and drops
 * those that were discarded before it.
 */
int draft_expire(
    const struct draft_store *store, long long wall, struct error *err);

#endif
