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
table_index_check_names(const struct table_sorted *by_name, struct error *err)
{
	const struct entry *first, *second;
	size_t i;

	for (i = 1; i < by_name->count; i++) {
		first = by_name->entries[i - 1];
		second = by_name->entries[i];
		if (strcmp(first->name, second->name) == 0)
			return error_set(err, ERROR_OURS, "4.3.5",
			    "%s:%u: there is an entry \"%s\" already, %s:%u",
			    second->file, second->line, second->name,
			    first->file, first->line);
	}
	return 0;
}

static int
table_index_make_room(
    struct table_sorted *sorted, size_t count, struct error *err)
{
	sorted->entries = malloc((count + 1) * sizeof(*sorted->entries));
	return sorted->entries == NULL ? error_no_memory(err) : 0;
}

static int
table_index_sort(struct table_sorted *sorted, const struct entry *entries,
    size_t count, int (*compare)(const void *, const void *), struct error *err)
{
	if (table_index_make_room(sorted, count, err) == -1)
		return -1;
	for (; sorted->count < count; sorted->count++)
		sorted->entries[sorted->count] = &entries[sorted->count];
	qsort(sorted->entries, count, sizeof(*sorted->entries), compare);
	return 0;
}

static int
table_index_is_in(enum entry_group group, const struct entry *entry)
{
	switch (group) {
	case ENTRY_ENABLED:
		return !entry->disabled;
	case ENTRY_SIGN_IN:
		return entry->sign_in;
	case ENTRY_LENDING:
		return !entry->disabled && entry->credential != NULL;
	default:
		return 1;
	}
}

/*
 * Returns 1 for a row of a map whose application can be signed into by an entry
 * of root's files: it must not become one of several, whose name is refused.
 */
static int
table_index_is_behind(enum entry_group group, const struct table_sorted *sorted,
    const struct entry *entry)
{
	const struct entry *before =
	    sorted->count == 0 ? NULL : sorted->entries[sorted->count - 1];

	return group == ENTRY_SIGN_IN && entry->is_outside && before != NULL &&
	    !before->is_outside &&
	    identity_equal(&before->application, &entry->application);
}

/* Takes those of a group out of all, which are sorted: root's come first. */
static int
table_index_select(
    struct table_index *index, enum entry_group group, struct error *err)
{
	const struct table_sorted *all = &index->by_application[ENTRY_ALL];
	struct table_sorted *sorted = &index->by_application[group];
	size_t i;

	if (table_index_make_room(sorted, all->count, err) == -1)
		return -1;
	for (i = 0; i < all->count; i++)
		if (table_index_is_in(group, all->entries[i]) &&
		    !table_index_is_behind(group, sorted, all->entries[i]))
			sorted->entries[sorted->count++] = all->entries[i];
	return 0;
}

static int
table_index_compare_logins(const void *a, const void *b)
{
	const struct table_login *x = a, *y = b;
	int order = strcmp(x->user, y->user);

	return order != 0 ? order
			  : table_index_compare_place(x->entry, y->entry);
}

static int
table_index_check_logins(const struct table_index *index, struct error *err)
{
	const struct table_login *first, *second;
	size_t i;

	for (i = 1; i < index->login_count; i++) {
		first = &index->logins[i - 1];
		second = &index->logins[i];
		if (strcmp(first->user, second->user) != 0)
			continue;
		if (first->entry == second->entry)
			return error_set(err, ERROR_OURS, "4.3.5",
			    "%s:%u: logins: \"%.100s\" is given twice",
			    second->entry->file, second->entry->line,
			    second->user);
		return error_set(err, ERROR_OURS, "4.3.5",
		    "%s:%u: entry \"%s\" is for \"%.100s\" (logins), and so is "
		    "\"%s\", %s:%u",
		    second->entry->file, second->entry->line,
		    second->entry->name, second->user, first->entry->name,
		    first->entry->file, first->entry->line);
	}
	return 0;
}

