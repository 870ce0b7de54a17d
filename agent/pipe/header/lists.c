/*
 * lists.c - To, Cc, Bcc and Resent-* as the envelope has them. See lists.h.
 *
 * Exchange mails whom To, Cc and Bcc name. So first each recipient gets its
 * place in the header: the first address in To or Cc that is its own, else one
 * there that Postfix rewrote to it, else one in Bcc. An address that is
 * nobody's place is taken out, and a recipient without a place goes into Bcc. A
 * list in which nothing is taken out, and which every reader reads alike, stays
 * byte for byte; of others what stays keeps its bytes, blanks and folds in
 * front included.
 *
 * Whether Exchange mails Resent-To, and then whom else, is not known. So these
 * fields name nobody beyond the envelope, and if they do not name all of it
 * they go: then the result is right whatever it does.
 *
 * All decisions are taken anew from the places where they are needed, which
 * costs look-ups and no memory.
 */
#include <string.h>

#include "lists.h"
#include "mailbox_text.h"

/* What follows goes on a new line (RFC 5322 section 2.1.1: 998 at most). */
#define LINE_FULL 900

enum list_kind
list_kind(struct span name)
{
	static const char *const names[] = {
	    [LIST_TO] = "To",
	    [LIST_CC] = "Cc",
	    [LIST_BCC] = "Bcc",
	    [LIST_RESENT_TO] = "Resent-To",
	    [LIST_RESENT_CC] = "Resent-Cc",
	    [LIST_RESENT_BCC] = "Resent-Bcc",
	};
	int kind;

	for (kind = 0; kind < LIST_NONE; kind++)
		if (span_is(name, names[kind]))
			break;
	return (enum list_kind)kind;
}

static int
lists_is_resent(enum list_kind kind)
{
	return kind >= LIST_RESENT_TO;
}

/* --- who is named where --- */

typedef struct recipient *finder(const struct recipients *, struct span spec);

static void
lists_place_in(const struct lists *ls, struct span value, finder *find)
{
	struct address_reader r;
	struct recipient *found;
	struct address a;

	address_init(&r, value.p, value.len);
	while (address_next(&r, &a)) {
		if (a.kind != ADDRESS_MAILBOX)
			continue;
		found = find(ls->recipients, a.spec);
		if (found != NULL && found->place == NULL)
			found->place = a.spec.p;
	}
}

static void
lists_place(const struct lists *ls, int in_bcc, finder *find)
{
	struct header_reader r;
	struct header_field f;
	enum list_kind kind;

	header_init(&r, ls->head.p, ls->head.len);
	while (header_next(&r, &f)) {
		kind = list_kind(f.name);
		if (in_bcc ? kind == LIST_BCC
			   : kind == LIST_TO || kind == LIST_CC)
			lists_place_in(ls, f.value, find);
	}
}

/* --- what becomes of an address --- */

/* Somebody else's address stays if that is wanted and it can be written. */
static int
lists_stays_foreign(const struct lists *ls, struct span spec)
{
	char key[ADDRESS_KEY_SIZE];

	return ls->keep && address_header_key(spec, key) != -1 &&
	    !recipients_know(ls->recipients, spec);
}

/* 1 when it stays, for *found or for nobody that we know. */
static int
lists_stays(const struct lists *ls, enum list_kind kind,
    const struct address *a, struct recipient **found)
{
	if (lists_is_resent(kind))
		*found = recipients_find(ls->recipients, a->spec);
	else
		*found = recipients_at(ls->recipients, a->spec);
	return *found != NULL || lists_stays_foreign(ls, a->spec);
}

/* 1 when this address must be another now. */
static int
lists_is_rewritten(const struct lists *ls, const struct address *a,
    const struct recipient *found)
{
	return found != NULL && ls->recipients->original_count > 0 &&
	    recipients_find(ls->recipients, a->spec) == NULL;
}

/* --- survey --- */

static void
lists_survey_mailbox(
    struct lists *ls, enum list_kind kind, const struct address *a)
{
	struct list *l = &ls->list[kind];
	struct recipient *found;

	if (!lists_stays(ls, kind, a, &found)) {
		l->changes = 1;
		return;
	}
	l->kept++;
	if (!mailbox_text_is_right(a) || a->separator == ';' ||
	    lists_is_rewritten(ls, a, found))
		l->changes = 1;
	/* Resent-Bcc goes, so it names nobody */
	if (found != NULL && lists_is_resent(kind) && kind != LIST_RESENT_BCC)
		found->resent = 1;
}

/*
 * A group without members changes the list, and so does one without end, or
 * stray text after the last address.
 */
