/*
 * delivery_fallback.c - see delivery_fallback.h.
 *
 * The agent alone can write another From. So it is told to come again, and what
 * it brings is a delivery of its own: with another mailbox's turn, draft,
 * refusals and way back for bounces. In the journal the two have different
 * keys, and each looks for both (fingerprint.h): what was accepted from one
 * mailbox is never posted from the other.
 *
 * The table is asked for each attempt, as soon as it is permitted: a map
 * outside may fall silent until Graph answers. Each attempt begins with the
 * message's own mailbox, which may exist by now. But where an attempt from the
 * fallback mailbox was not answered, the next one is from there too: in no
 * other mailbox can be seen what became of it. If the entry names another by
 * then, or none, the former one is only searched: when it has not sent the
 * message, that is taken down, and the next attempt is as if it had never been
 * asked. The agent may bring other parts of the message from there as well, and
 * these wait for that attempt.
 */
#include <stdio.h>
#include <strings.h>

#include "agent/daemon/identities/identities.h"
#include "lib/base/log.h"
#include "delivery_fallback.h"
#include "delivery_step.h"

void
delivery_fallback_note(struct delivery *d)
{
	const struct delivery_request *request = &d->request;
	const char *mailbox;

	d->fallback[0] = '\0';
	mailbox = identities_fallback(
	    d->daemon->identities, &request->identity, request->entry);
	/* there is no second one */
	if (request->instead_of[0] != '\0')
		d->is_former = mailbox == NULL ||
		    strcasecmp(mailbox, request->mailbox) != 0;
	else if (mailbox != NULL && strcasecmp(mailbox, request->mailbox) != 0)
		snprintf(d->fallback, sizeof(d->fallback), "%s", mailbox);
}

int
delivery_has_fallback(const struct delivery *d)
{
	return d->fallback[0] != '\0';
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
	if (!delivery_has_fallback(d))
		return 0;
	/* no agent may take it for the last word, be the refusal ever so old */
	d->reply.status = WIRE_DEFERRED;
	d->reply.dsn[0] = '4';
	delivery_fallback_tell(d, d->fallback, PHASE_UNSENT);
	return 1;
}

/* Returns 1 when the mailbox that has posted the message would be searched. */
static int
delivery_fallback_is_searched(const struct delivery *d)
{
	return d->request.message_id[0] != '\0' &&
	    (d->daemon->conf.verify_unknown ||
		d->request.attachments.count > 0);
}

int
delivery_fall_back_again(struct delivery *d)
{
	const char *mailbox = d->fallback;

	if (!d->other_is_posted || d->request.instead_of[0] != '\0')
		return 0;
	if (d->posted_from[0] != '\0' && delivery_fallback_is_searched(d))
		mailbox = d->posted_from;
	if (mailbox[0] == '\0')
		return 0;
	report_deferred(&d->reply, &d->report, "4.3.0", REASON_UNKNOWN,
	    "an earlier attempt, from the fallback mailbox, was not answered");
	delivery_fallback_tell(d, mailbox, PHASE_FINISH);
	return 1;
}

void
delivery_fallback_end(struct delivery *d)
{
	char text[512];

	d->status_before = JOURNAL_NEW;
	snprintf(text, sizeof(text),
	    "<%.100s>, which is not the fallback mailbox any more, has not "
	    "sent the message; the next attempt goes by the table of "
	    "identities as it is now",
	    d->request.mailbox);
	delivery_defer(d, "4.3.0", REASON_UNKNOWN, text);
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
