/*
 * encoded_word.c - encoded words to text. See encoded_word.h.
 *
 * More lenient than RFC 2047: words may be longer than 75 characters, hold
 * blanks, and touch other text, as they do in file names in the wild. Each
 * byte is looked at a fixed number of times. Pure functions, for any thread.
 */
#include "charset.h"
#include "encoded_word.h"

struct word {
	struct span charset; /* without the language of RFC 2231 section 5 */
	char encoding; /* 'q' or 'b' */
	struct span text; /* encoded */
	struct span whole;
};

/* The next "?" that is not too far away, as a charset's name is short. */
static const char *
encoded_word_find_mark(const char *p, const char *limit)
{
	size_t len = (size_t)(limit - p);

	return memchr(
	    p, '?', len < 2 * CHARSET_NAME_MAX ? len : 2 * CHARSET_NAME_MAX);
}

/* The "?=" that ends a word. No '?' stands before it, so no text is passed twice. */
static const char *
encoded_word_find_end(const char *p, const char *limit)
{
	p = memchr(p, '?', (size_t)(limit - p));
	return p != NULL && p + 1 < limit && p[1] == '=' ? p : NULL;
}

static int
encoded_word_is_visible(const char *p, const char *limit)
{
	while (p<limit && * p> 32 && *p < 127)
		p++;
	return p == limit;
}

/* Reads the encoded word that starts at p. 0, or -1 when none does. */
static int
encoded_word_read_word(const char *p, const char *limit, struct word *w)
{
	const char *mark, *end, *star;

	if (limit - p < 2 || p[0] != '=' || p[1] != '?')
		return -1;
	mark = encoded_word_find_mark(p + 2, limit);
	if (mark == NULL || mark == p + 2 || limit - mark < 4 ||
	    mark[2] != '?' || !encoded_word_is_visible(p + 2, mark))
		return -1;
	w->encoding = (char)(mark[1] | 0x20);
	end = encoded_word_find_end(mark + 3, limit);
	if (end == NULL || (w->encoding != 'q' && w->encoding != 'b'))
		return -1;
	star = memchr(p + 2, '*', (size_t)(mark - p - 2));
	w->charset = span_between(p + 2, star != NULL ? star : mark);
	w->text = span_between(mark + 3, end);
	w->whole = span_between(p, end + 2);
	return 0;
}

int
encoded_word_is(struct span text)
{
	struct word w;

	if (text.len == 0 ||
	    encoded_word_read_word(text.p, span_end(text), &w) == -1 ||
	    w.whole.len != text.len)
		return 0;
	return w.encoding;
}

static int
encoded_word_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
encoded_word_decode_q(struct span text, struct buf *out)
{
	size_t i;
	char c;

	for (i = 0; i < text.len; i++) {
		c = text.p[i] == '_' ? ' ' : text.p[i];
		if (c == '=' && i + 2 < text.len &&
		    encoded_word_hex(text.p[i + 1]) != -1 &&
		    encoded_word_hex(text.p[i + 2]) != -1) {
			c = (char)(encoded_word_hex(text.p[i + 1]) * 16 +
			    encoded_word_hex(text.p[i + 2]));
			i += 2;
		}
		buf_add(out, &c, 1);
	}
}

static int
encoded_word_base64_value(char c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(alphabet, c);

	return at == NULL ? -1 : (int)(at - alphabet);
}

static void
encoded_word_decode_b(struct span text, struct buf *out)
{
	unsigned int bits = 0;
	int value, count = 0;
	size_t i;
	char c;

	for (i = 0; i < text.len && text.p[i] != '='; i++) {
		value = encoded_word_base64_value(text.p[i]);
		if (value == -1)
			continue;
		bits = bits << 6 | (unsigned int)value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			c = (char)(bits >> count & 0xFF);
			buf_add(out, &c, 1);
		}
	}
}

static void
encoded_word_decode_bytes(const struct word *w, struct buf *out)
{
	if (w->encoding == 'q')
		encoded_word_decode_q(w->text, out);
	else
		encoded_word_decode_b(w->text, out);
}

int
encoded_word_bytes(struct span text, struct span *charset, struct buf *out)
{
	struct word w;

	if (!encoded_word_is(text) ||
	    encoded_word_read_word(text.p, span_end(text), &w) == -1)
		return -1;
	*charset = w.charset;
	encoded_word_decode_bytes(&w, out);
	return out->failed ? -1 : 0;
}

static int
encoded_word_decode_word(
    const struct word *w, struct buf *out, struct error *err)
{
	struct buf bytes;
	int result = 0;

	buf_init(&bytes, w->text.len);
	encoded_word_decode_bytes(w, &bytes);
	/* what it means is never longer than the word */
	if (bytes.failed)
		result = error_no_memory(err);
	else if (bytes.len > 0)
		result = charset_to_utf8(w->charset,
		    span_between(bytes.bytes, bytes.bytes + bytes.len), out,
		    err);
	buf_free(&bytes);
	return result;
}

static int
encoded_word_plain(
    struct span text, struct span declared, struct buf *out, struct error *err)
{
	if (text.len == 0)
		return 0;
	return charset_to_utf8(charset_of(text, declared), text, out, err);
}

int
encoded_word_decode(
    struct span text, struct span declared, struct buf *out, struct error *err)
{
	const char *p = text.p, *limit = span_end(text), *from = p;
	int after_word = 0;
	struct word w;

	while (p < limit) {
		if (encoded_word_read_word(p, limit, &w) == -1) {
			p++;
			continue;
		}
		if ((!after_word || span_trim(span_between(from, p)).len > 0) &&
		    encoded_word_plain(
			span_between(from, p), declared, out, err) == -1)
			return -1;
		if (encoded_word_decode_word(&w, out, err) == -1)
			return -1;
		after_word = 1;
		p = from = span_end(w.whole);
	}
	return encoded_word_plain(
	    span_between(from, limit), declared, out, err);
}
