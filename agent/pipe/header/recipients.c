/*
 * recipients.c - the recipients of the envelope. See recipients.h.
 *
 * Looked up by binary search over their keys, so that a header with 100,000
 * addresses costs 100,000 short look-ups.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mail/address.h"
#include "recipients.h"

static struct span
recipients_whole(const char *text)
{
	return span_between(text, text + strlen(text));
}

/* By key; equal ones in the order of the list, which is that of memory. */
static int
recipients_compare(const void *a, const void *b)
{
	const struct recipient *ra = *(struct recipient *const *)a;
	const struct recipient *rb = *(struct recipient *const *)b;
	int order = strcmp(ra->key, rb->key);

	if (order != 0)
		return order;
	return ra < rb ? -1 : ra > rb;
}

static int
recipients_compare_originals(const void *a, const void *b)
{
	const struct original *oa = a, *ob = b;

	return strcmp(oa->key, ob->key);
}

static int
recipients_take(struct recipient *r, const char *address, struct error *err)
{
	char key[ADDRESS_KEY_SIZE];

	r->unwritable =
	    address_header_key(recipients_whole(address), key) == -1;
	/* as a key, it is no other recipient's: that one could be written */
	r->key = strdup(r->unwritable ? address : key);
	if (r->key == NULL)
		return error_no_memory(err);
	r->address = r->key;
	if (!r->unwritable && address_is_ascii(recipients_whole(address)) &&
	    address_is_unambiguous(recipients_whole(address)))
		r->address = address;
	return 0;
}

static void
recipients_sort(struct recipients *rs)
{
	struct recipient *r;
	size_t i, n = 0;

	for (i = 0; i < rs->count; i++)
		rs->sorted[i] = &rs->list[i];
	qsort(rs->sorted, rs->count, sizeof(*rs->sorted), recipients_compare);
	for (i = 0; i < rs->count; i++) {
		r = rs->sorted[i];
		if (n == 0 || strcmp(rs->sorted[n - 1]->key, r->key) != 0)
			rs->sorted[n++] = r;
		r->rank = n - 1;
	}
	rs->sorted_count = n;
}

/* --- what Postfix rewrote --- */

/* An alias that stands for several people shall not show who they are. */
static void
recipients_join_originals(struct recipients *rs)
{
	struct original *o = rs->originals, *last;
	size_t i, n = 0;

	qsort(o, rs->original_count, sizeof(*o), recipients_compare_originals);
	for (i = 0; i < rs->original_count; i++) {
		last = n > 0 ? &o[n - 1] : NULL;
		if (last == NULL || strcmp(last->key, o[i].key) != 0) {
			o[n++] = o[i];
			continue;
		}
		if (last->recipient != o[i].recipient)
			last->recipient = NULL;
		free(o[i].key);
	}
	rs->original_count = n;
}

static int
recipients_add_originals(
    struct recipients *rs, const char *const *originals, struct error *err)
{
	char key[ADDRESS_KEY_SIZE];
	struct original *o;
	size_t i;

	for (i = 0; i < rs->count; i++) {
		if (address_key(recipients_whole(originals[i]), key,
			sizeof(key)) == -1 ||
		    strcmp(key, rs->list[i].key) == 0)
			continue;
		if (rs->originals == NULL)
			rs->originals = calloc(rs->count, sizeof(*o));
		if (rs->originals == NULL)
			return error_no_memory(err);
		o = &rs->originals[rs->original_count];
		o->key = strdup(key);
		if (o->key == NULL)
			return error_no_memory(err);
		o->recipient = rs->sorted[rs->list[i].rank];
		rs->original_count++;
	}
	if (rs->original_count > 0)
		recipients_join_originals(rs);
	return 0;
}

/* --- birth and death --- */

int
recipients_init(struct recipients *rs, char *const *addresses,
    const char *const *originals, size_t count, struct error *err)
{
	size_t i;

	memset(rs, 0, sizeof(*rs));
	rs->list = calloc(count, sizeof(*rs->list));
	rs->sorted = calloc(count, sizeof(*rs->sorted));
	if (rs->list == NULL || rs->sorted == NULL)
		return error_no_memory(err);
	rs->count = count;
	for (i = 0; i < count; i++)
		if (recipients_take(&rs->list[i], addresses[i], err) == -1)
			return -1;
	recipients_sort(rs);
	recipients_choose(rs, 0, count);
	return originals == NULL ? 0
				 : recipients_add_originals(rs, originals, err);
}

