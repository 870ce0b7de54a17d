/*
 * outside.c - see outside.h. outside_slots.c keeps the slots, one for each key.
 *
 * A slot is idle, waits for its turn, or is asked for: then one map after the
 * other hears the question, until one has the entry, or one does not answer.
 * Behind a map that does not answer nobody can tell what counts.
 *
 * What was known before is believed for identity_cache_grace while the maps do
 * not answer; the maps are asked again in the background. A row with a mistake
 * is as no answer, and what was known before does not count for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "lib/base/log.h"
#include "outside_private.h"
#include "table_row.h"

/* --- answers --- */

/* Calls those who wait. What they do may end any slot but theirs. */
static void
outside_call(struct outside_slot *slot)
{
	struct outside_waiters waiters;
	struct outside_waiter *waiter;
	void (*done)(void *ctx);
	void *ctx;

	/* whoever begins to wait meanwhile waits for the next answer */
	waiters = slot->waiters;
	LIST_INIT(&slot->waiters);
	if (!LIST_EMPTY(&waiters))
		LIST_FIRST(&waiters)->entry.le_prev = &LIST_FIRST(&waiters);
	while ((waiter = LIST_FIRST(&waiters)) != NULL) {
		done = waiter->done;
		ctx = waiter->ctx;
		outside_cancel(&waiter);
		done(ctx);
	}
}

static void
outside_end(struct outside *outside, struct outside_slot *slot)
{
	slot->phase = OUTSIDE_IDLE;
	outside_slot_place(outside, slot);
	outside_call(slot);
	wake_up(&outside->work);
}

/* Takes an answer; entry NULL: there is none. */
static void
outside_accept(
    struct outside *outside, struct outside_slot *slot, struct entry *entry)
{
	outside_slot_set(outside, slot, entry);
	slot->is_known = 1;
	slot->is_expired = 0;
	slot->good = clock_ms();
	slot->failed = 0;
	outside_end(outside, slot);
}

static void
outside_fail(struct outside *outside, struct outside_slot *slot,
    const char *map, const char *text)
{
	slot->failed = clock_ms();
	snprintf(slot->text, sizeof(slot->text), "%s%s%s", map,
	    map[0] == '\0' ? "" : ": ", text);
	outside_end(outside, slot);
}

/* --- the log --- */

static void
outside_log_silence(
    struct outside *outside, struct outside_map *map, const char *text)
{
	unsigned long left_out;

	if (!seldom_may(outside->seldom, map->map->name, &left_out))
		return;
	map->is_warned = 1;
	log_warning("identity_maps: %s: %s; entries that are known go on for "
		    "identity_cache_grace, others get 454 or 451",
	    map->map->name, text);
}

static void
outside_log_answer(struct outside_map *map)
{
	if (map->is_warned)
		log_info("identity_maps: %s answers again", map->map->name);
	map->is_warned = 0;
}

/* A mistake of one row, which whoever writes the map must mend. */
static void
outside_log_mistake(struct outside *outside, const char *key, const char *text)
{
	unsigned long left_out;

	if (seldom_may(outside->seldom, key, &left_out))
		log_warning("identity_maps: %s; until that is mended the "
			    "entry gets 454 or 451",
		    text);
}

/* --- questions --- */

static void
outside_mistake(
    struct outside *outside, struct outside_slot *slot, const char *text)
{
	outside_log_mistake(outside, slot->key, text);
	outside_slot_set(outside, slot, NULL);
	slot->is_known = 0;
	outside_fail(outside, slot, "", text);
}

static void
outside_on_answer(
    void *ctx, enum map_result result, const char *row, const char *text)
{
	struct outside_slot *slot = ctx;
	struct outside *outside = slot->outside;
	struct outside_map *map = &outside->maps[slot->map];
	struct entry *entry;
	struct error err;

	slot->query = NULL;
	outside->asked--;
	if (result == MAP_UNAVAILABLE) {
		outside_log_silence(outside, map, text);
		outside_fail(outside, slot, map->map->name, text);
		return;
	}
	outside_log_answer(map);
	if (result == MAP_FOUND) {
		entry = table_row_new(map->map->name, slot->key, row, &err);
		if (entry != NULL) {
			outside_accept(outside, slot, entry);
			return;
		}
		outside_mistake(outside, slot, err.text);
	} else if (result == MAP_MISTAKE) {
		error_set(
		    &err, ERROR_OURS, "4.3.5", "%s: %s", map->map->name, text);
		outside_mistake(outside, slot, err.text);
	} else if (++slot->map == outside->map_count) {
		outside_accept(outside, slot, NULL);
	} else {
		outside_slot_begin(outside, slot);
	}
}

static void
outside_ask(struct outside *outside, struct outside_slot *slot)
{
	struct map *map;

	if (slot->map == outside->map_count) {
		outside_accept(outside, slot, NULL);
		return;
	}
	map = outside->maps[slot->map].map;
	slot->phase = OUTSIDE_ASKED;
	slot->query = map_ask(map, slot->key, outside_on_answer, slot);
	if (slot->query != NULL)
		outside->asked++;
	else
		outside_fail(outside, slot, map->name,
		    "too many questions are under way");
}

static void
outside_on_work(void *ctx)
{
	struct outside *outside = ctx;
	struct outside_slot *slot;

	while (outside->asked < OUTSIDE_ASKED_MAX &&
	    (slot = outside_slot_next(outside)) != NULL)
		outside_ask(outside, slot);
}

