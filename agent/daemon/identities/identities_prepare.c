/*
 * identities_prepare.c - has the maps outside asked for what a decision needs,
 * so that the decision itself waits for nothing. See identities.h.
 *
 * It looks for the entry as the decision does (identities_find()), and where a
 * key comes up that nothing is known of, waits for the maps and looks again.
 * That are two keys at most: the name of an entry, and the application.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/wake.h"
#include "identities_private.h"

struct identities_prepare {
	struct identities *identities;
	struct identities_name name;
	char key[MAP_KEY_SIZE]; /* that is, or was, waited for last */
	struct outside_waiter *waiter;
	struct wake deadline;
	void (*done)(void *ctx);
	void *ctx;
};

static void
identities_prepare_free(struct identities_prepare *prepare)
{
	outside_cancel(&prepare->waiter);
	wake_free(&prepare->deadline);
	free(prepare);
}

static void
identities_prepare_end(void *ctx)
{
	struct identities_prepare *prepare = ctx;
	void (*done)(void *ctx) = prepare->done;
	void *done_ctx = prepare->ctx;

	identities_prepare_free(prepare);
	done(done_ctx);
}

static void identities_prepare_on_answer(void *ctx);

/* Waits for a key. 0, or -1 where there is nothing, or no more, to wait for. */
static int
identities_prepare_wait(struct identities_prepare *prepare)
{
	struct identities *identities = prepare->identities;
	struct identities_found found;

	if (identities_find(identities, &prepare->name, 0, &found) == 0 ||
	    found.result != OUTSIDE_UNKNOWN ||
	    strcmp(found.key, prepare->key) == 0)
		return -1;
	memcpy(prepare->key, found.key, sizeof(prepare->key));
	prepare->waiter = outside_wait(identities->outside, found.key,
	    identities_prepare_on_answer, prepare);
	return prepare->waiter == NULL ? -1 : 0;
}

static void
identities_prepare_on_answer(void *ctx)
{
	struct identities_prepare *prepare = ctx;

	prepare->waiter = NULL;
	if (identities_prepare_wait(prepare) == -1)
		identities_prepare_end(prepare);
}

static struct identities_prepare *
identities_prepare(struct identities *identities,
    const struct identities_name *name, void (*done)(void *ctx), void *ctx)
{
	struct identities_prepare *prepare = calloc(1, sizeof(*prepare));

	if (prepare == NULL)
		return NULL;
	prepare->identities = identities;
	prepare->name = *name;
	prepare->done = done;
	prepare->ctx = ctx;
	if (identities_prepare_wait(prepare) == 0 &&
	    wake_init(&prepare->deadline, identities->with.base,
		identities_prepare_end, prepare) == 0 &&
	    wake_in(&prepare->deadline, IDENTITIES_PATIENCE_MS) == 0)
		return prepare;
	identities_prepare_free(prepare);
	return NULL;
}

struct identities_prepare *
identities_prepare_user(struct identities *identities, const char *user,
    size_t len, void (*done)(void *ctx), void *ctx)
{
	struct identities_name name;
	const char *reason;

	if (!outside_is_used(identities->outside) ||
	    identities_read_name(identities, user, len, &name, &reason) == -1)
		return NULL;
	return identities_prepare(identities, &name, done, ctx);
}

struct identities_prepare *
identities_prepare_mail(struct identities *identities,
    const struct identity *application, const char *entry,
    void (*done)(void *ctx), void *ctx)
{
	struct identities_name name = {.application = *application};

	if (!outside_is_used(identities->outside))
		return NULL;
	snprintf(name.entry, sizeof(name.entry), "%s", entry);
	return identities_prepare(identities, &name, done, ctx);
}

void
identities_prepare_cancel(struct identities_prepare **preparep)
{
	if (*preparep != NULL)
		identities_prepare_free(*preparep);
	*preparep = NULL;
}
