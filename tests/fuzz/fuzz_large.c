/*
 * Fuzzes the taking out of attachments. The input is a message in which each
 * byte 1 stands for a run that is long enough to be taken out. The rest must
 * fit, and hold all other parts as they were; what was taken out must lie in
 * the spool file.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/pipe/large/large_private.h"
#include "tests/unit/agent_message.h"
#include "tests/unit/require.h"
#include "tests/unit/mime_text.h"

#define LIMIT 3000
#define RUN "QUFB" /* base64, and no line end */
#define RUN_COUNT (LARGE_PART_MIN / 4)
#define LEAVES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
is_taken(const struct large *large, long long body)
{
	size_t i;

	for (i = 0; large != NULL && i < large->count; i++)
		if (large->list[i].body.from == body)
			return 1;
	return 0;
}

/* The bodies of all leaves that hold something and were not taken. */
static size_t
leaves(struct span message, const struct large *taken, struct span *list)
{
	struct mime_source source = {
	    read_span, &message, (long long)message.len};
	struct mime_reader *r = mime_new(&source);
	enum mime_event event;
	struct mime_part part;
	struct error err;
	size_t n = 0;

	REQUIRE(r != NULL);
	while ((event = mime_next(r, &part, &err)) != MIME_END) {
		REQUIRE(event != MIME_ERROR);
		if (event == MIME_LEAF && part.body.from < part.body.to &&
		    !is_taken(taken, part.body.from) && n < LEAVES_MAX)
			list[n++] = span_between(message.p + part.body.from,
			    message.p + part.body.to);
	}
	mime_free(&r);
	return n;
}

static void
check_rest(struct span in, const struct large *taken, struct span out)
{
	static struct span before[LEAVES_MAX], after[LEAVES_MAX];
	size_t i, n = leaves(in, taken, before);

	REQUIRE(out.len <= LIMIT);
	REQUIRE(leaves(out, NULL, after) == n);
	for (i = 0; i < n; i++)
		REQUIRE(before[i].len == after[i].len &&
		    memcmp(before[i].p, after[i].p, after[i].len) == 0);
}

static void
check_record(const struct large *taken, const struct spool *spool)
{
	struct buf record;
	size_t i;

	buf_init(&record, WIRE_RECORD_MAX);
	REQUIRE(large_fields(taken, &record) == 0);
	for (i = 0; i < taken->count; i++)
		REQUIRE(taken->list[i].len > 0 &&
		    taken->list[i].at >= spool->raw &&
		    taken->list[i].at + taken->list[i].len <= spool->end);
	buf_free(&record);
}

static void
check(struct span in)
{
	const struct conf conf = {.sendmail_limit = LIMIT};
	struct spool spool = {.raw = (long long)in.len,
	    .end = (long long)in.len,
	    .fd = memfd_create("message", MFD_CLOEXEC)};
	struct edits edits;
	struct large large;
	struct error err;
	struct buf out;

	REQUIRE(write(spool.fd, in.p, in.len) == (ssize_t)in.len);
	edits_init(&edits, &spool);
	if (large_edit(&edits, &conf, &large, &err) == -1) {
		REQUIRE(strcmp(err.dsn, "5.3.4") == 0);
	} else {
		buf_init(&out, 1u << 30);
		buf_add(&out, "", 0);
		message_finish(&edits, &out);
		check_rest(
		    in, &large, span_between(out.bytes, out.bytes + out.len));
		check_record(&large, &spool);
		buf_free(&out);
	}
	large_free(&large);
	edits_free(&edits);
	close(spool.fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf in;
	size_t i, j;

	buf_init(&in, 1u << 30);
	buf_add(&in, "", 0);
	for (i = 0; i < size; i++) {
		if (data[i] != 1)
			buf_add(&in, &data[i], 1);
		for (j = 0; data[i] == 1 && j < RUN_COUNT; j++)
			buf_add_string(&in, RUN);
	}
	check(span_between(in.bytes, in.bytes + in.len));
	buf_free(&in);
	return 0;
}
