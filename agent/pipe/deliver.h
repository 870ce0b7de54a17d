/*
 * deliver.h - one run of the agent, from options to outcome.
 */
#ifndef MSGRAPH_AGENT_DELIVER_H
#define MSGRAPH_AGENT_DELIVER_H

#include "agent/pipe/process/options.h"
#include "lib/local/wire.h"

/* Always leaves an outcome in *reply. Reads the message from in. */
void deliver(const struct options *, int in, struct wire_reply *reply);

#endif
