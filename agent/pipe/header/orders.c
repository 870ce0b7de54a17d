/*
 * orders.c - reads the milter's orders. See orders.h. The fields leave the
 * message with all that are named X-MSGraph-*: rewrite.c.
 */
#include "lib/mail/header.h"
#include "orders.h"

struct orders
orders_read(struct span head)
{
	struct orders orders = {0, 0};
	struct header_reader r;
	struct header_field f;

	header_init(&r, head.p, head.len);
	while (header_next(&r, &f)) {
		if (span_is(f.name, "X-MSGraph-From"))
			orders.replace_from |=
			    span_is(span_trim(f.value), "replace");
		else if (span_is(f.name, "X-MSGraph-Recipients"))
			orders.trim |= span_is(span_trim(f.value), "trim");
	}
	return orders;
}
