/*
 * journal.h - what is known of each message's fate, so that none goes out
 * twice.
 *
 * Before a message is posted, the journal says so durably; when Graph has
 * accepted it, the journal says that before anybody else hears of it. A
 * delivery that comes again (the agent, pipe(8), qmgr or this daemon was
 * killed in between) finds out here what happened to the first.
 *
 * A message is known by a digest of mailbox, recipients and its bytes as pipe
 * gave them. The bytes hold a Received field with queue id and time, so two
 * messages that say the same are not the same.
 */
#ifndef MSGRAPHD_JOURNAL_H
#define MSGRAPHD_JOURNAL_H

#include <event2/event.h>

#include "conf.h"
#include "error.h"
#include "state.h"

#define JOURNAL_DIGEST_SIZE 32

enum journal_fate {
	JOURNAL_NEW = 0, /* never posted, or refused by Graph for sure */
	JOURNAL_POSTED = 1, /* posted; no answer has come */
	JOURNAL_ACCEPTED = 2 /* Graph answered 202 */
};

struct journal_entry {
	unsigned char digest[JOURNAL_DIGEST_SIZE];
	enum journal_fate fate;
	long long refused_since; /* clock_wall() of the first refusal that an
				    admin can mend; 0 for none */
	char request_id[64]; /* of the acceptance */
};

struct journal;

/* err is NULL when it is durable. */
typedef void (*journal_done)(void *ctx, const struct error *err);

/*
 * An entry is kept for state_retention after it last changed. All arguments
 * are borrowed and must outlive the journal.
 */
struct journal *journal_new(struct event_base *base, struct state *state,
    const struct conf *conf, struct error *err);
void journal_free(struct journal **journalp);

/*
 * Fills in what is known of entry->digest. 0, or -1 with *err.
 */
int journal_find(
    struct journal *journal, struct journal_entry *entry, struct error *err);

/*
 * Writes the entry. Writes that come in one turn of the event loop become one
 * transaction, so that many deliveries share one wait for the disk. done is
 * called once, from the event loop, even when journal_free() comes first.
 * -1 when memory is short; then it is not called.
 */
int journal_write(struct journal *journal, const struct journal_entry *entry,
    journal_done done, void *ctx);

#endif
