/*
 * delivery_step.h - how a delivery's step ends: with the choice of the next
 * phase. No step calls another.
 */
#ifndef MSGRAPHD_DELIVERY_STEP_H
#define MSGRAPHD_DELIVERY_STEP_H

#include "delivery_private.h"

/* Runs the phase's step from the event loop. */
void delivery_next(struct delivery *d, enum phase phase);

/* Runs the phase's step ms later. */
void delivery_next_in(struct delivery *d, enum phase phase, long long ms);

/*
 * Gives the permission for a request back, and waits for the next one, which
 * may be for another message of the mailbox.
 */
void delivery_next_turn(struct delivery *d);

/* Writes what is known now into the journal, and then goes on with phase. */
void delivery_write(
    struct delivery *d, enum journal_status status, enum phase phase);

/*
 * Defers the delivery with this text or error, after the journal has heard that
 * this attempt sent nothing. What the journal says of an earlier attempt
 * without an answer stays.
 */
void delivery_defer(
    struct delivery *d, const char *dsn, const char *reason, const char *text);
void delivery_defer_error(struct delivery *d, const struct error *err);

/* Notes Graph's present refusal, one that somebody can mend; NULL clears it. */
void delivery_note_refusal(struct delivery *d, const char *refusal);

/*
 * Returns WIRE_DEFERRED until this very refusal has stood for
 * access_denied_grace, then WIRE_BOUNCED. The report says which refusal it is.
 */
enum wire_status delivery_grace_status(
    struct delivery *d, const struct outcome *outcome);

/*
 * Returns 1 when an earlier attempt may have sent the message and there is a
 * way to find out: its draft, which was not made just now, or its Message-ID.
 */
int delivery_search_is_due(const struct delivery *d);

/* Writes the name by which the journal knows what this delivery posts. */
void delivery_name_post(const struct delivery *d, char post[JOURNAL_POST_SIZE]);

/* Returns 1 when there is a draft of an earlier attempt. */
int delivery_has_old_draft(const struct delivery *d);

#endif
