/*
 * rewrite.c - what changes in a message before Graph gets it.
 *
 * Graph's sendMail has no envelope: Exchange mails To, Cc and Bcc. So the
 * header is read twice: first to learn which recipients of the envelope To
 * and Cc name, then to make the edits, in the order of the bytes:
 *
 *	- X-MSGraph-* fields are ours and go;
 *	- a new Bcc, after the last field, names the recipients that To and Cc
 *	  do not; any other Bcc goes, so that nobody is mailed whom the
 *	  envelope lacks. A single Bcc that says exactly that already
 *	  stays as it is;
 *	- a body that starts without an empty line before it gets one, so
 *	  that everybody agrees on where it starts.
 *
 * The body is not looked at.
 */
#include <string.h>

#include "address.h"
#include "header.h"
#include "rewrite.h"

#define OURS "X-MSGraph-"

struct header {
	const struct spool *spool;
	struct recipients *recipients;
	struct edits *edits;
	size_t bcc_count;
	struct span bcc; /* value of the last Bcc */
	int keep_bcc;
	int open; /* the last field that stays has no line end */
};

static void
start(const struct header *h, struct header_reader *r)
{
	header_init(r, h->spool->head, h->spool->head_len);
}

/* --- first pass --- */

/* 1 when every reader finds the same addresses in the list; see address.h. */
static int
is_sound(struct span value)
{
	struct address_reader r;
	struct address a;

	address_init(&r, value.p, value.len);
	while (address_next(&r, &a))
		if (a.kind == ADDRESS_BAD || a.loose)
			return 0;
	return 1;
}

/* A list that Exchange may read otherwise, or not at all, names nobody. */
static void
note_named(const struct recipients *rs, struct span value)
{
	struct address_reader r;
	struct recipient *found;
	struct address a;

	if (!is_sound(value))
		return;
	address_init(&r, value.p, value.len);
	while (address_next(&r, &a)) {
		if (a.kind != ADDRESS_MAILBOX)
			continue;
		found = recipients_find(rs, a.spec);
		if (found != NULL)
			found->named = 1;
	}
}

/* 1 when this Bcc names the hidden recipients, each once, and nothing else. */
static int
bcc_is_right(const struct recipients *rs, struct span value)
{
	struct address_reader r;
	struct recipient *found;
	struct address a;
	size_t n = 0;

	address_init(&r, value.p, value.len);
	while (address_next(&r, &a)) {
		if (a.kind != ADDRESS_MAILBOX || a.loose || a.separator == ';')
			return 0;
		found = recipients_find(rs, a.spec);
		if (found == NULL || found->named || found->in_bcc)
			return 0;
		found->in_bcc = 1;
		n++;
	}
	return n > 0 && n == recipients_hidden(rs);
}

/*
 * The head of a longer message was cut somewhere. That the header ends before
 * the cut is sure only where there is an empty line, or a whole bad one.
 */
static int
header_is_whole(const struct spool *s, const struct header_reader *r)
{
	if (s->raw == (long long)s->head_len || r->end == HEADER_EMPTY_LINE)
		return 1;
	return r->end == HEADER_BAD_LINE &&
	    memchr(r->body.p, '\n', r->body.len) != NULL;
}

static int
survey(struct header *h, struct error *err)
{
	struct header_reader r;
	struct header_field f;

	start(h, &r);
	while (header_next(&r, &f)) {
		if (span_is(f.name, "To") || span_is(f.name, "Cc"))
			note_named(h->recipients, f.value);
		else if (span_is(f.name, "Bcc")) {
			h->bcc_count++;
			h->bcc = f.value;
		}
	}
	if (!header_is_whole(h->spool, &r))
		return error_set(err, ERROR_PERMANENT, "5.6.0",
		    "the header of the message is larger than %d bytes",
		    SPOOL_HEAD_MAX);
	h->keep_bcc = h->bcc_count == 1 && bcc_is_right(h->recipients, h->bcc);
	return 0;
}

/* --- second pass --- */

static int
is_ours(struct span name)
{
	size_t len = strlen(OURS);

	return name.len >= len && strncasecmp(name.p, OURS, len) == 0;
}

static int
must_go(const struct header *h, struct span name)
{
	return is_ours(name) || (span_is(name, "Bcc") && !h->keep_bcc);
}

static int
remove_field(const struct header *h, struct span whole, struct error *err)
{
	return edit_start(
	    h->edits, whole.p - h->spool->head, (long long)whole.len, err);
}

/* One address a line: it needs no line longer than an address is. */
static int
write_bcc(const struct header *h, struct error *err)
{
	const struct recipients *rs = h->recipients;
	struct buf field;
	size_t i;
	int result;

	buf_init(&field, SPOOL_HEAD_MAX);
	buf_add_string(&field, "Bcc: ");
	for (i = 0; i < rs->count; i++) {
		if (!recipient_is_hidden(&rs->list[i]))
			continue;
		if (field.len > strlen("Bcc: "))
			buf_add_string(&field, ",\r\n\t");
		buf_add_string(&field, rs->list[i].address);
	}
	buf_add_string(&field, "\r\n");
	if (field.failed)
		result =
		    error_set(err, ERROR_TEMPORARY, "4.3.0", "memory is short");
	else
		result = edit_write(h->edits, field.bytes, field.len, err);
	buf_free(&field);
	return result;
}

/* After the last field: what is new, and an empty line where one lacks. */
static int
append(const struct header *h, const struct header_reader *r, struct error *err)
{
	int needs_bcc = !h->keep_bcc && recipients_hidden(h->recipients) > 0;
	const char *end = span_end(r->fields);

	if (!needs_bcc && r->end != HEADER_BAD_LINE)
		return 0;
	if (edit_start(h->edits, end - h->spool->head, 0, err) == -1)
		return -1;
	if (h->open && edit_write(h->edits, "\r\n", 2, err) == -1)
		return -1;
	if (needs_bcc && write_bcc(h, err) == -1)
		return -1;
	if (r->end != HEADER_BAD_LINE)
		return 0;
	return edit_write(h->edits, "\r\n", 2, err);
}

int
rewrite(const struct spool *spool, struct recipients *recipients,
    struct edits *edits, struct error *err)
{
	struct header h = {
	    .spool = spool, .recipients = recipients, .edits = edits};
	struct header_reader r;
	struct header_field f;

	if (survey(&h, err) == -1)
		return -1;
	start(&h, &r);
	while (header_next(&r, &f)) {
		if (must_go(&h, f.name)) {
			if (remove_field(&h, f.whole, err) == -1)
				return -1;
		} else
			h.open = span_end(f.whole)[-1] != '\n';
	}
	return append(&h, &r, err);
}
