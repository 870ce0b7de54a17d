/*
 * fold.c - see fold.h.
 *
 * Encoded words use only letters, digits and "!*+-/=_", so that they may stand
 * in text, phrases and comments alike (RFC 2047 section 5), and hold whole
 * characters each. Q keeps a text that is mostly ASCII readable in logs and for
 * filters; where it would more than double the text, B is used. Failures of out
 * are left for its owner to find in out->failed.
 */
#include "agent/pipe/codec/scan.h"
#include "lib/base/codec.h"
#include "lib/mail/address_lex.h"
#include "lib/mail/charset.h"
#include "fold.h"

#define WORD_MAX 75 /* RFC 2047 section 2 */
#define LINE_WITH_WORD_MAX 76
#define CHARACTER_MAX 12 /* four bytes in Q */

static const char ascii[] = "us-ascii";

void
fold_init(struct fold *f, struct buf *out, struct span charset)
{
	f->out = out;
	f->charset = charset;
	f->column = out->len;
	f->has_word = 0;
}

int
fold_needs(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.p[i] & 0x80)
			return 1;
	return 0;
}

static void
fold_put(struct fold *f, const char *bytes, size_t len)
{
	buf_add(f->out, bytes, len);
	f->column += len;
}

static void
fold_line_end(struct fold *f)
{
	buf_add(f->out, "\r\n", 2);
	f->column = 0;
	f->has_word = 0;
}

void
fold_raw(struct fold *f, struct span text)
{
	const char *p = text.p, *limit = span_end(text), *from;

	while (p < limit) {
		for (from = p; p < limit && *p != '\r' && *p != '\n';)
			p++;
		fold_put(f, from, (size_t)(p - from));
		if (p == limit)
			break;
		if (*p == '\n')
			fold_line_end(f);
		else if (p + 1 == limit || p[1] != '\n')
			fold_put(f, " ", 1);
		p++;
	}
}

static int
fold_has_line_end(struct span text)
{
	return text.len > 0 && memchr(text.p, '\n', text.len) != NULL;
}

void
fold_here(struct fold *f, struct span space)
{
	fold_line_end(f);
	if (space.len == 0)
		fold_put(f, " ", 1);
	else
		fold_raw(f, space);
}

void
fold_space(struct fold *f, struct span space, size_t next)
{
	if (f->has_word && space.len > 0 && next > 0 &&
	    !fold_has_line_end(space) &&
	    f->column + space.len + next > LINE_WITH_WORD_MAX)
		fold_here(f, space);
	else
		fold_raw(f, space);
}

/* --- encoded words --- */

static int
fold_is_plain(char c)
{
	return (c >= '0' && c <= '9') ||
	    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	    (c != '\0' && strchr("!*+-/", c) != NULL);
}

static size_t
fold_q_size(struct span text)
{
	size_t i, n = 0;

	for (i = 0; i < text.len; i++)
		n += fold_is_plain(text.p[i]) || text.p[i] == ' ' ? 1 : 3;
	return n;
}

static void
fold_put_q(struct fold *f, struct span text)
{
	char hex[3] = {'='};
	size_t i;

	for (i = 0; i < text.len; i++)
		if (fold_is_plain(text.p[i]))
			fold_put(f, &text.p[i], 1);
		else if (text.p[i] == ' ')
			fold_put(f, "_", 1);
		else {
			codec_hex_put(text.p[i], hex + 1);
			fold_put(f, hex, sizeof(hex));
		}
}

static void
fold_put_b(struct fold *f, struct span text)
{
	size_t i, n;
	char four[4];

	for (i = 0; i < text.len; i += n) {
		n = text.len - i < 3 ? text.len - i : 3;
		codec_base64_put(text.p + i, n, four);
		fold_put(f, four, sizeof(four));
	}
}

struct words {
	struct span charset;
	enum charset_kind kind;
	int b;
};

/*
 * As much of the text as fits into so many bytes, but a character at least. A
 * word in base64 that is not the last one gets no '=' at its end, if that can
 * be: some readers (GMime) join such words before they decode them.
 */
