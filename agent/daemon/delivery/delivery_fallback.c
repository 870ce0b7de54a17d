/*
 * delivery_fallback.c - see delivery_fallback.h.
 *
 * The agent alone can write another From. So it is told to come again, and what
 * it brings is a delivery of its own: with another mailbox's turn, draft,
 * refusals and way back for bounces. In the journal the two have different keys,
 * and each looks for both (fingerprint.h): what was accepted from one mailbox is
 * never posted from the other.
 *
 * The table is asked each time, so each attempt begins with the message's own
 * mailbox, which may exist by now. But where an attempt from the fallback
 * mailbox was not answered, the next one is from there too: in no other mailbox
 * can be seen what became of it.
 */
#include <stdio.h>
#include <strings.h>

#include "agent/daemon/identities/identities.h"
#include "lib/base/log.h"
#include "delivery_fallback.h"
#include "delivery_step.h"

/* Returns NULL where there is none. Borrowed until the table is read again. */
static const char *
delivery_fallback_mailbox(const struct delivery *d)
{
	const struct delivery_request *request = &d->request;
	const char *mailbox;

	/* there is no second one */
	if (request->instead_of[0] != '\0')
		return NULL;
	mailbox = identities_fallback(
	    d->daemon->identities, &request->identity, request->entry);
	return mailbox != NULL && strcasecmp(mailbox, request->mailbox) != 0
	    ? mailbox
	    : NULL;
}

int
delivery_has_fallback(const struct delivery *d)
{
	return delivery_fallback_mailbox(d) != NULL;
}

/* Chooses the phase; the reply says why nothing was posted. */
static void
delivery_fallback_tell(
    struct delivery *d, const char *mailbox, enum phase phase)
{
	snprintf(d->reply.again_as, sizeof(d->reply.again_as), "%s", mailbox);
	delivery_next(d, phase);
}

int
delivery_fall_back(struct delivery *d)
{
	const char *mailbox = delivery_fallback_mailbox(d);

	if (mailbox == NULL)
		return 0;
	/* no agent may take it for the last word, be the refusal ever so old */
	d->reply.status = WIRE_DEFERRED;
	d->reply.dsn[0] = '4';
	delivery_fallback_tell(d, mailbox, PHASE_UNSENT);
	return 1;
}

int
delivery_fall_back_again(struct delivery *d)
{
	const char *mailbox = delivery_fallback_mailbox(d);

	if (mailbox == NULL)
		return 0;
	report_deferred(&d->reply, &d->report, "4.3.0", REASON_UNKNOWN,
	    "an earlier attempt, from the fallback mailbox, was not answered");
	delivery_fallback_tell(d, mailbox, PHASE_FINISH);
	return 1;
}

void
delivery_fallback_log(const struct delivery *d)
{
	char why[512];

	if (d->report.status == 0)
		snprintf(why, sizeof(why), "%s", d->reply.text);
	else
		snprintf(why, sizeof(why),
		    "Graph knows no mailbox <%s> (HTTP %ld %s)",
		    d->request.mailbox, d->report.status, d->report.error.code);
	log_info("%s: %s; the agent comes again for the fallback mailbox <%s>",
	    d->request.queue_id, why, d->reply.again_as);
}
