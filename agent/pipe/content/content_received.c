/*
 * content_received.c - the client in our own Received field.
 *
 * Postfix's smtpd writes
 *
 *	Received: from helo (name [address])
 *		(using TLSv1.3 with ...) (Authenticated sender: user)
 *		by host (Postfix) with ESMTPSA id 4ZbQ2k1xYz; date
 *
 * on top of the header. All up to "by" tells of the client, in comments as
 * well; without it the field is still one of RFC 5322 (section 3.6.7).
 */
#include "lib/mail/address_lex.h"
#include "content_private.h"

/* A word at the lexer, and no longer. */
static int
content_received_at_word(const struct lexer *l, const char *word)
{
	return l->token == TOKEN_ATOM && span_is(l->text, word);
}

/* Whether the field says "id <queue id>". */
static int
content_received_has_id(struct span value, const char *queue_id)
{
	struct lexer l;

	lex_init(&l, value.p, span_end(value));
	while (l.token != TOKEN_END) {
		if (!content_received_at_word(&l, "id")) {
			lex(&l);
			continue;
		}
		lex(&l);
		lex_skip(&l);
		if (l.token == TOKEN_ATOM && l.text.len == strlen(queue_id) &&
		    memcmp(l.text.p, queue_id, l.text.len) == 0)
			return 1;
	}
	return 0;
}

int
received_find(struct span fields, const char *queue_id, struct span *value)
{
	struct header_reader r;
	struct header_field f;
	int found = 0;

	header_init(&r, fields.p, fields.len);
	while (header_next(&r, &f)) {
		if (!span_is(f.name, "Received"))
			continue;
		if (content_received_has_id(f.value, queue_id)) {
			*value = f.value;
			return 1;
		}
		/* none has it: smtpd put its own on top of the others */
		if (!found++)
			*value = f.value;
	}
	return found > 0;
}

struct span
received_client(struct span value)
{
	struct span client = span_between(value.p, value.p);
	struct lexer l;

	lex_init(&l, value.p, span_end(value));
	lex_skip(&l);
	if (!content_received_at_word(&l, "from"))
		return client;
	client.p = l.text.p;
	lex(&l);
	lex_skip(&l);
	/* the name that the client gave itself, which may be anything */
	while (l.token != TOKEN_END && l.token != TOKEN_SPACE &&
	    l.token != TOKEN_COMMENT)
		lex(&l);
	while (l.token != TOKEN_END && !content_received_at_word(&l, "by"))
		lex(&l);
	if (l.token != TOKEN_END)
		client = span_between(client.p, l.text.p);
	return client;
}
