/*
 * fake_map.h - entries in maps outside (outside.h), with a map whose answers
 * wait for the test, and a clock that is moved by hand.
 */
#ifndef TESTS_UNIT_FAKE_MAP_H
#define TESTS_UNIT_FAKE_MAP_H

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "agent/daemon/identities/outside_private.h"
#include "lib/base/log.h"
#include "table_folder.h"

#define ROW "application=" TENANT "/" CLIENT " "
#define TTL 600
#define GRACE 86400

/* --- maps whose answers wait for the test --- */

struct fake_query {
	struct map_query query;
	char key[MAP_KEY_SIZE];
	map_done done;
	void *ctx;
};

static struct fake {
	struct fake_query *queries[2000]; /* not answered, oldest first */
	size_t count, asked;
	int is_full;
} fake;

static inline struct map_query *
fake_ask(struct map *map, const char *key, map_done done, void *ctx)
{
	struct fake_query *q;

	(void)map;
	if (fake.is_full || (q = calloc(1, sizeof(*q))) == NULL)
		return NULL;
	snprintf(q->key, sizeof(q->key), "%s", key);
	q->done = done;
	q->ctx = ctx;
	fake.queries[fake.count++] = q;
	fake.asked++;
	return &q->query;
}

static inline void
fake_forget(size_t place)
{
	free(fake.queries[place]);
	memmove(&fake.queries[place], &fake.queries[place + 1],
	    (--fake.count - place) * sizeof(fake.queries[0]));
}

static inline void
fake_cancel(struct map_query *query)
{
	size_t i;

	for (i = 0; &fake.queries[i]->query != query; i++)
		;
	fake_forget(i);
}

static inline void
fake_close(struct map *map)
{
	free(map);
}

static const struct map_kind fake_kind = {
    .prefix = "fake:",
    .close = fake_close,
    .ask = fake_ask,
    .cancel = fake_cancel,
};

/* Answers the oldest question; row NULL: there is none. */
static inline void
fake_answer(const char *row)
{
	map_done done = fake.queries[0]->done;
	void *ctx = fake.queries[0]->ctx;

	fake_forget(0);
	if (row != NULL && strcmp(row, "silence") == 0)
		done(ctx, MAP_UNAVAILABLE, NULL, "it is silent");
	else
		done(ctx, row == NULL ? MAP_NONE : MAP_FOUND, row, "");
}

/* --- the cache --- */

static struct event_base *base;
static struct conf conf;
static struct map_with with = {.conf = &conf};
static struct seldom seldom;
static struct outside *outside;

static inline void
use_fakes(size_t count)
{
	size_t i;

	outside->maps = calloc(count, sizeof(*outside->maps));
	outside->map_count = count;
	for (i = 0; i < count; i++) {
		outside->maps[i].map = calloc(1, sizeof(struct map));
		outside->maps[i].map->kind = &fake_kind;
		outside->maps[i].map->name = strdup("fake:map");
	}
}

static inline int
begin(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(&seldom, 0, sizeof(seldom));
	log_open("test", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	conf.identity_cache_ttl = TTL;
	conf.identity_cache_grace = GRACE;
	base = event_base_new();
	with.base = base;
	outside = outside_new(&with, &seldom);
	use_fakes(1);
	return 0;
}

static inline int
end(void **state)
{
	(void)state;
	outside_free(&outside);
	event_base_free(base);
	return fake.count == 0 ? 0 : -1;
}

static inline void
run(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static int called;

static inline void
on_done(void *ctx)
{
	(void)ctx;
	called++;
}

static inline enum outside_result
find(const char *key, int is_asked)
{
	struct outside_answer answer;

	return outside_find(outside, key, is_asked, &answer);
}

/* Asks as a decision does: what the map says is row. */
static inline enum outside_result
ask(const char *key, const char *row, struct outside_answer *answer)
{
	enum outside_result result = outside_find(outside, key, 0, answer);

	if (result == OUTSIDE_UNKNOWN)
		assert_non_null(outside_wait(outside, key, on_done, NULL));
	run();
	while (fake.count > 0) {
		fake_answer(row);
		run();
	}
	return outside_find(outside, key, result == OUTSIDE_UNKNOWN, answer);
}

static inline enum outside_result
ask_only(const char *key, const char *row)
{
	struct outside_answer answer;

	return ask(key, row, &answer);
}

#endif
