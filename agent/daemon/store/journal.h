/*
 * journal.h - the status of each message, so that none goes out twice.
 *
 * Before a message is posted, the journal says so durably; when Graph has
 * accepted it, the journal says that before anybody else hears of it. A
 * delivery that comes again (the agent, pipe(8), qmgr or this daemon was killed
 * in between) finds out here what happened to the first.
 *
 * A message has a status for each of its recipients (see fingerprint.h), since
 * a second delivery need not be to all recipients of the first: pipe(8) marks
 * recipients done one after the other, and may be killed in between. A message
 * that goes out in several calls, each to some of its recipients, is one to the
 * journal. Where Graph has taken it for some of a request's recipients and not
 * for others, nothing is posted: the header that the agent has written is for
 * all of them. So the agent is told who is done, and asks again for the others.
 */
#ifndef MSGRAPHD_JOURNAL_H
#define MSGRAPHD_JOURNAL_H

#include <event2/event.h>

#include "agent/daemon/base/limits.h"
#include "lib/base/error.h"
#include "state.h"

#define JOURNAL_DIGEST_SIZE 32
#define JOURNAL_REFUSAL_SIZE 80
#define JOURNAL_POST_SIZE 17

enum journal_status {
	JOURNAL_NEW = 0, /* never posted, or refused by Graph for sure */
	JOURNAL_POSTED = 1, /* posted; no answer has come */
	JOURNAL_ACCEPTED = 2 /* Graph answered 202 */
};

/* A message for each of these recipients, in order and each once. */
struct journal_keys {
	unsigned char (*list)[JOURNAL_DIGEST_SIZE]; /* owned */
	size_t count;
};

struct journal_entry {
	const struct journal_keys
	    *keys; /* borrowed, also while it is written */
	/* accepted: for all of them; posted: for one at least */
	enum journal_status status;
	size_t accepted; /* for so many of them */
	size_t unanswered; /* posted for so many of them */
	long long posted; /* clock_wall() when it was posted first, of those
			     posts whose answer never came; 0: of none */
	long long refused_since; /* clock_wall() when Graph or Entra began to
				    refuse it for a reason that somebody can
				    mend; 0: it was not refused last */
	char refusal[JOURNAL_REFUSAL_SIZE]; /* that reason */
	char request_id[64]; /* of the acceptance */
	char posted_from[ADDRESS_SIZE]; /* the fallback mailbox, where that was
					   posted last and no answer came; else
					   empty */
	char post[JOURNAL_POST_SIZE]; /* which delivery has posted it last
					 without an answer */
	int posts_differ; /* it is not the same for all */
	int by_sendmail; /* one has posted it in one request; else they have
			    ordered drafts to be sent */
};

/* Puts keys in order, each once. */
void journal_keys_sort(struct journal_keys *keys);

/* Returns 1 when both have a key in common. */
int journal_keys_meet(
    const struct journal_keys *a, const struct journal_keys *b);

/*
 * Moves the entry's times by step seconds, by which the clock was set; the
 * clock showed began at the start and before now. Times that an earlier daemon
 * has written do not move.
 */
void journal_follow_clock(struct journal_entry *entry, long long began,
    long long before, long long step);

struct journal;

/* err is NULL when it is durable. */
typedef void (*journal_done)(void *ctx, const struct error *err);

/*
 * Opens the journal in the state. All arguments are borrowed. NULL with *err.
 */
struct journal *journal_new(
    struct event_base *base, struct state *state, struct error *err);
void journal_free(struct journal **journalp);

/*
 * Forgets some of the entries that did not change since wall (clock_wall()),
 * and not all at once, so that nobody waits for it. 1 when there may be more,
 * 0, or -1 with *err.
 */
int journal_expire(struct journal *journal, long long wall, struct error *err);

/*
 * Fills the entry in for entry->keys, of which there may be none. 0, or -1 with
 * *err.
 */
int journal_find(
    struct journal *journal, struct journal_entry *entry, struct error *err);

/*
 * Returns the enum journal_status of one key, JOURNAL_NEW where there is no
 * row; or -1 with *err.
 */
int journal_status_of(struct journal *journal,
    const unsigned char key[JOURNAL_DIGEST_SIZE], struct error *err);

/*
 * Writes the entry; an accepted status stays. Writes that come in one turn of
 * the event loop become one transaction, so that many deliveries share one wait
 * for the disk. done is called once, from the event loop, even when
 * journal_free() comes first. -1 without memory; then it is not called.
 */
int journal_write(struct journal *journal, const struct journal_entry *entry,
    journal_done done, void *ctx);

#endif
