/*
 * Fuzzes the reader of address lists: the slots tile the value, all spans lie
 * where they should, a mailbox read alone is the same mailbox, and the key of a
 * key is itself.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/mail/address.h"
#include "tests/unit/require.h"

static int
inside(struct span s, struct span outer)
{
	return s.len == 0 || (s.p >= outer.p && span_end(s) <= span_end(outer));
}

static void
check_spans(const struct address *a)
{
	REQUIRE(a->slot.len > 0 && a->text.len > 0);
	REQUIRE(inside(a->text, a->slot));
	REQUIRE(inside(a->name, a->text));
	REQUIRE(inside(a->comment, a->text));
	REQUIRE(inside(a->angle, a->text));
	REQUIRE(inside(a->spec, a->angle.len > 0 ? a->angle : a->text));
	REQUIRE(inside(a->local, a->spec));
	REQUIRE(inside(a->domain, a->spec));
	REQUIRE((a->kind == ADDRESS_MAILBOX) == (a->spec.len > 0));
	REQUIRE((a->kind == ADDRESS_BAD) == (a->reason != NULL));
}

static void
check_alone(const struct address *a)
{
	struct address_reader r;
	struct address again;

	address_init(&r, a->text.p, a->text.len);
	REQUIRE(address_next(&r, &again) == 1);
	REQUIRE(again.kind == ADDRESS_MAILBOX);
	REQUIRE(again.spec.p == a->spec.p && again.spec.len == a->spec.len);
	REQUIRE(address_next(&r, &again) == 0);
	address_init(&r, a->spec.p, a->spec.len);
	REQUIRE(address_next(&r, &again) == 1);
	REQUIRE(again.spec.p == a->spec.p && again.spec.len == a->spec.len);
}

static void
check_key(struct span spec)
{
	char key[ADDRESS_KEY_SIZE], again[ADDRESS_KEY_SIZE], *exact;
	struct span whole;
	int len = address_key(spec, key, sizeof(key));

	if (len == -1)
		return;
	REQUIRE(strlen(key) == (size_t)len);
	whole = span_between(key, key + len);
	/* a label that was no UTF-8 or too long may shrink no further */
	REQUIRE(address_key(whole, again, sizeof(again)) == len);
	REQUIRE(strcmp(key, again) == 0);
	REQUIRE(address_equal(whole, spec));
	exact = malloc((size_t)len + 1);
	REQUIRE(exact != NULL);
	REQUIRE(address_key(spec, exact, (size_t)len) == -1);
	REQUIRE(address_key(spec, exact, (size_t)len + 1) == len);
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
		REQUIRE(a.slot.p == next);
		next = span_end(a.slot);
		check_spans(&a);
		if (a.kind != ADDRESS_MAILBOX)
			continue;
		check_alone(&a);
		check_key(a.spec);
	}
	REQUIRE(next <= value + size);
	check_key(span_between(value, value + size));
	return 0;
}