void
recipients_free(struct recipients *rs)
{
	size_t i;

	for (i = 0; i < rs->count; i++)
		free(rs->list[i].key);
	for (i = 0; i < rs->original_count; i++)
		free(rs->originals[i].key);
	free(rs->list);
	free(rs->sorted);
	free(rs->originals);
	memset(rs, 0, sizeof(*rs));
}

/* --- one call --- */

void
recipients_choose(struct recipients *rs, size_t rank, size_t count)
{
	size_t i;

	rs->from = rank;
	rs->to =
	    rs->sorted_count - rank > count ? rank + count : rs->sorted_count;
	for (i = rs->from; i < rs->to; i++)
		rs->sorted[i]->left_out = rs->sorted[i]->unwritable;
	recipients_forget_places(rs);
}

void
recipients_forget_places(struct recipients *rs)
{
	size_t i;

	for (i = rs->from; i < rs->to; i++) {
		rs->sorted[i]->place = NULL;
		rs->sorted[i]->resent = 0;
	}
}

void
recipients_leave_out(struct recipients *rs, size_t rank)
{
	rs->sorted[rank]->left_out = 1;
}

size_t
recipients_chosen(const struct recipients *rs)
{
	return rs->to - rs->from;
}

int
recipient_is_chosen(const struct recipients *rs, const struct recipient *r)
{
	return r->rank >= rs->from && r->rank < rs->to &&
	    !rs->sorted[r->rank]->left_out;
}

static struct recipient *
recipients_search(const struct recipients *rs, const char *key)
{
	size_t low = 0, high = rs->sorted_count, middle;
	int order;

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

static const struct original *
recipients_search_original(const struct recipients *rs, char *key)
{
	struct original wanted = {.key = key};

	if (rs->original_count == 0)
		return NULL;
	return bsearch(&wanted, rs->originals, rs->original_count,
	    sizeof(wanted), recipients_compare_originals);
}

static struct recipient *
recipients_if_chosen(const struct recipients *rs, struct recipient *r)
{
	return r != NULL && recipient_is_chosen(rs, r) ? r : NULL;
}

struct recipient *
recipients_find(const struct recipients *rs, struct span spec)
{
	char key[ADDRESS_KEY_SIZE];

	if (address_key(spec, key, sizeof(key)) == -1)
		return NULL;
	return recipients_if_chosen(rs, recipients_search(rs, key));
}

/* An address that is in the envelope itself stands for nobody else. */
struct recipient *
recipients_find_rewritten(const struct recipients *rs, struct span spec)
{
	const struct original *o;
	char key[ADDRESS_KEY_SIZE];

	if (rs->original_count == 0 ||
	    address_key(spec, key, sizeof(key)) == -1 ||
	    recipients_search(rs, key) != NULL)
		return NULL;
	o = recipients_search_original(rs, key);
	return o == NULL ? NULL : recipients_if_chosen(rs, o->recipient);
}

struct recipient *
recipients_at(const struct recipients *rs, struct span spec)
{
	struct recipient *r = recipients_find(rs, spec);

	if (r == NULL)
		r = recipients_find_rewritten(rs, spec);
	return r != NULL && r->place == spec.p ? r : NULL;
}

int
recipients_know(const struct recipients *rs, struct span spec)
{
	char key[ADDRESS_KEY_SIZE];

	return address_key(spec, key, sizeof(key)) != -1 &&
	    (recipients_search(rs, key) != NULL ||
		recipients_search_original(rs, key) != NULL);
}

int
recipient_is_hidden(const struct recipients *rs, const struct recipient *r)
{
	return recipient_is_chosen(rs, r) && rs->sorted[r->rank] == r &&
	    r->place == NULL;
}

size_t
recipients_hidden(const struct recipients *rs)
{
	size_t i, n = 0;

	for (i = rs->from; i < rs->to; i++)
		if (recipient_is_hidden(rs, rs->sorted[i]))
			n++;
	return n;
}
