/*
 * fingerprint.h - what the journal knows a message by: SHA-256 over client,
 * mailbox, recipients and the message as pipe gave it.
 *
 * The finished message would not do: an upgrade or another setting may edit
 * the same message differently.
 */
#ifndef MSGRAPHD_FINGERPRINT_H
#define MSGRAPHD_FINGERPRINT_H

#include "journal.h"
#include "spool.h"

/*
 * Sorts recipients in place: Postfix promises no order. -1 when memory is
 * short or the spool file is not as long as it says.
 */
int fingerprint(const struct identity *id, const char *mailbox,
    const char **recipients, size_t count, const struct spool *spool,
    unsigned char digest[JOURNAL_DIGEST_SIZE]);

#endif
