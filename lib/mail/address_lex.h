/*
 * address_lex.h - the tokens of address lists, the addr-spec, and encoded
 * words. For readers of structured fields; addresses are read with address.h.
 */
#ifndef MSGRAPH_ADDRESS_LEX_H
#define MSGRAPH_ADDRESS_LEX_H

#include "address.h"

enum token {
	TOKEN_END,
	TOKEN_SPACE,
	TOKEN_COMMENT,
	TOKEN_ATOM,
	TOKEN_QUOTED, /* "..." */
	TOKEN_LITERAL, /* [...] */
	TOKEN_OPEN, /* a quote or comment that is never closed */
	TOKEN_CHAR /* a special, or a control character */
};

struct lexer {
	const char *p; /* the token after this one */
	const char *limit;
	enum token token;
	struct span text; /* this token */
};

/* Reads the first token between two pointers; lex() reads the next one. */
void lex_init(struct lexer *, const char *from, const char *limit);
void lex(struct lexer *);

/* Goes on to a token that is neither blank nor comment. */
void lex_skip(struct lexer *);

/* Returns 1 when the token is this special character. */
int lex_is(const struct lexer *, char);

/*
 * Returns 1 for an atext of RFC 5322 section 3.2.3, with the bytes above 127 of
 * RFC 6532.
 */
int lex_is_atext(char);

/* Returns where the quoted string that opens at p ends, or NULL. */
const char *lex_quoted_end(const char *p, const char *limit);

/* Returns where the comment ends; comments nest (RFC 5322 section 3.2.2). */
const char *lex_comment_end(const char *p, const char *limit);

/* Returns 1 when the text before ':' is "@a,@b" (RFC 5322 section 4.4). */
int lex_is_route(const char *from, const char *to);

/*
 * Fills spec, local, domain and ambiguous from the text between from and to.
 * Returns NULL, or why it is no address.
 */
const char *lex_spec(const char *from, const char *to, struct address *);

/*
 * Returns 1 when a reader that looks for encoded words first may see other
 * tokens than we: a word that starts in this part of the list holds a quote,
 * bracket or backslash, or goes on behind it. Parts come in their order.
 */
int word_hides(struct address_reader *, struct span text);

/* Returns 1 when an encoded word may start in the text, up to its own text. */
int word_starts(struct span text);

#endif
