/*
 * address.c - address lists as spans of the input. See address.h.
 *
 * A loop for each address only notes where things are. Whether an addr-spec is
 * well-formed is decided when the end of the address is known. Nothing is read
 * more than twice. Pure functions, for any thread.
 */
#include "address_lex.h"
#include "encoded_word.h"

void
address_init(struct address_reader *r, const char *value, size_t len)
{
	r->next = value;
	r->limit = value + len;
	r->word_end = value;
	r->in_group = 0;
	r->ambiguous = 0;
}

/* The parts of an address that have been seen so far. */
struct address_seen {
	const char *from, *to; /* without blanks around; or NULL */
	const char *text_from, *text_to; /* without comments around; or NULL */
	const char *spec_from, *spec_to; /* inside <> */
	const char *tail_from, *tail_to; /* a phrase behind <>; or NULL */
	const char *word_to; /* behind the last encoded word of a phrase */
	int at; /* there was a '@' outside <> */
	int odd; /* there was what no phrase has */
};

static void
address_bad(struct address *a, const char *reason)
{
	if (a->reason == NULL)
		a->reason = reason;
}

/*
 * From '<' to '>'. Commas belong to a route alone (RFC 5322 section 4.4), and
 * nothing else that separates stands in an addr-spec: there the address is bad
 * and goes on as if the '<' had been text.
 */
static void
address_read_angle(struct lexer *l, struct address *a, struct address_seen *e)
{
	const char *open = l->text.p;
	int route;

	lex(l);
	lex_skip(l);
	route = lex_is(l, '@');
	e->spec_from = l->text.p;
	for (; !lex_is(l, '>'); lex(l)) {
		if (route && lex_is(l, ':')) {
			a->ambiguous |= !lex_is_route(e->spec_from, l->text.p);
			e->spec_from = span_end(l->text);
			route = 0;
		} else if (l->token == TOKEN_END || l->token == TOKEN_OPEN ||
		    lex_is(l, '<') || lex_is(l, ';') ||
		    (!route && lex_is(l, ','))) {
			address_bad(a, "'<' without '>'");
			return;
		}
		if (l->token != TOKEN_SPACE)
			e->to = span_end(l->text);
	}
	e->spec_to = l->text.p;
	a->angle = span_between(open, span_end(l->text));
	e->to = span_end(l->text);
	lex(l);
}

/* A word, and then words and dots, make a phrase (RFC 5322 section 4.1). */
static void
address_note(const struct lexer *l, struct address_seen *e)
{
	if (e->text_from == NULL)
		e->text_from = l->text.p;
	e->text_to = span_end(l->text);
	if (lex_is(l, '@'))
		e->at = 1;
	else if (l->token != TOKEN_ATOM && l->token != TOKEN_QUOTED &&
	    (!lex_is(l, '.') || e->text_from == l->text.p))
		e->odd = 1;
	if (l->token == TOKEN_ATOM && !e->at && !e->odd &&
	    encoded_word_is(l->text))
		e->word_to = e->text_to;
}

/*
 * Makes one token of an encoded word with commas and semicolons in it, which
 * RFC 2047 section 5 (3) has written as =2C and =3B: programs leave them as
 * they are ("Doe, John"), and readers that look for words first find one name.
 * The word holds nothing else that separates, and a blank, a bracket or nothing
 * follows. Returns 0, and does nothing, where there is none.
 */
static int
address_join_word(struct lexer *l)
{
	const char *p = l->text.p, *end;

	if (l->token != TOKEN_ATOM || l->text.len < 2 || p[1] != '?')
		return 0;
	end = p + encoded_word_length(p, l->limit);
	if (end <= span_end(l->text) ||
	    (end < l->limit && *end != '<' && !span_is_space(*end)))
		return 0;
	while (p < end && (lex_is_atext(*p) || strchr(",;.", *p) != NULL))
		p++;
	if (p < end)
		return 0;
	l->text = span_between(l->text.p, end);
	l->p = end;
	return 1;
}

/*
 * A phrase behind '>': programs put the name there, and readers pass it over.
 */
static void
address_note_tail(
    const struct lexer *l, struct address *a, struct address_seen *e)
{
	if (l->token != TOKEN_ATOM && l->token != TOKEN_QUOTED &&
	    !lex_is(l, '.'))
		address_bad(a, "text after '>'");
	if (e->tail_from == NULL)
		e->tail_from = l->text.p;
	e->tail_to = span_end(l->text);
}

/* A token that is no separator. Leaves the lexer at the next. */
static void
address_read_token(struct lexer *l, struct address *a, struct address_seen *e)
{
	int joined = address_join_word(l);

	if (l->token != TOKEN_SPACE) {
		if (e->from == NULL)
			e->from = l->text.p;
		e->to = span_end(l->text);
	}
	if (l->token == TOKEN_COMMENT)
		a->comment = l->text;
	else if (l->token == TOKEN_OPEN)
		address_bad(a, "quote or comment without end");
	else if (l->token != TOKEN_SPACE && a->angle.len > 0)
		address_note_tail(l, a, e);
	else if (lex_is(l, '>'))
		address_bad(a, "'>' without '<'");
	else if (lex_is(l, '<')) {
		address_read_angle(l, a, e);
		return;
	} else if (l->token != TOKEN_SPACE) {
		address_note(l, e);
		e->odd |= joined;
	}
	lex(l);
}

/* A ':' starts a group after a name, and is out of place elsewhere. */
static int
address_is_group(const struct address_reader *r, const struct address *a,
    const struct address_seen *e)
{
	return !r->in_group && e->text_from != NULL && !e->at &&
	    a->angle.len == 0 && a->reason == NULL;
}

