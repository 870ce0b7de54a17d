/*
 * table_source.c - see table_source.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table_source.h"
#include "table_value.h"

/* Types of maps that are read whole, and what postmap(1) adds to their name. */
static const struct {
	const char *prefix, *suffix;
} table_source_whole[] = {
    {"lmdb:", ".lmdb"},
    {"hash:", ".db"},
    {"texthash:", ""},
};

static char *
table_source_join(const char *name, const char *suffix)
{
	size_t size = strlen(name) + strlen(suffix) + 1;
	char *file = malloc(size);

	if (file != NULL)
		snprintf(file, size, "%s%s", name, suffix);
	return file;
}

static int
table_source_read(
    struct table_source *source, const char *item, struct error *err)
{
	size_t i, len,
	    types = sizeof(table_source_whole) / sizeof(table_source_whole[0]);

	source->item = item;
	source->kind = item[0] == '/' ? TABLE_FILE : TABLE_ASKED;
	if (source->kind == TABLE_FILE)
		source->file = table_source_join(item, "");
	for (i = 0; source->kind == TABLE_ASKED && i < types; i++) {
		len = strlen(table_source_whole[i].prefix);
		if (strncmp(item, table_source_whole[i].prefix, len) != 0)
			continue;
		if (item[len] != '/')
			return error_set(err, ERROR_OURS, "4.3.5",
			    "%s: behind \"%s\" a path is needed that starts "
			    "with /",
			    item, table_source_whole[i].prefix);
		source->kind = TABLE_WHOLE;
		source->file =
		    table_source_join(item + len, table_source_whole[i].suffix);
	}
	return source->kind != TABLE_ASKED && source->file == NULL
	    ? error_no_memory(err)
	    : 0;
}

int
table_sources_read(
    struct table_sources *sources, const char *setting, struct error *err)
{
	size_t count;

	memset(sources, 0, sizeof(*sources));
	if (setting == NULL || setting[strspn(setting, ", \t")] == '\0')
		return 0;
	if (table_value_list(setting, &sources->items, err) == -1)
		return -1;
	count = table_value_count(sources->items);
	sources->all = calloc(count, sizeof(*sources->all));
	if (sources->all == NULL)
		return error_no_memory(err);
	for (; sources->count < count; sources->count++)
		if (table_source_read(&sources->all[sources->count],
			sources->items[sources->count], err) == -1)
			return -1;
	return 0;
}

size_t
table_sources_count(
    const struct table_sources *sources, enum table_source_kind kind)
{
	size_t i, count = 0;

	for (i = 0; i < sources->count; i++)
		count += sources->all[i].kind == kind;
	return count;
}

void
table_sources_clear(struct table_sources *sources)
{
	size_t i;

	for (i = 0; i < sources->count; i++)
		free(sources->all[i].file);
	free(sources->all);
	free(sources->items);
	memset(sources, 0, sizeof(*sources));
}
