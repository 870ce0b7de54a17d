/*
 * uuid.h - names that nobody has used before.
 */
#ifndef MSGRAPHD_UUID_H
#define MSGRAPHD_UUID_H

#include "lib/local/identity.h"

/*
 * Writes a random UUID (RFC 4122 section 4.4). 0; or -1 when there is no random
 * data, and then text is the same each time.
 */
int uuid_new(char text[UUID_TEXT_SIZE]);

#endif
