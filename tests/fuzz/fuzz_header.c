/*
 * Fuzzes the reader of header fields: the fields and the body tile the input,
 * and a field read alone is the same field.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/mail/header.h"
#include "tests/unit/require.h"

static void
check_field(const struct header_field *f)
{
	struct header_reader r;
	struct header_field again;

	REQUIRE(header_name_valid(f->name));
	REQUIRE(f->name.p == f->whole.p);
	REQUIRE(f->value.p > span_end(f->name));
	REQUIRE(f->value.p[-1] == ':');
	REQUIRE(span_end(f->value) <= span_end(f->whole));
	REQUIRE(f->folded == (memchr(f->value.p, '\n', f->value.len) != NULL));
	header_init(&r, f->whole.p, f->whole.len);
	REQUIRE(header_next(&r, &again) == 1);
	REQUIRE(again.value.p == f->value.p && again.value.len == f->value.len);
	REQUIRE(header_next(&r, &again) == 0);
	REQUIRE(r.end == HEADER_INPUT_END);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *input = (const char *)data, *next = input;
	struct header_reader r;
	struct header_field f;

	header_init(&r, input, size);
	while (header_next(&r, &f)) {
		REQUIRE(f.whole.p == next && f.whole.len > 0);
		next = span_end(f.whole);
		check_field(&f);
	}
	REQUIRE(r.end != HEADER_OPEN);
	REQUIRE(r.fields.p == input && span_end(r.fields) == next);
	REQUIRE(r.body.p >= next && r.body.p - next <= 2);
	REQUIRE(span_end(r.body) == input + size);
	REQUIRE((r.body.p != next) == (r.end == HEADER_EMPTY_LINE));
	return 0;
}
