/*
 * Fuzzes the reader of address lists: the slots tile the value, all spans lie
 * where they should, a mailbox read alone is the same mailbox, and the key of a
 * key is itself.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/mail/address.h"

static void
require(int true_always)
{
	if (!true_always)
		abort();
}

static int
inside(struct span s, struct span outer)
{
	return s.len == 0 || (s.p >= outer.p && span_end(s) <= span_end(outer));
}

static void
check_spans(const struct address *a)
{
	require(a->slot.len > 0 && a->text.len > 0);
	require(inside(a->text, a->slot));
	require(inside(a->name, a->text));
	require(inside(a->comment, a->text));
	require(inside(a->angle, a->text));
	require(inside(a->spec, a->angle.len > 0 ? a->angle : a->text));
	require(inside(a->local, a->spec));
	require(inside(a->domain, a->spec));
	require((a->kind == ADDRESS_MAILBOX) == (a->spec.len > 0));
	require((a->kind == ADDRESS_BAD) == (a->reason != NULL));
}

static void
check_alone(const struct address *a)
{
	struct address_reader r;
	struct address again;

	address_init(&r, a->text.p, a->text.len);
	require(address_next(&r, &again) == 1);
	require(again.kind == ADDRESS_MAILBOX);
	require(again.spec.p == a->spec.p && again.spec.len == a->spec.len);
	require(address_next(&r, &again) == 0);
	address_init(&r, a->spec.p, a->spec.len);
	require(address_next(&r, &again) == 1);
	require(again.spec.p == a->spec.p && again.spec.len == a->spec.len);
}

static void
check_key(struct span spec)
{
	char key[ADDRESS_KEY_SIZE], again[ADDRESS_KEY_SIZE], *exact;
	struct span whole;
	int len = address_key(spec, key, sizeof(key));

	if (len == -1)
		return;
	require(strlen(key) == (size_t)len);
	whole = span_between(key, key + len);
	/* a label that was no UTF-8 or too long may shrink no further */
	require(address_key(whole, again, sizeof(again)) == len);
	require(strcmp(key, again) == 0);
	require(address_equal(whole, spec));
	exact = malloc((size_t)len + 1);
	require(exact != NULL);
	require(address_key(spec, exact, (size_t)len) == -1);
	require(address_key(spec, exact, (size_t)len + 1) == len);
	free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *value = (const char *)data, *next = value;
	struct address_reader r;
	struct address a;

	address_init(&r, value, size);
	while (address_next(&r, &a)) {
		require(a.slot.p == next);
		next = span_end(a.slot);
		check_spans(&a);
		if (a.kind != ADDRESS_MAILBOX)
			continue;
		check_alone(&a);
		check_key(a.spec);
	}
	require(next <= value + size);
	check_key(span_between(value, value + size));
	return 0;
}
