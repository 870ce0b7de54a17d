/*
 * recipients.c - the recipients of the envelope. See recipients.h.
 *
 * Looked up by binary search over their keys, so that a header with 100,000
 * addresses costs 100,000 short look-ups.
 */
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "recipients.h"

static struct span
whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

/* By key; equal ones in the order of the list, which is that of memory. */
static int
compare(const void *a, const void *b)
{
	const struct recipient *ra = *(struct recipient *const *)a;
	const struct recipient *rb = *(struct recipient *const *)b;
	int order = strcmp(ra->key, rb->key);

	if (order != 0)
		return order;
	return ra < rb ? -1 : ra > rb;
}

/* 1 when every reader finds this one address in it. */
static int
is_sound(const char *text)
{
	struct address_reader r;
	struct address a;

	address_init(&r, text, strlen(text));
	return address_next(&r, &a) && a.kind == ADDRESS_MAILBOX && !a.loose &&
	    !address_next(&r, &a);
}

static int
take(struct recipient *r, const char *address, struct error *err)
{
	char key[ADDRESS_KEY_SIZE];

	if (address_key(whole(address), key, sizeof(key)) == -1 ||
	    !is_sound(key))
		return error_set(err, ERROR_PERMANENT, "5.1.3",
		    "recipient <%s> is not an address that can be written "
		    "into a message",
		    address);
	r->key = strdup(key);
	if (r->key == NULL)
		return error_set(
		    err, ERROR_TEMPORARY, "4.3.0", "memory is short");
	r->address = is_sound(address) ? address : r->key;
	return 0;
}

static void
sort(struct recipients *rs)
{
	struct recipient *r;
	size_t i;

	for (i = 0; i < rs->count; i++)
		rs->sorted[i] = &rs->list[i];
	qsort(rs->sorted, rs->count, sizeof(*rs->sorted), compare);
	for (i = 0; i < rs->count; i++) {
		r = rs->sorted[i];
		if (rs->sorted_count > 0 &&
		    strcmp(rs->sorted[rs->sorted_count - 1]->key, r->key) == 0)
			r->again = 1;
		else
			rs->sorted[rs->sorted_count++] = r;
	}
}

int
recipients_init(struct recipients *rs, char *const *addresses, size_t count,
    struct error *err)
{
	size_t i;

	memset(rs, 0, sizeof(*rs));
	rs->list = calloc(count, sizeof(*rs->list));
	rs->sorted = calloc(count, sizeof(*rs->sorted));
	if (rs->list == NULL || rs->sorted == NULL)
		return error_set(
		    err, ERROR_TEMPORARY, "4.3.0", "memory is short");
	rs->count = count;
	for (i = 0; i < count; i++)
		if (take(&rs->list[i], addresses[i], err) == -1)
			return -1;
	sort(rs);
	return 0;
}

void
recipients_free(struct recipients *rs)
{
	size_t i;

	for (i = 0; i < rs->count; i++)
		free(rs->list[i].key);
	free(rs->list);
	free(rs->sorted);
	memset(rs, 0, sizeof(*rs));
}

struct recipient *
recipients_find(const struct recipients *rs, struct span spec)
{
	char key[ADDRESS_KEY_SIZE];
	size_t low = 0, high = rs->sorted_count, middle;
	int order;

	if (address_key(spec, key, sizeof(key)) == -1)
		return NULL;
	while (low < high) {
		middle = low + (high - low) / 2;
		order = strcmp(key, rs->sorted[middle]->key);
		if (order == 0)
			return rs->sorted[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

int
recipient_is_hidden(const struct recipient *r)
{
	return !r->again && !r->named;
}

size_t
recipients_hidden(const struct recipients *rs)
{
	size_t i, n = 0;

	for (i = 0; i < rs->count; i++)
		if (recipient_is_hidden(&rs->list[i]))
			n++;
	return n;
}
