/*
 * Fuzzes the reader of header fields: the fields and the body tile the input,
 * and a field read alone is the same field.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/mail/header.h"

static void
require(int true_always)
{
	if (!true_always)
		abort();
}

static void
check_field(const struct header_field *f)
{
	struct header_reader r;
	struct header_field again;

	require(header_name_valid(f->name));
	require(f->name.p == f->whole.p);
	require(f->value.p > span_end(f->name));
	require(f->value.p[-1] == ':');
	require(span_end(f->value) <= span_end(f->whole));
	require(f->folded == (memchr(f->value.p, '\n', f->value.len) != NULL));
	header_init(&r, f->whole.p, f->whole.len);
	require(header_next(&r, &again) == 1);
	require(again.value.p == f->value.p && again.value.len == f->value.len);
	require(header_next(&r, &again) == 0);
	require(r.end == HEADER_INPUT_END);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *input = (const char *)data, *next = input;
	struct header_reader r;
	struct header_field f;

	header_init(&r, input, size);
	while (header_next(&r, &f)) {
		require(f.whole.p == next && f.whole.len > 0);
		next = span_end(f.whole);
		check_field(&f);
	}
	require(r.end != HEADER_OPEN);
	require(r.fields.p == input && span_end(r.fields) == next);
	require(r.body.p >= next && r.body.p - next <= 2);
	require(span_end(r.body) == input + size);
	require((r.body.p != next) == (r.end == HEADER_EMPTY_LINE));
	return 0;
}
