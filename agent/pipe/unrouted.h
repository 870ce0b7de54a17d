/*
 * unrouted.h - what came past msgraph-milter, and goes all the same.
 */
#ifndef MSGRAPH_AGENT_UNROUTED_H
#define MSGRAPH_AGENT_UNROUTED_H

#include "agent/pipe/process/options.h"
#include "lib/base/error.h"
#include "lib/base/span.h"
#include "lib/conf/conf.h"
#include "lib/local/wire.h"
#include "lib/mail/mailbox_unfit.h"

/*
 * Decides whether the one who signed in may send, as the milter would. 0; or -1
 * with *err, which defers: who signed in reads otherwise once
 * username_delimiter is right.
 */
int unrouted_admit(
    const struct options *, const struct conf *, struct error *err);

/*
 * Decides the mailbox from header and envelope, as the milter would. 0; or -1
 * with *err, which bounces, in the milter's words: no settings would make the
 * message go.
 */
int unrouted_decide(const struct options *, const struct conf *,
    struct span head, char mailbox[MAILBOX_SIZE], struct error *err);

/*
 * Puts a warning into the text for pipe(8), in place of a text that says the
 * message was sent, of which pipe(8) logs 100 characters; else at its end.
 */
void unrouted_warn(struct wire_reply *reply);

#endif
