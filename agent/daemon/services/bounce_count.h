/*
 * bounce_count.h - counts the notices that went to each mailbox through Graph
 * lately.
 *
 * A notice that Graph delivers comes from the mailbox itself, not from the null
 * sender. Where a rule of the mailbox forwards it to an address that this host
 * cannot deliver to, Postfix sends a notice about that to the mailbox, and so
 * on without an end. So after a number of them, notices go the way that they go
 * without postfix-msgraph: with the null sender, which ends it.
 */
#ifndef MSGRAPHD_BOUNCE_COUNT_H
#define MSGRAPHD_BOUNCE_COUNT_H

#include "agent/daemon/base/msgraphd.h"

/* The most notices within an hour; more than one person's wrong scans. */
#define BOUNCE_COUNT_MAX 60
#define BOUNCE_COUNT_MS (3600 * 1000LL)

/*
 * Counts a notice to the mailbox. Returns how many there were within the hour
 * that began with the first, this one too; or -1 without memory.
 */
int bounce_count_add(struct bounce_counts *counts, const char *mailbox);

/* Forgets counts that are older than an hour. */
void bounce_counts_forget(struct bounce_counts *counts);

/* Forgets all counts. */
void bounce_counts_clear(struct bounce_counts *counts);

#endif
