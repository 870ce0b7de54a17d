/*
 * encoded_word.c - encoded words to text. See encoded_word.h.
 *
 * This is more lenient than RFC 2047: words may be longer than 75 characters,
 * hold blanks, and touch other text, as they do in file names that programs
 * write. Each byte is looked at a fixed number of times. Pure functions, for
 * any thread.
 */
#include "lib/base/codec.h"
#include "lib/base/printable.h"
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

/*
 * The "?=" that ends a word. No '?' stands before it, so no text is passed
 * twice.
 */
static const char *
encoded_word_find_end(const char *p, const char *limit)
{
	p = memchr(p, '?', (size_t)(limit - p));
	return p != NULL && p + 1 < limit && p[1] == '=' ? p : NULL;
}

static int
encoded_word_is_visible(const char *p, const char *limit)
{
	while (p < limit && printable_is_visible(*p))
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

size_t
encoded_word_length(const char *p, const char *limit)
{
	struct word w;

	return encoded_word_read_word(p, limit, &w) == -1 ? 0 : w.whole.len;
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

static void
encoded_word_decode_q(struct span text, struct buf *out)
{
	size_t i;
	int byte;
	char c;

	for (i = 0; i < text.len; i++) {
		c = text.p[i] == '_' ? ' ' : text.p[i];
		if (c == '=') {
			byte = codec_hex_pair(text.p + i + 1, span_end(text));
			if (byte != -1) {
				c = (char)byte;
				i += 2;
			}
		}
		buf_add(out, &c, 1);
	}
}

static void
encoded_word_decode_b(struct span text, struct buf *out)
{
	struct codec_base64 d = {0, 0};
	char bytes[3];
	size_t i;

	for (i = 0; i < text.len && text.p[i] != '='; i++)
		buf_add(out, bytes, codec_base64_get(&d, text.p[i], bytes));
	buf_add(out, bytes, codec_base64_end(&d, bytes));
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

	declared = charset_of_field(text, declared);
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
