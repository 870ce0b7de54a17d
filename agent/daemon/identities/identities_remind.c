/*
 * identities_remind.c - what an admin wants to be told of an entry in time:
 * that its secret ends (expires), and that no mail comes from it any more
 * (expect). See identities.h and identities(5).
 *
 * What was said stands in the state, so that a restart says nothing again.
 */
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/store/entry_times.h"
#include "lib/base/log.h"
#include "identities_private.h"

#define MINUTE 60LL
#define HOUR 3600LL
#define DAY 86400LL

/* Each reads a row of the state. */
#define REMIND_AT_ONCE 50

/* A message is noted at most so often, so a silence may be shorter by that. */
#define SEEN_AGAIN MINUTE

/* --- a secret that ends --- */

/* Which of the warnings is due with so many days left; 0: none yet. */
static int
identities_remind_stage(long long days)
{
	static const long long ahead[] = {30, 7, 1, -1};
	int stage = 0;

	while (stage < 4 && days <= ahead[stage])
		stage++;
	return stage;
}

static const char *
identities_remind_when(long long days, char text[40])
{
	if (days < 0)
		return " unless it was replaced";
	if (days == 0)
		return ", today";
	if (days == 1)
		return ", tomorrow";
	snprintf(text, 40, ", in %lld days", days);
	return text;
}

static void
identities_remind_say_end(const struct entry *entry, long long days)
{
	const struct credential *own = entry->credential;
	char when[40];

	log_warning("NOQUEUE: the secret of entry %s %s on %s%s (expires); "
		    "make a new one (portal: the application, Certificates & "
		    "secrets), %s%s%s%s, and write its date into the entry",
	    entry->name, days < 0 ? "ended" : "ends", entry->expires,
	    identities_remind_when(days, when),
	    own == NULL ? "give it to the clients" : "put it into ",
	    own == NULL ? "" : credential_attribute(own),
	    own == NULL ? "" : " ", own == NULL ? "" : credential_value(own));
}

/* Once at each stage, and once a day after the end. */
static void
identities_remind_end(
    const struct entry *entry, struct entry_times *times, long long now)
{
	long long days = entry->expires_day - now / DAY;
	long long said = times->end_said;
	int stage = identities_remind_stage(days);

	if (entry->expires == NULL || stage == 0)
		return;
	if (said != 0 &&
	    stage == identities_remind_stage(entry->expires_day - said / DAY) &&
	    (days >= 0 || now / DAY == said / DAY))
		return;
	times->end_said = now;
	identities_remind_say_end(entry, days);
}

/* --- silence --- */

static const char *
identities_remind_period(long long seconds, char text[32])
{
	if (seconds >= 2 * HOUR)
		snprintf(text, 32, "%lld h", seconds / HOUR);
	else
		snprintf(text, 32, "%lld min", seconds / MINUTE);
	return text;
}

static void
identities_remind_silence(
    const struct entry *entry, struct entry_times *times, long long now)
{
	long long silent = now - times->seen;
	char period[32];

	if (entry->expect == 0)
		return;
	if (times->seen == 0) {
		times->seen = now;
		return;
	}
	if (silent < entry->expect + SEEN_AGAIN ||
	    (times->silence_said != 0 &&
		now - times->silence_said < entry->expect))
		return;
	times->silence_said = now;
	log_warning("NOQUEUE: nothing from entry %s for %s (expect); see "
		    "whether its client runs and reaches this host",
	    entry->name, identities_remind_period(silent - SEEN_AGAIN, period));
}

void
identities_seen(struct identities *identities, const struct entry *entry)
{
	long long now = clock_wall();
	struct entry_times times;
	struct error err;
	char period[32];
	int found;

	if (entry->expect == 0)
		return;
	found = entry_times_get(identities->state, entry->name, &times, &err);
	if (found == 1 && times.silence_said == 0 && now >= times.seen &&
	    now - times.seen < SEEN_AGAIN)
		return;
	if (found == 1 && times.silence_said != 0)
		log_info("NOQUEUE: mail from entry %s again, after %s",
		    entry->name,
		    identities_remind_period(now - times.seen, period));
	times.seen = now;
	times.silence_said = 0;
	if (found == -1 ||
	    entry_times_put(identities->state, entry->name, &times, &err) == -1)
		log_error("%s", err.text);
}

/* --- all entries --- */

static int
identities_remind_entry(
    struct identities *identities, const struct entry *entry, struct error *err)
{
	struct entry_times times, before;

	if (entry_times_get(identities->state, entry->name, &times, err) == -1)
		return -1;
	before = times;
	identities_remind_end(entry, &times, clock_wall());
	identities_remind_silence(entry, &times, clock_wall());
	if (memcmp(&times, &before, sizeof(times)) == 0)
		return 0;
	return entry_times_put(identities->state, entry->name, &times, err);
}

int
identities_remind(struct identities *identities, struct error *err)
{
	size_t count =
	    identities->table == NULL ? 0 : table_count(identities->table);
	const struct entry *entry;
	int asked = 0;

	for (; identities->remind_at < count; identities->remind_at++) {
		entry = table_at(identities->table, identities->remind_at);
		if (entry->disabled ||
		    (entry->expires == NULL && entry->expect == 0))
			continue;
		if (asked++ == REMIND_AT_ONCE)
			return 1;
		if (identities_remind_entry(identities, entry, err) == -1)
			break;
	}
	if (identities->remind_at < count) {
		identities->remind_at = 0;
		return -1;
	}
	identities->remind_at = 0;
	return 0;
}