static struct span
fold_take(const struct words *w, struct span text, size_t room)
{
	struct span head = {text.p, 0}, rest = text, next;
	size_t used = 0, n, whole = 0;

	while (rest.len > 0) {
		n = charset_char(w->kind, rest);
		next = span_between(rest.p, rest.p + n);
		used = w->b
		    ? (size_t)codec_base64_size((long long)(head.len + n))
		    : used + fold_q_size(next);
		if (used > room && head.len > 0)
			break;
		head.len += n;
		rest.p += n;
		rest.len -= n;
		if (head.len % 3 == 0)
			whole = head.len;
	}
	if (w->b && rest.len > 0 && whole > 0)
		head.len = whole;
	return head;
}

static void
fold_put_word(struct fold *f, const struct words *w, struct span text)
{
	fold_put(f, "=?", 2);
	fold_put(f, w->charset.p, w->charset.len);
	fold_put(f, w->b ? "?B?" : "?Q?", 3);
	if (w->b)
		fold_put_b(f, text);
	else
		fold_put_q(f, text);
	fold_put(f, "?=", 2);
	f->has_word = 1;
}

/* What the next word may be long in this line. */
static size_t
fold_room_left(const struct fold *f, size_t space)
{
	size_t used = f->column + space;

	if (used >= LINE_WITH_WORD_MAX)
		return 0;
	used = LINE_WITH_WORD_MAX - used;
	return used < WORD_MAX ? used : WORD_MAX;
}

void
fold_words(struct fold *f, struct span space, struct span text)
{
	if (fold_needs(text))
		fold_words_in(f, space, text, charset_of(text, f->charset));
	else
		fold_words_in(
		    f, space, text, span_between(ascii, ascii + strlen(ascii)));
}

void
fold_words_in(
    struct fold *f, struct span space, struct span text, struct span charset)
{
	struct words w = {.charset = charset};
	size_t overhead, room;
	struct span head;

	overhead = w.charset.len +
	    strlen("=?"
		   "?Q?"
		   "?=");
	w.kind = charset_kind(w.charset);
	w.b = fold_q_size(text) > 2 * text.len;
	if (space.len > 0 && !fold_has_line_end(space) &&
	    fold_room_left(f, space.len) < overhead + CHARACTER_MAX)
		fold_here(f, space);
	else
		fold_raw(f, space);
	while (text.len > 0) {
		room = fold_room_left(f, 0);
		if (room < overhead + CHARACTER_MAX)
			room = WORD_MAX;
		head = fold_take(&w, text, room - overhead);
		fold_put_word(f, &w, head);
		text = span_between(span_end(head), span_end(text));
		if (text.len > 0)
			fold_here(f, (struct span){NULL, 0});
	}
}

/* --- lines that are too long --- */

/*
 * Where a line may be folded: before a blank that follows something else, and
 * that something else than blanks follows. The last place within 78 bytes, or
 * else the next one at all. Text is where to look from.
 */
static const char *
fold_find_fold(struct span line, const char *text)
{
	const char *p = text, *limit = span_end(line), *at, *found = NULL;

	while (p < limit && (*p == ' ' || *p == '\t'))
		p++;
	while (p < limit) {
		if (*p != ' ' && *p != '\t') {
			p++;
			continue;
		}
		at = p;
		while (p < limit && (*p == ' ' || *p == '\t'))
			p++;
		if (p == limit || (found != NULL && at - line.p > 78))
			break;
		found = at;
	}
	return found;
}

static void
fold_line(struct buf *out, struct span line, const char *text)
{
	const char *at;

	while (line.len > SCAN_LINE_MAX &&
	    (at = fold_find_fold(line, text)) != NULL) {
		buf_add(out, line.p, (size_t)(at - line.p));
		buf_add(out, "\r\n", 2);
		line = span_between(at, span_end(line));
		text = at;
	}
	buf_add(out, line.p, line.len);
}

