/*
 * delivery_permit.c - see delivery_permit.h.
 */
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/reason.h"
#include "agent/daemon/identities/identities.h"
#include "delivery_fallback.h"
#include "delivery_permit.h"
#include "delivery_step.h"

static void
delivery_permit_refused_by_entra(struct delivery *d, const char *text)
{
	const struct outcome outcome = {.dsn = "x.7.8",
	    .reason = REASON_CREDENTIAL,
	    .text = "Entra refuses the secret that this application signed in "
		    "with; it must sign in again with a valid one"};

	memset(&d->report, 0, sizeof(d->report));
	snprintf(d->report.transport, sizeof(d->report.transport), "%s", text);
	report_outcome(&d->reply, delivery_grace_status(d, &outcome), &outcome,
	    &d->report);
	delivery_next(d, PHASE_UNSENT);
}

/* Defers, with what Graph said, since it was this delivery that was told. */
static void
delivery_permit_throttled(struct delivery *d, const struct turn_answer *answer)
{
	const struct outcome outcome = {
	    .dsn = answer->dsn, .reason = answer->reason, .text = answer->text};

	report_outcome(&d->reply, WIRE_DEFERRED, &outcome, &d->report);
	delivery_next(d, PHASE_UNSENT);
}

static void
delivery_permit_on_turn(void *ctx, const struct turn_answer *answer)
{
	struct delivery *d = ctx;

	if (answer->result == TURN_READY)
		delivery_next(d, PHASE_CHOOSE);
	else if (answer->result == TURN_REFUSED)
		delivery_permit_refused_by_entra(d, answer->text);
	else if (answer->result == TURN_THROTTLED && d->report.status != 0)
		delivery_permit_throttled(d, answer);
	else
		delivery_defer(d, answer->dsn, answer->reason, answer->text);
}

void
delivery_permit(struct delivery *d)
{
	struct error err;

	if (identities_may_deliver(d->daemon->identities, &d->request.identity,
		d->request.entry, &err) == -1) {
		delivery_defer(d, err.dsn,
		    err.class == ERROR_TEMPORARY ? REASON_IDENTITY
						 : REASON_CONFIGURATION,
		    err.text);
		return;
	}
	if (d->other_is_posted && delivery_fall_back_again(d))
		return;
	turn_ask(d->turn, delivery_permit_on_turn, d);
}

static void
delivery_permit_on_prepared(void *ctx)
{
	struct delivery *d = ctx;

	d->prepare = NULL;
	delivery_next(d, PHASE_PERMIT);
}

void
delivery_take_turn(struct delivery *d)
{
	d->prepare =
	    identities_prepare_mail(d->daemon->identities, &d->request.identity,
		d->request.entry, delivery_permit_on_prepared, d);
	if (d->prepare == NULL)
		delivery_permit(d);
}
