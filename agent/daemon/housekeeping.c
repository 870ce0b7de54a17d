/*
 * housekeeping.c - see housekeeping.h.
 *
 * One table has the chores: what is done, how old it must be, and how often.
 * The times are on clock_ms(), and an event comes every few seconds to see what
 * is due. One chore is done in a turn of the event loop, so that nobody waits
 * for all.
 *
 * Chores that depend on the age of a secret wait until the daemon has run for a
 * day: by then a clock that was wrong at the start has been set, and no secret
 * is lost to it.
 */
#include <stdlib.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/delivery/draft_trash.h"
#include "agent/daemon/entra/account.h"
#include "agent/daemon/identities/identities.h"
#include "agent/daemon/services/bounce_count.h"
#include "agent/daemon/store/entry_times.h"
#include "agent/daemon/store/journal.h"
#include "agent/daemon/store/sender.h"
#include "agent/daemon/store/state.h"
#include "agent/daemon/turn/turn.h"
#include "lib/base/log.h"
#include "clock_watch.h"
#include "housekeeping.h"
#include "observe.h"

#define LOOK_SECONDS 5
#define MINUTES 60L
#define DAYS 86400L

/* Means conf.state_retention, as an age. */
#define RETENTION (-1L)

/* --- what is done: 1 to be called again soon, 0, or -1 with *err --- */

static int
housekeeping_tell(struct msgraphd *d, long long wall, struct error *err)
{
	(void)wall;
	(void)err;
	observe_tell(d);
	return 0;
}

static int
housekeeping_clock(struct msgraphd *d, long long wall, struct error *err)
{
	(void)wall;
	return clock_watch_look(d->clock_watch, err);
}

static int
housekeeping_identities(struct msgraphd *d, long long wall, struct error *err)
{
	(void)wall;
	(void)err;
	identities_refresh(d->identities, 0);
	return 0;
}

static int
housekeeping_files(struct msgraphd *d, long long wall, struct error *err)
{
	(void)wall;
	(void)err;
	return identities_look_at_files(d->identities);
}

static int
housekeeping_reminders(struct msgraphd *d, long long wall, struct error *err)
{
	(void)wall;
	return identities_remind(d->identities, err);
}

static int
housekeeping_entries(struct msgraphd *d, long long wall, struct error *err)
{
	return entry_times_expire(d->state, wall, err);
}

static int
housekeeping_journal(struct msgraphd *d, long long wall, struct error *err)
{
	return journal_expire(d->journal, wall, err);
}

static int
housekeeping_senders(struct msgraphd *d, long long wall, struct error *err)
{
	return sender_expire(d->state, wall, err);
}

static int
housekeeping_drafts(struct msgraphd *d, long long wall, struct error *err)
{
	return draft_trash_sweep(d->trash, wall, err);
}

static int
housekeeping_accounts(struct msgraphd *d, long long wall, struct error *err)
{
	(void)wall;
	(void)err;
	accounts_sweep(d->accounts);
	accounts_sweep(d->storage_accounts);
	return 0;
}

static int
housekeeping_credentials(struct msgraphd *d, long long wall, struct error *err)
{
	(void)wall;
	(void)err;
	return accounts_warn(d->accounts);
}

static int
housekeeping_applications(struct msgraphd *d, long long wall, struct error *err)
{
	(void)wall;
	(void)err;
	turns_forget(d->turns);
	return 0;
}

static int
housekeeping_bounces(struct msgraphd *d, long long wall, struct error *err)
{
	(void)wall;
	(void)err;
	bounce_counts_forget(&d->bounce_counts);
	return 0;
}

static int
housekeeping_secrets(struct msgraphd *d, long long wall, struct error *err)
{
	int more = state_mend_future(d->state, err), gone;

	if (more != 0)
		return more;
	if ((gone = state_expire(d->state, wall, err)) == -1)
		return -1;
	if (gone > 0)
		log_info("NOQUEUE: forgot %d applications that have neither "
			 "signed in nor sent for %lld days",
		    gone, (clock_wall() - wall) / DAYS);
	return gone > 0;
}