static int
table_index_make_logins(struct table_index *index, const struct entry *entries,
    size_t count, struct error *err)
{
	size_t i, n, logins = 0;

	for (i = 0; i < count; i++)
		for (n = 0;
		     entries[i].logins != NULL && entries[i].logins[n] != NULL;
		     n++)
			logins++;
	index->logins = malloc((logins + 1) * sizeof(*index->logins));
	if (index->logins == NULL)
		return error_no_memory(err);
	for (i = 0; i < count; i++)
		for (n = 0;
		     entries[i].logins != NULL && entries[i].logins[n] != NULL;
		     n++)
			index->logins[index->login_count++] =
			    (struct table_login){
				entries[i].logins[n], &entries[i]};
	qsort(index->logins, logins, sizeof(*index->logins),
	    table_index_compare_logins);
	return table_index_check_logins(index, err);
}

int
table_index_make(struct table_index *index, const struct entry *entries,
    size_t count, struct error *err)
{
	int group;

	memset(index, 0, sizeof(*index));
	if (table_index_sort(&index->by_name, entries, count,
		table_index_compare_names, err) == -1 ||
	    table_index_check_names(&index->by_name, err) == -1 ||
	    table_index_sort(&index->by_application[ENTRY_ALL], entries, count,
		table_index_compare_applications, err) == -1)
		return -1;
	for (group = ENTRY_ALL + 1; group < ENTRY_GROUPS; group++)
		if (table_index_select(index, (enum entry_group)group, err) ==
		    -1)
			return -1;
	if (table_index_make_logins(index, entries, count, err) == -1)
		return -1;
	return table_clients_make(&index->clients, entries, count, err);
}

void
table_index_clear(struct table_index *index)
{
	int group;

	free(index->by_name.entries);
	free(index->logins);
	for (group = 0; group < ENTRY_GROUPS; group++)
		free(index->by_application[group].entries);
	table_clients_clear(&index->clients);
	memset(index, 0, sizeof(*index));
}

static int
table_index_compare_name(const void *name, const void *at)
{
	return strcmp(name, (*(const struct entry *const *)at)->name);
}

const struct entry *
table_index_find(const struct table_index *index, const char *name)
{
	const struct entry **found =
	    bsearch(name, index->by_name.entries, index->by_name.count,
		sizeof(*index->by_name.entries), table_index_compare_name);

	return found == NULL ? NULL : *found;
}

/* Returns the first entry whose application is not before this one, or NULL. */
static const struct entry *
table_index_from(
    const struct table_sorted *sorted, const struct identity *application)
{
	size_t low = 0, high = sorted->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (table_index_compare_ids(
			&sorted->entries[middle]->application, application) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sorted->count ? sorted->entries[low] : NULL;
}

const struct entry *
table_index_first_of(const struct table_index *index, enum entry_group group,
    const struct identity *application)
{
	const struct entry *entry =
	    table_index_from(&index->by_application[group], application);

	return entry != NULL && identity_equal(&entry->application, application)
	    ? entry
	    : NULL;
}

const struct entry *
table_index_next_of(const struct table_index *index, enum entry_group group,
    const struct entry *entry)
{
	const struct table_sorted *sorted = &index->by_application[group];
	const struct entry **found =
	    bsearch(&entry, sorted->entries, sorted->count,
		sizeof(*sorted->entries), table_index_compare_applications);

	if (found == NULL || ++found == sorted->entries + sorted->count ||
	    !identity_equal(&(*found)->application, &entry->application))
		return NULL;
	return *found;
}

static int
table_index_compare_login(const void *user, const void *at)
{
	return strcmp(user, ((const struct table_login *)at)->user);
}

const struct entry *
table_index_find_login(const struct table_index *index, const char *user)
{
	const struct table_login *found =
	    bsearch(user, index->logins, index->login_count,
		sizeof(*index->logins), table_index_compare_login);

	return found == NULL ? NULL : found->entry;
}

int
table_index_has_tenant(const struct table_index *index, const char *tenant)
{
	struct identity least = {.client = ""};
	const struct entry *entry;

	if (strlen(tenant) >= sizeof(least.tenant))
		return 0;
	strcpy(least.tenant, tenant);
	entry = table_index_from(&index->by_application[ENTRY_ALL], &least);
	return entry != NULL && strcmp(entry->application.tenant, tenant) == 0;
}
