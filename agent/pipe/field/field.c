/*
 * field.c - see field.h.
 *
 * Where an encoded word may stand depends on the kind of the field, and so does
 * where a long line may be folded.
 */
#include "agent/pipe/codec/scan.h"
#include "lib/mail/charset.h"
#include "field.h"
#include "field_kinds.h"
#include "field_names.h"
#include "field_words.h"

/* Behind what a line may be folded without a blank: see fold_long(). */
static const char *const places[] = {
    [FIELD_TEXT] = "",
    [FIELD_SUBJECT] = "",
    [FIELD_ADDRESSES] = ",;",
    [FIELD_PARAMS] = ";",
    [FIELD_PHRASES] = ",",
    [FIELD_IDS] = ",;>",
    [FIELD_PHRASE_ID] = ",>",
    [FIELD_URIS] = ",>",
    [FIELD_TRACE] = ";",
};

static void
field_write_value(struct fold *f, enum field_kind kind, struct span value)
{
	switch (kind) {
	case FIELD_TEXT:
		words_write(f, value, WORDS_TEXT);
		break;
	case FIELD_SUBJECT:
		words_write(f, value, WORDS_SUBJECT);
		break;
	case FIELD_ADDRESSES:
		field_addresses(f, value);
		break;
	case FIELD_PARAMS:
		field_params(f, value);
		break;
	case FIELD_PHRASES:
		field_phrases(f, value);
		break;
	case FIELD_IDS:
		field_plain(f, value, PLAIN_IDS);
		break;
	case FIELD_PHRASE_ID:
		field_plain(f, value, PLAIN_PHRASE);
		break;
	case FIELD_URIS:
		field_plain(f, value, PLAIN_URIS);
		break;
	case FIELD_TRACE:
		field_plain(f, value, PLAIN_TRACE);
		break;
	}
}

static struct span
field_name_in(struct span name_and_colon)
{
	size_t len = name_and_colon.len;

	while (len > 0 &&
	    (span_is_space(name_and_colon.p[len - 1]) ||
		name_and_colon.p[len - 1] == ':'))
		len--;
	return span_between(name_and_colon.p, name_and_colon.p + len);
}

static int
field_is_long(struct span text)
{
	struct scan s = {0};

	scan_update(&s, text.p, text.len);
	scan_end(&s);
	return s.long_line;
}

/* Where nothing else helps, between a name and its address too. */
static void
field_add_folded(struct buf *out, struct span text, enum field_kind kind)
{
	size_t before = out->len;

	if (!field_is_long(text)) {
		buf_add(out, text.p, text.len);
		return;
	}
	fold_long(out, text, places[kind], 0);
	if (out->failed || kind != FIELD_ADDRESSES ||
	    !field_is_long(
		span_between(out->bytes + before, out->bytes + out->len)))
		return;
	out->len = before;
	fold_long(out, text, places[kind], 1);
}

void
field_write(struct buf *out, struct span name_and_colon, struct span value,
    struct span charset)
{
	struct span name = field_name_in(name_and_colon);
	enum field_kind kind = field_kind(name);
	struct fold f;
	struct buf text;

	buf_init(&text, out->limit);
	buf_add(&text, name.p, name.len);
	buf_add_string(&text, ":");
	fold_init(&f, &text, charset_of_field(value, charset));
	if (fold_needs(value) || field_is_long(value) || kind == FIELD_SUBJECT)
		field_write_value(&f, kind, value);
	else
		fold_raw(&f, value);
	if (text.failed)
		out->failed = text.failed;
	else
		field_add_folded(
		    out, span_between(text.bytes, text.bytes + text.len), kind);
	buf_free(&text);
}
