/*
 * map.c - see map.h.
 */
#include <stdlib.h>
#include <string.h>

#include "map.h"

static const struct map_kind *const map_kinds[] = {
    &map_azure,
    &map_socketmap,
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

struct map *
map_open(const struct map_with *with, const char *item, struct error *err)
{
	const char *rest;
	const struct map_kind *kind = map_kind_of(item, &rest);
	char *name = strdup(item);
	struct map *map;

	if (kind == NULL || name == NULL) {
		free(name);
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

void
map_cancel(struct map_query **queryp)
{
	struct map_query *query = *queryp;

	*queryp = NULL;
	if (query != NULL)
		query->map->kind->cancel(query);
}
