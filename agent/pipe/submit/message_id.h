/*
 * message_id.h - the name by which a message may be asked for later.
 */
#ifndef MSGRAPH_AGENT_MESSAGE_ID_H
#define MSGRAPH_AGENT_MESSAGE_ID_H

#include "lib/base/span.h"

/* RFC 5322's line without the field's name; no client writes half of it. */
#define MESSAGE_ID_SIZE 512

/*
 * Writes the Message-ID with its angle brackets, from the only field of that
 * name; "" when there is none, are several, or it is not plain. Returns id.
 */
char *message_id_read(struct span head, char id[MESSAGE_ID_SIZE]);

#endif
