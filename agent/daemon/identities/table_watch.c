/*
 * table_watch.c - see table_watch.h.
 */
#include <stdlib.h>
#include <string.h>

#include "table_watch.h"

int
table_watch_look(
    struct table_watch *watch, const char *setting, struct error *err)
{
	size_t i;

	memset(watch, 0, sizeof(*watch));
	if (setting == NULL)
		setting = "";
	if ((watch->setting = strdup(setting)) == NULL)
		return error_no_memory(err);
	if (table_sources_read(&watch->sources, setting, err) == -1)
		return -1;
	watch->marks = calloc(watch->sources.count + 1, sizeof(*watch->marks));
	if (watch->marks == NULL)
		return error_no_memory(err);
	for (i = 0; i < watch->sources.count; i++)
		if (watch->sources.all[i].file != NULL)
			table_file_look(
			    watch->sources.all[i].file, &watch->marks[i]);
	return 0;
}

static int
table_watch_same_setting(
    const struct table_watch *a, const struct table_watch *b)
{
	return a->setting != NULL && b->setting != NULL && a->marks != NULL &&
	    b->marks != NULL && strcmp(a->setting, b->setting) == 0 &&
	    a->sources.count == b->sources.count;
}

int
table_watch_same(const struct table_watch *a, const struct table_watch *b)
{
	size_t i;

	if (!table_watch_same_setting(a, b))
		return 0;
	for (i = 0; i < a->sources.count; i++)
		if (!table_file_same(&a->marks[i], &b->marks[i]))
			return 0;
	return 1;
}

const char *
table_watch_gone(const struct table_watch *was, const struct table_watch *now)
{
	size_t i;

	if (!table_watch_same_setting(was, now))
		return NULL;
	for (i = 0; i < now->sources.count; i++)
		if (was->marks[i].is_there && !now->marks[i].is_there)
			return now->sources.all[i].file;
	return NULL;
}

int
table_watch_is_fresh(const struct table_watch *watch)
{
	struct timespec now;
	long long age; /* ms; below zero where the clock was set back */
	size_t i;

	clock_gettime(CLOCK_REALTIME, &now);
	for (i = 0; i < watch->sources.count; i++) {
		age = (now.tv_sec - watch->marks[i].modified.tv_sec) * 1000LL +
		    (now.tv_nsec - watch->marks[i].modified.tv_nsec) / 1000000;
		if (watch->marks[i].is_there && age >= 0 && age < 1000)
			return 1;
	}
	return 0;
}

void
table_watch_clear(struct table_watch *watch)
{
	table_sources_clear(&watch->sources);
	free(watch->setting);
	free(watch->marks);
	memset(watch, 0, sizeof(*watch));
}
