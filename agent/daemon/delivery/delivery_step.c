/*
 * delivery_step.c - see delivery_step.h.
 */
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/clock.h"
#include "lib/base/codec.h"
#include "delivery_step.h"

void
delivery_next(struct delivery *d, enum phase phase)
{
	d->phase = phase;
	wake_up(&d->wake);
}

void
delivery_next_in(struct delivery *d, enum phase phase, long long ms)
{
	d->phase = phase;
	if (wake_in(&d->wake, ms) == -1)
		wake_up(&d->wake);
}

void
delivery_next_turn(struct delivery *d)
{
	turn_end(d->turn);
	delivery_next(d, PHASE_TURN);
}

/* --- the journal --- */

static void
delivery_step_on_written(void *ctx, const struct error *err)
{
	struct delivery *d = ctx;

	d->writing = 0;
	/*
	 * The status of a message that was posted is told even if it could not
	 * be kept; a message is not posted if that could not be.
	 */
	if (err != NULL && d->phase_after != PHASE_FINISH) {
		report_error(&d->reply, &d->report, err);
		delivery_next(d, PHASE_FINISH);
	} else {
		delivery_next(d, d->phase_after);
	}
}

void
delivery_write(struct delivery *d, enum journal_status status, enum phase phase)
{
	struct error memory;

	if (status == d->entry_now.status && !d->changed) {
		delivery_next(d, phase);
		return;
	}
	if (status != JOURNAL_POSTED)
		d->entry_now.posted = d->entry_now.by_sendmail = 0;
	else if (d->entry_now.posted == 0)
		d->entry_now.posted = clock_wall();
	d->entry_now.status = status;
	d->changed = 0;
	d->phase_after = phase;
	d->writing = 1;
	if (journal_write(d->daemon->journal, &d->entry_now,
		delivery_step_on_written, d) == -1) {
		error_no_memory(&memory);
		delivery_step_on_written(d, &memory);
	}
}

/* --- deferrals --- */

void
delivery_defer(
    struct delivery *d, const char *dsn, const char *reason, const char *text)
{
	report_deferred(&d->reply, &d->report, dsn, reason, text);
	delivery_next(d, PHASE_UNSENT);
}

void
delivery_defer_error(struct delivery *d, const struct error *err)
{
	report_error(&d->reply, &d->report, err);
	delivery_next(d, PHASE_UNSENT);
}

void
delivery_note_refusal(struct delivery *d, const char *refusal)
{
	struct journal_entry *entry = &d->entry_now;

	if (refusal == NULL && entry->refused_since == 0)
		return;
	if (refusal != NULL && strcmp(entry->refusal, refusal) == 0)
		return;
	snprintf(entry->refusal, sizeof(entry->refusal), "%s",
	    refusal == NULL ? "" : refusal);
	entry->refused_since = refusal == NULL ? 0 : clock_wall();
	/* rows that differ in their status are not written for this alone */
	if (d->posted_to.text == NULL)
		d->changed = 1;
}

enum wire_status
delivery_grace_status(struct delivery *d, const struct outcome *outcome)
{
	char refusal[JOURNAL_REFUSAL_SIZE];

	snprintf(refusal, sizeof(refusal), "%s %s", outcome->dsn,
	    d->report.error.code);
	delivery_note_refusal(d, refusal);
	d->refused = 1;
	return clock_wall() - d->entry_now.refused_since <
		d->daemon->conf.access_denied_grace
	    ? WIRE_DEFERRED
	    : WIRE_BOUNCED;
}

/* --- earlier attempts --- */

void
delivery_name_post(const struct delivery *d, char post[JOURNAL_POST_SIZE])
{
	codec_hex_encode(d->request.digest, (JOURNAL_POST_SIZE - 1) / 2, post);
}

int
delivery_has_old_draft(const struct delivery *d)
{
	/*
	 * Of one that was made just now Graph may not know yet; and one that
	 * was not sent itself says nothing of another that was.
	 */
	return d->large != NULL && d->large->draft.id[0] != '\0' &&
	    !d->large->made && d->large->draft.sending;
}

int
delivery_search_is_due(const struct delivery *d)
{
	return d->status_before == JOURNAL_POSTED && !d->searched &&
	    (delivery_has_old_draft(d) || d->request.message_id[0] != '\0');
}
