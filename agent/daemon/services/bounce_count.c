/*
 * bounce_count.c - see bounce_count.h.
 *
 * Only mailboxes that have sent are counted, and few get notices at a time, so
 * they stand in a list.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "bounce_count.h"

struct bounce_count {
	LIST_ENTRY(bounce_count) entry;
	long long began; /* clock_ms() */
	int count;
	char mailbox[];
};

int
bounce_count_add(struct bounce_counts *counts, const char *mailbox)
{
	struct bounce_count *count;

	bounce_counts_forget(counts);
	for (count = LIST_FIRST(counts); count != NULL;
	     count = LIST_NEXT(count, entry))
		if (strcmp(count->mailbox, mailbox) == 0)
			break;
	if (count == NULL) {
		count = calloc(1, sizeof(*count) + strlen(mailbox) + 1);
		if (count == NULL)
			return -1;
		strcpy(count->mailbox, mailbox);
		count->began = clock_ms();
		LIST_INSERT_HEAD(counts, count, entry);
	}
	if (count->count < INT_MAX)
		count->count++;
	return count->count;
}

void
bounce_counts_forget(struct bounce_counts *counts)
{
	struct bounce_count *count, *next;

	for (count = LIST_FIRST(counts); count != NULL; count = next) {
		next = LIST_NEXT(count, entry);
		if (clock_ms() - count->began < BOUNCE_COUNT_MS)
			continue;
		LIST_REMOVE(count, entry);
		free(count);
	}
}

void
bounce_counts_clear(struct bounce_counts *counts)
{
	struct bounce_count *count;

	while ((count = LIST_FIRST(counts)) != NULL) {
		LIST_REMOVE(count, entry);
		free(count);
	}
}
