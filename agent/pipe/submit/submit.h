/*
 * submit.h - hands the finished message to msgraphd and waits for the answer.
 */
#ifndef MSGRAPH_AGENT_SUBMIT_H
#define MSGRAPH_AGENT_SUBMIT_H

#include "agent/pipe/edit/edit.h"
#include "agent/pipe/header/recipients.h"
#include "agent/pipe/large/large.h"
#include "agent/pipe/process/options.h"
#include "lib/base/error.h"
#include "lib/local/wire.h"
#include "message_id.h"

/*
 * Submits the message for the recipients that are chosen. 0 with msgraphd's
 * answer in *reply; -1 when there is none, which always defers. Waits without
 * limit of its own: see deadline.h.
 */
int submit(const char *socket_path, const struct options *,
    const struct recipients *, const struct edits *, const struct large *,
    struct wire_reply *reply, struct error *);

/* A notice that was appended to the spool. */
struct notice {
	char message_id[MESSAGE_ID_SIZE];
	long long at, length; /* bytes of the spool file */
};

/*
 * Hands over a notice about the recipients that are chosen, and does else as
 * submit(). msgraphd knows it by the message and these recipients.
 */
int submit_notice(const char *socket_path, const struct options *,
    const struct recipients *refused, const struct spool *,
    const struct notice *, struct wire_reply *reply, struct error *);

#endif
