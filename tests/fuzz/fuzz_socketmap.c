/*
 * Fuzzes the reader of a socketmap server's answers. However the bytes are cut,
 * no beginning of an answer is taken for the whole or for none, and nothing is
 * read behind the end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/maps/netstring.h"
#include "tests/unit/require.h"

#define MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum netstring_result
parse_exactly(const char *bytes, size_t len, struct span *inside, size_t *used)
{
	char *copy = malloc(len == 0 ? 1 : len);
	enum netstring_result result;

	REQUIRE(copy != NULL);
	memcpy(copy, bytes, len);
	result = netstring_parse(copy, len, MAX, inside, used);
	if (result == NETSTRING_DONE) {
		REQUIRE(inside->p >= copy && inside->len <= MAX);
		REQUIRE(*used <= len && inside->p + inside->len <= copy + len);
		inside->p = bytes + (inside->p - copy);
	}
	free(copy);
	return result;
}

static void
check_whole(const char *bytes, const struct span *inside, size_t used)
{
	struct span text, other;
	enum socketmap_status status;
	struct buf again;
	size_t len, n;

	buf_init(&again, MAX + 20);
	REQUIRE(buf_printf(&again, "%zu:", inside->len) == 0);
	REQUIRE(buf_add(&again, inside->p, inside->len) == 0);
	REQUIRE(buf_add(&again, ",", 1) == 0);
	REQUIRE(again.len == used && memcmp(again.bytes, bytes, used) == 0);
	buf_free(&again);
	for (len = 0; len < used; len++)
		REQUIRE(
		    parse_exactly(bytes, len, &other, &n) == NETSTRING_MORE);
	status = socketmap_parse(inside, &text);
	REQUIRE(text.p + text.len == inside->p + inside->len);
	REQUIRE(status == SOCKETMAP_NONE || inside->len >= 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct span inside;
	size_t used;

	if (parse_exactly(bytes, size, &inside, &used) == NETSTRING_DONE)
		check_whole(bytes, &inside, used);
	return 0;
}
