/*
 * follow.h - what becomes of a message in Postfix's queue, as the log tells it.
 */
#ifndef MSGRAPHCTL_FOLLOW_H
#define MSGRAPHCTL_FOLLOW_H

#include "agent/ctl/base/steps.h"
#include "agent/ctl/setup/logtail.h"

#define FOLLOW_SECONDS 180

/*
 * Tells of each line of the log about the message, as it comes, until it is
 * sent, bounced or deferred, for FOLLOW_SECONDS at most. tail was marked before
 * the message was sent.
 */
void follow(
    struct steps *steps, const struct logtail *tail, const char *queue_id);

#endif
