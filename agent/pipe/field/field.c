/*
 * field.c - see field.h.
 *
 * Where an encoded word may stand depends on the field (RFC 2047 section 5),
 * so fields are of four kinds. Names that are not in the table are text.
 */
#include "agent/pipe/codec/scan.h"
#include "lib/mail/address_lex.h"
#include "lib/mail/charset.h"
#include "field.h"
#include "field_kinds.h"
#include "field_words.h"

enum kind { KIND_TEXT, KIND_SUBJECT, KIND_ADDRESSES, KIND_PARAMS, KIND_TOKENS };

static const struct {
	const char *name;
	enum kind kind;
} kinds[] = {
    {"Subject", KIND_SUBJECT},
    {"Comments", KIND_SUBJECT},
    {"Content-Description", KIND_SUBJECT},
    {"From", KIND_ADDRESSES},
    {"Sender", KIND_ADDRESSES},
    {"Reply-To", KIND_ADDRESSES},
    {"To", KIND_ADDRESSES},
    {"Cc", KIND_ADDRESSES},
    {"Bcc", KIND_ADDRESSES},
    {"Resent-From", KIND_ADDRESSES},
    {"Resent-Sender", KIND_ADDRESSES},
    {"Resent-Reply-To", KIND_ADDRESSES},
    {"Resent-To", KIND_ADDRESSES},
    {"Resent-Cc", KIND_ADDRESSES},
    {"Resent-Bcc", KIND_ADDRESSES},
    {"Return-Path", KIND_ADDRESSES},
    {"Return-Receipt-To", KIND_ADDRESSES},
    {"Disposition-Notification-To", KIND_ADDRESSES},
    {"Errors-To", KIND_ADDRESSES},
    {"Apparently-To", KIND_ADDRESSES},
    {"Mail-Followup-To", KIND_ADDRESSES},
    {"Mail-Reply-To", KIND_ADDRESSES},
    {"Content-Type", KIND_PARAMS},
    {"Content-Disposition", KIND_PARAMS},
    {"Content-Transfer-Encoding", KIND_PARAMS},
    {"Content-ID", KIND_TOKENS},
    {"Content-Language", KIND_TOKENS},
    {"Content-Location", KIND_TOKENS},
    {"Content-MD5", KIND_TOKENS},
    {"MIME-Version", KIND_TOKENS},
    {"Received", KIND_TOKENS},
    {"Date", KIND_TOKENS},
    {"Message-ID", KIND_TOKENS},
    {"In-Reply-To", KIND_TOKENS},
    {"References", KIND_TOKENS},
    {"Keywords", KIND_TOKENS},
    {"Resent-Date", KIND_TOKENS},
    {"Resent-Message-ID", KIND_TOKENS},
    {"List-ID", KIND_TOKENS},
    {"List-Post", KIND_TOKENS},
    {"List-Help", KIND_TOKENS},
    {"List-Subscribe", KIND_TOKENS},
    {"List-Unsubscribe", KIND_TOKENS},
    {"List-Archive", KIND_TOKENS},
    {"Auto-Submitted", KIND_TOKENS},
    {"Authentication-Results", KIND_TOKENS},
};

static enum kind
field_kind_of(struct span name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_is(name, kinds[i].name))
			return kinds[i].kind;
	return KIND_TEXT;
}

static void
field_write_value(struct fold *f, enum kind kind, struct span value)
{
	switch (kind) {
	case KIND_TEXT:
		words_write(f, value, WORDS_TEXT);
		break;
	case KIND_SUBJECT:
		words_write(f, value, WORDS_SUBJECT);
		break;
	case KIND_ADDRESSES:
		field_addresses(f, value);
		break;
	case KIND_PARAMS:
		field_params(f, value);
		break;
	case KIND_TOKENS:
		words_write(f, value, WORDS_TOKENS);
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
field_is_long(const struct buf *text)
{
	struct scan s = {0};

	scan_update(&s, text->bytes, text->len);
	scan_end(&s);
	return s.long_line;
}

void
field_write(struct buf *out, struct span name_and_colon, struct span value,
    struct span charset)
{
	enum kind kind = field_kind_of(field_name_in(name_and_colon));
	struct fold f;
	struct buf text;

	buf_init(&text, out->limit);
	buf_add(&text, name_and_colon.p, name_and_colon.len);
	fold_init(&f, &text, charset_of_field(value, charset));
	if (fold_needs(value) || kind == KIND_SUBJECT)
		field_write_value(&f, kind, value);
	else
		fold_raw(&f, value);
	if (text.failed)
		out->failed = text.failed;
	else if (field_is_long(&text))
		fold_long(out, span_between(text.bytes, text.bytes + text.len));
	else
		buf_add(out, text.bytes, text.len);
	buf_free(&text);
}
