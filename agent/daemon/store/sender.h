/*
 * sender.h - which application last sent as a mailbox.
 *
 * A bounce has no signed-in application. It may go to a mailbox that has sent
 * through us before, with the rights of the application that sent.
 *
 * The very first message of a mailbox may bounce too, and before a delivery
 * begins. So an application is also expected to send as a mailbox, from the
 * first message on that was accepted from it. Such a row replaces no other, and
 * goes when Graph says that the application may not.
 */
#ifndef MSGRAPHD_SENDER_H
#define MSGRAPHD_SENDER_H

#include "lib/base/error.h"
#include "lib/local/identity.h"
#include "state.h"

/*
 * Notes that Graph has taken a message of this mailbox from this application.
 * Writes at most once a day while nothing changes. 0, or -1 with *err.
 */
int sender_note(struct state *state, const char *mailbox,
    const struct identity *id, struct error *err);

/*
 * Notes that this application is about to send as this mailbox, unless
 * something is known of the mailbox already. 0, or -1 with *err.
 */
int sender_expect(struct state *state, const char *mailbox,
    const struct identity *id, struct error *err);

/*
 * Forgets that an application is expected to send as the mailbox. 0, or -1 with
 * *err.
 */
int sender_expect_not(
    struct state *state, const char *mailbox, struct error *err);

/*
 * Finds the application that last sent as the mailbox. 1 with *id filled, 0
 * when the mailbox has not sent, -1 with *err.
 */
int sender_find(struct state *state, const char *mailbox, struct identity *id,
    struct error *err);

/* Forgets mailboxes that have not sent since wall (clock_wall()). */
int sender_expire(struct state *state, long long wall, struct error *err);

#endif
