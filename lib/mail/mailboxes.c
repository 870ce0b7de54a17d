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
#include "mailbox_unfit.h"
#include "mailboxes.h"

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

void
mailboxes_read(struct mailboxes *m, struct span value)
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
