/*
 * rewrite.c - what changes in the header before Graph gets a message.
 *
 * Graph's sendMail has no envelope: Exchange mails To, Cc and Bcc. So the
 * header is read first to learn whom it names, and then once more to make the
 * edits, in the order of the bytes:
 *
 *	- X-MSGraph-* fields are ours and go, and so does Return-Path, which
 *	  is for whoever delivers at last (RFC 5321 section 4.4);
 *	- To, Cc, Bcc and Resent-* become what lists.c makes of them, From and
 *	  Sender what from.c does;
 *	- a new Bcc, after the last field, names the recipients that no
 *	  list names;
 *	- a blank between a field's name and its colon goes (RFC 5322 section
 *	  4.5 has it as obsolete), since not all take such a line for a field;
 *	- a body that starts without an empty line before it gets one, so
 *	  that everybody agrees on where it starts.
 *
 * The body is not looked at.
 */
#include <string.h>

#include "lib/base/printable.h"
#include "lib/mail/header.h"
#include "disposition.h"
#include "from.h"
#include "lists.h"
#include "rewrite.h"
#include "signature.h"

#define OURS "X-MSGraph-"

static const char bcc[] = "Bcc", author[] = "From";

struct header {
	const struct spool *spool;
	struct edits *edits;
	struct lists lists;
	struct from from;
	struct signature signature;
	int open; /* the last field that stays has no line end */
};

/* --- first pass --- */

/*
 * The head of a longer message was cut somewhere. That the header ends before
 * the cut is sure only where there is an empty line, or a whole bad one.
 */
static int
rewrite_is_whole(const struct spool *s, struct span head)
{
	struct header_reader r;
	struct header_field f;

	if (s->raw == (long long)s->head_len)
		return 1;
	header_init(&r, head.p, head.len);
	while (header_next(&r, &f))
		continue;
	return r.end == HEADER_EMPTY_LINE ||
	    (r.end == HEADER_BAD_LINE &&
		memchr(r.body.p, '\n', r.body.len) != NULL);
}

/* A field's name and its colon, or the line end that a header ends with. */
static int
rewrite_starts_line(const char *p, const char *limit)
{
	const char *name = p;

	if (p < limit && *p == '\r')
		return 1;
	while (p < limit && printable_is_visible(*p) && *p != ':')
		p++;
	return p > name && p < limit && *p == ':';
}

/*
 * Where CR alone ends the lines, the text is a part of some field, and what
 * readers would get is an empty message.
 */
static int
rewrite_has_text_in_header(const struct spool *s, struct span head)
{
	struct header_reader r;
	struct header_field f;
	const char *p, *limit;
	int found = 0;

	if (!s->found.line_end || s->raw != (long long)s->head_len)
		return 0;
	header_init(&r, head.p, head.len);
	while (header_next(&r, &f)) {
		p = f.value.p;
		limit = span_end(f.value);
		while ((p = memchr(p, '\r', (size_t)(limit - p))) != NULL) {
			p++;
			found |= rewrite_starts_line(p, limit);
		}
	}
	return found && span_trim(r.body).len == 0;
}

/*
 * What pipe(8) puts in front with flags=F. The fields behind it would be the
 * text of the message. No client can do that: cleanup(8) makes a field of such
 * a line.
 */
static int
rewrite_starts_with_mbox_line(struct span head)
{
	struct header_reader r;
	struct header_field f;

	if (head.len > 0 && head.p[0] == '>')
		head = span_between(head.p + 1, span_end(head));
	if (head.len < 5 || memcmp(head.p, "From ", 5) != 0)
		return 0;
	header_init(&r, head.p, head.len);
	return !header_next(&r, &f);
}

static int
rewrite_survey(struct header *h, const struct rewrite_rules *rules,
    struct recipients *recipients, struct span head, struct error *err)
{
	if (rewrite_starts_with_mbox_line(head))
		return error_set(err, ERROR_OURS, "4.3.5",
		    "the message starts with an mbox line (\"From \") and not "
		    "with its header: take F out of flags= at the transport "
		    "in master.cf; see msgraph-agent(8)");
	if (!rewrite_is_whole(h->spool, head))
		return error_set(err, ERROR_PERMANENT, "5.6.0",
		    "the header of the message is larger than %d bytes",
		    SPOOL_HEAD_MAX);
	if (rewrite_has_text_in_header(h->spool, head))
		return error_set(err, ERROR_PERMANENT, "5.6.0",
		    "the lines of the message end in CR alone, so that it is "
		    "all header and has no text");
	lists_survey(&h->lists, head, recipients, rules->keep);
	return from_survey(&h->from, head, rules->raw, rules->mailbox,
	    rules->is_bounce	      ? FROM_OF_BOUNCE
		: rules->replace_from ? FROM_REPLACED
				      : FROM_OF_CLIENT,
	    err);
}

