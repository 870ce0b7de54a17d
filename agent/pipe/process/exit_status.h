/*
 * exit_status.h - how the agent tells pipe(8) what became of the message.
 */
#ifndef MSGRAPH_AGENT_EXIT_STATUS_H
#define MSGRAPH_AGENT_EXIT_STATUS_H

#include "lib/base/error.h"
#include "lib/local/wire.h"

/*
 * Fills in an error as an outcome: bounced if it is permanent, else deferred.
 */
void exit_status_from_error(struct wire_reply *, const struct error *);

/*
 * Writes the one line for pipe(8) to standard output and returns the exit
 * status that goes with it. A refusal whose code does not start with 5 is not
 * believed: it defers.
 */
int exit_status_report(const struct wire_reply *);

#endif