/* A value on its way into lines, by items that must stay in one. */
struct spread {
	struct buf *out;
	const char *start; /* of the value: no line is the name alone */
	size_t column;
	const char *line_end; /* of the line of the value that is written */
};

/* So much of the line would follow, did it stay one. */
static size_t
fold_rest(struct spread *s, const char *from, const char *limit)
{
	if (s->line_end == NULL || s->line_end < from) {
		s->line_end = memmem(from, (size_t)(limit - from), "\r\n", 2);
		if (s->line_end == NULL)
			s->line_end = limit;
	}
	return (size_t)(s->line_end - from);
}

/* An item starts with the blanks before it, if there are any. */
static void
fold_add_item(struct spread *s, struct span item, const char *limit)
{
	const char *lf;

	if (item.p > s->start && s->column + item.len > 78 &&
	    s->column + fold_rest(s, item.p, limit) > SCAN_LINE_MAX &&
	    item.p[0] != '\r') {
		buf_add(s->out, "\r\n", 2);
		s->column = !span_is_space(item.p[0]);
		buf_add(s->out, " ", s->column);
	}
	buf_add(s->out, item.p, item.len);
	lf = memrchr(item.p, '\n', item.len);
	s->column = lf == NULL ? s->column + item.len
			       : (size_t)(span_end(item) - lf - 1);
}

/*
 * Whether an item may start at this token, before which the last stands (0: a
 * blank or quotes; a comment). What is in <> is behind its '<'.
 */
static int
fold_is_place(struct lexer l, char last, const char *behind, int named)
{
	if (last != '\0' && last != '>' && strchr(behind, last) != NULL)
		return 1;
	if (l.token == TOKEN_SPACE)
		lex(&l);
	return lex_is(&l, '<') &&
	    (named || (last == '>' && strchr(behind, last) != NULL));
}

/* Copies a value, folded where its grammar has places. */
static void
fold_spread(struct spread *s, struct span value, const char *behind, int named)
{
	const char *from = value.p, *limit = span_end(value);
	int in_angle = 0, solid = 0;
	struct lexer l;
	char last = '\0';

	for (lex_init(&l, value.p, limit); l.token != TOKEN_END; lex(&l)) {
		/* blanks belong to the item behind them */
		if (!in_angle && solid &&
		    fold_is_place(l, last, behind, named)) {
			fold_add_item(s, span_between(from, l.text.p), limit);
			from = l.text.p;
			solid = 0;
		}
		solid |= l.token != TOKEN_SPACE;
		in_angle = lex_is(&l, '<') || (in_angle && !lex_is(&l, '>'));
		last = l.token == TOKEN_CHAR ? l.text.p[0] : '\0';
	}
	fold_add_item(s, span_between(from, limit), limit);
}

static void
fold_lines(struct buf *out, struct span field, const char *text)
{
	const char *p = field.p, *limit = span_end(field), *end;

	while (p < limit) {
		end = memmem(p, (size_t)(limit - p), "\r\n", 2);
		if (end == NULL)
			end = limit;
		fold_line(out, span_between(p, end), text);
		if (end < limit)
			buf_add(out, "\r\n", 2);
		p = text = end == limit ? limit : end + 2;
	}
}

void
fold_long(struct buf *out, struct span field, const char *behind, int named)
{
	const char *text = (const char *)memchr(field.p, ':', field.len) + 1;
	struct span name = span_between(field.p, text);
	struct buf spread;
	struct spread s = {&spread, text, name.len, NULL};

	buf_init(&spread, out->limit);
	buf_add(&spread, name.p, name.len);
	if (behind[0] == '\0')
		buf_add(&spread, text, field.len - name.len);
	else
		fold_spread(
		    &s, span_between(text, span_end(field)), behind, named);
	if (spread.failed)
		out->failed = spread.failed;
	else
		fold_lines(out,
		    span_between(spread.bytes, spread.bytes + spread.len),
		    spread.bytes + name.len);
	buf_free(&spread);
}
