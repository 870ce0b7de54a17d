/*
 * agent_pass.h - one pass of the agent over a message: envelope and message in,
 * finished message out. Every result is put through once more, and must not
 * change then.
 */
#ifndef TESTS_AGENT_PASS_H
#define TESTS_AGENT_PASS_H

#include "agent/pipe/header/recipients.h"
#include "agent/pipe/header/rewrite.h"
#include "agent_message.h"

#define PASS_RECIPIENTS 6
#define PASS_MAILBOX "m@x.de"

/* What the last pass said of the DKIM signatures. */
static int pass_signature_broken;

struct pass {
	const char *to[PASS_RECIPIENTS];
	const char *in;
	const char *out; /* NULL: as it came */
	const char *originals[PASS_RECIPIENTS]; /* none: not known */
};

static inline size_t
pass_count(const char *const *list)
{
	size_t n = 0;

	while (n < PASS_RECIPIENTS && list[n] != NULL)
		n++;
	return n;
}

/*
 * For the recipients from rank on, at most size of them. Returns the number of
 * edits; -1 with *err set.
 */
static inline int
pass_part(const struct pass *p, struct span in,
    const struct rewrite_rules *rules, size_t rank, size_t size,
    struct buf *out, struct error *err)
{
	const char *const *originals =
	    p->originals[0] == NULL ? NULL : p->originals;
	struct recipients recipients;
	struct spool spool;
	struct edits edits;
	int result;

	message_spool(&spool, in.p, in.len);
	edits_init(&edits, &spool);
	result = recipients_init(&recipients, (char *const *)p->to, originals,
	    pass_count(p->to), err);
	if (result == 0) {
		recipients_choose(&recipients, rank, size);
		result = rewrite(&spool, rules, &recipients, &edits,
		    &pass_signature_broken, err);
	}
	if (result == 0) {
		message_finish(&edits, out);
		result = (int)edits.count;
	}
	recipients_free(&recipients);
	edits_free(&edits);
	spool_close(&spool);
	return result;
}

static inline int
pass_run(const struct pass *p, struct span in,
    const struct rewrite_rules *rules, struct buf *out, struct error *err)
{
	return pass_part(p, in, rules, 0, PASS_RECIPIENTS, out, err);
}

static inline struct span
pass_text(const char *text)
{
	return span_between(text, text + strlen(text));
}

static inline void
pass_rows(
    const struct pass *rows, size_t count, const struct rewrite_rules *rules)
{
	struct buf once, again;
	struct error err;
	struct span in;
	size_t i;
	int edits;

	for (i = 0; i < count; i++) {
		buf_init(&once, 65536);
		buf_init(&again, 65536);
		in = pass_text(rows[i].in);
		edits = pass_run(&rows[i], in, rules, &once, &err);
		if (edits == -1)
			fail_msg("%s: %s", rows[i].in, err.text);
		buf_add_string(&once, ""); /* NUL after nothing */
		assert_string_equal(
		    once.bytes, rows[i].out == NULL ? rows[i].in : rows[i].out);
		assert_int_equal(edits == 0, rows[i].out == NULL);
		in = span_between(once.bytes, once.bytes + once.len);
		edits = pass_run(&rows[i], in, rules, &again, &err);
		assert_int_equal(edits, 0);
		assert_string_equal(again.bytes, once.bytes);
		buf_free(&once);
		buf_free(&again);
	}
}

#endif
