/*
 * field_plain.c - fields in which no encoded word may stand (RFC 2047 section
 * 5): identifiers, URIs, trace fields. See field_kinds.h.
 *
 * What has 8-bit bytes there becomes ASCII of the same meaning where there is
 * one: "xn--" for the labels of an identifier or a domain, %XX in a URI (RFC
 * 3987 section 3.1). What is no UTF-8 is written as %XX too, so the same
 * identifier becomes the same in Message-ID and References, whatever charset
 * the messages declare. In comments encoded words may stand, but not in those
 * of Received.
 */
#include "lib/base/codec.h"
#include "lib/mail/address_lex.h"
#include "lib/mail/idn.h"
#include "field_kinds.h"
#include "field_words.h"

static void
field_plain_write_percent(struct fold *f, struct span text)
{
	char hex[3] = {'%'};
	size_t i;

	for (i = 0; i < text.len; i++) {
		codec_hex_put(text.p[i], hex + 1);
		if (fold_needs(span_between(&text.p[i], &text.p[i] + 1)))
			fold_raw(f, span_between(hex, hex + sizeof(hex)));
		else
			fold_raw(f, span_between(&text.p[i], &text.p[i] + 1));
	}
}

/* Bytes of atoms, as a label. */
static void
field_plain_write_label(struct fold *f, struct span text)
{
	char label[ADDRESS_KEY_SIZE];
	int len = idn_domain(text, label, sizeof(label));

	if (len <= 0 || fold_needs(span_between(label, label + len)))
		field_plain_write_percent(f, text);
	else
		fold_raw(f, span_between(label, label + len));
}

static void
field_plain_write_token(struct fold *f, struct span text, enum plain mode)
{
	const char *p = text.p, *limit = span_end(text), *from;
	int atext;

	if (!fold_needs(text)) {
		fold_raw(f, text);
		return;
	}
	if (mode == PLAIN_URIS) {
		field_plain_write_percent(f, text);
		return;
	}
	while (p < limit) {
		from = p;
		atext = lex_is_atext(*p);
		while (p < limit && lex_is_atext(*p) == atext)
			p++;
		if (fold_needs(span_between(from, p)))
			field_plain_write_label(f, span_between(from, p));
		else
			fold_raw(f, span_between(from, p));
	}
}

/* A comment, unless it is a part of a URI. */
static int
field_plain_is_comment(
    const struct lexer *l, enum plain mode, int in_angle, int after_space)
{
	return l->token == TOKEN_COMMENT && mode != PLAIN_TRACE && !in_angle &&
	    after_space;
}

/*
 * Writes the phrase up to this character or the end, where it leaves the lexer.
 * One with more than words and comments in it is encoded as a whole.
 */
static void
field_plain_write_phrase(
    struct fold *f, const char *from, struct lexer *l, char mark)
{
	struct span phrase, text;
	int plain = 1;

	for (; l->token != TOKEN_END && !lex_is(l, mark); lex(l))
		plain &= l->token == TOKEN_ATOM || l->token == TOKEN_QUOTED ||
		    l->token == TOKEN_SPACE || l->token == TOKEN_COMMENT ||
		    lex_is(l, '.');
	phrase = span_between(from, l->text.p);
	if (plain || !fold_needs(phrase)) {
		words_write(f, phrase, WORDS_TOKENS);
		return;
	}
	text = span_trim(phrase);
	words_write_whole(f, span_between(from, text.p), text);
	fold_raw(f, span_between(span_end(text), span_end(phrase)));
}

void
field_plain(struct fold *f, struct span value, enum plain mode)
{
	int in_angle = 0, after_space = 1;
	struct lexer l;

	lex_init(&l, value.p, span_end(value));
	if (mode == PLAIN_PHRASE)
		field_plain_write_phrase(f, value.p, &l, '<');
	for (; l.token != TOKEN_END; lex(&l)) {
		if (l.token == TOKEN_SPACE)
			fold_space(f, l.text, 1);
		else if (field_plain_is_comment(
			     &l, mode, in_angle, after_space))
			words_write(f, l.text, WORDS_COMMENT);
		else
			field_plain_write_token(f, l.text, mode);
		in_angle = lex_is(&l, '<') || (in_angle && !lex_is(&l, '>'));
		after_space = l.token == TOKEN_SPACE ||
		    l.token == TOKEN_COMMENT || lex_is(&l, '>') ||
		    lex_is(&l, ';') || lex_is(&l, ',');
	}
}

void
field_phrases(struct fold *f, struct span value)
{
	const char *from = value.p;
	struct lexer l;

	lex_init(&l, value.p, span_end(value));
	while (l.token != TOKEN_END) {
		field_plain_write_phrase(f, from, &l, ',');
		from = l.text.p;
		if (l.token == TOKEN_END)
			break;
		fold_raw(f, l.text);
		from = l.p;
		lex(&l);
	}
}
