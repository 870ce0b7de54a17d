/*
 * content_check.h - whether a message that content.c edited still means what it
 * meant. Aborts where it does not. For fuzz_content.c and
 * agent_content_random.c.
 *
 * Reads the message before and after with lib/mail/mime.c side by side: the
 * same parts in the same order, with the same bytes once decoded, but for line
 * ends; signed and encrypted parts the same byte for byte; the same addresses
 * and the same words in the fields.
 */
#ifndef TESTS_CONTENT_CHECK_H
#define TESTS_CONTENT_CHECK_H

#include "agent/pipe/field/fold.h"
#include "lib/base/utf8.h"
#include "lib/mail/address.h"
#include "lib/mail/mime.h"
#include "content_message.h"
#include "require.h"
#include "mime_text.h"

/* --- bodies --- */

static inline int
check_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* All line ends as LF. */
static inline void
check_lines(struct span text, struct buf *out)
{
	size_t i;

	buf_add(out, "", 0);
	for (i = 0; i < text.len; i++) {
		if (text.p[i] == '\n' && i > 0 && text.p[i - 1] == '\r')
			continue;
		buf_add(out, text.p[i] == '\r' ? "\n" : &text.p[i], 1);
	}
}

/* RFC 2045 section 6.7, of a text with LF; trailing blanks do not count. */
static inline void
check_decode_qp(const struct buf *in, struct buf *out)
{
	const char *p = in->bytes, *limit = p + in->len, *end, *text;
	char c;

	for (; p < limit; p = end + 1) {
		end = memchr(p, '\n', (size_t)(limit - p));
		if (end == NULL)
			end = limit;
		for (text = end; text > p && strchr(" \t", text[-1]);)
			text--;
		for (; p < text; p++) {
			if (*p == '=' && p + 1 == text && end < limit)
				break;
			c = *p;
			if (*p == '=' && text - p > 2 &&
			    check_hex(p[1]) != -1 && check_hex(p[2]) != -1) {
				c = (char)(check_hex(p[1]) * 16 +
				    check_hex(p[2]));
				p += 2;
			}
			buf_add(out, &c, 1);
		}
		if (p == text && end < limit)
			buf_add(out, "\n", 1);
	}
}

static inline void
check_decode_b64(struct span in, struct buf *out)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	unsigned int bits = 0, count = 0;
	const char *at;
	size_t i;

	for (i = 0; i < in.len; i++) {
		at = in.p[i] == '\0' ? NULL : strchr(alphabet, in.p[i]);
		if (at == NULL)
			continue;
		bits = bits << 6 | (unsigned int)(at - alphabet);
		count += 6;
		if (count >= 8) {
			count -= 8;
			buf_add(out, &(char){(char)(bits >> count)}, 1);
		}
	}
}

/* What a body means, with line ends as LF; the caller frees it. */
static inline struct buf
check_decode(const struct mime_part *p, struct span body)
{
	struct buf lines, bytes, out;

	buf_init(&lines, 1u << 30);
	buf_init(&bytes, 1u << 30);
	buf_init(&out, 1u << 30);
	if (p->encoding == MIME_BASE64)
		check_decode_b64(body, &bytes);
	else if (p->encoding == MIME_QUOTED_PRINTABLE) {
		check_lines(body, &lines);
		check_decode_qp(&lines, &bytes);
	} else
		buf_add(&bytes, body.p, body.len);
	buf_add(&bytes, "", 0);
	check_lines(span_between(bytes.bytes, bytes.bytes + bytes.len), &out);
	buf_free(&lines);
	buf_free(&bytes);
	return out;
}

/* --- fields --- */

static inline int
check_visible(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.p[i] <= 32 || s.p[i] >= 127)
			return 0;
	return 1;
}

/* Takes the blanks out. */
static inline void
check_squeeze(struct buf *text)
{
	size_t i, len = 0;

	for (i = 0; i < text->len; i++)
		if (!span_is_space(text->bytes[i]))
			text->bytes[len++] = text->bytes[i];
	text->len = len;
}

static inline int
check_is_at(const struct buf *want, size_t at, const struct buf *word)
{
	return at + word->len <= want->len &&
	    (word->len == 0 ||
		memcmp(want->bytes + at, word->bytes, word->len) == 0);
}

/*
 * What is to be read in a text: encoded words as their bytes, without blanks,
 * since those beside encoded words come and go. One with 8-bit bytes is none by
 * RFC 2047, and is read so by some: it may be either, as in want (or NULL).
 */
