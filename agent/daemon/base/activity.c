/*
 * activity.c - see activity.h. A binary tree (tsearch(3)) by application and
 * entry, and a list of the rows that fail, by age.
 */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "activity.h"
#include "clock.h"

struct activity {
	void *tree; /* of struct activity_row */
	struct activity_counts counts;
	TAILQ_HEAD(activity_rows, activity_row) failing;
	size_t failing_count;
};

static int
activity_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct activity_key));
}

struct activity *
activity_new(void)
{
	struct activity *activity = calloc(1, sizeof(*activity));

	if (activity != NULL)
		TAILQ_INIT(&activity->failing);
	return activity;
}

static void
activity_free_row(void *ptr)
{
	struct activity_row *row = ptr;

	free(row->why);
	free(row);
}

void
activity_free(struct activity **activityp)
{
	struct activity *activity = *activityp;

	*activityp = NULL;
	if (activity == NULL)
		return;
	tdestroy(activity->tree, activity_free_row);
	free(activity);
}

struct activity_counts *
activity_counts(struct activity *activity)
{
	static struct activity_counts spare;

	return activity == NULL ? &spare : &activity->counts;
}

/* The tree compares whole structs: no stray bytes behind the NULs. */
static void
activity_fill_key(
    struct activity_key *key, const struct identity *id, const char *entry)
{
	memset(key, 0, sizeof(*key));
	strcpy(key->id.tenant, id->tenant);
	strcpy(key->id.client, id->client);
	snprintf(key->entry, sizeof(key->entry), "%s", entry);
}

static struct activity_row *
activity_look_up(const struct activity *activity, const struct identity *id,
    const char *entry)
{
	struct activity_key key;
	struct activity_row **found;

	if (activity == NULL)
		return NULL;
	activity_fill_key(&key, id, entry);
	found = tfind(&key, &activity->tree, activity_compare);
	return found == NULL ? NULL : *found;
}

/* Finds the row, or makes it. NULL without memory. */
static struct activity_row *
activity_get(
    struct activity *activity, const struct identity *id, const char *entry)
{
	struct activity_row *row = activity_look_up(activity, id, entry);

	if (row != NULL || activity == NULL ||
	    (row = calloc(1, sizeof(*row))) == NULL)
		return row;
	activity_fill_key(&row->key, id, entry);
	if (tsearch(row, &activity->tree, activity_compare) == NULL) {
		free(row);
		return NULL;
	}
	return row;
}

void
activity_signed_in(
    struct activity *activity, const struct identity *id, const char *entry)
{
	struct activity_row *row = activity_get(activity, id, entry);

	if (row != NULL)
		row->signed_in = clock_wall();
}

void
activity_sent(
    struct activity *activity, const struct identity *id, const char *entry)
{
	struct activity_row *row = activity_get(activity, id, entry);

	if (row != NULL)
		row->sent = clock_wall();
}

void
activity_fails(struct activity *activity, const struct identity *id,
    const char *entry, const char *why)
{
	struct activity_row *row = activity_get(activity, id, entry);
	char *copy = row == NULL ? NULL : strdup(why);

	if (copy == NULL)
		return;
	free(row->why);
	row->why = copy;
	row->failed = clock_wall();
	if (row->failing_since != 0)
		return;
	row->failing_since = clock_wall();
	TAILQ_INSERT_TAIL(&activity->failing, row, failing);
	activity->failing_count++;
}

static void
activity_end_failure(struct activity *activity, struct activity_row *row)
{
	row->failing_since = 0;
	free(row->why);
	row->why = NULL;
	TAILQ_REMOVE(&activity->failing, row, failing);
	activity->failing_count--;
}

void
activity_works(
    struct activity *activity, const struct identity *id, const char *entry)
{
	struct activity_row *row = activity_look_up(activity, id, entry);

	if (row != NULL && row->failing_since != 0)
		activity_end_failure(activity, row);
}

void
activity_expire(struct activity *activity, long long wall)
{
	struct activity_row *row, *next;

	row = activity == NULL ? NULL : TAILQ_FIRST(&activity->failing);
	for (; row != NULL; row = next) {
		next = TAILQ_NEXT(row, failing);
		if (row->failed < wall)
			activity_end_failure(activity, row);
	}
}

const struct activity_row *
activity_find(const struct activity *activity, const struct identity *id,
    const char *entry)
{
	return activity_look_up(activity, id, entry);
}

const struct activity_row *
activity_failing_at(const struct activity *activity, size_t place)
{
	const struct activity_row *row =
	    activity == NULL ? NULL : TAILQ_FIRST(&activity->failing);

	for (; row != NULL && place > 0; place--)
		row = TAILQ_NEXT(row, failing);
	return row;
}

size_t
activity_count_failing(const struct activity *activity)
{
	return activity == NULL ? 0 : activity->failing_count;
}
