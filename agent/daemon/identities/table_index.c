/*
 * table_index.c - see table_index.h; entries by name and by application. The
 * clients are in table_clients.c.
 */
#include <stdlib.h>
#include <string.h>

#include "table_clients.h"
#include "table_index.h"

/* Where two are equal, the one that stands first in the files is first. */
static int
table_index_compare_place(const struct entry *a, const struct entry *b)
{
	return (a > b) - (a < b);
}

static int
table_index_compare_names(const void *a, const void *b)
{
	const struct entry *x = *(const struct entry *const *)a;
	const struct entry *y = *(const struct entry *const *)b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : table_index_compare_place(x, y);
}

static int
table_index_compare_ids(const struct identity *a, const struct identity *b)
{
	int order = strcmp(a->tenant, b->tenant);

	return order != 0 ? order : strcmp(a->client, b->client);
}

static int
table_index_compare_applications(const void *a, const void *b)
{
	const struct entry *x = *(const struct entry *const *)a;
	const struct entry *y = *(const struct entry *const *)b;
	int order = table_index_compare_ids(&x->application, &y->application);

	return order != 0 ? order : table_index_compare_place(x, y);
}

/* The later of two of the same name is at fault. */
static int
table_index_check_names(const struct table_index *index, struct error *err)
{
	const struct entry *first, *second;
	size_t i;

	for (i = 1; i < index->count; i++) {
		first = index->by_name[i - 1];
		second = index->by_name[i];
		if (strcmp(first->name, second->name) == 0)
			return error_set(err, ERROR_OURS, "4.3.5",
			    "%s:%u: there is an entry \"%s\" already, %s:%u",
			    second->file, second->line, second->name,
			    first->file, first->line);
	}
	return 0;
}

static int
table_index_sort(struct table_index *index, const struct entry *entries,
    size_t count, struct error *err)
{
	size_t i;

	index->count = count;
	index->by_name = malloc((count + 1) * sizeof(*index->by_name));
	index->by_application =
	    malloc((count + 1) * sizeof(*index->by_application));
	if (index->by_name == NULL || index->by_application == NULL)
		return error_no_memory(err);
	for (i = 0; i < count; i++)
		index->by_name[i] = index->by_application[i] = &entries[i];
	qsort(index->by_name, count, sizeof(*index->by_name),
	    table_index_compare_names);
	qsort(index->by_application, count, sizeof(*index->by_application),
	    table_index_compare_applications);
	return 0;
}

int
table_index_make(struct table_index *index, const struct entry *entries,
    size_t count, struct error *err)
{
	memset(index, 0, sizeof(*index));
	if (table_index_sort(index, entries, count, err) == -1 ||
	    table_index_check_names(index, err) == -1)
		return -1;
	return table_clients_make(&index->clients, entries, count, err);
}

void
table_index_clear(struct table_index *index)
{
	free(index->by_name);
	free(index->by_application);
	table_clients_clear(&index->clients);
	memset(index, 0, sizeof(*index));
}

const struct entry *
table_index_find(const struct table_index *index, const char *name)
{
	size_t low = 0, high = index->count, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = strcmp(name, index->by_name[middle]->name);
		if (order == 0)
			return index->by_name[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* The place of the first entry whose application is not before this one. */
static size_t
table_index_place(
    const struct table_index *index, const struct identity *application)
{
	size_t low = 0, high = index->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (table_index_compare_ids(
			&index->by_application[middle]->application,
			application) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct entry *
table_index_first_of(
    const struct table_index *index, const struct identity *application)
{
	size_t place = table_index_place(index, application);

	return place < index->count &&
		identity_equal(
		    &index->by_application[place]->application, application)
	    ? index->by_application[place]
	    : NULL;
}

const struct entry *
table_index_next_of(const struct table_index *index, const struct entry *entry)
{
	const struct entry **found = bsearch(&entry, index->by_application,
	    index->count, sizeof(*index->by_application),
	    table_index_compare_applications);
	const struct entry **end = index->by_application + index->count;

	if (found == NULL || ++found == end ||
	    !identity_equal(&(*found)->application, &entry->application))
		return NULL;
	return *found;
}

int
table_index_has_tenant(const struct table_index *index, const char *tenant)
{
	struct identity least = {.client = ""};
	size_t place;

	if (strlen(tenant) >= sizeof(least.tenant))
		return 0;
	strcpy(least.tenant, tenant);
	place = table_index_place(index, &least);
	return place < index->count &&
	    strcmp(index->by_application[place]->application.tenant, tenant) ==
	    0;
}