static void
lists_survey_list(struct lists *ls, enum list_kind kind, struct span value)
{
	struct list *l = &ls->list[kind];
	struct address_reader r;
	struct address a;
	size_t before = 0;

	address_init(&r, value.p, value.len);
	while (address_next(&r, &a)) {
		if (a.kind == ADDRESS_MAILBOX)
			lists_survey_mailbox(ls, kind, &a);
		else if (a.kind == ADDRESS_BAD)
			l->changes = 1;
		else if (a.kind == ADDRESS_GROUP)
			before = l->kept;
		else if (l->kept == before)
			l->changes = 1;
	}
	if (r.in_group || r.ambiguous)
		l->changes = 1;
}

static void
lists_survey_fields(struct lists *ls)
{
	struct header_reader r;
	struct header_field f;
	enum list_kind kind;
	struct list *l;

	header_init(&r, ls->head.p, ls->head.len);
	while (header_next(&r, &f)) {
		kind = list_kind(f.name);
		if (kind == LIST_NONE)
			continue;
		l = &ls->list[kind];
		if (l->fields++ == 0)
			l->first = f.whole.p;
		else
			l->changes = 1;
		lists_survey_list(ls, kind, f.value);
	}
}

/* 1 when Resent-To and Resent-Cc name all of the envelope. */
static int
lists_resent_is_whole(const struct recipients *rs)
{
	size_t i;

	for (i = rs->from; i < rs->to; i++)
		if (recipient_is_chosen(rs, rs->sorted[i]) &&
		    !rs->sorted[i]->resent)
			return 0;
	return 1;
}

void
lists_survey(
    struct lists *ls, struct span head, struct recipients *rs, int keep)
{
	int rewritten = rs->original_count > 0;

	memset(ls, 0, sizeof(*ls));
	ls->head = head;
	ls->recipients = rs;
	ls->keep = keep;
	lists_place(ls, 0, recipients_find);
	if (rewritten)
		lists_place(ls, 0, recipients_find_rewritten);
	if (recipients_hidden(rs) > 0) {
		lists_place(ls, 1, recipients_find);
		if (rewritten)
			lists_place(ls, 1, recipients_find_rewritten);
	}
	lists_survey_fields(ls);
	ls->resent_stays = lists_resent_is_whole(rs);
	if (recipients_hidden(rs) > 0)
		ls->list[LIST_BCC].changes = 1;
}

/* --- writing --- */

/* A list on its way into a field. */
struct writer {
	const struct lists *lists;
	enum list_kind kind;
	struct buf *out;
	size_t line; /* where the last line starts in out */
	int started; /* something stands in the list */
	int comma; /* before what comes next */
	int new_field; /* what comes next is the first of a merged field */
	struct address group; /* not yet written */
	int in_group; /* its name is written */
};

static int
lists_is_blank(struct span s)
{
	return span_trim(s).len == 0;
}

/* The blanks before an address, as they stand where that is possible. */
static void
lists_add_blanks(struct writer *w, const struct address *a)
{
	struct span blanks = span_between(a->slot.p, a->text.p);
	size_t line = w->out->len - w->line;
	int folds = memchr(blanks.p, '\n', blanks.len) != NULL;

	if (w->started &&
	    (w->new_field || (!folds && line + a->text.len > LINE_FULL)))
		buf_add_string(w->out, "\r\n\t");
	else if (!lists_is_blank(blanks) || (folds && !w->started))
		buf_add_string(w->out, " ");
	else
		buf_add(w->out, blanks.p, blanks.len);
	w->new_field = 0;
	w->started = 1;
}

static void
lists_add_start(struct writer *w, const struct address *a)
{
	if (w->comma)
		buf_add_string(w->out, ",");
	lists_add_blanks(w, a);
	w->comma = 0;
}

/* Where the line began to which the last bytes belong. */
static void
lists_note_line(struct writer *w)
{
	const char *lf;

	if (w->out->len == 0)
		return;
	lf = memrchr(w->out->bytes + w->line, '\n', w->out->len - w->line);
	if (lf != NULL)
		w->line = (size_t)(lf + 1 - w->out->bytes);
}

static void
lists_write_mailbox_text(
    struct writer *w, const struct address *a, const struct recipient *found)
{
	char key[ADDRESS_KEY_SIZE];

	if (lists_is_rewritten(w->lists, a, found))
		mailbox_text_write_as(w->out, a, found->address);
	else if (address_header_key(a->spec, key) != -1)
		mailbox_text_write(w->out, a, key);
}

