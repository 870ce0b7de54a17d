/*
 * Fuzzes the edits of the agent. The input is recipients, one a line, each with
 * what Postfix rewrote it from after a blank if that is known, an empty
 * line, and a message. A first line "keep" keeps header addresses. Whatever the
 * message is: the body stays; To, Cc and Bcc name every recipient once and
 * nobody else; every reader reads them alike, those that look for encoded words
 * first too; no X-MSGraph-* is left; and a second pass changes nothing.
 */
#include <stdint.h>
#include <stdlib.h>

#include "agent/pipe/header/recipients.h"
#include "agent/pipe/header/rewrite.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "tests/unit/agent_message.h"
#include "tests/unit/require.h"

#define RECIPIENTS_MAX 16

/* The head is just as long as it must be, so that ASan sees who reads on. */
static void
spool_init(struct spool *s, const char *message, size_t len)
{
	memset(s, 0, sizeof(*s));
	s->fd = memfd_create("spool", MFD_CLOEXEC);
	REQUIRE(s->fd != -1);
	REQUIRE(write(s->fd, message, len) == (ssize_t)len);
	s->head = malloc(len > 0 ? len : 1);
	REQUIRE(s->head != NULL);
	if (len > 0)
		memcpy(s->head, message, len);
	s->head_len = len;
	s->raw = s->end = (long long)len;
}

struct envelope {
	char *to[RECIPIENTS_MAX];
	const char *originals[RECIPIENTS_MAX];
	size_t count;
	struct rewrite_rules rules;
};

/* One pass. Returns the number of edits; -1 also where no recipient is one. */
static int
pass(const struct envelope *e, const char *message, size_t len, struct buf *out)
{
	struct recipients recipients;
	struct error err;
	struct spool spool;
	struct edits edits;
	int signature_broken, result = -1;

	spool_init(&spool, message, len);
	edits_init(&edits, &spool);
	if (recipients_init(&recipients, e->to, e->originals, e->count, &err) ==
		0 &&
	    recipients_hidden(&recipients) > 0 &&
	    rewrite(&spool, &e->rules, &recipients, &edits, &signature_broken,
		&err) == 0) {
		message_finish(&edits, out);
		result = (int)edits.count;
	}
	recipients_free(&recipients);
	edits_free(&edits);
	spool_close(&spool);
	return result;
}

/*
 * No encoded word holds what is special outside of one. (Where an address of
 * the envelope holds a "=?", one may seem to start there; so a "@" ends it.)
 */
static void
check_words(struct span value)
{
	const char *p = value.p, *limit = span_end(value), *first, *end;

	while ((p = memmem(p, (size_t)(limit - p), "=?", 2)) != NULL) {
		p += 2;
		first = memchr(p, '?', (size_t)(limit - p));
		if (first == NULL || limit - first < 3 || first[2] != '?' ||
		    strchr("BbQq", first[1]) == NULL ||
		    memchr(p, '@', (size_t)(first - p)) != NULL)
			continue;
		end = memmem(first + 3, (size_t)(limit - first - 3), "?=", 2);
		if (end == NULL)
			continue;
		for (; p < end; p++)
			REQUIRE(strchr("\"()<>\\", *p) == NULL);
		p = end + 2;
	}
}

/* Resent-To and Resent-Cc may name who stands in To as well, but none else. */
static void
mark(const struct envelope *e, const struct recipients *rs,
    const struct header_field *f)
{
	int resent = f->name.len > 3;
	struct address_reader r;
	struct recipient *found;
	struct address a;

	check_words(f->value);
	address_init(&r, f->value.p, f->value.len);
	while (address_next(&r, &a)) {
		REQUIRE(a.kind != ADDRESS_BAD && !a.ambiguous);
		if (a.kind != ADDRESS_MAILBOX)
			continue;
		found = recipients_find(rs, a.spec);
		REQUIRE(found != NULL || e->rules.keep);
		if (found == NULL || resent)
			continue;
		REQUIRE(found->place == NULL);
		found->place = a.spec.p;
	}
}

static int
is_list(struct span name)
{
	return span_is(name, "To") || span_is(name, "Cc") ||
	    span_is(name, "Bcc") || span_is(name, "Resent-To") ||
	    span_is(name, "Resent-Cc");
}

static void
check(const struct envelope *e, const struct buf *out, struct span body)
{
	struct recipients recipients;
	struct header_reader r;
	struct header_field f;
	struct error err;
	int authors = 0;

	REQUIRE(recipients_init(
		    &recipients, e->to, e->originals, e->count, &err) == 0);
	header_init(&r, out->bytes, out->len);
	while (header_next(&r, &f)) {
		REQUIRE(f.name.len < 10 ||
		    strncasecmp(f.name.p, "X-MSGraph-", 10) != 0);
		REQUIRE(!span_is(f.name, "Resent-Bcc"));
		REQUIRE(!span_is(f.name, "Return-Path"));
		authors += span_is(f.name, "From");
		if (is_list(f.name))
			mark(e, &recipients, &f);
	}
	REQUIRE(authors <= 1);
	REQUIRE(recipients_hidden(&recipients) == 0);
	REQUIRE(r.end != HEADER_BAD_LINE);
	REQUIRE(r.body.len == body.len);
	REQUIRE(memcmp(r.body.p, body.p, body.len) == 0);
	recipients_free(&recipients);
}

/* Cuts the recipients off. Returns the message, or NULL where there is none. */
static char *
split(char *input, struct envelope *e)
{
	char *end, *blank;

	memset(e, 0, sizeof(*e));
	e->rules.mailbox = "m@x.de";
	for (; e->count < RECIPIENTS_MAX; input = end + 1) {
		end = strchr(input, '\n');
		if (end == NULL)
			return NULL;
		*end = '\0';
		if (end == input)
			return e->count == 0 ? NULL : end + 1;
		if (strcmp(input, "keep") == 0) {
			e->rules.keep = 1;
			continue;
		}
		blank = strchr(input, ' ');
		if (blank != NULL)
			*blank++ = '\0';
		e->originals[e->count] = blank == NULL ? "" : blank;
		e->to[e->count++] = input;
	}
	return NULL;
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
	char *input = malloc(size + 1), *message;
	struct buf once, again;
	struct envelope e;
	size_t len;

	REQUIRE(input != NULL);
	memcpy(input, data, size);
	input[size] = '\0';
	buf_init(&once, 4 * size + 65536);
	buf_init(&again, 4 * size + 65536);
	message = split(input, &e);
	if (message == NULL)
		goto out;
	len = size - (size_t)(message - input);
	if (pass(&e, message, len, &once) == -1)
		goto out;
	buf_add(&once, "", 0);
	check(&e, &once, body_of(message, len));
	REQUIRE(pass(&e, once.bytes, once.len, &again) == 0);
	REQUIRE(once.len == again.len);
	REQUIRE(memcmp(once.bytes, again.bytes, once.len) == 0);
out:
	buf_free(&once);
	buf_free(&again);
	free(input);
	return 0;
}
