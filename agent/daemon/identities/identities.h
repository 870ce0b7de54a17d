/*
 * identities.h - who may sign in, who may send as whom: the decisions, over the
 * table that is in force. The table is read again when its files change.
 */
#ifndef MSGRAPHD_IDENTITIES_H
#define MSGRAPHD_IDENTITIES_H

#include <event2/event.h>

#include "agent/daemon/entra/credential.h"
#include "agent/daemon/store/state.h"
#include "lib/base/error.h"
#include "lib/conf/conf.h"
#include "lib/local/policy.h"

struct identities;

/*
 * Reads the table. A mistake in it is logged and does not fail: who needs the
 * table is told "not now" until it is mended. The arguments are borrowed. NULL
 * with *err when out of memory.
 */
struct identities *identities_new(
    const struct conf *conf, struct state *state, struct error *err);

/* Frees *identitiesp and makes it NULL. Takes NULL. */
void identities_free(struct identities **identitiesp);

/*
 * Reads the table again: after SIGHUP (is_reload) always, and then a file that
 * has gone is meant; else when a file has changed. A mistake keeps the old table
 * and is logged once.
 */
void identities_refresh(struct identities *identities, int is_reload);

/*
 * Logs which files of own credentials were replaced since the last look. A few at
 * a time: 1 to be called again soon, or 0.
 */
int identities_look_at_files(struct identities *identities);

enum identities_result {
	IDENTITIES_OK,
	IDENTITIES_LATER, /* cannot tell now, or not until an admin acts: 454 */
	IDENTITIES_REFUSED /* certain: 535 */
};

/* Who signs in. */
struct identities_user {
	int is_ours; /* 0: a name of another form */
	struct identity application;
	char entry[ENTRY_NAME_SIZE]; /* empty: no entry of the table */
	const char *dsn; /* unless IDENTITIES_OK, as text; a constant */
	char text[512]; /* one line, no secret */
};

/*
 * Decides whether somebody who signs in with this name may try: the gate, before
 * Entra is asked. Logs what an admin must know, but no line for each attempt.
 */
enum identities_result identities_sign_in(struct identities *identities,
    const char *name, size_t len, struct identities_user *user);

/* Answers a question of policy. A message that is accepted (end) is counted. */
void identities_ask(struct identities *identities,
    const struct policy_question *question, struct policy_answer *answer);

/*
 * Decides whether mail that waits may be sent as this application and entry
 * (which may be empty, or not be there any more). 0; or -1 with *err, temporary:
 * 4.7.13 where it is disabled, 4.3.5 where the table cannot be read.
 */
int identities_may_deliver(struct identities *identities,
    const struct identity *application, const char *entry, struct error *err);

/*
 * Returns the mailbox that sends instead where the mailbox of From does not
 * exist: the fallback_mailbox of the entry, if it has this application; else
 * NULL. Borrowed until the table is read again.
 */
const char *identities_fallback(struct identities *identities,
    const struct identity *application, const char *entry);

/* What agent/daemon/entra finds credentials by; lives as long as identities. */
const struct credentials *identities_credentials(struct identities *identities);

#endif
