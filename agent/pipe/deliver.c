/*
 * deliver.c - configuration, message, edits, hand-over, in that order.
 *
 * More recipients than Graph takes at once make several calls, one after
 * another, each with edits of its own over the same spooled message. The
 * addresses alone decide which call has which recipients, so that a second
 * attempt asks msgraphd for the very same deliveries. Where Graph refuses some
 * of the recipients there are more calls: see parts.h.
 *
 * Where the mailbox does not exist, msgraphd may name another one. The message
 * is edited anew for that mailbox then, and handed over once more.
 *
 * Nothing here says "sent" but msgraphd's answer. Every failure on the way is
 * an error that exit_status_from_error() turns into a deferral, or into a
 * bounce where the message itself can never go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pipe/content/content.h"
#include "agent/pipe/edit/view.h"
#include "agent/pipe/header/lists.h"
#include "agent/pipe/header/orders.h"
#include "agent/pipe/header/rewrite.h"
#include "agent/pipe/large/large.h"
#include "agent/pipe/parts/notice.h"
#include "agent/pipe/parts/parts.h"
#include "agent/pipe/process/deadline.h"
#include "agent/pipe/process/exit_status.h"
#include "agent/pipe/process/parent.h"
#include "agent/pipe/submit/submit.h"
#include "lib/conf/conf.h"
#include "deliver.h"
#include "unrouted.h"

/* Unlike /tmp, seldom a file system in memory. */
#define SPOOL_DIRECTORY "/var/tmp"

struct delivery {
	struct options options; /* shares what it points to */
	char fallback[ROUTE_MAILBOX_SIZE]; /* which they may name in the end */
	const struct conf *conf; /* borrowed, as the next */
	struct spool *spool;
	struct recipients recipients;
	struct rewrite_rules rules;
	int keep; /* as in rules, for the calls that may still have it */
};

/* --- one call --- */

/* Reads the beginning of what the view shows, as the spool's head; -1. */
static int
deliver_read_head(struct view *view, char *head, struct error *err)
{
	struct spool *s = &view->spool;
	size_t want = SPOOL_HEAD_MAX;
	ssize_t n = 1;

	if (s->raw < SPOOL_HEAD_MAX)
		want = (size_t)s->raw;
	s->head = head;
	for (s->head_len = 0; s->head_len < want && n > 0;
	     s->head_len += n > 0 ? (size_t)n : 0)
		n = view_read(view, head + s->head_len, want - s->head_len,
		    (long long)s->head_len);
	if (s->head_len == want)
		return 0;
	return error_set(err, ERROR_TEMPORARY, "4.3.0",
	    "cannot read the message again: %s", strerror(errno));
}

/* Makes the edits of a header that content_header() has changed. */
static int
deliver_rewrite_converted(struct delivery *d, struct edits *edits,
    int *signature_broken, struct error *err)
{
	char *head = malloc(SPOOL_HEAD_MAX);
	struct rewrite_rules rules = d->rules;
	struct edits above;
	struct view view;
	int result;

	if (head == NULL)
		return error_no_memory(err);
	rules.raw = (struct span){d->spool->head, d->spool->head_len};
	result = view_init(&view, edits, err);
	edits_init(&above, &view.spool);
	if (result == 0)
		result = deliver_read_head(&view, head, err);
	if (result == 0)
		result = rewrite(&view.spool, &rules, &d->recipients, &above,
		    signature_broken, err);
	if (result == 0)
		view_apply(&view, &above);
	*signature_broken = 1;
	edits_free(&above);
	view_free(&view);
	free(head);
	return result;
}

/*
 * A signature keeps the header from being converted. Where the edits break it,
 * they are made again, over the converted header.
 */
static int
deliver_rewrite(struct delivery *d, struct edits *edits, int *signature_broken,
    struct error *err)
{
	struct recipients *rs = &d->recipients;

	if (content_header(edits, 0, err) == -1)
		return -1;
	if (edits->count == 0) {
		if (rewrite(d->spool, &d->rules, rs, edits, signature_broken,
			err) == -1)
			return -1;
		if (!*signature_broken || !d->spool->found.eight_bit)
			return 0;
		edits_free(edits);
		edits_init(edits, d->spool);
		recipients_forget_places(rs);
		if (content_header(edits, 1, err) == -1)
			return -1;
	}
	return deliver_rewrite_converted(d, edits, signature_broken, err);
}

