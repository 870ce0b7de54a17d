/*
 * mailbox_text.c - one mailbox of an address list. See mailbox_text.h.
 */
#include <string.h>

#include "lib/base/codec.h"
#include "lib/mail/address_lex.h"
#include "lib/mail/encoded_word.h"
#include "mailbox_text.h"

#define MAILBOX_TEXT_MAX (1024 * 1024) /* a header has no more */

/* Between '<' and the address: a route (RFC 5322 section 4.4). */
static int
mailbox_text_has_route(const struct address *a)
{
	return a->angle.len > 0 &&
	    memchr(a->angle.p, '@', (size_t)(a->spec.p - a->angle.p)) != NULL;
}

int
mailbox_text_is_right(const struct address *a)
{
	return !a->ambiguous && address_is_ascii(a->spec) &&
	    !mailbox_text_has_route(a);
}

/* What stands around the address stays, but for a route. */
static void
mailbox_text_add_around(
    struct buf *out, const struct address *a, const char *address)
{
	const char *end = span_end(a->spec);
	const char *start =
	    mailbox_text_has_route(a) ? a->angle.p + 1 : a->spec.p;

	buf_add(out, a->text.p, (size_t)(start - a->text.p));
	buf_add_string(out, address);
	buf_add(out, end, (size_t)(span_end(a->text) - end));
}

/* Some look for encoded words in quotes too: see address.h. */
static int
mailbox_text_has_word(struct span name)
{
	return name.len > 0 && memmem(name.p, name.len, "=?", 2) != NULL;
}

/* 1 when this is one mailbox in any list. */
static int
mailbox_text_stands(struct span text)
{
	struct address_reader r;
	struct address a;

	address_init(&r, text.p, text.len);
	return address_is_unambiguous(text) && address_next(&r, &a) &&
	    !address_word_is_open(span_between(text.p, a.spec.p)) &&
	    !address_word_is_open(
		span_between(span_end(a.spec), span_end(text)));
}

/*
 * Between quotes almost anything may stand; what may not is left out, and so
 * is what would make an encoded word of the rest.
 */
static void
mailbox_text_add_quoted(struct buf *out, struct span name)
{
	char last = '"';
	size_t i;

	if (mailbox_text_has_word(name))
		name.len = 0;
	buf_add_string(out, "\"");
	for (i = 0; i < name.len; i++) {
		if (strchr("\"\\\r\n", name.p[i]) != NULL ||
		    (last == '=' && name.p[i] == '?'))
			continue;
		last = name.p[i];
		buf_add(out, &last, 1);
	}
	buf_add_string(out, "\"");
}

/*
 * An encoded word, with =XX for what RFC 2047 section 5 (3) forbids in a
 * phrase, and which some take for quotes, comments and addresses. 0 where that
 * cannot be.
 */
static int
mailbox_text_add_word(struct buf *out, struct span word)
{
	int kind = encoded_word_is(word), marks = 0;
	char hex[3] = {'='};
	size_t i;

	for (i = 0; i < word.len; i++) {
		marks += word.p[i] == '?';
		if (marks == 3 && kind == 'q' &&
		    strchr("\"(),.:;<>@[\\]", word.p[i]) != NULL) {
			codec_hex_put(word.p[i], hex + 1);
			buf_add(out, hex, sizeof(hex));
		} else
			buf_add(out, &word.p[i], 1);
	}
	return kind != 0;
}

/* A name of encoded words and atoms, between blanks. 0 for another one. */
static int
mailbox_text_add_words(struct buf *out, struct span name)
{
	const char *p = name.p, *limit = span_end(name), *from;
	int atom;

	while (p < limit) {
		while (p < limit && span_is_space(*p))
			p++;
		atom = 1;
		for (from = p; p < limit && !span_is_space(*p); p++)
			atom &= lex_is_atext(*p);
		if (from > name.p)
			buf_add_string(out, " ");
		if (encoded_word_is(span_between(from, p)))
			mailbox_text_add_word(out, span_between(from, p));
		else if (atom)
			buf_add(out, from, (size_t)(p - from));
		else
			return 0;
	}
	return 1;
}

/* "name <address>" as one mailbox in any list, or nothing. */
static void
mailbox_text_add_named(struct buf *out, struct span name, const char *address)
{
	struct buf whole;

	buf_init(&whole, MAILBOX_TEXT_MAX);
	if (mailbox_text_add_words(&whole, name)) {
		buf_printf(&whole, " <%s>", address);
		if (whole.failed)
			out->failed = whole.failed;
		else if (mailbox_text_stands(span_between(
			     whole.bytes, whole.bytes + whole.len)))
			buf_add(out, whole.bytes, whole.len);
	}
	buf_free(&whole);
}

/*
 * A name that is the address goes, and so does one with an encoded word that
 * cannot be written so that all read it alike.
 */
static void
mailbox_text_add_repaired(
    struct buf *out, const struct address *a, const char *address)
{
	size_t before = out->len;

	if (mailbox_text_has_word(a->name))
		mailbox_text_add_named(out, a->name, address);
	else if (a->name.len > 0 && !span_is(a->name, address)) {
		mailbox_text_add_quoted(out, a->name);
		buf_printf(out, " <%s>", address);
	}
	if (out->len == before)
		buf_add_string(out, address);
}

/* A name that is the old address would be taken for the address by some. */
void
mailbox_text_write_as(
    struct buf *out, const struct address *a, const char *address)
{
	struct buf whole;

	buf_init(&whole, MAILBOX_TEXT_MAX);
	mailbox_text_add_around(&whole, a, address);
	if (whole.failed)
		out->failed = whole.failed;
	else if (mailbox_text_stands(
		     span_between(whole.bytes, whole.bytes + whole.len)))
		buf_add(out, whole.bytes, whole.len);
	else
		mailbox_text_add_repaired(out, a, address);
	buf_free(&whole);
}

/* The local part as it stands, and the domain of the key. */
static void
mailbox_text_write_ascii(
    struct buf *out, const struct address *a, const char *key)
{
	struct buf spec;

	buf_init(&spec, MAILBOX_TEXT_MAX);
	if (address_is_ascii(a->spec))
		buf_add(&spec, a->spec.p, a->spec.len);
	else {
		buf_add(&spec, a->local.p, a->local.len);
		buf_add_string(&spec, strrchr(key, '@'));
	}
	if (spec.failed)
		out->failed = spec.failed;
	else
		mailbox_text_write_as(out, a, spec.bytes);
	buf_free(&spec);
}

void
mailbox_text_write(struct buf *out, const struct address *a, const char *key)
{
	if (!mailbox_text_stands(a->text))
		mailbox_text_add_repaired(out, a, key);
	else if (address_is_ascii(a->spec) && !mailbox_text_has_route(a))
		buf_add(out, a->text.p, a->text.len);
	else
		mailbox_text_write_ascii(out, a, key);
}

void
mailbox_text_write_group(struct buf *out, const struct address *group)
{
	struct address_reader r;
	struct address a;

	address_init(&r, group->text.p, group->text.len);
	if (address_next(&r, &a) && a.kind == ADDRESS_GROUP && !r.ambiguous &&
	    !address_word_is_open(group->text)) {
		buf_add(out, group->text.p, group->text.len);
		return;
	}
	mailbox_text_add_quoted(out, group->name);
	buf_add_string(out, ":");
}
