/*
 * question.h - asks msgraphd what a client may do, at MAIL FROM, at RCPT TO and
 * at the end of a message. Each waits for the answer, for seconds.
 */
#ifndef MSGRAPH_QUESTION_H
#define MSGRAPH_QUESTION_H

#include "message.h"

#define QUESTION_MS 5000 /* then the client is told to come back */
#define QUESTION_STALLED_MS 500 /* the same, once that has happened */

/*
 * What a client is told where msgraphd gave no answer; what an admin must know
 * is in the error.
 */
#define QUESTION_UNANSWERED \
	"this relay cannot tell now who may send, try again later"

/*
 * Asks whether the client may send. 0 with m->answer; or -1 with *err, whose
 * class is ERROR_OURS where there was no answer.
 */
int question_mail(struct message *m, struct error *err);

/*
 * Asks about a recipient, the argument of RCPT TO, if recipients matter. 0, or
 * -1 with *err as above.
 */
int question_recipient(
    const struct message *m, const char *argument, struct error *err);

/*
 * Asks whether the message may be sent from the mailbox, which counts it. 0, or
 * -1 with *err as above. An answer that differs from that at MAIL FROM, as when
 * the table has just been changed, is "later", since what was decided by the
 * old one does not hold.
 */
int question_end(struct message *m, const char *mailbox, struct error *err);

#endif
