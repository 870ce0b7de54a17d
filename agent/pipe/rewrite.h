/*
 * rewrite.h - decides what changes in a message before Graph gets it.
 */
#ifndef MSGRAPH_AGENT_REWRITE_H
#define MSGRAPH_AGENT_REWRITE_H

#include "edit.h"
#include "error.h"
#include "recipients.h"
#include "spool.h"

/*
 * Reads the header in the spool's head and fills edits, marking recipients on
 * the way. 0; or -1 when the message cannot be sent.
 */
int rewrite(
    const struct spool *, struct recipients *, struct edits *, struct error *);

#endif