static const struct chore {
	int (*what)(struct msgraphd *d, long long wall, struct error *err);
	long age; /* seconds */
	long every; /* seconds */
	int at_start;
} chores[] = {
    /* at each look: the watchdog may be set as short as ten seconds */
    {housekeeping_tell, 0, LOOK_SECONDS, 1},
    {housekeeping_identities, 0, LOOK_SECONDS, 0},
    {housekeeping_files, 0, LOOK_SECONDS, 1},
    {housekeeping_clock, 0, 1 * MINUTES, 0},
    {housekeeping_accounts, 0, 1 * MINUTES, 0},
    {housekeeping_reminders, 0, 1 * MINUTES, 1},
    {housekeeping_journal, RETENTION, 10 * MINUTES, 1},
    {housekeeping_drafts, RETENTION, 10 * MINUTES, 1},
    /* a mailbox that was silent for so long gets no bounces through us */
    {housekeeping_senders, 400 * DAYS, 10 * MINUTES, 1},
    {housekeeping_entries, 400 * DAYS, 1 * DAYS, 0},
    {housekeeping_applications, 0, 10 * MINUTES, 0},
    {housekeeping_bounces, 0, 10 * MINUTES, 0},
    {housekeeping_credentials, 0, 1 * DAYS, 1},
    {housekeeping_secrets, 400 * DAYS, 1 * DAYS, 0},
};

#define CHORES (sizeof(chores) / sizeof(chores[0]))

struct housekeeping {
	struct msgraphd *daemon;
	struct event *look;
	size_t
	    next; /* chores take turns, so that none waits for those before */
	long long due[CHORES]; /* clock_ms() */
};

static void
housekeeping_do(struct housekeeping *house, size_t i)
{
	const struct chore *chore = &chores[i];
	long age = chore->age == RETENTION ? house->daemon->conf.state_retention
					   : chore->age;
	struct error err;

	switch (chore->what(house->daemon, clock_wall() - age, &err)) {
	case 1:
		return;
	case -1:
		log_error("%s", err.text);
		break;
	}
	house->due[i] = clock_ms() + chore->every * 1000LL;
}

static void
housekeeping_on_look(evutil_socket_t fd, short what, void *ctx)
{
	/* no event_active(): that comes before any socket is looked at */
	static const struct timeval soon = {0},
				    every = {.tv_sec = LOOK_SECONDS};
	struct housekeeping *house = ctx;
	size_t i;

	(void)fd;
	(void)what;
	for (i = 0; i < CHORES && clock_ms() < house->due[house->next]; i++)
		house->next = (house->next + 1) % CHORES;
	if (i < CHORES) {
		housekeeping_do(house, house->next);
		house->next = (house->next + 1) % CHORES;
	}
	event_add(house->look, i < CHORES ? &soon : &every);
}

struct housekeeping *
housekeeping_new(struct msgraphd *daemon, struct error *err)
{
	struct housekeeping *house = calloc(1, sizeof(*house));
	size_t i;

	if (house == NULL) {
		error_no_memory(err);
		return NULL;
	}
	house->daemon = daemon;
	for (i = 0; i < CHORES; i++)
		house->due[i] = clock_ms() +
		    (chores[i].at_start ? 0 : chores[i].every * 1000LL);
	house->look = event_new(
	    daemon->base, -1, EV_PERSIST, housekeeping_on_look, house);
	if (house->look == NULL) {
		housekeeping_free(&house);
		error_set(err, ERROR_OURS, "4.3.0", "libevent");
		return NULL;
	}
	event_active(house->look, 0, 0);
	return house;
}

void
housekeeping_free(struct housekeeping **housep)
{
	struct housekeeping *house = *housep;

	*housep = NULL;
	if (house == NULL)
		return;
	if (house->look != NULL)
		event_free(house->look);
	free(house);
}
