/*
 * mailboxes.c - see mailboxes.h.
 *
 * An address without a key (a control character in quotes, a local part of
 * 1,000 bytes) names nobody: no mailbox of Exchange can have it, it cannot be
 * compared with others, and it is no reason to believe or to doubt the
 * addresses beside it. An address that no mailbox can have is passed over too,
 * but remembered, because replies would go to it. Pure functions over bytes,
 * for any thread.
 */
#include "lib/base/utf8.h"
#include "mailbox_unfit.h"
#include "mailboxes.h"

#define RAW_MAX 4096 /* a longer one is read byte by byte alone */

static void
mailboxes_add_unfit(struct mailboxes *m, const struct address *a,
    const char *key, const char *reason)
{
	if (m->unfit_count++ > 0) {
		m->unfit_count = 2;
		return;
	}
	m->first_unfit = *a;
	m->unfit_reason = reason;
	strcpy(m->unfit, key);
}

static void
mailboxes_add(struct mailboxes *m, const struct address *a, const char *key)
{
	const char *reason = mailbox_unfit(key);

	if (reason != NULL) {
		mailboxes_add_unfit(m, a, key, reason);
		return;
	}
	if (m->count == 0) {
		m->count = 1;
		m->first = *a;
		strcpy(m->key, key);
	} else if (strcmp(key, m->key) != 0)
		m->count = 2;
	if (!m->has_own && m->own != NULL && strcmp(key, m->own) == 0) {
		m->has_own = 1;
		m->found = *a;
	}
}

static void
mailboxes_read_bytes(struct mailboxes *m, struct span value)
{
	char key[ADDRESS_KEY_SIZE];
	struct address_reader r;
	struct address a;

	address_init(&r, value.p, value.len);
	while (address_next(&r, &a)) {
		if (m->addresses < 2)
			m->addresses++;
		if (a.kind == ADDRESS_MAILBOX &&
		    address_key(a.spec, key, sizeof(key)) != -1)
			mailboxes_add(m, &a, key);
	}
	m->ambiguous |= r.ambiguous;
}

/* --- text that may have characters of two bytes --- */

/*
 * Copies the value, with an 8-bit byte for each that may be the second one of a
 * character in Big5, Shift_JIS, GBK or EUC-KR.
 */
static void
mailboxes_mask(struct span value, char *masked)
{
	unsigned char first, second;
	size_t i;

	memcpy(masked, value.p, value.len);
	for (i = 0; i + 1 < value.len; i++) {
		first = (unsigned char)value.p[i];
		second = (unsigned char)value.p[i + 1];
		if (first > 0x80 && first < 0xFF && second >= 0x40 &&
		    second != 0x7F)
			masked[++i] |= (char)0x80;
	}
}

static void
mailboxes_move_span(struct span *s, const char *from, struct span to)
{
	if (s->p != NULL)
		s->p = to.p + (s->p - from);
}

/* Makes spans of a copy those of the value. */
static void
mailboxes_move(struct address *a, const char *from, struct span to)
{
	mailboxes_move_span(&a->slot, from, to);
	mailboxes_move_span(&a->text, from, to);
	mailboxes_move_span(&a->name, from, to);
	mailboxes_move_span(&a->comment, from, to);
	mailboxes_move_span(&a->angle, from, to);
	mailboxes_move_span(&a->spec, from, to);
	mailboxes_move_span(&a->local, from, to);
	mailboxes_move_span(&a->domain, from, to);
}

/* Adds what one field names to what others do. */
static void
mailboxes_join(struct mailboxes *m, const struct mailboxes *one)
{
	m->addresses += one->addresses;
	if (m->addresses > 2)
		m->addresses = 2;
	m->ambiguous |= one->ambiguous;
	m->by_pairs |= one->by_pairs;
	if (one->count > 0)
		mailboxes_add(m, &one->first, one->key);
	if (one->has_own)
		mailboxes_add(m, &one->found, one->own);
	if (one->count > 1)
		m->count = 2;
	if (one->unfit_count > 0)
		mailboxes_add_unfit(
		    m, &one->first_unfit, one->unfit, one->unfit_reason);
	if (one->unfit_count > 1)
		m->unfit_count = 2;
}

static void
mailboxes_read_raw(struct mailboxes *m, struct span value)
{
	struct mailboxes bytes = {.own = m->own}, pairs = {.own = m->own};
	char masked[RAW_MAX];

	mailboxes_read_bytes(&bytes, value);
	if (value.len <= RAW_MAX) {
		mailboxes_mask(value, masked);
		mailboxes_read_bytes(
		    &pairs, span_between(masked, masked + value.len));
		mailboxes_move(&pairs.first, masked, value);
		mailboxes_move(&pairs.found, masked, value);
		mailboxes_move(&pairs.first_unfit, masked, value);
		pairs.by_pairs = 1;
	}
	if (bytes.count == 0 && pairs.count > 0) {
		mailboxes_join(m, &pairs);
		return;
	}
	if (pairs.count > 0 && strcmp(pairs.key, bytes.key) != 0)
		bytes.count = 2;
	mailboxes_join(m, &bytes);
}

void
mailboxes_read(struct mailboxes *m, struct span value)
{
	if (utf8_is(value))
		mailboxes_read_bytes(m, value);
	else
		mailboxes_read_raw(m, value);
}