static int
deliver_send_chosen(
    struct delivery *d, struct wire_reply *reply, struct error *err)
{
	struct content_rules content = {.encode_8bit = d->conf->encode_8bit,
	    .hide_client = d->conf->hide_client,
	    .queue_id = d->options.queue_id};
	struct large large = {NULL, 0};
	struct edits edits;
	int result;

	edits_init(&edits, d->spool);
	result = deliver_rewrite(d, &edits, &content.signature_broken, err);
	if (result == 0)
		result = content_edit(&edits, &d->spool->found, &content, err);
	if (result == 0)
		result = large_edit(&edits, d->conf, &large, err);
	if (result == 0)
		result = submit(d->conf->submit_socket, &d->options,
		    &d->recipients, &edits, &large, reply, err);
	large_free(&large);
	edits_free(&edits);
	return result;
}

/*
 * Makes the fallback mailbox that msgraphd's answer names the one that sends.
 * Returns 1 when the call must be made again for that; there is no second one.
 */
static int
deliver_fall_back(struct delivery *d, const struct wire_reply *reply)
{
	if (reply->status != WIRE_DEFERRED || reply->again_as[0] == '\0' ||
	    d->options.instead_of != NULL)
		return 0;
	memcpy(d->fallback, reply->again_as, sizeof(d->fallback));
	d->options.instead_of = d->options.mailbox;
	d->options.mailbox = d->rules.mailbox = d->fallback;
	d->rules.replace_from = 1;
	recipients_forget_places(&d->recipients);
	return 1;
}

/* --- all of them --- */

/*
 * Addresses that stay although the envelope lacks them are mailed with the
 * first call and count there.
 */
static size_t
deliver_first_size(const struct delivery *d)
{
	size_t limit = (size_t)d->conf->max_recipients, foreign;
	struct span head = {d->spool->head, d->spool->head_len};

	if (!d->keep)
		return limit;
	foreign = lists_foreign(head, &d->recipients);
	return foreign < limit ? limit - foreign : 1;
}

/* A parts_call: for the recipients that are chosen now. */
static void
deliver_send_part(void *ctx, int first, struct wire_reply *reply)
{
	struct delivery *d = ctx;
	long long end = d->spool->end;
	struct error err;

	/* who is not of the envelope is mailed with the first that is taken */
	d->rules.keep = d->keep && first;
	do {
		/* without an answer, msgraphd may be reading it still */
		if (deliver_send_chosen(d, reply, &err) == 0)
			spool_cut(d->spool, end);
		else
			exit_status_from_error(reply, &err);
	} while (deliver_fall_back(d, reply));
}

/* What is left to do where some were refused and others were not. */
static void
deliver_tell_sender(
    struct delivery *d, struct parts *parts, struct wire_reply *reply)
{
	struct wire_reply told;
	struct notice notice;
	struct error err;
	char rest[sizeof(reply->text)];

	if (d->options.sender[0] == '\0') {
		/* RFC 5321 section 4.5.5: nobody is to be told */
		*reply = parts->refused;
		snprintf(rest, sizeof(rest), ": %s", parts->refused.text);
		parts_summary(parts, rest, reply->text, sizeof(reply->text));
		return;
	}
	parts_choose(parts, PART_REFUSED);
	do {
		if (notice_write(parts, &d->options, d->spool, &notice, &err) ==
			-1 ||
		    submit_notice(d->conf->submit_socket, &d->options,
			&d->recipients, d->spool, &notice, &told, &err) == -1)
			exit_status_from_error(&told, &err);
	} while (deliver_fall_back(d, &told));
	*reply = told;
	if (told.status == WIRE_SENT) {
		parts_summary(parts, ", the sender was told", reply->text,
		    sizeof(reply->text));
		return;
	}
	if (told.status == WIRE_BOUNCED)
		reply->dsn[0] = '4';
	reply->status = WIRE_DEFERRED;
	snprintf(rest, sizeof(rest), ", and the sender cannot be told: %s",
	    told.text);
	parts_summary(parts, rest, reply->text, sizeof(reply->text));
}

