/*
 * trial.h - a sign-in that an admin tries, with msgraphctl test-login: what
 * Entra says about a secret, or about an entry's own credential, and what the
 * token holds. Nothing of it is stored, and no client can use it.
 */
#ifndef MSGRAPHD_TRIAL_H
#define MSGRAPHD_TRIAL_H

#include "agent/daemon/base/msgraphd.h"
#include "agent/daemon/entra/claims.h"
#include "lib/base/secret.h"
#include "lib/local/identity.h"

enum trial_result { TRIAL_OK, TRIAL_REFUSED, TRIAL_LATER };

struct trial;

/* claims is set on TRIAL_OK; otherwise text says in one line why not. */
typedef void (*trial_done)(void *ctx, enum trial_result result,
    const struct claims *claims, const char *text);

/*
 * Asks Entra for a token of the application: with the secret, which is borrowed
 * until the end; or, where it is NULL, with the own credential of the entry,
 * for which a new token is asked, whatever is there; until it comes, mail goes
 * on with that. done is called once, from the event loop. NULL with *err when
 * the request could not start.
 */
struct trial *trial_start(struct msgraphd *daemon,
    const struct identity *application, const char *entry,
    const struct secret *secret, trial_done done, void *ctx, struct error *err);

/* Gives it up; done is not called. Takes NULL. */
void trial_cancel(struct trial **trialp);

#endif
