/*
 * Fuzzes the edits of the agent. The input is recipients, one a line, an empty
 * line, and a message. Whatever the message is: the body stays, every
 * recipient is named somewhere, Bcc names nobody else, no X-MSGraph-* is left,
 * and a second pass changes nothing.
 */
#include <stdint.h>
#include <stdlib.h>

#include "../../agent/pipe/recipients.h"
#include "../../agent/pipe/rewrite.h"
#include "../unit/agent_message.h"
#include "address.h"
#include "header.h"

#define RECIPIENTS_MAX 16

static void
require(int true_always)
{
	if (!true_always)
		abort();
}

/* The head is just as long as it must be, so that ASan sees who reads on. */
static void
spool_init(struct spool *s, const char *message, size_t len)
{
	memset(s, 0, sizeof(*s));
	s->fd = memfd_create("spool", MFD_CLOEXEC);
	require(s->fd != -1);
	require(write(s->fd, message, len) == (ssize_t)len);
	s->head = malloc(len > 0 ? len : 1);
	require(s->head != NULL);
	if (len > 0)
		memcpy(s->head, message, len);
	s->head_len = len;
	s->raw = s->end = (long long)len;
}

/* One pass. Returns the number of edits, or -1. */
static int
pass(char *const *to, size_t count, const char *message, size_t len,
    struct buf *out)
{
	struct recipients recipients;
	struct error err;
	struct spool spool;
	struct edits edits;
	int result = -1;

	spool_init(&spool, message, len);
	edits_init(&edits, &spool);
	if (recipients_init(&recipients, to, count, &err) == 0 &&
	    rewrite(&spool, &recipients, &edits, &err) == 0) {
		message_finish(&edits, out);
		result = (int)edits.count;
	}
	recipients_free(&recipients);
	edits_free(&edits);
	spool_close(&spool);
	return result;
}

static void
mark(const struct recipients *rs, const struct header_field *f)
{
	int bcc = span_is(f->name, "Bcc");
	struct address_reader r;
	struct recipient *found;
	struct address a;

	address_init(&r, f->value.p, f->value.len);
	while (address_next(&r, &a)) {
		found = NULL;
		if (a.kind == ADDRESS_MAILBOX)
			found = recipients_find(rs, a.spec);
		require(found != NULL || !bcc);
		if (found != NULL)
			found->named = 1;
	}
}

static void
check(char *const *to, size_t count, const struct buf *out, struct span body)
{
	struct recipients recipients;
	struct header_reader r;
	struct header_field f;
	struct error err;

	require(recipients_init(&recipients, to, count, &err) == 0);
	header_init(&r, out->bytes, out->len);
	while (header_next(&r, &f)) {
		require(f.name.len < 10 ||
		    strncasecmp(f.name.p, "X-MSGraph-", 10) != 0);
		if (span_is(f.name, "To") || span_is(f.name, "Cc") ||
		    span_is(f.name, "Bcc"))
			mark(&recipients, &f);
	}
	require(recipients_hidden(&recipients) == 0);
	require(r.end != HEADER_BAD_LINE);
	require(r.body.len == body.len);
	require(memcmp(r.body.p, body.p, body.len) == 0);
	recipients_free(&recipients);
}

/* Cuts the recipients off; returns how many, or 0 where there is no message. */
static size_t
split(char *input, char *to[], char **message)
{
	size_t n = 0;
	char *end;

	for (; n <= RECIPIENTS_MAX; input = end + 1) {
		end = strchr(input, '\n');
		if (end == NULL || n == RECIPIENTS_MAX)
			return 0;
		*end = '\0';
		if (end == input)
			break;
		to[n++] = input;
	}
	*message = end + 1;
	return n;
}

/* What must come out as it went in. */
static struct span
body_of(const char *message, size_t len)
{
	struct header_reader r;
	struct header_field f;

	header_init(&r, message, len);
	while (header_next(&r, &f))
		continue;
	return r.body;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *input = malloc(size + 1), *to[RECIPIENTS_MAX], *message;
	struct buf once, again;
	size_t count, len;

	require(input != NULL);
	memcpy(input, data, size);
	input[size] = '\0';
	buf_init(&once, 4 * size + 4096);
	buf_init(&again, 4 * size + 4096);
	count = split(input, to, &message);
	if (count == 0)
		goto out;
	len = size - (size_t)(message - input);
	if (pass(to, count, message, len, &once) == -1)
		goto out;
	buf_add(&once, "", 0);
	check(to, count, &once, body_of(message, len));
	require(pass(to, count, once.bytes, once.len, &again) == 0);
	require(once.len == again.len);
	require(memcmp(once.bytes, again.bytes, once.len) == 0);
out:
	buf_free(&once);
	buf_free(&again);
	free(input);
	return 0;
}