static int
deliver_send_all(
    struct delivery *d, struct wire_reply *reply, struct error *err)
{
	size_t rank = 0, size = deliver_first_size(d);
	struct parts parts;
	int result;

	result = parts_init(&parts, &d->recipients, deliver_send_part, d, err);
	if (result == 0)
		parts_refuse_unfit(&parts);
	while (result == 0 && rank < d->recipients.sorted_count) {
		parts_settle(&parts, rank, size);
		rank += size;
		size = (size_t)d->conf->max_recipients;
		d->keep = 0;
	}
	if (result == 0 && parts_join(&parts, reply) == 1)
		deliver_tell_sender(d, &parts, reply);
	parts_free(&parts);
	return result;
}

/* Known only where each recipient has its own. */
static const char *const *
deliver_originals(const struct options *o)
{
	return o->original_count == o->recipient_count ? o->originals : NULL;
}

static int
deliver_send_spooled(const struct options *o, const struct conf *conf,
    const struct orders *orders, struct spool *spool, struct wire_reply *reply,
    struct error *err)
{
	struct delivery d = {.options = *o, .conf = conf, .spool = spool};
	int result;

	d.rules.mailbox = o->mailbox;
	d.rules.is_bounce = o->sender[0] == '\0' && o->identity[0] == '\0';
	d.rules.needs_from = o->is_unrouted;
	d.rules.replace_from = orders->replace_from;
	d.keep =
	    conf->header_recipients == HEADER_RECIPIENTS_KEEP && !orders->trim;
	result = recipients_init(&d.recipients, o->recipients,
	    deliver_originals(o), o->recipient_count, err);
	if (result == 0)
		result = deliver_send_all(&d, reply, err);
	recipients_free(&d.recipients);
	return result;
}

/* What a route has without an application, no milter of this version wrote. */
static int
deliver_send_routed(const struct options *o, const struct conf *conf,
    struct spool *spool, struct wire_reply *reply, struct error *err)
{
	struct span head = {spool->head, spool->head_len};
	struct orders orders = {0, 0};

	if (o->route.has_application)
		orders = orders_read(head);
	return deliver_send_spooled(o, conf, &orders, spool, reply, err);
}

/* The same for what came past the milter: msgraphd is asked first. */
static int
deliver_send_unrouted(const struct options *o, const struct conf *conf,
    struct spool *spool, struct wire_reply *reply, struct error *err)
{
	struct span head = {spool->head, spool->head_len};
	struct options routed = *o; /* shares what it points to */
	struct unrouted decided;
	struct orders orders;

	if (unrouted_decide(o, conf, head, &decided, err) == -1)
		return -1;
	routed.mailbox = decided.mailbox;
	routed.identity = decided.identity;
	routed.entry = decided.answer.entry;
	orders.replace_from = decided.answer.from[0] != '\0';
	orders.trim = decided.answer.recipients;
	return deliver_send_spooled(&routed, conf, &orders, spool, reply, err);
}

static int
deliver_spool_and_send(const struct options *o, const struct conf *conf, int in,
    struct wire_reply *reply, struct error *err)
{
	struct spool spool;
	int result;

	if (o->is_unrouted && unrouted_admit(o, conf, err) == -1)
		return -1;
	result = spool_fill(&spool, in, SPOOL_DIRECTORY, err);
	if (result == 0 && !parent_alive())
		result = error_set(err, ERROR_TEMPORARY, "4.3.0",
		    "pipe(8) went away; the message may be cut off");
	if (result == 0)
		result = o->is_unrouted
		    ? deliver_send_unrouted(o, conf, &spool, reply, err)
		    : deliver_send_routed(o, conf, &spool, reply, err);
	spool_close(&spool);
	return result;
}

void
deliver(const struct options *o, int in, struct wire_reply *reply)
{
	struct error err = {.class = ERROR_NONE};
	struct conf conf;

	if (conf_load_in_use(&conf, o->conf_file, &err) == -1) {
		exit_status_from_error(reply, &err);
		return;
	}
	deadline_start((unsigned int)conf.delivery_timeout);
	if (deliver_spool_and_send(o, &conf, in, reply, &err) == -1)
		exit_status_from_error(reply, &err);
	if (o->is_unrouted)
		unrouted_warn(reply);
	conf_free(&conf);
}
