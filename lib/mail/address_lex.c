/*
 * address_lex.c - tokens of address lists, and the addr-spec made of them.
 *
 * A tokenizer that never fails and never goes back: an unclosed quote or
 * comment takes all that is left, so that each byte is looked at a fixed number
 * of times whatever a hostile list looks like. Pure functions, for any
 * thread.
 */
#include <ctype.h>

#include "address_lex.h"

int
lex_is_atext(char c)
{
	unsigned char u = (unsigned char)c;

	return u > 32 && u != 127 && strchr("()<>[]:;@\\,.\"", c) == NULL;
}

const char *
lex_quoted_end(const char *p, const char *limit)
{
	for (p++; p < limit; p++) {
		if (*p == '"')
			return p + 1;
		if (*p == '\\' && p + 1 < limit)
			p++;
	}
	return NULL;
}

const char *
lex_comment_end(const char *p, const char *limit)
{
	size_t depth = 0;

	for (; p < limit; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
		else if (*p == '\\' && p + 1 < limit)
			p++;
	}
	return NULL;
}

/*
 * A second '[' or a backslash makes it no literal. That a failed search never
 * passes the next place where one can start is what keeps this linear.
 */
static const char *
address_lex_literal_end(const char *p, const char *limit)
{
	for (p++; p < limit && *p != '[' && *p != '\\'; p++)
		if (*p == ']')
			return p + 1;
	return NULL;
}

static const char *
address_lex_run_end(const char *p, const char *limit, int (*member)(char))
{
	while (p < limit && member(*p))
		p++;
	return p;
}

static enum token
address_lex_token_at(const char *p, const char *limit, const char **end)
{
	*end = p;
	if (p == limit)
		return TOKEN_END;
	if (span_is_space(*p)) {
		*end = address_lex_run_end(p, limit, span_is_space);
		return TOKEN_SPACE;
	}
	if (lex_is_atext(*p)) {
		*end = address_lex_run_end(p, limit, lex_is_atext);
		return TOKEN_ATOM;
	}
	if (*p == '"' || *p == '(') {
		*end = *p == '"' ? lex_quoted_end(p, limit)
				 : lex_comment_end(p, limit);
		if (*end != NULL)
			return *p == '"' ? TOKEN_QUOTED : TOKEN_COMMENT;
		*end = limit;
		return TOKEN_OPEN;
	}
	if (*p == '[' && (*end = address_lex_literal_end(p, limit)) != NULL)
		return TOKEN_LITERAL;
	*end = p + 1;
	return TOKEN_CHAR;
}

void
lex(struct lexer *l)
{
	const char *end;

	l->token = address_lex_token_at(l->p, l->limit, &end);
	l->text = span_between(l->p, end);
	l->p = end;
}

void
lex_init(struct lexer *l, const char *p, const char *limit)
{
	l->p = p;
	l->limit = limit;
	lex(l);
}

int
lex_is(const struct lexer *l, char c)
{
	return l->token == TOKEN_CHAR && l->text.p[0] == c;
}

void
lex_skip(struct lexer *l)
{
	while (l->token == TOKEN_SPACE || l->token == TOKEN_COMMENT)
		lex(l);
}

/* --- addr-spec --- */

/*
 * Words and dots up to the '@'. Two words need a dot between them; more dots
 * than that are let pass, because such mailboxes exist.
 */
static const char *
address_lex_read_local(struct lexer *l, struct address *a)
{
	const char *from, *to;
	int word = 0;

	lex_skip(l);
	from = to = l->text.p;
	for (; !lex_is(l, '@'); lex_skip(l)) {
		if (l->token == TOKEN_END)
			return from == to ? "empty address" : "no domain";
		if (lex_is(l, '.')) {
			a->ambiguous |= !word;
			word = 0;
		} else if (l->token != TOKEN_ATOM && l->token != TOKEN_QUOTED)
			return "character out of place";
		else if (word++)
			return "blank or quote in the local part";
		to = span_end(l->text);
		lex(l);
	}
	a->local = span_between(from, to);
	a->ambiguous |= !word;
	return from == to ? "no local part" : NULL;
}

/* Only characters that literals of RFC 5321 section 4.1.3 consist of. */
static int
address_lex_is_plain_literal(struct span literal)
{
	size_t i;

	for (i = 1; i + 1 < literal.len; i++)
		if (!isalnum((unsigned char)literal.p[i]) &&
		    strchr(".:-", literal.p[i]) == NULL)
			return 0;
	return 1;
}

/*
 * Reads atoms joined by single dots. Returns 1 where the last one ends with a
 * dot, or none was read.
 */
static int
address_lex_read_atoms(struct lexer *l, struct span *read)
{
	const char *from = l->text.p;
	int dot = 1;

	*read = span_between(from, from);
	while (dot ? l->token == TOKEN_ATOM : lex_is(l, '.')) {
		*read = span_between(from, span_end(l->text));
		dot = !dot;
		lex(l);
		lex_skip(l);
	}
	return dot;
}

/* A domain literal or atoms. */
static const char *
address_lex_read_domain(struct lexer *l, struct address *a)
{
	lex_skip(l);
	if (l->token == TOKEN_LITERAL) {
		a->domain = l->text;
		a->ambiguous |= !address_lex_is_plain_literal(l->text);
		lex(l);
	} else
		a->ambiguous |= address_lex_read_atoms(l, &a->domain);
	lex_skip(l);
	if (l->token != TOKEN_END)
		return "character out of place";
	if (a->domain.len == 0)
		return "no domain";
	/* "'a@example.org'": see address_key() */
	a->ambiguous |= memchr(a->domain.p, '\'', a->domain.len) != NULL;
	return NULL;
}

int
lex_is_route(const char *from, const char *to)
{
	struct span domain;
	struct lexer l;

	for (lex_init(&l, from, to);; lex(&l)) {
		lex_skip(&l);
		if (!lex_is(&l, '@'))
			return 0;
		lex(&l);
		lex_skip(&l);
		if (address_lex_read_atoms(&l, &domain) == 1)
			return 0;
		if (!lex_is(&l, ','))
			return l.token == TOKEN_END;
	}
}

const char *
lex_spec(const char *from, const char *to, struct address *a)
{
	struct lexer l;
	const char *reason;

	lex_init(&l, from, to);
	reason = address_lex_read_local(&l, a);
	if (reason != NULL)
		return reason;
	lex(&l); /* the '@' */
	reason = address_lex_read_domain(&l, a);
	if (reason != NULL)
		return reason;
	a->spec = span_between(a->local.p, span_end(a->domain));
	return NULL;
}