static inline void
check_text(struct span value, const struct buf *want, struct buf *out)
{
	const char *p = value.p, *limit = span_end(value), *end, *mark;
	struct buf word;

	buf_add(out, "", 0);
	for (; p < limit; p = end) {
		while (p < limit && span_is_space(*p))
			p++;
		for (end = p; end < limit && !span_is_space(*end);)
			end++;
		mark = end - p > 2 && p[0] == '=' && p[1] == '?'
		    ? memchr(p + 2, '?', (size_t)(end - p - 2))
		    : NULL;
		/* far too long to be one: encoded_word.c says text */
		if (mark != NULL && mark - p > 2 * CHARSET_NAME_MAX)
			mark = NULL;
		if (mark == NULL || mark == p + 2 || end - mark < 5 ||
		    end[-1] != '=' || mark[2] != '?' ||
		    strchr("qQbB", mark[1]) == NULL ||
		    !check_visible(span_between(p, mark)) ||
		    (const char *)memchr(
			mark + 3, '?', (size_t)(end - mark - 3)) != end - 2) {
			buf_add(out, p, (size_t)(end - p));
			continue;
		}
		buf_init(&word, 1u << 30);
		if ((mark[1] | 0x20) == 'b')
			check_decode_b64(
			    span_between(mark + 3, end - 2), &word);
		else
			for (mark += 3; mark < end - 2; mark++) {
				if (*mark == '=' && check_hex(mark[1]) != -1 &&
				    check_hex(mark[2]) != -1) {
					buf_add(&word,
					    &(char){
						(char)(check_hex(mark[1]) * 16 +
						    check_hex(mark[2]))},
					    1);
					mark += 2;
				} else
					buf_add(&word,
					    *mark == '_' ? " " : mark, 1);
			}
		check_squeeze(&word);
		if (want != NULL && fold_needs(span_between(p, end)) &&
		    !check_is_at(want, out->len, &word))
			buf_add(out, p, (size_t)(end - p));
		else
			buf_add(out, word.bytes, word.len);
		buf_free(&word);
	}
}

static inline int
check_same_text(struct span a, struct span b)
{
	struct buf ta, tb;
	int same;

	buf_init(&ta, 1u << 30);
	buf_init(&tb, 1u << 30);
	check_text(b, NULL, &tb);
	check_text(a, &tb, &ta);
	same = ta.len == tb.len && memcmp(ta.bytes, tb.bytes, ta.len) == 0;
	buf_free(&ta);
	buf_free(&tb);
	return same;
}

/* It becomes a blank, in a quoted local part as well. */
static inline int
check_lone_cr(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.p[i] == '\r' && (i + 1 == s.len || s.p[i + 1] != '\n'))
			return 1;
	return 0;
}

/*
 * The same address. An edit may take an ambiguity away, as where the atom
 * "=?ut\xCFf-8?q?=20", in which some readers see a word without end, becomes a
 * word with one; it must never bring one.
 */
static inline int
check_same_address(const struct address *a, const struct address *b)
{
	char ka[ADDRESS_KEY_SIZE], kb[ADDRESS_KEY_SIZE];

	if (a->kind != b->kind || a->ambiguous < b->ambiguous ||
	    a->in_group != b->in_group)
		return 0;
	if (a->kind != ADDRESS_MAILBOX || check_lone_cr(a->spec) ||
	    address_key(a->spec, ka, sizeof(ka)) == -1)
		return 1;
	return address_key(b->spec, kb, sizeof(kb)) != -1 &&
	    strcmp(ka, kb) == 0;
}

static inline int
check_same_addresses(struct span before, struct span after)
{
	struct address_reader ra, rb;
	struct address a, b;

	address_init(&ra, before.p, before.len);
	address_init(&rb, after.p, after.len);
	while (address_next(&ra, &a))
		if (!address_next(&rb, &b) || !check_same_address(&a, &b))
			return 0;
	return !address_next(&rb, &b);
}

/*
 * As it stands, or converted from a charset with characters of several bytes,
 * as content_charset_convert() does: then the value means what it means in
 * that charset.
 */
static inline void
check_value(struct span before, struct span after,
    int (*same)(struct span, struct span))
{
	static const char *const charsets[] = {
	    "big5", "big5-hkscs", "gbk", "cp949", "cp932", "euc-jp", "gb18030"};
	int found = same(before, after);
	struct buf utf8;
	size_t i;

	for (i = 0; i < sizeof(charsets) / sizeof(charsets[0]) && !found; i++) {
		buf_init(&utf8, 1u << 30);
		if (!utf8_is(before) &&
		    charset_convert(span_between(charsets[i],
					charsets[i] + strlen(charsets[i])),
			before, &utf8, NULL) == 1)
			found = same(
			    span_between(utf8.bytes, utf8.bytes + utf8.len),
			    after);
		buf_free(&utf8);
	}
	REQUIRE(found);
}

static inline int
check_is_new(const struct header_field *f)
{
	return span_is(f->name, "MIME-Version") ||
	    span_is(f->name, "Content-Type") ||
	    span_is(f->name, "Content-Disposition") ||
	    span_is(f->name, "Content-Transfer-Encoding");
}

