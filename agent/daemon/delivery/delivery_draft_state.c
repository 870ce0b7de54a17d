/*
 * delivery_draft_state.c - see delivery_draft_state.h.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "delivery_draft_state.h"
#include "delivery_step.h"
#include "draft_trash.h"

static struct draft_store
delivery_draft_state_store_of(const struct delivery *d)
{
	struct draft_store store = {d->daemon->state, d->daemon->vault};

	return store;
}

/*
 * Makes it the draft of this delivery: one of before may be in another mailbox.
 */
static void
delivery_draft_state_own(struct delivery *d)
{
	struct draft *draft = &d->large->draft;

	memcpy(draft->digest, d->request.digest, JOURNAL_DIGEST_SIZE);
	draft->identity = d->request.identity;
	memcpy(draft->mailbox, d->request.mailbox, sizeof(draft->mailbox));
}

/* Nothing is made any more. */
static void
delivery_draft_state_reset(struct delivery *d)
{
	struct delivery_large *large = d->large;

	delivery_draft_state_own(d);
	secret_free(&large->draft.upload);
	large->draft.id[0] = '\0';
	large->draft.attached = 0;
	large->draft.attaching = large->draft.sending = 0;
	large->next = -1;
	large->asked = large->missed = 0;
	large->whole = large->made = large->useless = 0;
}

void
delivery_draft_free(struct delivery *d)
{
	if (d->large == NULL)
		return;
	graph_body_free(&d->large->body);
	draft_clear(&d->large->draft);
	free(d->large);
	d->large = NULL;
}

int
delivery_draft_try_keep(struct delivery *d)
{
	const struct draft_store store = delivery_draft_state_store_of(d);
	struct error err;

	if (draft_keep(&store, &d->large->draft, &err) == 0)
		return 0;
	log_error("%s", err.text);
	report_error(&d->reply, &d->report, &err);
	return -1;
}

int
delivery_draft_keep(struct delivery *d)
{
	if (delivery_draft_try_keep(d) == 0)
		return 0;
	delivery_next(d, PHASE_UNSENT);
	return -1;
}

void
delivery_draft_note_unsent(struct delivery *d)
{
	d->large->draft.sending = 0;
	/* if that fails, it is looked at once more than it need be */
	(void)delivery_draft_try_keep(d);
}

void
delivery_draft_discard(struct delivery *d)
{
	const struct draft_store store = delivery_draft_state_store_of(d);
	struct error err;
	int found = draft_discard(&store, d->request.digest, &err);

	if (found == -1)
		log_error("%s", err.text);
	if (found == 1)
		draft_trash_wake(d->daemon->trash);
	if (d->large != NULL)
		delivery_draft_state_reset(d);
}

int
delivery_draft_ids(const struct delivery *d, struct buf *ids, struct error *err)
{
	const struct draft_store store = delivery_draft_state_store_of(d);

	return draft_ids(&store, d->request.mailbox, ids, err);
}

/*
 * Returns 1 when the message bounces and an earlier attempt may have handed its
 * draft over: to delete it might delete the message that was sent.
 */
static int
delivery_draft_state_is_lost(const struct delivery *d)
{
	return d->reply.status == WIRE_BOUNCED &&
	    d->status_before == JOURNAL_POSTED && !d->searched;
}

void
delivery_draft_end(struct delivery *d)
{
	const struct draft_store store = delivery_draft_state_store_of(d);
	struct error err;

	if (d->request.attachments.count == 0)
		return;
	if (d->large != NULL)
		d->report.attached = d->large->draft.attached;
	if ((d->large != NULL && d->large->is_sent) ||
	    delivery_draft_state_is_lost(d)) {
		if (draft_forget(&store, d->request.digest, &err) == -1)
			log_error("%s", err.text);
	} else if (d->reply.status != WIRE_DEFERRED || d->narrowed) {
		/* the message has gone otherwise, for some or all; or never */
		delivery_draft_discard(d);
	}
}

