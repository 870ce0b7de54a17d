/*
 * check_maps.c - see check_maps.h.
 *
 * A map that does not answer may do so later, and whoever starts msgraphd may
 * have started the map's server after this. But -t is asked what would happen
 * now, so that is a complaint.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "agent/daemon/entra/account.h"
#include "agent/daemon/maps/map.h"
#include "agent/daemon/maps/map_azure_resource.h"
#include "agent/daemon/throttle/throttle.h"
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

/* What is odd in the map changes no exit status. */
static void
check_maps_on_look(
    void *ctx, enum map_result result, const char *row, const char *text)
{
	struct check_maps *check = ctx;

	(void)row;
	(void)result;
	check->is_done = 1;
	if (text[0] != '\0')
		fprintf(stderr, "warning: %s: %s\n", check->map, text);
}

static void
check_maps_wait(const struct map_with *with, struct check_maps *check)
{
	check->is_done = 0;
	while (!check->is_done && event_base_loop(with->base, EVLOOP_ONCE) == 0)
		;
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
		check_maps_wait(with, &check);
	if (check.complaints == 0 &&
	    map_look(map, check_maps_on_look, &check) != NULL)
		check_maps_wait(with, &check);
	map_close(&map);
	return check.complaints;
}

/* --- what a map uses --- */

struct check_maps_parts {
	struct credentials credentials;
	struct throttles *throttles;
	struct http *http;
	struct map_with with;
};

static int
check_maps_find_entry(void *ctx, const char *name, struct identity *application)
{
	const struct table *table = ctx;
	const struct entry *entry = table_find(table, name);

	if (entry == NULL || entry->is_outside)
		return -1;
	*application = entry->application;
	return 0;
}

/* As identities_credentials(), for the one entry that is asked for. */
static const struct credential *
check_maps_find_credential(void *ctx, const struct identity *application,
    const char *name, char found[ENTRY_NAME_SIZE])
{
	const struct table *table = ctx;
	const struct entry *entry = table_find(table, name);

	if (entry == NULL || entry->disabled ||
	    !identity_equal(&entry->application, application))
		return NULL;
	snprintf(found, ENTRY_NAME_SIZE, "%s", entry->name);
	return entry->credential;
}

/* Makes what a source may use; without a state nothing is kept. 0, or -1. */
static int
check_maps_begin(struct check_maps_parts *parts, const struct conf *conf,
    const struct table *table, struct error *err)
{
	struct map_with *with = &parts->with;

	memset(parts, 0, sizeof(*parts));
	parts->credentials.find = check_maps_find_credential;
	parts->credentials.ctx = (void *)(uintptr_t)table;
	with->conf = conf;
	with->find_entry = check_maps_find_entry;
	with->ctx = (void *)(uintptr_t)table;
	error_no_memory(err);
	if ((with->base = event_base_new()) == NULL ||
	    (parts->http = http_new(with->base, conf, err)) == NULL ||
	    (parts->throttles = throttles_new(with->base, NULL, err)) == NULL)
		return -1;
	with->http = parts->http;
	with->accounts = accounts_new(with->base, conf, parts->http, NULL,
	    parts->throttles, map_azure_resource);
	if (with->accounts == NULL)
		return error_no_memory(err);
	accounts_use_credentials(with->accounts, &parts->credentials);
	return 0;
}

static void
check_maps_end(struct check_maps_parts *parts)
{
	accounts_free(&parts->with.accounts);
	throttles_free(&parts->throttles);
	http_free(&parts->http);
	if (parts->with.base != NULL)
		event_base_free(parts->with.base);
}

int
check_maps(const struct conf *conf, const struct table_sources *sources,
    const struct table *table, const char *user)
{
	struct check_maps_parts parts;
	struct error err;
	int complaints = 0, is_ready;
	size_t i;

	if (table_sources_count(sources, TABLE_ASKED) == 0)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	is_ready = check_maps_begin(&parts, conf, table, &err) == 0;
	if (!is_ready) {
		fprintf(stderr, "msgraphd: as user %s: %s\n", user, err.text);
		complaints = 1;
	}
	for (i = 0; is_ready && i < sources->count; i++)
		if (sources->all[i].kind == TABLE_ASKED)
			complaints += check_maps_one(
			    &parts.with, sources->all[i].item, user);
	check_maps_end(&parts);
	return complaints;
}
