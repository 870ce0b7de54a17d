/*
 * check_maps.c - see check_maps.h.
 *
 * A map that does not answer may do so later, and whoever starts msgraphd may
 * have started the map's server after this. But -t is asked what would happen
 * now, so that is a complaint.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>

#include "agent/daemon/maps/map.h"
#include "check_maps.h"

/* No entry has this name: who sends as whom is nobody's business here. */
#define CHECK_MAPS_KEY "msgraphd-check"

struct check_maps {
	const char *map, *user;
	int complaints;
	int is_done;
};

static void
check_maps_on_answer(
    void *ctx, enum map_result result, const char *row, const char *text)
{
	struct check_maps *check = ctx;

	(void)row;
	check->is_done = 1;
	if (result != MAP_UNAVAILABLE)
		return;
	fprintf(stderr, "msgraphd: as user %s: %s: %s\n", check->user,
	    check->map, text);
	check->complaints++;
}

static int
check_maps_one(const struct map_with *with, const char *item, const char *user)
{
	struct check_maps check = {.map = item, .user = user};
	struct error err;
	struct map *map = map_open(with, item, &err);

	if (map == NULL) {
		fprintf(stderr, "msgraphd: as user %s: %s\n", user, err.text);
		return 1;
	}
	if (map_ask(map, CHECK_MAPS_KEY, check_maps_on_answer, &check) != NULL)
		while (!check.is_done &&
		    event_base_loop(with->base, EVLOOP_ONCE) == 0)
			;
	map_close(&map);
	return check.complaints;
}

int
check_maps(const struct conf *conf, const struct table_sources *sources,
    const char *user)
{
	struct map_with with = {.conf = conf};
	int complaints = 0;
	size_t i;

	if (table_sources_count(sources, TABLE_ASKED) == 0)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	with.base = event_base_new();
	for (i = 0; with.base != NULL && i < sources->count; i++)
		if (sources->all[i].kind == TABLE_ASKED)
			complaints +=
			    check_maps_one(&with, sources->all[i].item, user);
	if (with.base != NULL)
		event_base_free(with.base);
	return complaints;
}
