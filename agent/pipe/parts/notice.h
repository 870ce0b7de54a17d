/*
 * notice.h - the notice that names the recipients whom Graph refused.
 */
#ifndef MSGRAPH_AGENT_NOTICE_H
#define MSGRAPH_AGENT_NOTICE_H

#include "agent/pipe/edit/spool.h"
#include "agent/pipe/process/options.h"
#include "agent/pipe/submit/submit.h"
#include "parts.h"

/* So much of the message's header is returned, in whole fields. */
#define NOTICE_HEAD_MAX (64 * 1024)

/*
 * Appends a notice (RFC 3464, RFC 6522) from and to the mailbox to the spool:
 * text for a person, a message/delivery-status and the header of the message,
 * for all recipients that are refused. Its Message-ID is made of the queue id
 * and these alone, so that a second attempt can be found. 0, or -1 with an
 * error that defers.
 */
int notice_write(const struct parts *, const struct options *, struct spool *,
    struct notice *, struct error *);

#endif
