/*
 * field_addresses.c - address lists without 8-bit bytes. See field_kinds.h.
 *
 * What address.h reads in the result is what it read before: a display name
 * stays one, an address stays the same, and what is no address does not become
 * one by being encoded. So only the name of a proper mailbox or of a group is
 * encoded as a whole; elsewhere each atom is encoded for itself. An address
 * whose local part has 8-bit bytes is left: it cannot be written in fewer.
 */
#include "lib/mail/address_lex.h"
#include "lib/mail/idn.h"
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

/* Without comments, blanks and brackets. */
static int
field_addresses_is_plain_domain(struct span domain)
{
	size_t i;

	for (i = 0; i < domain.len; i++)
		if (!lex_is_atext(domain.p[i]) && domain.p[i] != '.')
			return 0;
	return 1;
}

static void
field_addresses_write_spec(struct fold *f, const struct address *a)
{
	struct span rest = span_between(a->spec.p, a->domain.p);
	char domain[ADDRESS_KEY_SIZE];
	int len = -1;

	fold_raw(f, rest);
	if (fold_needs(a->domain) && !fold_needs(rest) && !a->ambiguous &&
	    field_addresses_is_plain_domain(a->domain))
		len = idn_domain(a->domain, domain, sizeof(domain));
	if (len > 0 && !fold_needs(span_between(domain, domain + len)))
		fold_raw(f, span_between(domain, domain + len));
	else
		fold_raw(f, a->domain);
}

static void
field_addresses_write_mailbox(
    struct fold *f, const struct address *a, enum words mode)
{
	const char *p = a->slot.p, *end = span_end(a->slot), *from;
	struct span space;

	if (a->name.len > 0 && mode == WORDS_TOKENS) {
		from = field_addresses_space_start(p, a->name.p);
		words_write(f, span_between(p, from), WORDS_TOKENS);
		field_addresses_write_name(f, from, a->name, end);
		p = span_end(a->name);
	}
	if (a->angle.len > 0) {
		from = field_addresses_space_start(p, a->angle.p);
		words_write(f, span_between(p, from), mode);
		space = span_between(from, a->angle.p);
		fold_space(f, space, a->angle.len);
		p = a->angle.p;
	}
	words_write(f, span_between(p, a->spec.p), mode);
	field_addresses_write_spec(f, a);
	words_write(f, span_between(span_end(a->spec), end), mode);
}

/*
 * Whether a '[' stands alone: what closes it would be found elsewhere if a
 * bracket in quotes or a comment were encoded.
 */
static int
field_addresses_has_open_bracket(struct span value)
{
	struct lexer l;

	for (lex_init(&l, value.p, span_end(value)); l.token != TOKEN_END;
	     lex(&l))
		if (lex_is(&l, '['))
			return 1;
	return 0;
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

void
field_addresses(struct fold *f, struct span value)
{
	int alone = field_addresses_has_open_bracket(value);
	const char *end = value.p;
	struct address_reader r;
	struct address a;

	address_init(&r, value.p, value.len);
	while (address_next(&r, &a)) {
		alone |= r.ambiguous;
		if (a.kind == ADDRESS_MAILBOX)
			field_addresses_write_mailbox(f, &a,
			    alone || a.ambiguous ? WORDS_ALONE : WORDS_TOKENS);
		else if (a.kind == ADDRESS_GROUP && !alone)
			field_addresses_write_group(f, &a);
		else
			words_write(f, a.slot, WORDS_ALONE);
		end = span_end(a.slot);
	}
	words_write(f, span_between(end, span_end(value)),
	    alone ? WORDS_ALONE : WORDS_TOKENS);
}
