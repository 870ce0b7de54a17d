/*
 * Fuzzes the editing of content. The first byte chooses the settings, the rest
 * is a message. It must mean the same afterwards, and a second pass must change
 * nothing.
 */
#include "tests/unit/content_check.h"

#include <stdint.h>

#include "tests/unit/content_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct content_rules rules = {.queue_id = "4ZbQ2k1xYz"};
	struct buf once, again;
	const char *in;
	struct error err;

	if (size < 2)
		return 0;
	in = (const char *)data + 1;
	size--;
	rules.encode_8bit = !(data[0] & 1);
	rules.hide_client = data[0] >> 1 & 1;
	buf_init(&once, 1u << 30);
	buf_init(&again, 1u << 30);
	if (content_pass(in, size, &rules, &once, &err) == -1) {
		REQUIRE(memchr(in, '\0', size) != NULL);
		REQUIRE(strcmp(err.dsn, "5.6.0") == 0);
		return 0;
	}
	buf_add(&once, "", 0);
	content_check(span_between(in, in + size),
	    span_between(once.bytes, once.bytes + once.len), &rules);
	content_pass(once.bytes, once.len, &rules, &again, &err);
	buf_add(&again, "", 0);
	REQUIRE(once.len == again.len);
	REQUIRE(memcmp(once.bytes, again.bytes, once.len) == 0);
	buf_free(&once);
	buf_free(&again);
	return 0;
}
