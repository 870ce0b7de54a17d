/*
 * unrouted.h - what came past msgraph-milter, and goes all the same.
 */
#ifndef MSGRAPH_AGENT_UNROUTED_H
#define MSGRAPH_AGENT_UNROUTED_H

#include "agent/pipe/process/options.h"
#include "lib/base/error.h"
#include "lib/base/span.h"
#include "lib/conf/conf.h"
#include "lib/local/policy.h"
#include "lib/local/wire.h"
#include "lib/mail/mailbox_unfit.h"

/* What the milter would have decided. */
struct unrouted {
	char mailbox[MAILBOX_SIZE];
	char identity[IDENTITY_CANONICAL_SIZE];
	struct policy_answer answer;
};

/*
 * Decides whether the one who signed in may send, as the milter would. 0; or -1
 * with *err, which defers: who signed in reads otherwise once
 * username_delimiter is right.
 */
int unrouted_admit(
    const struct options *, const struct conf *, struct error *err);

/*
 * Asks msgraphd as the milter would, and decides the mailbox from header and
 * envelope. 0; or -1 with *err. That bounces, in the milter's words, where the
 * message names no mailbox, since no settings would make it go. What msgraphd
 * refuses is deferred, since the table of identities may be mended.
 */
int unrouted_decide(const struct options *, const struct conf *,
    struct span head, struct unrouted *out, struct error *err);

/*
 * Puts a warning into the text for pipe(8), in place of a text that says the
 * message was sent, of which pipe(8) logs 100 characters; else at its end.
 */
void unrouted_warn(struct wire_reply *reply);

#endif
