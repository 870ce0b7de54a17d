/*
 * field_words.c - see field_words.h.
 *
 * Words next to each other that need it become one run of encoded words,
 * blanks between them included, since readers drop the blanks between two
 * encoded words (RFC 2047 section 6.2). For the same reason the blank between
 * a run and an encoded word that was there before goes into the run as well.
 */
#include "lib/base/codec.h"
#include "lib/mail/address_lex.h"
#include "lib/mail/charset.h"
#include "lib/mail/encoded_word.h"
#include "field_words.h"

/* Longer ones leave no place to fold a line. */
#define LONG_WORD 900

struct unit {
	enum { UNIT_END, UNIT_WORD, UNIT_OTHER } kind;
	struct span space; /* before it */
	struct span text;
};

struct units {
	enum words mode;
	const char *next, *limit;
	int open_quote; /* there is no other quote any more */
};

/*
 * Returns the kind of an encoded word, or 0. One with a blank in it, as where
 * quotes hold words together, is none (RFC 2047 section 2).
 */
static int
field_words_is_encoded(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (span_is_space(text.p[i]))
			return 0;
	return encoded_word_is(text);
}

/* From p to a blank, or to a bracket in a comment. */
static const char *
field_words_text_end(const char *p, const char *limit, enum words mode)
{
	while (p < limit && !span_is_space(*p)) {
		if (mode == WORDS_COMMENT && (*p == '(' || *p == ')'))
			break;
		if (mode == WORDS_COMMENT && *p == '\\' && p + 1 < limit &&
		    !span_is_space(p[1]))
			p++;
		p++;
	}
	return p;
}

/* Whether an encoded word starts behind a blank between here and there. */
static int
field_words_has_encoded(const struct units *us, const char *p, const char *to)
{
	const char *end;

	for (; p < to; p = end) {
		end = field_words_text_end(p, us->limit, us->mode);
		while (end < to && span_is_space(*end))
			end++;
		if (end >= to)
			break;
		if (field_words_is_encoded(span_between(
			end, field_words_text_end(end, us->limit, us->mode))))
			return 1;
	}
	return 0;
}

/*
 * The same, but what stands in quotes is one word, since the field may be one
 * with a structure that is not known here. Quotes with an encoded word in them
 * are text: readers decode that word (RFC 2047 section 5 (1)). Nothing is
 * looked at more than twice.
 */
static const char *
field_words_quoted_end(struct units *us, const char *p)
{
	const char *end = field_words_text_end(p, us->limit, us->mode), *quote;

	if (field_words_is_encoded(span_between(p, end)))
		return end;
	while (!us->open_quote &&
	    (quote = memchr(p, '"', (size_t)(end - p))) != NULL) {
		p = memchr(quote + 1, '"', (size_t)(us->limit - quote - 1));
		us->open_quote = p == NULL;
		if (p == NULL)
			break;
		if (p++ < end)
			continue;
		if (field_words_has_encoded(us, quote, p))
			break;
		end = field_words_text_end(p, us->limit, us->mode);
	}
	return end;
}

static int
field_words_is_word(const struct lexer *l, enum words mode)
{
	if (mode == WORDS_NAME)
		return l->token != TOKEN_END && l->token != TOKEN_SPACE &&
		    l->token != TOKEN_COMMENT;
	if (l->token == TOKEN_LITERAL || l->token == TOKEN_OPEN)
		return fold_needs(l->text);
	return l->token == TOKEN_ATOM || l->token == TOKEN_QUOTED ||
	    lex_is(l, '.') || lex_is(l, '@');
}

static void
field_words_next_token(
    struct unit *u, const char *p, const char *limit, enum words mode)
{
	struct lexer l;

	lex_init(&l, p, limit);
	u->kind = field_words_is_word(&l, mode) ? UNIT_WORD : UNIT_OTHER;
	u->text = l.text;
	while (field_words_is_word(&l, mode)) {
		u->text = span_between(p, span_end(l.text));
		lex(&l);
	}
}

static void
field_words_next_unit(struct units *us, struct unit *u)
{
	const char *p = us->next, *limit = us->limit;

	while (p < limit && span_is_space(*p))
		p++;
	u->space = span_between(us->next, p);
	u->text = span_between(p, p);
	if (p == limit)
		u->kind = UNIT_END;
	else if (us->mode >= WORDS_NAME)
		field_words_next_token(u, p, limit, us->mode);
	else {
		u->kind = UNIT_WORD;
		u->text = span_between(p,
		    us->mode == WORDS_TEXT
			? field_words_quoted_end(us, p)
			: field_words_text_end(p, limit, us->mode));
		if (u->text.len == 0) { /* a bracket */
			u->kind = UNIT_OTHER;
			u->text.len = 1;
		}
	}
	us->next = span_end(u->text);
}

/*
 * Whether a reader may see an encoded word start here in an address list or a
 * comment, and not end: it would end with the next word that is written, and
 * hide the addresses between.
 */
static int
field_words_opens(const struct units *us, struct span text)
{
	return us->mode >= WORDS_COMMENT && address_word_is_open(text);
}

static int
field_words_needs(const struct units *us, const struct unit *u)
{
	if (u->kind != UNIT_WORD || field_words_is_encoded(u->text))
		return 0;
	return fold_needs(u->text) || field_words_opens(us, u->text) ||
	    (us->mode == WORDS_SUBJECT && u->text.len > LONG_WORD);
}

/* --- what words mean --- */

/* Without the line ends that folding put in; a CR alone is a blank. */
static void
field_words_add_unfolded(struct buf *out, struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.p[i] == '\r' &&
		    (i + 1 == text.len || text.p[i + 1] != '\n'))
			buf_add(out, " ", 1);
		else if (text.p[i] != '\r' && text.p[i] != '\n')
			buf_add(out, &text.p[i], 1);
}