/* --- second pass --- */

static ssize_t
rewrite_read_head(void *ctx, void *bytes, size_t len, long long at)
{
	const struct spool *spool = ctx;

	memcpy(bytes, spool->head + at, len);
	return (ssize_t)len;
}

static int
rewrite_start_edit(
    struct header *h, const char *from, size_t len, struct error *err)
{
	return edit_start_near(h->edits, from - h->spool->head, (long long)len,
	    rewrite_read_head, (void *)h->spool, err);
}

static int
rewrite_must_go(struct span name)
{
	size_t len = strlen(OURS);

	return (name.len >= len && strncasecmp(name.p, OURS, len) == 0) ||
	    span_is(name, "Return-Path");
}

static enum disposition
rewrite_judge(
    const struct header *h, const struct header_field *f, struct buf *out)
{
	enum disposition disposition;

	if (rewrite_must_go(f->name))
		return FIELD_GOES;
	disposition = lists_field(&h->lists, f, out);
	return disposition == FIELD_STAYS ? from_field(&h->from, f, out)
					  : disposition;
}

static int
rewrite_write_all(
    const struct header *h, const struct buf *bytes, struct error *err)
{
	if (bytes->failed)
		return edit_refuse(bytes, err);
	return edit_write(h->edits, bytes->bytes, bytes->len, err);
}

/* Takes out what stands between the name and the colon, mostly nothing. */
static int
rewrite_close_name(
    struct header *h, const struct header_field *f, struct error *err)
{
	const char *end = span_end(f->name);
	size_t len = (size_t)(f->value.p - 1 - end);

	return len == 0 ? 0 : rewrite_start_edit(h, end, len, err);
}

static int
rewrite_edit_field(
    struct header *h, const struct header_field *f, struct error *err)
{
	enum disposition disposition;
	struct buf out;
	int result = 0;

	buf_init(&out, 2 * SPOOL_HEAD_MAX);
	disposition = rewrite_judge(h, f, &out);
	if (disposition == FIELD_STAYS)
		result = rewrite_close_name(h, f, err);
	else
		result = rewrite_start_edit(h, f->whole.p, f->whole.len, err);
	if (disposition != FIELD_STAYS && !rewrite_must_go(f->name))
		signature_note(&h->signature, f->name);
	if (result == 0 && disposition == FIELD_CHANGES)
		result = rewrite_write_all(h, &out, err);
	if (disposition != FIELD_GOES)
		h->open = disposition == FIELD_STAYS &&
		    span_end(f->whole)[-1] != '\n';
	buf_free(&out);
	return result;
}

/* After the last field: what is new, and an empty line where one lacks. */
static int
rewrite_append(struct header *h, const struct rewrite_rules *rules,
    const struct header_reader *r, struct error *err)
{
	int needs_bcc = lists_hidden(&h->lists) > 0;
	int needs_from = rules->needs_from && h->from.fields == 0;
	int needs_line = r->end == HEADER_BAD_LINE;
	struct buf out;
	int result;

	if (!needs_bcc && !needs_from && !needs_line)
		return 0;
	buf_init(&out, SPOOL_HEAD_MAX);
	if (h->open)
		buf_add_string(&out, "\r\n");
	if (needs_from) {
		signature_note(&h->signature, span_between(author, author + 4));
		buf_printf(&out, "From: %s\r\n", rules->mailbox);
	}
	if (needs_bcc) {
		signature_note(&h->signature, span_between(bcc, bcc + 3));
		lists_bcc(&h->lists, &out);
	}
	if (needs_line)
		buf_add_string(&out, "\r\n");
	result = rewrite_start_edit(h, span_end(r->fields), 0, err);
	if (result == 0)
		result = rewrite_write_all(h, &out, err);
	buf_free(&out);
	return result;
}

int
rewrite(const struct spool *spool, const struct rewrite_rules *rules,
    struct recipients *recipients, struct edits *edits, int *signature_broken,
    struct error *err)
{
	struct span head = {spool->head, spool->head_len};
	struct header h = {.spool = spool, .edits = edits};
	struct header_reader r;
	struct header_field f;

	if (rewrite_survey(&h, rules, recipients, head, err) == -1)
		return -1;
	header_init(&r, head.p, head.len);
	while (header_next(&r, &f))
		if (rewrite_edit_field(&h, &f, err) == -1)
			return -1;
	if (rewrite_append(&h, rules, &r, err) == -1)
		return -1;
	*signature_broken = signature_is_broken(&h.signature, head);
	return 0;
}
