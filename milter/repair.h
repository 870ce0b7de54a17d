/*
 * repair.h - the values of header fields that a client left out.
 */
#ifndef MSGRAPH_REPAIR_H
#define MSGRAPH_REPAIR_H

#include <time.h>

#include "lib/mail/mailbox_unfit.h"

#define REPAIR_DATE_SIZE 32
#define REPAIR_MESSAGE_ID_SIZE (MAILBOX_SIZE + 64)

/*
 * Writes now as RFC 5322 section 3.3 has it, in local time:
 * "Sun, 23 Nov 2025 14:04:55 +0100". -1 when there is no such time.
 */
int repair_date(time_t now, char value[REPAIR_DATE_SIZE]);

/*
 * Writes a new identifier in angle brackets, with the domain of mailbox, which
 * must be fit for the stamp. -1 when the system has no random bytes.
 */
int repair_message_id(
    time_t now, const char *mailbox, char value[REPAIR_MESSAGE_ID_SIZE]);

#endif
