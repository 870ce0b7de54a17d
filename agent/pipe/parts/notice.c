/*
 * notice.c - see notice.h.
 *
 * Everything in it is ASCII: Graph's words lose what is not, and a returned
 * header that has other bytes, or lines longer than mail allows, goes in
 * quoted-printable.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/pipe/codec/transform.h"
#include "lib/base/printable.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "notice.h"

#define NOTICE_MAX (4 * 1024 * 1024)
#define LINE_MAX_BYTES 998 /* RFC 5322 section 2.1.1 */
#define WIDTH 76

struct writer {
	const struct parts *parts;
	const struct options *options;
	const struct spool *spool;
	char mailbox[ADDRESS_KEY_SIZE];
	char host[256];
	char boundary[64];
	uint64_t hash; /* of the refused */
	size_t refused;
	struct buf head; /* the returned header */
	struct buf out;
};

/* --- what it is made of --- */

/* FNV-1a: tells notices of one queue id apart, and hides nothing. */
static uint64_t
notice_hash(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	} while (*text++ != '\0');
	return hash;
}

static int
notice_is_refused(const struct parts *p, size_t rank)
{
	return p->state[rank] == PART_REFUSED;
}

static void
notice_survey(struct writer *w)
{
	const struct recipients *rs = w->parts->recipients;
	size_t rank;

	w->hash = 0xcbf29ce484222325u;
	for (rank = 0; rank < rs->sorted_count; rank++) {
		if (!notice_is_refused(w->parts, rank))
			continue;
		w->refused++;
		w->hash = notice_hash(w->hash, rs->sorted[rank]->key);
	}
}

/* A queue id is letters and digits; what else is given stays out. */
static void
notice_copy_token(char *to, size_t size, const char *from)
{
	size_t len = 0;

	for (; *from != '\0' && len + 1 < size; from++)
		if ((*from >= '0' && *from <= '9') ||
		    (*from >= 'A' && *from <= 'Z') ||
		    (*from >= 'a' && *from <= 'z'))
			to[len++] = *from;
	to[len] = '\0';
}

/* What is ours, or was for another host, does not go back. */
static int
notice_returns(const struct header_field *f)
{
	static const char ours[] = "X-MSGraph-";

	return !span_is(f->name, "Return-Path") &&
	    (f->name.len < strlen(ours) ||
		strncasecmp(f->name.p, ours, strlen(ours)) != 0);
}

static void
notice_take_head(struct writer *w)
{
	struct header_reader r;
	struct header_field f;

	header_init(&r, w->spool->head, w->spool->head_len);
	while (header_next(&r, &f)) {
		if (!notice_returns(&f))
			continue;
		if (w->head.len + f.whole.len > NOTICE_HEAD_MAX)
			break;
		buf_add(&w->head, f.whole.p, f.whole.len);
	}
	if (w->head.len > 0 && w->head.bytes[w->head.len - 1] != '\n')
		buf_add_string(&w->head, "\r\n");
}

/* Until no line of the returned header can be taken for it. */
static void
notice_choose_boundary(struct writer *w)
{
	unsigned int n = 0;

	do {
		snprintf(w->boundary, sizeof(w->boundary),
		    "=_notice_%016llx_%u", (unsigned long long)w->hash, n++);
	} while (w->head.len > 0 &&
	    memmem(w->head.bytes, w->head.len, w->boundary,
		strlen(w->boundary)) != NULL);
}

static int
notice_head_is_plain(const struct buf *head)
{
	size_t i, line = 0;
	unsigned char c;

	for (i = 0; i < head->len; i++) {
		c = (unsigned char)head->bytes[i];
		if (c == '\n') {
			if (i == 0 || head->bytes[i - 1] != '\r')
				return 0;
			line = i + 1;
		} else if (c == '\r') {
			if (i + 1 == head->len || head->bytes[i + 1] != '\n')
				return 0;
		} else if ((c != ' ' && c != '\t' &&
			       !printable_is_visible(c)) ||
		    i - line >= LINE_MAX_BYTES) {
			return 0;
		}
	}
	return 1;
}

/* --- writing --- */

/*
 * Words in lines, without what is not ASCII; indent starts each further line.
 */
static void
notice_add_words(
    struct buf *out, const char *text, size_t column, const char *indent)
{
	size_t len;
	char c;

	while (*(text += strspn(text, " ")) != '\0') {
		len = strcspn(text, " ");
		if (column > strlen(indent) && column + 1 + len > WIDTH) {
			buf_printf(out, "\r\n%s", indent);
			column = strlen(indent);
		} else if (column > strlen(indent)) {
			buf_add_string(out, " ");
			column++;
		}
		column += len;
		for (; len > 0; len--, text++) {
			c = printable_is_visible(*text) ? *text : '?';
			buf_add(out, &c, 1);
		}
	}
	buf_add_string(out, "\r\n");
}

/* One that is no address may hold anything. */
static void
notice_add_address(struct buf *out, const char *address)
{
	char c;

	for (; *address != '\0'; address++) {
		c = printable_is_visible(*address) ? *address : '?';
		buf_add(out, &c, 1);
	}
}

static void
notice_add_date(struct buf *out)
{
	time_t now = time(NULL);
	char text[64];
	struct tm tm;

	/* no setlocale() here: the names are English */
	if (gmtime_r(&now, &tm) != NULL &&
	    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm) >
		0)
		buf_printf(out, "Date: %s\r\n", text);
}

