/*
 * map.c - see map.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"

static const struct map_kind *const map_kinds[] = {
    &map_socketmap,
    &map_azure,
    NULL,
};

const struct map_kind *
map_kind_of(const char *item, const char **rest)
{
	const struct map_kind *const *kind;
	size_t len;

	for (kind = map_kinds; *kind != NULL; kind++) {
		len = strlen((*kind)->prefix);
		if (strncmp(item, (*kind)->prefix, len) == 0) {
			*rest = item + len;
			return *kind;
		}
	}
	return NULL;
}

static void
map_unknown(const char *item, struct error *err)
{
	char known[128] = "";
	size_t i, used;

	for (i = 0; map_kinds[i] != NULL; i++) {
		used = strlen(known);
		snprintf(known + used, sizeof(known) - used, ", %s",
		    map_kinds[i]->prefix);
	}
	error_set(err, ERROR_OURS, "4.3.5",
	    "%s: identity_maps has no such type; those that it has are lmdb:, "
	    "hash:, texthash:%s",
	    item, known);
}

struct map *
map_open(const struct map_with *with, const char *item, struct error *err)
{
	const char *rest;
	const struct map_kind *kind = map_kind_of(item, &rest);
	char *name = strdup(item);
	struct map *map;

	if (kind == NULL || name == NULL) {
		free(name);
		if (kind == NULL)
			map_unknown(item, err);
		else
			error_no_memory(err);
		return NULL;
	}
	if ((map = kind->open(with, rest, err)) == NULL) {
		free(name);
		error_prefix(err, "%s", item);
		return NULL;
	}
	map->kind = kind;
	map->name = name;
	return map;
}

void
map_close(struct map **mapp)
{
	struct map *map = *mapp;
	char *name;

	*mapp = NULL;
	if (map == NULL)
		return;
	name = map->name;
	map->kind->close(map);
	free(name);
}

struct map_query *
map_ask(struct map *map, const char *key, map_done done, void *ctx)
{
	struct map_query *query = map->kind->ask(map, key, done, ctx);

	if (query != NULL)
		query->map = map;
	return query;
}

struct map_query *
map_look(struct map *map, map_done done, void *ctx)
{
	struct map_query *query =
	    map->kind->look == NULL ? NULL : map->kind->look(map, done, ctx);

	if (query != NULL)
		query->map = map;
	return query;
}

void
map_cancel(struct map_query **queryp)
{
	struct map_query *query = *queryp;

	*queryp = NULL;
	if (query != NULL)
		query->map->kind->cancel(query);
}