/* Passes blanks and a comma after a group's end; only the end needs none. */
static void
address_group_end(struct address_reader *r, struct lexer *l)
{
	r->in_group = 0;
	r->next = span_end(l->text);
	lex(l);
	lex_skip(l);
	if (lex_is(l, ','))
		r->next = span_end(l->text);
	else if (l->token != TOKEN_END)
		r->ambiguous = 1;
}

/* Mailboxes with a "=?" may exist, but none with half an encoded word. */
static int
address_spec_hides(const struct address *a)
{
	return word_starts(a->local) ||
	    memmem(a->domain.p, a->domain.len, "=?", 2) != NULL;
}

/* The same of an address and the comments around it. */
static int
address_slot_hides(struct address_reader *r, const struct address *a)
{
	const char *end = span_end(a->slot);

	if (a->kind != ADDRESS_MAILBOX)
		return word_hides(r, a->slot);
	return word_hides(r, span_between(a->slot.p, a->spec.p)) ||
	    address_spec_hides(a) ||
	    word_hides(r, span_between(span_end(a->spec), end));
}

/*
 * Reads an address without <>. Behind an encoded word, which none can hold (RFC
 * 2047 section 5), it starts there, and what stands before it is the name.
 */
static const char *
address_read_spec(struct address *a, const struct address_seen *e)
{
	const char *reason = lex_spec(e->from, e->to, a);

	if (reason == NULL || e->word_to == NULL || e->word_to == e->to ||
	    !span_is_space(*e->word_to) ||
	    lex_spec(e->word_to, e->to, a) != NULL)
		return reason;
	a->name = span_between(e->text_from, e->word_to);
	a->ambiguous = 1;
	return NULL;
}

static void
address_settle_name(struct address *a, const struct address_seen *e)
{
	if (e->text_from != NULL)
		a->name = span_between(e->text_from, e->text_to);
	else if (e->tail_from != NULL)
		a->name = span_between(e->tail_from, e->tail_to);
	/* a name with a '@' is taken for the address by some */
	if (a->kind == ADDRESS_MAILBOX)
		a->ambiguous |= e->odd || e->at || e->tail_from != NULL;
}

/* Decides what the address is, now that its end is known. */
static void
address_settle(struct address *a, const struct address_seen *e)
{
	a->text = span_between(e->from, e->to);
	if (a->kind != ADDRESS_GROUP && a->reason == NULL) {
		if (a->angle.len > 0)
			address_bad(a, lex_spec(e->spec_from, e->spec_to, a));
		else
			address_bad(a, address_read_spec(a, e));
	}
	if (a->reason != NULL) {
		a->kind = ADDRESS_BAD;
		a->local.len = a->domain.len = 0;
	} else if (a->kind == ADDRESS_GROUP || a->angle.len > 0)
		address_settle_name(a, e);
}

/*
 * Reads one address up to its separator, and the separator. 1; 0 when there
 * was nothing but blanks and comments.
 */
static int
address_read_mailbox(
    struct address_reader *r, struct lexer *l, struct address *a)
{
	struct address_seen e = {0};

	for (;;) {
		if (l->token == TOKEN_END || lex_is(l, ',') || lex_is(l, ';'))
			break;
		if (lex_is(l, ':') && address_is_group(r, a, &e)) {
			a->kind = ADDRESS_GROUP;
			break;
		}
		if (lex_is(l, ':'))
			address_bad(a, "':' out of place");
		address_read_token(l, a, &e);
	}
	if (e.text_from == NULL && a->angle.len == 0 && a->reason == NULL) {
		a->comment.len = 0;
		return 0;
	}
	address_settle(a, &e);
	if (a->kind == ADDRESS_GROUP) {
		r->in_group = 1;
		r->ambiguous |= e.odd;
		a->text = span_between(e.from, l->p);
		r->next = l->p;
	} else if (l->token == TOKEN_END || (r->in_group && lex_is(l, ';')))
		r->next = l->text.p;
	else {
		a->separator = l->text.p[0];
		r->ambiguous |= a->separator == ';';
		r->next = l->p;
	}
	return 1;
}

int
address_next(struct address_reader *r, struct address *a)
{
	const char *start = r->next;
	int ambiguous = r->ambiguous;
	struct lexer l;

	lex_init(&l, r->next, r->limit);
	memset(a, 0, sizeof(*a));
	a->in_group = r->in_group;
	while (!address_read_mailbox(r, &l, a)) {
		if (l.token == TOKEN_END) {
			r->ambiguous |=
			    word_hides(r, span_between(start, r->limit));
			r->next = r->limit;
			return 0;
		}
		if (lex_is(&l, ';') && r->in_group) {
			a->kind = ADDRESS_GROUP_END;
			a->text = l.text;
			address_group_end(r, &l);
			break;
		}
		if (lex_is(&l, ';'))
			r->ambiguous = ambiguous = 1;
		lex(&l); /* of an empty member */
	}
	a->slot = span_between(start, r->next);
	if (a->kind != ADDRESS_MAILBOX) {
		a->ambiguous = 0;
		r->ambiguous |=
		    a->kind != ADDRESS_BAD && address_slot_hides(r, a);
	} else
		a->ambiguous |= ambiguous || address_slot_hides(r, a);
	return 1;
}

int
address_is_unambiguous(struct span text)
{
	struct address_reader r;
	struct address a;

	address_init(&r, text.p, text.len);
	return address_next(&r, &a) && a.kind == ADDRESS_MAILBOX &&
	    !a.ambiguous && a.text.len == text.len && !address_next(&r, &a);
}
