/*
 * identities.h - who may sign in, who may send as whom: the decisions, over the
 * table that is in force, and over what maps outside say. The table is read
 * again when its files change.
 */
#ifndef MSGRAPHD_IDENTITIES_H
#define MSGRAPHD_IDENTITIES_H

#include <event2/event.h>

#include "agent/daemon/entra/credential.h"
#include "agent/daemon/maps/map.h"
#include "agent/daemon/store/state.h"
#include "lib/base/error.h"
#include "lib/conf/conf.h"
#include "lib/local/policy.h"
#include "entry.h"

struct identities;

/*
 * Reads the table. A mistake in it is logged and does not fail: who needs the
 * table is told "not now" until it is mended. with is copied, but for
 * find_entry and its ctx; what it points to, and state, are borrowed. NULL with
 * *err when out of memory.
 */
struct identities *identities_new(
    const struct map_with *with, struct state *state, struct error *err);

/*
 * Closes the maps outside: whoever waits for one is not called any more. What
 * they use may end before identities then.
 */
void identities_stop(struct identities *identities);

/* Frees *identitiesp and makes it NULL. Takes NULL. */
void identities_free(struct identities **identitiesp);

/*
 * Reads the table again: after SIGHUP (is_reload) always, and then a file that
 * has gone is meant; else when a file has changed. A mistake keeps the old
 * table and is logged once.
 */
void identities_refresh(struct identities *identities, int is_reload);

/*
 * Logs which files of own credentials were replaced since the last look. A few
 * at a time: 1 to be called again soon, or 0.
 */
int identities_look_at_files(struct identities *identities);

/*
 * How long a decision may wait for maps outside: less than the milter waits for
 * the answer (QUESTION_MS), which would take msgraphd for stalled.
 */
#define IDENTITIES_PATIENCE_MS (4 * 1000)

struct identities_prepare;

/*
 * Has the maps outside asked for what a decision about a user name needs,
 * whether for identities_sign_in() or for identities_ask(); and about mail that
 * waits. The decision follows: at once where NULL is returned, since all is
 * known that can be, or memory is out; or when done is called, once, from the
 * event loop.
 */
struct identities_prepare *identities_prepare_user(
    struct identities *identities, const char *user, size_t len,
    void (*done)(void *ctx), void *ctx);
struct identities_prepare *identities_prepare_mail(
    struct identities *identities, const struct identity *application,
    const char *entry, void (*done)(void *ctx), void *ctx);

/* Gives the question up; done is not called. Takes NULL. */
void identities_prepare_cancel(struct identities_prepare **preparep);

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
	int is_unsure; /* a map is out of reach, so no refusal is certain */
	const char *dsn; /* unless IDENTITIES_OK, as text; a constant */
	char text[512]; /* one line, no secret */
};

/*
 * Decides whether somebody who signs in with this name may try, before Entra is
 * asked. Logs what an admin must know, but no line for each attempt.
 */
enum identities_result identities_sign_in(struct identities *identities,
    const char *name, size_t len, struct identities_user *user);

/* Answers a question of policy. A message that is accepted (end) is counted. */
void identities_ask(struct identities *identities,
    const struct policy_question *question, struct policy_answer *answer);

/*
 * Decides whether mail that waits may be sent as this application and entry
 * (which may be empty, or not be there any more). 0; or -1 with *err,
 * temporary: 4.7.13 where it is disabled, 4.3.5 where the table cannot be read,
 * 4.4.3 where nothing is known of the entry and the maps outside do not answer.
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

/*
 * Warns of secrets that end soon and of entries that nothing comes from, some
 * entries at a time; for housekeeping. 1 when there are more, 0, or -1 with
 * *err.
 */
int identities_remind(struct identities *identities, struct error *err);

/*
 * Returns the entry of the table in force at a place, in the files' order, or
 * NULL past the end. A reload frees it: valid until the next event.
 */
const struct entry *identities_at(
    const struct identities *identities, size_t place);

/* Returns the number of entries of the table in force. */
size_t identities_count(const struct identities *identities);

/*
 * Returns 1 when an entry of the application has no credential of its own: who
 * signs in as it brings the secret.
 */
int identities_is_signed_into(
    const struct identities *identities, const struct identity *application);

/*
 * Returns why the files could not be read the last time, in one line, whether
 * or not there is an older table in force; "" when they could.
 */
const char *identities_fault(const struct identities *identities);

/*
 * Finds the application of an entry that has a credential of its own, by its
 * name. 0; or -1 with *err: no such entry, none of its own, disabled.
 */
int identities_find_lending(struct identities *identities, const char *name,
    struct identity *application, struct error *err);

/*
 * Returns what agent/daemon/entra finds credentials by; it lives as long as
 * identities.
 */
const struct credentials *identities_credentials(struct identities *identities);

#endif
