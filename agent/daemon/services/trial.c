/*
 * trial.c - see trial.h.
 */
#include <stdlib.h>

#include "agent/daemon/entra/account.h"
#include "agent/daemon/entra/entra.h"
#include "trial.h"

struct trial {
	struct entra_call *call; /* with a secret */
	struct waiter *waiter; /* with an entry's own credential */
	trial_done done;
	void *ctx;
};

static void
trial_finish(struct trial *trial, enum trial_result result,
    const struct secret *token, const char *text)
{
	struct claims claims = {0};

	if (token != NULL)
		claims_read(token, &claims);
	trial->done(trial->ctx, result, &claims, text);
	free(trial);
}

static void
trial_on_answer(void *ctx, const struct entra_answer *answer)
{
	struct trial *trial = ctx;

	switch (answer->result) {
	case ENTRA_ACCEPTED:
		trial_finish(trial, TRIAL_OK, answer->token, "");
		break;
	case ENTRA_REFUSED:
	case ENTRA_REFUSED_REQUEST:
		trial_finish(trial, TRIAL_REFUSED, NULL, answer->text);
		break;
	case ENTRA_UNAVAILABLE:
	case ENTRA_MISCONFIGURED:
		trial_finish(trial, TRIAL_LATER, NULL, answer->text);
		break;
	}
}

static void
trial_on_token(void *ctx, enum account_result result,
    const struct secret *token, const char *text)
{
	enum trial_result outcome = TRIAL_LATER;

	if (result == ACCOUNT_OK)
		outcome = TRIAL_OK;
	else if (result == ACCOUNT_REFUSED || result == ACCOUNT_REFUSED_REQUEST)
		outcome = TRIAL_REFUSED;
	trial_finish(ctx, outcome, result == ACCOUNT_OK ? token : NULL, text);
}

/* 0, or -1 with *err. */
static int
trial_ask_as_entry(struct trial *trial, struct msgraphd *daemon,
    const struct identity *application, const char *entry, struct error *err)
{
	trial->waiter = account_renew(
	    daemon->accounts, application, entry, trial_on_token, trial);
	return trial->waiter == NULL ? error_no_memory(err) : 0;
}

static int
trial_ask_with_secret(struct trial *trial, struct msgraphd *daemon,
    const struct identity *application, const struct secret *secret,
    struct error *err)
{
	const struct entra_request request = {.id = application,
	    .resource = daemon->conf.graph_endpoint,
	    .proof = CREDENTIAL_SECRET,
	    .secret = secret};

	trial->call = entra_start(daemon->entra_http, &daemon->conf, &request,
	    trial_on_answer, trial, err);
	return trial->call == NULL ? -1 : 0;
}

struct trial *
trial_start(struct msgraphd *daemon, const struct identity *application,
    const char *entry, const struct secret *secret, trial_done done, void *ctx,
    struct error *err)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	int started;

	if (trial == NULL) {
		error_no_memory(err);
		return NULL;
	}
	trial->done = done;
	trial->ctx = ctx;
	started = secret != NULL
	    ? trial_ask_with_secret(trial, daemon, application, secret, err)
	    : trial_ask_as_entry(trial, daemon, application, entry, err);
	if (started == -1)
		trial_cancel(&trial);
	return trial;
}

void
trial_cancel(struct trial **trialp)
{
	struct trial *trial = *trialp;

	*trialp = NULL;
	if (trial == NULL)
		return;
	entra_cancel(&trial->call);
	account_cancel(&trial->waiter);
	free(trial);
}
