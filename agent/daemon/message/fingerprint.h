/*
 * fingerprint.h - computes the journal's keys of a message: SHA-256 over
 * application, mailbox, queue id, the message as pipe gave it and one
 * recipient; and the key of its draft, which is for all recipients of a
 * request. The mailbox is the message's own, even where the fallback mailbox
 * sends: what that one sends has keys of its own, made of the same message. So
 * the journal finds out that a message has gone from either, whatever the table
 * of identities says by now. A notice about recipients that were refused has
 * keys of its own, made of the same message, so that the journal knows it
 * whatever its bytes are, and whichever of the two sends it.
 *
 * The finished message would not do: an upgrade or another setting may edit the
 * same message differently. The queue id tells two messages with the same text
 * apart: their Received fields do so only while the host's header_checks leave
 * them alone.
 */
#ifndef MSGRAPHD_FINGERPRINT_H
#define MSGRAPHD_FINGERPRINT_H

#include "request.h"

/*
 * Fills request->each, keys, other, told and digest from the rest of it. 0, or
 * -1 when out of memory or the spool file is not as long as it says.
 */
int fingerprint(
    struct delivery_request *request, const char **recipients, size_t count);

#endif
