/*
 * from.c - From and Sender. See from.h.
 *
 * Exchange sends as one mailbox. So From becomes one address: the only one
 * there is, whosever it is, since sending as somebody else is a right that an
 * admin gives; or, of several, the mailbox that sends. A name that holds a '@'
 * was seen to be refused (ErrorSendAsDenied), and Exchange shows the
 * directory's name anyway.
 */
#include "lib/mail/encoded_word.h"
#include "from.h"
#include "mailbox_text.h"

#define NAME_MAX_BYTES 4096 /* decoded; a longer one is no name */

/* What all From fields hold. */
struct seen {
	size_t elements; /* addresses, groups, and what is neither */
	size_t mailboxes; /* different ones; 2 stands for several */
	struct address first;
	struct address mailbox; /* the one that sends */
	int has_mailbox;
	int loose; /* see address.h */
	char key[ADDRESS_KEY_SIZE]; /* of the first */
};

static void
see_list(struct seen *seen, struct span value, struct span mailbox)
{
	char key[ADDRESS_KEY_SIZE];
	struct address_reader r;
	struct address a;

	address_init(&r, value.p, value.len);
	while (address_next(&r, &a)) {
		seen->elements++;
		if (a.kind != ADDRESS_MAILBOX ||
		    address_key(a.spec, key, sizeof(key)) == -1)
			continue;
		if (seen->mailboxes == 0) {
			seen->first = a;
			seen->mailboxes = 1;
			memcpy(seen->key, key, sizeof(key));
		} else if (strcmp(key, seen->key) != 0)
			seen->mailboxes = 2;
		if (!seen->has_mailbox && address_equal(a.spec, mailbox)) {
			seen->mailbox = a;
			seen->has_mailbox = 1;
		}
	}
	seen->loose |= r.loose;
}

static void
see_fields(
    struct from *from, struct seen *seen, struct span head, struct span mailbox)
{
	struct header_reader r;
	struct header_field f;

	header_init(&r, head.p, head.len);
	while (header_next(&r, &f)) {
		if (!span_is(f.name, "From"))
			continue;
		if (from->fields++ == 0)
			from->first = f.whole.p;
		see_list(seen, f.value, mailbox);
	}
}

/* Whose address From will have. */
static void
choose(struct from *from, const struct seen *seen, const char *mailbox,
    int is_bounce)
{
	if (seen->mailboxes == 1 || (is_bounce && seen->mailboxes > 0)) {
		from->author = seen->first;
		from->has_author = 1;
		if (is_bounce && !seen->has_mailbox)
			from->address = mailbox;
	} else if (seen->has_mailbox) {
		from->author = seen->mailbox;
		from->has_author = 1;
	} else
		from->address = mailbox;
}

/* 1 when a reader would show a '@' there. */
static int
has_at(struct span text)
{
	const struct span undeclared = {NULL, 0};
	struct buf shown;
	int found;

	if (memmem(text.p, text.len, "=?", 2) == NULL)
		return memchr(text.p, '@', text.len) != NULL;
	buf_init(&shown, NAME_MAX_BYTES);
	encoded_word_decode(text, undeclared, &shown);
	found = shown.failed || memchr(text.p, '@', text.len) != NULL ||
	    (shown.len > 0 && memchr(shown.bytes, '@', shown.len) != NULL);
	buf_free(&shown);
	return found;
}

/* Whatever stands around the address but a route. */
static int
has_bad_name(const struct address *a)
{
	const char *end = a->angle.len > 0 ? a->angle.p : a->spec.p;

	return has_at(span_between(a->element.p, end)) ||
	    has_at(span_between(span_end(a->spec), span_end(a->element)));
}

int
from_survey(struct from *from, struct span head, const char *mailbox,
    int is_bounce, struct error *err)
{
	struct span own = span_between(mailbox, mailbox + strlen(mailbox));
	struct seen seen = {.elements = 0};

	memset(from, 0, sizeof(*from));
	see_fields(from, &seen, head, own);
	if (from->fields == 0)
		return 0;
	choose(from, &seen, mailbox, is_bounce);
	from->changes = from->fields > 1 || seen.elements != 1 || seen.loose ||
	    from->address != NULL || !element_is_right(&from->author) ||
	    from->author.separator == ';' ||
	    (from->has_author && has_bad_name(&from->author));
	if (from->address != NULL)
		own = span_between(
		    from->address, from->address + strlen(from->address));
	else
		own = from->author.spec;
	if (address_header_key(own, from->key) == -1)
		return error_set(err, ERROR_PERMANENT,
		    address_is_ascii(own) ? "5.6.0" : "5.6.7",
		    "From <%.*s> is not an address that Microsoft Graph can "
		    "send for",
		    own.len > 254 ? 254 : (int)own.len, own.p);
	return 0;
}

static void
write_element(
    const struct from *from, const struct address *author, struct buf *out)
{
	if (from->address != NULL)
		element_write_as(out, author, from->address);
	else
		element_write(out, author, from->key);
}

/* What is repaired may be an encoded word that it was not before. */
static int
is_bad(const struct buf *written)
{
	struct address_reader r;
	struct address a;

	address_init(&r, written->bytes, written->len);
	return !address_next(&r, &a) || a.kind != ADDRESS_MAILBOX ||
	    has_bad_name(&a);
}

/* A name that Exchange would refuse goes, with all else around the address. */
static void
write_author(const struct from *from, struct buf *out)
{
	struct address nameless = from->author;
	struct buf written;

	if (!from->has_author) {
		buf_add_string(out, from->address);
		return;
	}
	nameless.element = nameless.spec;
	nameless.name.len = nameless.angle.len = 0;
	buf_init(&written, out->limit);
	write_element(from, &from->author, &written);
	if (written.failed)
		out->failed = 1;
	else if (is_bad(&written))
		write_element(from, &nameless, out);
	else
		buf_add(out, written.bytes, written.len);
	buf_free(&written);
}

static enum field_fate
author_field(
    const struct from *from, const struct header_field *f, struct buf *out)
{
	if (f->whole.p != from->first)
		return FIELD_GOES;
	if (!from->changes)
		return FIELD_STAYS;
	buf_add(out, f->whole.p, (size_t)(f->value.p - f->whole.p));
	buf_add_string(out, " ");
	write_author(from, out);
	buf_add_string(out, "\r\n");
	return FIELD_CHANGES;
}

/* One who is the author says nothing that From does not say. */
static enum field_fate
sender_field(const struct from *from, const struct header_field *f)
{
	struct span author =
	    span_between(from->key, from->key + strlen(from->key));
	struct address_reader r;
	struct address a;

	if (from->fields == 0)
		return FIELD_STAYS;
	address_init(&r, f->value.p, f->value.len);
	while (address_next(&r, &a))
		if (a.kind == ADDRESS_MAILBOX && !address_equal(a.spec, author))
			return FIELD_STAYS;
	return FIELD_GOES;
}

enum field_fate
from_field(
    const struct from *from, const struct header_field *f, struct buf *out)
{
	if (span_is(f->name, "From"))
		return author_field(from, f, out);
	if (span_is(f->name, "Sender"))
		return sender_field(from, f);
	return FIELD_STAYS;
}
