/*
 * envelope.h - which addresses a client may name in MAIL FROM and RCPT TO. Pure
 * functions over bytes.
 */
#ifndef MSGRAPH_ENVELOPE_H
#define MSGRAPH_ENVELOPE_H

#include "lib/base/error.h"

/*
 * Checks the argument of MAIL FROM, which is as it came, brackets and all. 0;
 * or -1 with err->dsn 5.6.7 when the local part is not ASCII, 5.1.7 when there
 * is a control character.
 */
int envelope_sender(const char *argument, struct error *err);

/*
 * Checks the argument of RCPT TO. 0; or -1 with err->dsn 5.6.7 or 5.1.3 when no
 * message can be sent to it: see recipient_unfit().
 */
int envelope_recipient(const char *argument, struct error *err);

#endif
