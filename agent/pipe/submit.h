/*
 * submit.h - hands the finished message to msgraphd and waits for its word.
 */
#ifndef MSGRAPH_AGENT_SUBMIT_H
#define MSGRAPH_AGENT_SUBMIT_H

#include "edit.h"
#include "error.h"
#include "large.h"
#include "options.h"
#include "recipients.h"
#include "wire.h"

/*
 * For the recipients that are chosen. 0 with msgraphd's answer in *reply; -1
 * when there is none, which always defers. Waits without limit of its own: see
 * deadline.h.
 */
int submit(const char *socket_path, const struct options *,
    const struct recipients *, const struct edits *, const struct large *,
    struct wire_reply *reply, struct error *);

#endif