/* Asks for a key, unless that is under way. */
static void
outside_begin(struct outside *outside, struct outside_slot *slot)
{
	if (slot->phase != OUTSIDE_IDLE)
		return;
	slot->map = 0;
	outside_slot_begin(outside, slot);
}

struct outside_waiter *
outside_wait(struct outside *outside, const char *key, void (*done)(void *ctx),
    void *ctx)
{
	struct outside_waiter *waiter = calloc(1, sizeof(*waiter));
	struct outside_slot *slot =
	    waiter == NULL ? NULL : outside_slot_get(outside, key);

	if (slot == NULL) {
		free(waiter);
		return NULL;
	}
	waiter->done = done;
	waiter->ctx = ctx;
	LIST_INSERT_HEAD(&slot->waiters, waiter, entry);
	outside_begin(outside, slot);
	return waiter;
}

/* --- what is known --- */

static enum outside_result
outside_tell(
    struct outside_slot *slot, int is_old, struct outside_answer *answer)
{
	answer->is_old = is_old;
	answer->entry = slot->entry;
	answer->rate = &slot->rate;
	return slot->entry != NULL ? OUTSIDE_FOUND : OUTSIDE_NONE;
}

enum outside_result
outside_find(struct outside *outside, const char *key, int is_asked,
    struct outside_answer *answer)
{
	const struct conf *conf = outside->with->conf;
	struct outside_slot *slot = outside_slot_find(outside, key);
	long long now = clock_ms(), age, ttl;

	memset(answer, 0, sizeof(*answer));
	answer->text = "too many questions are under way";
	if (slot == NULL)
		return is_asked ? OUTSIDE_UNAVAILABLE : OUTSIDE_UNKNOWN;
	outside_slot_place(outside, slot);
	ttl = conf->identity_cache_ttl * 1000LL;
	/* who has waited for the answer may have waited for another since */
	if (is_asked && slot->failed == 0)
		ttl += OUTSIDE_SLACK_MS;
	age = now - slot->good;
	if (slot->is_known && !slot->is_expired && age < ttl)
		return outside_tell(slot, 0, answer);
	if (slot->failed == 0 && !is_asked)
		return OUTSIDE_UNKNOWN;
	if (slot->is_known && age < conf->identity_cache_grace * 1000LL) {
		if (now - slot->failed >= OUTSIDE_RETRY_MS)
			outside_begin(outside, slot);
		return outside_tell(slot, 1, answer);
	}
	if (!is_asked && now - slot->failed >= OUTSIDE_RETRY_MS)
		return OUTSIDE_UNKNOWN;
	answer->text = slot->failed != 0 ? slot->text : "no answer in time";
	return OUTSIDE_UNAVAILABLE;
}

/* --- the maps --- */

int
outside_is_used(const struct outside *outside)
{
	return outside != NULL && outside->map_count > 0;
}

static void
outside_close(struct outside_map *maps, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		map_close(&maps[i].map);
	free(maps);
}

/*
 * Opens the maps of sources. NULL with *err; their number is that of sources.
 */
static struct outside_map *
outside_open(const struct outside *outside, const struct table_sources *sources,
    size_t count, struct error *err)
{
	struct outside_map *maps = calloc(count + 1, sizeof(*maps));
	size_t i, opened = 0;

	if (maps == NULL) {
		error_no_memory(err);
		return NULL;
	}
	for (i = 0; i < sources->count; i++) {
		if (sources->all[i].kind != TABLE_ASKED)
			continue;
		maps[opened].map =
		    map_open(outside->with, sources->all[i].item, err);
		if (maps[opened].map == NULL) {
			outside_close(maps, opened);
			return NULL;
		}
		opened++;
	}
	return maps;
}

/* Returns 1 when the maps are those of sources. */
static int
outside_is_same(
    const struct outside *outside, const struct table_sources *sources)
{
	size_t i, at = 0;

	for (i = 0; i < sources->count; i++) {
		if (sources->all[i].kind != TABLE_ASKED)
			continue;
		if (at == outside->map_count ||
		    strcmp(outside->maps[at].map->name, sources->all[i].item) !=
			0)
			return 0;
		at++;
	}
	return at == outside->map_count;
}

int
outside_use(struct outside *outside, const struct table_sources *sources,
    struct error *err)
{
	size_t count = table_sources_count(sources, TABLE_ASKED);
	struct outside_map *maps;

	if (outside_is_same(outside, sources))
		return 0;
	maps = outside_open(outside, sources, count, err);
	if (maps == NULL)
		return -1;
	outside_slots_forget(outside);
	outside_close(outside->maps, outside->map_count);
	outside->maps = maps;
	outside->map_count = count;
	outside_slots_restart(outside);
	return 0;
}

struct outside *
outside_new(const struct map_with *with, struct seldom *seldom)
{
	struct outside *outside = calloc(1, sizeof(*outside));

	if (outside == NULL)
		return NULL;
	outside->with = with;
	outside->seldom = seldom;
	outside_slots_init(outside);
	if (wake_init(&outside->work, with->base, outside_on_work, outside) ==
	    -1)
		outside_free(&outside);
	return outside;
}

void
outside_free(struct outside **outsidep)
{
	struct outside *outside = *outsidep;

	*outsidep = NULL;
	if (outside == NULL)
		return;
	outside_slots_free(outside);
	outside_close(outside->maps, outside->map_count);
	wake_free(&outside->work);
	free(outside);
}