static void
notice_add_header(struct writer *w, const struct notice *notice)
{
	struct buf *out = &w->out;

	notice_add_date(out);
	buf_printf(out, "From: Mail Delivery System <%s>\r\n", w->mailbox);
	buf_printf(out, "To: %s\r\n", w->mailbox);
	buf_printf(out, "Subject: Not delivered to %zu of %zu recipients\r\n",
	    w->refused, w->parts->recipients->sorted_count);
	buf_printf(out, "Message-ID: %s\r\n", notice->message_id);
	buf_add_string(out,
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n");
	buf_printf(out, "\tboundary=\"%s\"\r\n\r\n", w->boundary);
}

static void
notice_add_text(struct writer *w)
{
	const struct recipients *rs = w->parts->recipients;
	struct buf *out = &w->out;
	size_t rank;

	buf_printf(out,
	    "--%s\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n"
	    "Content-Description: Notification\r\n\r\n"
	    "This is the mail system at host %s.\r\n\r\n",
	    w->boundary, w->host);
	buf_printf(out,
	    "Your message, whose header is below, was not sent to the "
	    "following of its\r\n%zu recipients. It was sent to the others: "
	    "send it again to these alone.\r\n",
	    rs->sorted_count);
	for (rank = 0; rank < rs->sorted_count; rank++) {
		if (!notice_is_refused(w->parts, rank))
			continue;
		buf_add_string(out, "\r\n<");
		notice_add_address(out, rs->sorted[rank]->address);
		buf_add_string(out, ">:\r\n    ");
		notice_add_words(
		    out, parts_why(w->parts, rank)->text, 4, "    ");
	}
}

static void
notice_add_status(struct writer *w)
{
	const struct recipients *rs = w->parts->recipients;
	const struct parts_reason *why;
	struct buf *out = &w->out;
	char id[64];
	size_t rank;

	notice_copy_token(id, sizeof(id), w->options->queue_id);
	buf_printf(out,
	    "\r\n--%s\r\n"
	    "Content-Type: message/delivery-status\r\n"
	    "Content-Description: Delivery report\r\n\r\n"
	    "Reporting-MTA: dns; %s\r\n"
	    "X-Postfix-Queue-ID: %s\r\n",
	    w->boundary, w->host, id);
	for (rank = 0; rank < rs->sorted_count; rank++) {
		if (!notice_is_refused(w->parts, rank))
			continue;
		why = parts_why(w->parts, rank);
		buf_add_string(out, "\r\nFinal-Recipient: rfc822; ");
		notice_add_address(out, rs->sorted[rank]->address);
		buf_printf(out,
		    "\r\nAction: failed\r\n"
		    "Status: %s\r\n"
		    "Diagnostic-Code: x-msgraph;",
		    why->dsn);
		notice_add_words(
		    out, why->text, strlen("Diagnostic-Code: x-msgraph;"), " ");
	}
}

static void
notice_add_encoded(struct buf *out, const struct buf *head)
{
	static char encoded[TRANSFORM_OUT];
	struct transform t;
	size_t at, len;

	transform_init(&t, TRANSFORM_QUOTED_PRINTABLE);
	for (at = 0; at < head->len; at += len) {
		len = head->len - at < TRANSFORM_IN ? head->len - at
						    : TRANSFORM_IN;
		buf_add(out, encoded,
		    transform_update(&t, head->bytes + at, len, encoded));
	}
	buf_add(out, encoded, transform_end(&t, encoded));
}

static void
notice_add_returned(struct writer *w)
{
	int plain = notice_head_is_plain(&w->head);
	struct buf *out = &w->out;

	buf_printf(out,
	    "\r\n--%s\r\n"
	    "Content-Type: text/rfc822-headers%s\r\n"
	    "Content-Description: Message header\r\n",
	    w->boundary, plain ? "" : "; charset=utf-8");
	if (plain) {
		buf_add_string(out, "\r\n");
		buf_add(out, w->head.bytes, w->head.len);
	} else {
		buf_add_string(
		    out, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
		notice_add_encoded(out, &w->head);
	}
	buf_printf(out, "\r\n--%s--\r\n", w->boundary);
}

/* --- all of it --- */

static int
notice_begin(struct writer *w, struct notice *notice, struct error *err)
{
	struct span mailbox = span_between(w->options->mailbox,
	    w->options->mailbox + strlen(w->options->mailbox));
	char id[64];

	if (address_header_key(mailbox, w->mailbox) == -1)
		return error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "the mailbox is no address that can be written into a "
		    "notice");
	if (gethostname(w->host, sizeof(w->host)) == -1)
		snprintf(w->host, sizeof(w->host), "localhost");
	w->host[sizeof(w->host) - 1] = '\0';
	notice_survey(w);
	notice_take_head(w);
	notice_choose_boundary(w);
	notice_copy_token(id, sizeof(id), w->options->queue_id);
	snprintf(notice->message_id, sizeof(notice->message_id),
	    "<%s.%016llx.refused%s>", id, (unsigned long long)w->hash,
	    strrchr(w->mailbox, '@'));
	return 0;
}

int
notice_write(const struct parts *parts, const struct options *options,
    struct spool *spool, struct notice *notice, struct error *err)
{
	struct writer w = {.parts = parts, .options = options, .spool = spool};
	int result;

	buf_init(&w.head, NOTICE_HEAD_MAX + 2);
	buf_init(&w.out, NOTICE_MAX);
	result = notice_begin(&w, notice, err);
	if (result == 0) {
		notice_add_header(&w, notice);
		notice_add_text(&w);
		notice_add_status(&w);
		notice_add_returned(&w);
		notice->at = spool->end;
		notice->length = (long long)w.out.len;
		result = w.head.failed || w.out.failed
		    ? error_set(err, ERROR_TEMPORARY, "4.3.0",
			  "the notice to the sender cannot be written")
		    : spool_append(spool, w.out.bytes, w.out.len, err);
	}
	buf_free(&w.head);
	buf_free(&w.out);
	return result;
}
