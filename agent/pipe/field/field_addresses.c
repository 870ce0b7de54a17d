/*
 * field_addresses.c - address lists without 8-bit bytes. See field_kinds.h.
 *
 * What address.h reads in the result is what it read before: an address stays
 * the same, and what is no address does not become one. In a list that follows
 * the grammar all that needs no change stays. A mailbox that other readers may
 * read differently is written anew: its name, encoded or in quotes, and its
 * address. What is no address is a phrase; where it has a '@', it is encoded as
 * a whole. An address whose local part has 8-bit bytes is left: it cannot be
 * written in fewer.
 */
#include "lib/mail/address_lex.h"
#include "lib/mail/encoded_word.h"
#include "field_kinds.h"
#include "field_words.h"

static const char blank[] = " ";

/* Blanks at the end of what stands between two places are left to the next. */
static const char *
field_addresses_space_start(const char *from, const char *to)
{
	while (to > from && span_is_space(to[-1]))
		to--;
	return to;
}

static int
field_addresses_ends_in_space(const struct buf *out)
{
	char c = out->len > 0 ? out->bytes[out->len - 1] : ' ';

	return span_is_space(c) || c == '(';
}

/* RFC 2047 section 5 (3): blanks around an encoded word in a phrase. */
static void
field_addresses_write_name(
    struct fold *f, const char *from, struct span name, const char *limit)
{
	struct span text = span_between(from, span_end(name));

	if (!fold_needs(name)) {
		words_write(f, text, WORDS_NAME);
		return;
	}
	if (from == name.p && !field_addresses_ends_in_space(f->out))
		fold_raw(f, span_between(blank, blank + 1));
	words_write(f, text, WORDS_NAME);
	if (span_end(name) < limit && !span_is_space(*span_end(name)))
		fold_raw(f, span_between(blank, blank + 1));
}

static void
field_addresses_write_spec(struct fold *f, const struct address *a)
{
	struct span local = span_between(a->spec.p, a->domain.p);
	char key[ADDRESS_KEY_SIZE];
	const char *domain;

	if (!fold_needs(a->spec) || fold_needs(a->local) ||
	    address_header_key(a->spec, key) == -1) {
		fold_raw(f, a->spec);
		return;
	}
	domain = strrchr(key, '@') + 1;
	if (fold_needs(local))
		domain = key;
	else
		fold_raw(f, local);
	fold_raw(f, span_between(domain, domain + strlen(domain)));
}

static void
field_addresses_write_mailbox(struct fold *f, const struct address *a)
{
	const char *p = a->slot.p, *end = span_end(a->slot), *from;
	struct span space;

	if (a->name.len > 0) {
		from = field_addresses_space_start(p, a->name.p);
		words_write(f, span_between(p, from), WORDS_TOKENS);
		field_addresses_write_name(f, from, a->name, end);
		p = span_end(a->name);
	}
	if (a->angle.len > 0) {
		from = field_addresses_space_start(p, a->angle.p);
		words_write(f, span_between(p, from), WORDS_TOKENS);
		space = span_between(from, a->angle.p);
		fold_space(f, space, a->angle.len);
		p = a->angle.p;
	}
	words_write(f, span_between(p, a->spec.p), WORDS_TOKENS);
	field_addresses_write_spec(f, a);
	words_write(f, span_between(span_end(a->spec), end), WORDS_TOKENS);
}

static void
field_addresses_write_group(struct fold *f, const struct address *a)
{
	const char *from = field_addresses_space_start(a->slot.p, a->name.p);

	words_write(f, span_between(a->slot.p, from), WORDS_TOKENS);
	field_addresses_write_name(f, from, a->name, span_end(a->slot));
	words_write(f, span_between(span_end(a->name), span_end(a->slot)),
	    WORDS_TOKENS);
}

/* --- written anew --- */

static void
field_addresses_add(struct fold *f, const char *text)
{
	fold_raw(f, span_between(text, text + strlen(text)));
}

/* Words, quoted strings and whole encoded words, with no 8-bit byte. */
static int
field_addresses_is_plain_phrase(struct span text)
{
	struct lexer l;

	for (lex_init(&l, text.p, span_end(text)); l.token != TOKEN_END;
	     lex(&l)) {
		if (l.token != TOKEN_ATOM && l.token != TOKEN_QUOTED &&
		    l.token != TOKEN_SPACE)
			return 0;
		if (memmem(l.text.p, l.text.len, "=?", 2) != NULL &&
		    !encoded_word_is(l.text))
			return 0;
	}
	return !fold_needs(text);
}

/* What stands before a text: a blank, or the line end that is there. */
static struct span
field_addresses_space(const struct address *a, struct span text)
{
	static const char line_end[] = "\r\n ";

	if (text.len > 0 &&
	    memchr(a->slot.p, '\n', (size_t)(text.p - a->slot.p)) != NULL)
		return span_between(line_end, line_end + 3);
	return span_between(blank, blank + 1);
}