static int
delivery_draft_state_add_text(EVP_MD_CTX *ctx, const char *text)
{
	if (text == NULL)
		text = "";
	return EVP_DigestUpdate(ctx, text, strlen(text) + 1);
}

static int
delivery_draft_state_add_attachment(EVP_MD_CTX *ctx, const struct attachment *a)
{
	return EVP_DigestUpdate(
		   ctx, &a->bytes.length, sizeof(a->bytes.length)) &&
	    EVP_DigestUpdate(ctx, &a->is_inline, sizeof(a->is_inline)) &&
	    delivery_draft_state_add_text(ctx, a->name) &&
	    delivery_draft_state_add_text(ctx, a->type) &&
	    delivery_draft_state_add_text(ctx, a->id);
}

/* Attachments are known by their length: their bytes are in d's own digest. */
static int
delivery_draft_state_add_shape(EVP_MD_CTX *ctx, struct delivery *d)
{
	/* one thread, and nobody needs it between two calls */
	static char piece[64 * 1024];
	size_t i;
	long n;

	source_rewind(&d->request.source);
	while ((n = source_read(&d->request.source, piece, sizeof(piece))) > 0)
		if (!EVP_DigestUpdate(ctx, piece, (size_t)n))
			return 0;
	for (i = 0; i < d->request.attachments.count; i++)
		if (!delivery_draft_state_add_attachment(
			ctx, &d->request.attachments.list[i]))
			return 0;
	return n == 0;
}

/*
 * How the agent has divided the message. An upgrade or another setting may
 * divide it differently, and then the draft of an earlier attempt is of no use.
 */
static int
delivery_draft_state_find_shape(
    struct delivery *d, unsigned char shape[JOURNAL_DIGEST_SIZE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
	    delivery_draft_state_add_shape(ctx, d) &&
	    EVP_DigestFinal_ex(ctx, shape, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -1;
}

static void
delivery_draft_state_begin(
    struct delivery *d, const unsigned char shape[JOURNAL_DIGEST_SIZE])
{
	struct draft *draft = &d->large->draft;

	draft_clear(draft);
	delivery_draft_state_own(d);
	memcpy(draft->shape, shape, JOURNAL_DIGEST_SIZE);
}

/* Nobody knows whether what was being attached is in it: not a second time. */
static int
delivery_draft_state_is_of_use(
    const struct delivery *d, const unsigned char shape[JOURNAL_DIGEST_SIZE])
{
	const struct draft *draft = &d->large->draft;

	return memcmp(draft->shape, shape, JOURNAL_DIGEST_SIZE) == 0 &&
	    draft->attached <= d->request.attachments.count &&
	    !draft->attaching;
}

/* Not before it is known that it was not sent: the trash would delete it. */
static void
delivery_draft_state_set_aside(
    struct delivery *d, const unsigned char shape[JOURNAL_DIGEST_SIZE])
{
	struct draft *draft = &d->large->draft;

	memcpy(draft->shape, shape, JOURNAL_DIGEST_SIZE);
	d->large->useless = 1;
	if (!delivery_search_is_due(d))
		delivery_draft_discard(d);
}

int
delivery_draft_load(struct delivery *d)
{
	const struct draft_store store = delivery_draft_state_store_of(d);
	unsigned char shape[JOURNAL_DIGEST_SIZE];
	struct error err;
	int found = 0;

	d->large = calloc(1, sizeof(*d->large));
	if (d->large == NULL ||
	    delivery_draft_state_find_shape(d, shape) == -1) {
		delivery_defer(d, "4.3.0", REASON_CONFIGURATION,
		    "out of memory, or the agent's spool file has changed");
		return -1;
	}
	d->large->next = -1;
	found = draft_find(&store, d->request.digest, &d->large->draft, &err);
	if (found == -1) {
		delivery_defer_error(d, &err);
		return -1;
	}
	if (found == 0)
		delivery_draft_state_begin(d, shape);
	else if (!delivery_draft_state_is_of_use(d, shape))
		delivery_draft_state_set_aside(d, shape);
	return 0;
}
