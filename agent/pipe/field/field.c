/*
 * field.c - see field.h.
 *
 * Where an encoded word may stand depends on the field (RFC 2047 section 5), and
 * so does where a long line may be folded. So fields are of some kinds. Names
 * that are not in the table are text.
 */
#include "agent/pipe/codec/scan.h"
#include "lib/mail/charset.h"
#include "field.h"
#include "field_kinds.h"
#include "field_words.h"

enum kind {
	KIND_TEXT,
	KIND_SUBJECT,
	KIND_ADDRESSES,
	KIND_PARAMS,
	KIND_PHRASES,
	KIND_IDS,
	KIND_PHRASE_ID,
	KIND_URIS,
	KIND_TRACE
};

/* Behind what a line may be folded without a blank: see fold_long(). */
static const char *const places[] = {
    [KIND_TEXT] = "",
    [KIND_SUBJECT] = "",
    [KIND_ADDRESSES] = ",;",
    [KIND_PARAMS] = ";",
    [KIND_PHRASES] = ",",
    [KIND_IDS] = ",;>",
    [KIND_PHRASE_ID] = ",>",
    [KIND_URIS] = ",>",
    [KIND_TRACE] = ";",
};

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
    {"X-Original-To", KIND_ADDRESSES},
    {"Delivered-To", KIND_ADDRESSES},
    {"Envelope-To", KIND_ADDRESSES},
    {"X-Envelope-From", KIND_ADDRESSES},
    {"X-Envelope-To", KIND_ADDRESSES},
    {"X-Sender", KIND_ADDRESSES},
    {"X-Confirm-Reading-To", KIND_ADDRESSES},
    {"Approved", KIND_ADDRESSES},
    {"Content-Type", KIND_PARAMS},
    {"Content-Disposition", KIND_PARAMS},
    {"Content-Transfer-Encoding", KIND_PARAMS},
    {"Keywords", KIND_PHRASES},
    {"Message-ID", KIND_IDS},
    {"In-Reply-To", KIND_IDS},
    {"References", KIND_IDS},
    {"Resent-Message-ID", KIND_IDS},
    {"Content-ID", KIND_IDS},
    {"Original-Message-ID", KIND_IDS},
    {"Supersedes", KIND_IDS},
    {"Obsoletes", KIND_IDS},
    {"X-Message-ID", KIND_IDS},
    {"Date", KIND_IDS},
    {"Resent-Date", KIND_IDS},
    {"Expires", KIND_IDS},
    {"Deferred-Delivery", KIND_IDS},
    {"MIME-Version", KIND_IDS},
    {"Content-Language", KIND_IDS},
    {"Content-MD5", KIND_IDS},
    {"Content-Features", KIND_IDS},
    {"Content-Duration", KIND_IDS},
    {"Auto-Submitted", KIND_IDS},
    {"Importance", KIND_IDS},
    {"Priority", KIND_IDS},
    {"Sensitivity", KIND_IDS},
    {"Precedence", KIND_IDS},
    {"Accept-Language", KIND_IDS},
    {"Authentication-Results", KIND_IDS},
    {"ARC-Authentication-Results", KIND_IDS},
    {"Received-SPF", KIND_IDS},
    {"Original-Recipient", KIND_IDS},
    {"Disposition-Notification-Options", KIND_IDS},
    {"Original-Encoded-Information-Types", KIND_IDS},
    {"Newsgroups", KIND_IDS},
    {"Followup-To", KIND_IDS},
    {"List-ID", KIND_PHRASE_ID},
    {"List-Post", KIND_URIS},
    {"List-Help", KIND_URIS},
    {"List-Subscribe", KIND_URIS},
    {"List-Unsubscribe", KIND_URIS},
    {"List-Owner", KIND_URIS},
    {"List-Archive", KIND_URIS},
    {"List-Unsubscribe-Post", KIND_URIS},
    {"Archived-At", KIND_URIS},
    {"Content-Location", KIND_URIS},
    {"Content-Base", KIND_URIS},
    {"Received", KIND_TRACE},
    {"X-Received", KIND_TRACE},
    {"DKIM-Signature", KIND_TRACE},
    {"ARC-Seal", KIND_TRACE},
    {"ARC-Message-Signature", KIND_TRACE},
    {"DomainKey-Signature", KIND_TRACE},
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
	case KIND_PHRASES:
		field_phrases(f, value);
		break;
	case KIND_IDS:
		field_plain(f, value, PLAIN_IDS);
		break;
	case KIND_PHRASE_ID:
		field_plain(f, value, PLAIN_PHRASE);
		break;
	case KIND_URIS:
		field_plain(f, value, PLAIN_URIS);
		break;
	case KIND_TRACE:
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
field_add_folded(struct buf *out, struct span text, enum kind kind)
{
	size_t before = out->len;

	if (!field_is_long(text)) {
		buf_add(out, text.p, text.len);
		return;
	}
	fold_long(out, text, places[kind], 0);
	if (out->failed || kind != KIND_ADDRESSES ||
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
	enum kind kind = field_kind_of(name);
	struct fold f;
	struct buf text;

	buf_init(&text, out->limit);
	buf_add(&text, name.p, name.len);
	buf_add_string(&text, ":");
	fold_init(&f, &text, charset_of_field(value, charset));
	if (fold_needs(value) || field_is_long(value) || kind == KIND_SUBJECT)
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
