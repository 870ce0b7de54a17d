/*
 * address_key.c - the form in which addresses are compared. See address.h.
 *
 * RFC 5321 leaves the case of a local part to its host, and quotes that are
 * not needed mean nothing (RFC 5322 section 3.2.4). Exchange ignores case, so
 * two keys are equal where Exchange would see one recipient.
 */
#include "lib/base/printable.h"
#include "address_lex.h"
#include "idn.h"

/* Bytes that must not pass the end of out. */
struct writer {
	char out[ADDRESS_KEY_SIZE];
	size_t used;
	int failed;
};

static void
address_key_put(struct writer *w, char c)
{
	if (w->used == sizeof(w->out))
		w->failed = 1;
	else
		w->out[w->used++] = c;
}

/* The meaning of a quoted string, without the line ends of folding. */
static void
address_key_put_quoted(struct writer *w, struct span text)
{
	size_t i;

	for (i = 1; i + 1 < text.len; i++) {
		if (text.p[i] == '\\' && i + 2 < text.len)
			i++;
		else if (text.p[i] == '\r' || text.p[i] == '\n')
			continue;
		if (printable_is_control(text.p[i]))
			w->failed = 1;
		address_key_put(w, text.p[i]);
	}
}

/* Blanks in a literal mean nothing. */
static void
address_key_put_literal(struct writer *w, struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (span_is_space(text.p[i]))
			continue;
		if (printable_is_control(text.p[i]))
			w->failed = 1;
		address_key_put(w, text.p[i]);
	}
}

/* The words and dots of a local part or domain, without quotes or comments. */
static void
address_key_put_words(struct writer *w, struct span part)
{
	struct lexer l;

	lex_init(&l, part.p, span_end(part));
	for (; l.token != TOKEN_END; lex(&l)) {
		if (l.token == TOKEN_QUOTED)
			address_key_put_quoted(w, l.text);
		else if (l.token == TOKEN_LITERAL)
			address_key_put_literal(w, l.text);
		else if (l.token == TOKEN_ATOM)
			for (; l.text.len > 0; l.text.len--)
				address_key_put(w, *l.text.p++);
		else if (lex_is(&l, '.'))
			address_key_put(w, '.');
	}
}

/* 1 when the bytes are atoms joined by single dots: no quotes needed. */
static int
address_key_is_dot_atom(const char *bytes, size_t len)
{
	int dot = 1;
	size_t i;

	for (i = 0; i < len; i++) {
		if (bytes[i] == '.' ? dot : !lex_is_atext(bytes[i]))
			return 0;
		dot = bytes[i] == '.';
	}
	return !dot;
}

static void
address_key_put_local(struct writer *w, const char *bytes, size_t len)
{
	int quote = !address_key_is_dot_atom(bytes, len);
	size_t i;

	if (quote)
		address_key_put(w, '"');
	for (i = 0; i < len; i++) {
		if (bytes[i] == '"' || bytes[i] == '\\')
			address_key_put(w, '\\');
		address_key_put(w, bytes[i]);
	}
	if (quote)
		address_key_put(w, '"');
}

static struct span
address_key_written(const struct writer *w)
{
	return span_between(w->out, w->out + w->used);
}

/*
 * Takes away a dot behind the domain, and apostrophes that somebody took for
 * quotes: 'a@example.org', since no domain ends in one.
 */
static void
address_key_strip(struct span *local, struct span *domain)
{
	char last;

	while (domain->len > 1) {
		last = span_end(*domain)[-1];
		if (last == '\'' && local->len > 1 && local->p[0] == '\'') {
			local->p++;
			local->len--;
		} else if (last != '.')
			break;
		domain->len--;
	}
}

int
address_key(struct span spec, char *key, size_t size)
{
	struct writer words = {.used = 0}, name = words, out = words;
	char small[ADDRESS_KEY_SIZE];
	struct span local, domain;
	struct address a = {0};
	int len;

	if (lex_spec(spec.p, span_end(spec), &a) != NULL)
		return -1;
	address_key_put_words(&words, a.local);
	address_key_put_words(&name, a.domain);
	local = address_key_written(&words);
	domain = address_key_written(&name);
	address_key_strip(&local, &domain);
	len = idn_lower(local, small, sizeof(small));
	if (words.failed || name.failed || len == -1)
		return -1;
	address_key_put_local(&out, small, (size_t)len);
	address_key_put(&out, '@');
	if (out.failed || out.used >= size)
		return -1;
	memcpy(key, out.out, out.used);
	key += out.used;
	size -= out.used;
	/* a literal stays one */
	len = domain.p[0] == '[' ? idn_lower(domain, key, size)
				 : idn_domain(domain, key, size);
	return len == -1 ? -1 : (int)out.used + len;
}

int
address_is_ascii(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] > 127)
			return 0;
	return 1;
}

int
address_header_key(struct span spec, char *key)
{
	int len = address_key(spec, key, ADDRESS_KEY_SIZE);
	struct span whole = span_between(key, key + (len == -1 ? 0 : len));

	if (len == -1 || !address_is_ascii(whole) ||
	    !address_is_unambiguous(whole) || strncmp(key, "\"\"@", 3) == 0)
		return -1;
	return len;
}

static void
address_key_write_raw(const char *text, char key[ADDRESS_KEY_SIZE])
{
	size_t len = strlen(text), i;

	if (len >= 2 && text[0] == '<' && text[len - 1] == '>') {
		text++;
		len -= 2;
	}
	if (len >= ADDRESS_KEY_SIZE)
		len = ADDRESS_KEY_SIZE - 1;
	for (i = 0; i < len; i++)
		key[i] = !printable_is_visible(text[i]) || text[i] == '@'
		    ? '?'
		    : text[i];
	key[len] = '\0';
}

void
address_canonical(const char *text, char key[ADDRESS_KEY_SIZE])
{
	struct address_reader r;
	struct address a, next;

	address_init(&r, text, strlen(text));
	if (!address_next(&r, &a) || a.kind != ADDRESS_MAILBOX ||
	    address_next(&r, &next) ||
	    address_key(a.spec, key, ADDRESS_KEY_SIZE) == -1)
		address_key_write_raw(text, key);
}

int
address_equal(struct span a, struct span b)
{
	char key_a[ADDRESS_KEY_SIZE], key_b[ADDRESS_KEY_SIZE];

	return address_key(a, key_a, sizeof(key_a)) != -1 &&
	    address_key(b, key_b, sizeof(key_b)) != -1 &&
	    strcmp(key_a, key_b) == 0;
}