static void
lists_write_mailbox(struct writer *w, const struct address *a)
{
	struct recipient *found;

	if (!lists_stays(w->lists, w->kind, a, &found))
		return;
	if (a->in_group && !w->in_group) {
		lists_add_start(w, &w->group);
		mailbox_text_write_group(w->out, &w->group);
		w->in_group = 1;
	}
	lists_add_start(w, a);
	lists_write_mailbox_text(w, a, found);
	lists_note_line(w);
	w->comma = 1;
}

static void
lists_end_group(struct writer *w)
{
	if (w->in_group)
		buf_add_string(w->out, ";");
	w->in_group = 0;
}

static void
lists_write_value(struct writer *w, struct span value)
{
	struct address_reader r;
	struct address a;

	w->new_field = 1;
	address_init(&r, value.p, value.len);
	while (address_next(&r, &a)) {
		if (a.kind == ADDRESS_GROUP)
			w->group = a;
		else if (a.kind == ADDRESS_GROUP_END)
			lists_end_group(w);
		else if (a.kind == ADDRESS_MAILBOX)
			lists_write_mailbox(w, &a);
	}
	lists_end_group(w);
}

/* One address a line: it needs no line longer than an address is. */
static void
lists_write_hidden(const struct recipients *rs, int comma, struct buf *out)
{
	size_t i;

	for (i = 0; i < rs->count; i++) {
		if (!recipient_is_hidden(rs, &rs->list[i]))
			continue;
		if (comma)
			buf_add_string(out, ",\r\n\t");
		buf_add_string(out, rs->list[i].address);
		comma = 1;
	}
}

/* This field, and what later ones of its kind say. */
static void
lists_write_field(const struct lists *ls, enum list_kind kind,
    const struct header_field *field, struct buf *out)
{
	struct writer w = {.lists = ls, .kind = kind, .out = out};
	struct span rest = span_between(field->whole.p, span_end(ls->head));
	struct header_reader r;
	struct header_field f;

	buf_add(out, field->name.p, field->name.len);
	buf_add_string(out, ":");
	if (lists_is_resent(kind))
		lists_write_value(&w, field->value);
	else {
		header_init(&r, rest.p, rest.len);
		while (header_next(&r, &f))
			if (list_kind(f.name) == kind)
				lists_write_value(&w, f.value);
	}
	if (kind == LIST_BCC)
		lists_write_hidden(ls->recipients, 1, out);
	buf_add_string(out, "\r\n");
}

/* Each block of Resent-* fields is a message's own, so none are merged. */
static enum disposition
lists_resent_field(const struct lists *ls, enum list_kind kind,
    const struct header_field *f, struct buf *out)
{
	struct lists one = *ls;
	struct list *l = &one.list[kind];

	memset(l, 0, sizeof(*l));
	lists_survey_list(&one, kind, f->value);
	if (kind == LIST_RESENT_BCC || !ls->resent_stays || l->kept == 0)
		return FIELD_GOES;
	if (!l->changes)
		return FIELD_STAYS;
	lists_write_field(ls, kind, f, out);
	return FIELD_CHANGES;
}

enum disposition
lists_field(
    const struct lists *ls, const struct header_field *f, struct buf *out)
{
	enum list_kind kind = list_kind(f->name);
	const struct list *l;

	if (kind == LIST_NONE)
		return FIELD_STAYS;
	if (lists_is_resent(kind))
		return lists_resent_field(ls, kind, f, out);
	l = &ls->list[kind];
	if (l->kept == 0 || f->whole.p != l->first)
		return FIELD_GOES;
	if (!l->changes)
		return FIELD_STAYS;
	lists_write_field(ls, kind, f, out);
	return FIELD_CHANGES;
}

size_t
lists_hidden(const struct lists *ls)
{
	return ls->list[LIST_BCC].kept > 0 ? 0
					   : recipients_hidden(ls->recipients);
}

void
lists_bcc(const struct lists *ls, struct buf *out)
{
	buf_add_string(out, "Bcc: ");
	lists_write_hidden(ls->recipients, 0, out);
	buf_add_string(out, "\r\n");
}

size_t
lists_foreign(struct span head, const struct recipients *rs)
{
	struct address_reader ar;
	struct header_reader r;
	struct header_field f;
	struct address a;
	size_t n = 0;

	header_init(&r, head.p, head.len);
	while (header_next(&r, &f)) {
		if (list_kind(f.name) > LIST_BCC)
			continue;
		address_init(&ar, f.value.p, f.value.len);
		while (address_next(&ar, &a))
			if (a.kind == ADDRESS_MAILBOX &&
			    !recipients_know(rs, a.spec))
				n++;
	}
	return n;
}