/*
 * Text that may hold anything, as a phrase. Half an encoded word in it could
 * become a whole one, so with one nothing is written. Returns 0 then, 1 else.
 */
static int
field_addresses_write_phrase(
    struct fold *f, const struct address *a, struct span text)
{
	struct span space = field_addresses_space(a, text);
	size_t i;

	if (text.len == 0)
		return 0;
	if (field_addresses_is_plain_phrase(text)) {
		fold_space(f, space, text.len);
		fold_raw(f, text);
		return 1;
	}
	if (memmem(text.p, text.len, "=?", 2) != NULL)
		return 0;
	if (fold_needs(text)) {
		words_write_whole(f, space, text);
		return 1;
	}
	fold_raw(f, space);
	field_addresses_add(f, "\"");
	for (i = 0; i < text.len; i++)
		if (strchr("\"\\\r\n", text.p[i]) == NULL)
			fold_raw(f, span_between(&text.p[i], &text.p[i] + 1));
	field_addresses_add(f, "\"");
	return 1;
}

static void
field_addresses_end(struct fold *f, const struct address *a)
{
	if (a->separator != 0)
		field_addresses_add(f, ",");
}

/* The address as its key, where there is one without 8-bit bytes. */
static void
field_addresses_write_anew(struct fold *f, const struct address *a)
{
	int named = field_addresses_write_phrase(f, a, a->name);
	char key[ADDRESS_KEY_SIZE];

	if (named)
		field_addresses_add(f, " <");
	else
		fold_raw(f, field_addresses_space(a, a->spec));
	if (address_header_key(a->spec, key) == -1)
		fold_raw(f, a->spec);
	else
		field_addresses_add(f, key);
	if (named)
		field_addresses_add(f, ">");
	field_addresses_end(f, a);
}

/* --- all of it --- */

/*
 * Whether the tokens of a list could be found elsewhere once others are
 * encoded: a '[' stands alone only up to a ']', and some read from "=?" on.
 * Then nothing stays as it is.
 */
static int
field_addresses_is_fragile(struct span value)
{
	struct lexer l;

	for (lex_init(&l, value.p, span_end(value)); l.token != TOKEN_END;
	     lex(&l))
		if (lex_is(&l, '['))
			return 1;
	return 0;
}

/* Whether 8-bit bytes of what is no address may seem to stand in one. */
static int
field_addresses_is_near_spec(struct span text)
{
	int in_angle = 0;
	struct lexer l;

	for (lex_init(&l, text.p, span_end(text)); l.token != TOKEN_END;
	     lex(&l)) {
		in_angle |= lex_is(&l, '<');
		if (lex_is(&l, '@') || (in_angle && fold_needs(l.text)))
			return 1;
	}
	return 0;
}

static int
field_addresses_needs_anew(const struct address *a)
{
	/* a route, where no encoded word may be */
	return a->ambiguous ||
	    fold_needs(span_between(
		a->angle.len > 0 ? a->angle.p : a->spec.p, a->spec.p));
}

static void
field_addresses_write_bad(struct fold *f, const struct address *a, int anew)
{
	if (!anew && !field_addresses_is_near_spec(a->text)) {
		words_write(f, a->slot, WORDS_TOKENS);
		return;
	}
	if (!field_addresses_write_phrase(f, a, a->text) && a->text.len > 0)
		words_write_whole(
		    f, field_addresses_space(a, a->text), a->text);
	field_addresses_end(f, a);
}

static void
field_addresses_write_group_anew(struct fold *f, const struct address *a)
{
	if (!field_addresses_write_phrase(f, a, a->name))
		field_addresses_add(f, " \"\"");
	field_addresses_add(f, ":");
}

void
field_addresses(struct fold *f, struct span value)
{
	int anew = field_addresses_is_fragile(value);
	const char *end = value.p;
	struct address_reader r;
	struct address a;

	address_init(&r, value.p, value.len);
	while (address_next(&r, &a)) {
		anew |= r.ambiguous;
		if (a.kind == ADDRESS_BAD)
			field_addresses_write_bad(f, &a, anew);
		else if (a.kind == ADDRESS_GROUP && anew)
			field_addresses_write_group_anew(f, &a);
		else if (a.kind == ADDRESS_GROUP)
			field_addresses_write_group(f, &a);
		else if (a.kind == ADDRESS_GROUP_END)
			words_write(f, a.slot, WORDS_TOKENS);
		else if (anew || field_addresses_needs_anew(&a))
			field_addresses_write_anew(f, &a);
		else
			field_addresses_write_mailbox(f, &a);
		end = span_end(a.slot);
	}
	words_write(f, span_between(end, span_end(value)), WORDS_TOKENS);
}
