/*
 * address_word.c - encoded words in address lists, as readers see them that
 * look for these words first.
 *
 * Such readers look for quotes, comments and brackets in the text that is left.
 * RFC 2047 section 5 has none of these in a word, but clients do, and then such
 * a reader finds other addresses than we. A word here is as much as anybody may
 * take for one: any bytes for its character set, encoding and text. Pure
 * functions, for any thread.
 *
 * To call a list ambiguous unless each "=?" in it starts a whole word was
 * tried: that needs a third of this file and nothing of the reader. But then a
 * list with a word that was cut off, which all readers take for a name, is
 * written anew, so that the name goes and a signature breaks.
 */
#include "address_lex.h"

/* Where an encoded word that starts here has its text, or NULL. */
static const char *
address_word_text(const char *p, const char *limit)
{
	int marks = 0;

	for (p += 2; p < limit && marks < 2; p++)
		marks += *p == '?';
	return marks == 2 ? p : NULL;
}

/* 1 when all readers agree that this is one, from "=?" to "?=". */
static int
address_word_is_word(const char *p, const char *text, const char *end)
{
	const char *charset = p + 2;

	return text - charset > 3 && strchr("BbQq", text[-2]) != NULL &&
	    text[-3] == '?' &&
	    memchr(text, '?', (size_t)(end - text)) == NULL &&
	    memchr(charset, '=', (size_t)(text - charset)) == NULL;
}

static const char *
address_word_find_special(const char *p, const char *limit)
{
	while (p < limit && strchr("\"\\()<>", *p) == NULL)
		p++;
	return p;
}

/*
 * Where a word ends lies no further back for a later one, so all calls for one
 * list look at it once.
 */
int
word_hides(struct address_reader *r, struct span text)
{
	const char *p = text.p, *limit = span_end(text), *from, *special = p;

	while ((p = memmem(p, (size_t)(limit - p), "=?", 2)) != NULL) {
		from = address_word_text(p, r->limit);
		if (from == NULL)
			return 0;
		if (r->word_end != NULL && r->word_end < from)
			r->word_end =
			    memmem(from, (size_t)(r->limit - from), "?=", 2);
		if (r->word_end == NULL) {
			/* "=?utf-8?q?=20": of all that follows, for some */
			if (from < r->limit && *from == '=')
				return 1;
			p += 2;
			continue;
		}
		if (r->word_end + 1 >= limit)
			return 1;
		if (special <= p)
			special = address_word_find_special(p, limit);
		if (special < r->word_end)
			return 1;
		p = address_word_is_word(p, from, r->word_end) ? r->word_end + 2
							       : p + 2;
	}
	return 0;
}

int
word_starts(struct span text)
{
	const char *p = memmem(text.p, text.len, "=?", 2);

	return p != NULL && address_word_text(p, span_end(text)) != NULL;
}

int
address_word_is_open(struct span text)
{
	const char *p = text.p, *limit = span_end(text), *from, *end = p;

	while ((p = memmem(p, (size_t)(limit - p), "=?", 2)) != NULL) {
		from = address_word_text(p, limit);
		if (from != NULL && end < from)
			end = memmem(from, (size_t)(limit - from), "?=", 2);
		if (from == NULL || end == NULL)
			return 1;
		p = address_word_is_word(p, from, end) ? end + 2 : p + 2;
	}
	return 0;
}