/* And without backslashes. */
static void
field_words_add_unescaped(struct buf *out, struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.p[i] == '\\' && i + 1 < text.len)
			i++;
		if (text.p[i] != '\r' && text.p[i] != '\n')
			buf_add(out, &text.p[i], 1);
	}
}

static void
field_words_add_word(struct buf *out, struct span word, enum words mode)
{
	struct lexer l;

	if (mode == WORDS_COMMENT)
		field_words_add_unescaped(out, word);
	else if (mode < WORDS_NAME)
		field_words_add_unfolded(out, word);
	else
		for (lex_init(&l, word.p, span_end(word)); l.token != TOKEN_END;
		     lex(&l)) {
			if (l.token == TOKEN_QUOTED)
				field_words_add_unescaped(out,
				    span_between(
					l.text.p + 1, span_end(l.text) - 1));
			else
				field_words_add_unfolded(out, l.text);
		}
}

/* --- units that are no words --- */

static void
field_words_write_other(struct fold *f, const struct unit *u, enum words mode)
{
	int is_comment = mode != WORDS_COMMENT && u->text.p[0] == '(' &&
	    span_end(u->text)[-1] == ')';

	if (fold_needs(u->text) && !is_comment)
		words_write_whole(f, u->space, u->text);
	else {
		fold_space(f, u->space, u->text.len);
		if (is_comment &&
		    (fold_needs(u->text) || address_word_is_open(u->text)))
			words_write(f, u->text, WORDS_COMMENT);
		else
			fold_raw(f, u->text);
	}
}

/*
 * Bytes that an encoded word must not have: =XX where it is of the kind Q;
 * readers pass over them in base64.
 */
static void
field_words_write_encoded_word(struct fold *f, struct span word)
{
	int is_q = field_words_is_encoded(word) == 'q';
	char hex[3] = {'='};
	size_t i;

	for (i = 0; i < word.len; i++) {
		codec_hex_put(word.p[i], hex + 1);
		if (!(word.p[i] & 0x80))
			fold_raw(f, span_between(word.p + i, word.p + i + 1));
		else if (is_q)
			fold_raw(f, span_between(hex, hex + sizeof(hex)));
	}
}

/* --- runs --- */

/*
 * Writes the run that starts with *u and leaves the unit behind it there.
 * after_word: an encoded word stands before it.
 */
static void
field_words_write_run(
    struct fold *f, struct units *us, struct unit *u, int after_word)
{
	struct span space = u->space;
	struct buf text;

	buf_init(&text, f->out->limit);
	if (after_word)
		field_words_add_unfolded(&text, space);
	field_words_add_word(&text, u->text, us->mode);
	field_words_next_unit(us, u);
	while (field_words_needs(us, u)) {
		field_words_add_unfolded(&text, u->space);
		field_words_add_word(&text, u->text, us->mode);
		field_words_next_unit(us, u);
	}
	if (u->kind == UNIT_WORD && field_words_is_encoded(u->text))
		field_words_add_unfolded(&text, u->space);
	if (text.failed)
		f->out->failed = text.failed;
	else
		fold_words(
		    f, space, span_between(text.bytes, text.bytes + text.len));
	buf_free(&text);
}

/* Writes one that is too long for a line as several; 0 where that cannot be. */
static int
field_words_split(struct fold *f, const struct unit *u)
{
	struct span charset;
	struct buf bytes;
	size_t i, len = 0; /* with =XX for 8-bit bytes */
	int known;

	for (i = 0; i < u->text.len; i++)
		len += u->text.p[i] & 0x80 ? 3 : 1;
	if (len <= LONG_WORD)
		return 0;
	buf_init(&bytes, u->text.len);
	known = encoded_word_bytes(u->text, &charset, &bytes) == 0 &&
	    bytes.len > 0 && charset_kind(charset) != CHARSET_UNKNOWN;
	if (known)
		fold_words_in(f, u->space,
		    span_between(bytes.bytes, bytes.bytes + bytes.len),
		    charset);
	buf_free(&bytes);
	return known;
}

/* What needs no encoding, or is an encoded word already. */
static void
field_words_write_word(struct fold *f, const struct unit *u)
{
	if (!field_words_is_encoded(u->text)) {
		fold_space(f, u->space, u->text.len);
		fold_raw(f, u->text);
	} else if (!field_words_split(f, u)) {
		fold_space(f, u->space, u->text.len);
		field_words_write_encoded_word(f, u->text);
	}
}

void
words_write(struct fold *f, struct span text, enum words mode)
{
	struct units us = {mode, text.p, span_end(text), 0};
	struct unit u;
	int after_word = 0;

	field_words_next_unit(&us, &u);
	while (u.kind != UNIT_END) {
		if (field_words_needs(&us, &u)) {
			field_words_write_run(f, &us, &u, after_word);
			after_word = 1;
			continue;
		}
		after_word =
		    u.kind == UNIT_WORD && field_words_is_encoded(u.text);
		if (u.kind == UNIT_WORD)
			field_words_write_word(f, &u);
		else
			field_words_write_other(f, &u, mode);
		field_words_next_unit(&us, &u);
	}
	fold_space(f, u.space, 0);
}

void
words_write_whole(struct fold *f, struct span space, struct span text)
{
	struct buf meant;

	buf_init(&meant, f->out->limit);
	field_words_add_word(&meant, text, WORDS_NAME);
	if (meant.failed)
		f->out->failed = meant.failed;
	else
		fold_words(f, space,
		    span_between(meant.bytes, meant.bytes + meant.len));
	buf_free(&meant);
}
