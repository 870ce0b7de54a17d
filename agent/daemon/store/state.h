/*
 * state.h - keeps what must survive a restart in one SQLite file, state.db.
 *
 * Every call is synchronous and small. The file is locked for as long as it is
 * open, so a second daemon on the same state fails at once.
 */
#ifndef MSGRAPHD_STATE_H
#define MSGRAPHD_STATE_H

#include "lib/base/error.h"
#include "lib/base/secret.h"
#include "lib/local/identity.h"
#include "vault.h"

struct state;

/* The secret that an application signed in with last, and its token. */
struct state_credential {
	struct secret *secret; /* owned */
	struct secret *token; /* owned; NULL when there is none */
	long long token_expires; /* clock_wall(), 0 without a token */
	long long verified; /* clock_wall() when Entra took the secret;
				    0 once Entra has refused it */
};

/*
 * Returns 1 when directory has a state file: then the vault key must exist too.
 */
int state_exists(const char *directory);

/*
 * Opens or makes directory/state.db and proves that the vault's key is the
 * one it was written with. NULL with *err. The vault stays the caller's and
 * must outlive the state.
 */
struct state *state_open(
    const char *directory, const struct vault *vault, struct error *err);
void state_close(struct state **statep);

/*
 * Writes the file's path into path, of size bytes. 0, or -1 when it does not
 * fit.
 */
int state_path(const char *directory, char *path, size_t size);

/*
 * Renames directory/state.db (and what SQLite keeps beside it) so that the next
 * start makes a new one; nothing is deleted. name, of size bytes, becomes the
 * new path. 0, or -1 with *err, also when a daemon runs on it.
 */
int state_move_aside(
    const char *directory, char *name, size_t size, struct error *err);

/*
 * Stores an application's credential, replacing what was there. 0 when it is
 * durable, -1 with *err.
 */
int state_put(struct state *state, const struct identity *id,
    const struct state_credential *credential, struct error *err);

/*
 * Forgets applications that have neither signed in nor sent since wall
 * (clock_wall()), some at a time. Returns how many, 0 when there are no more,
 * or -1 with *err.
 */
int state_expire(struct state *state, long long wall, struct error *err);

/*
 * Reads an application's credential. 1 with *credential filled, 0 when the
 * application is unknown, -1 with *err.
 */
int state_get(struct state *state, const struct identity *id,
    struct state_credential *credential, struct error *err);

/* What the state says of an application, without opening what is sealed. */
struct state_summary {
	char identity[IDENTITY_TEXT_SIZE];
	long long token_expires, verified; /* as in struct state_credential */
};

/*
 * Reads the summary of the application whose text comes after this one in the
 * order of bytes; "": the first. 1, 0 when there is none, -1 with *err.
 */
int state_summary_after(struct state *state, const char *identity,
    struct state_summary *summary, struct error *err);

/*
 * Reads the summary of an application. 1, 0 when it is unknown, -1 with *err.
 */
int state_summary(struct state *state, const struct identity *id,
    struct state_summary *summary, struct error *err);

/*
 * Deletes an application's credential. Returns 1 when that is durable, 0 when
 * there was none, or -1 with *err.
 */
int state_forget(
    struct state *state, const struct identity *id, struct error *err);

/*
 * Lists the tenants of the applications that are stored, the first most of them
 * in the order of their text. Returns how many, or -1 with *err.
 */
int state_tenants(struct state *state, char (*tenants)[UUID_TEXT_SIZE],
    int most, struct error *err);

/*
 * Adds step seconds, by which the clock was set, to the times that were written
 * from clock_wall() began to before. Credentials read so from now on, and are
 * written by state_follow_more(), as senders are. 0, or -1 with *err.
 */
int state_follow_clock(struct state *state, long long began, long long before,
    long long step, struct error *err);

/*
 * Writes some of the times that state_follow_clock() has left to be written, in
 * one step of the event loop. 1 when there is more, 0 when there is none, -1
 * with *err.
 */
int state_follow_more(struct state *state, struct error *err);

/*
 * Dates rows that were written with a clock far ahead as of now; they would
 * never expire otherwise. Some at a time: 1 when there may be more, 0, or -1
 * with *err.
 */
int state_mend_future(struct state *state, struct error *err);

/* Wipes what the struct owns; takes a zeroed one. */
void state_credential_clear(struct state_credential *credential);

#endif