/* The same fields in the same order, but for those of MIME. */
static inline void
check_fields(struct span before, struct span after)
{
	struct header_reader ra, rb;
	struct header_field a, b;
	int have;

	header_init(&ra, before.p, before.len);
	header_init(&rb, after.p, after.len);
	while (header_next(&ra, &a)) {
		if (check_is_new(&a))
			continue;
		do
			have = header_next(&rb, &b);
		while (have && check_is_new(&b));
		REQUIRE(have && a.name.len == b.name.len);
		REQUIRE(memcmp(a.name.p, b.name.p, a.name.len) == 0);
		if (span_is(a.name, "To") || span_is(a.name, "From") ||
		    span_is(a.name, "Bcc"))
			check_value(a.value, b.value, check_same_addresses);
		else if (span_is(a.name, "Subject") || span_is(a.name, "X-A"))
			check_value(a.value, b.value, check_same_text);
	}
	while (header_next(&rb, &b))
		REQUIRE(check_is_new(&b));
}

/* --- parts --- */

struct check_side {
	struct span message;
	struct mime_reader *reader;
	struct mime_part part;
};

static inline struct span
check_body(const struct check_side *s)
{
	return span_between(
	    s->message.p + s->part.body.from, s->message.p + s->part.body.to);
}

static inline int
check_is_dkim(const struct mime_part *p)
{
	struct header_reader r;
	struct header_field f;

	header_init(&r, p->fields.p, p->fields.len);
	while (p->is_message && header_next(&r, &f))
		if (span_is(f.name, "DKIM-Signature"))
			return 1;
	return 0;
}

static inline void
check_clean(const struct check_side *s, const struct content_rules *rules)
{
	struct span body = check_body(s);
	struct scan scan = {0};

	if (s->part.opaque || mime_is_pkcs7(&s->part) ||
	    s->part.encoding == MIME_OTHER ||
	    mime_is(&s->part, "message", NULL))
		return;
	scan_update(&scan, body.p, body.len);
	scan_end(&scan);
	REQUIRE(!scan.line_end && !scan.long_line);
	REQUIRE(!scan.eight_bit || !rules->encode_8bit);
}

static inline void
check_leaf(const struct check_side *a, const struct check_side *b, int sealed,
    const struct content_rules *rules)
{
	struct buf da, db;

	if (sealed || a->part.opaque || mime_is_pkcs7(&a->part)) {
		REQUIRE(check_body(a).len == check_body(b).len);
		REQUIRE(memcmp(check_body(a).p, check_body(b).p,
			    check_body(a).len) == 0);
		return;
	}
	check_clean(b, rules);
	da = check_decode(&a->part, check_body(a));
	db = check_decode(&b->part, check_body(b));
	/* a message that ends with base64 gets a line end */
	REQUIRE(da.len == db.len && memcmp(da.bytes, db.bytes, da.len) == 0);
	buf_free(&da);
	buf_free(&db);
}

static inline void
check_part(const struct check_side *a, const struct check_side *b)
{
	REQUIRE(strcmp(a->part.type, b->part.type) == 0);
	REQUIRE(strcmp(a->part.subtype, b->part.subtype) == 0);
	REQUIRE(a->part.kind == b->part.kind);
	REQUIRE(a->part.opaque == b->part.opaque);
	check_fields(a->part.fields, b->part.fields);
}

static inline void
content_check(
    struct span before, struct span after, const struct content_rules *rules)
{
	struct check_side a = {.message = before}, b = {.message = after};
	int dkim = -1, sealed;
	enum mime_event event;
	struct error err;

	a.reader = mime_new(&(struct mime_source){
	    read_span, &a.message, (long long)before.len});
	b.reader = mime_new(
	    &(struct mime_source){read_span, &b.message, (long long)after.len});
	REQUIRE(a.reader != NULL && b.reader != NULL);
	while ((event = mime_next(a.reader, &a.part, &err)) != MIME_END) {
		REQUIRE(mime_next(b.reader, &b.part, &err) == event);
		REQUIRE(a.part.depth == b.part.depth);
		REQUIRE(a.part.inside == b.part.inside);
		if (event == MIME_CLOSE) {
			if (a.part.depth == dkim)
				dkim = -1;
			continue;
		}
		check_part(&a, &b);
		sealed = dkim != -1 ||
		    (a.part.inside & (MIME_IN_SIGNED | MIME_IN_ENCRYPTED)) ||
		    check_is_dkim(&a.part) || a.part.header_end == HEADER_OPEN;
		if (event == MIME_LEAF)
			check_leaf(&a, &b, sealed, rules);
		else if (check_is_dkim(&a.part) && dkim == -1)
			dkim = a.part.depth;
	}
	REQUIRE(mime_next(b.reader, &b.part, &err) == MIME_END);
	mime_free(&a.reader);
	mime_free(&b.reader);
}

#endif
