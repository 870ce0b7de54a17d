/*
 * rewrite.h - decides what changes in the header before Graph gets a message.
 */
#ifndef MSGRAPH_AGENT_REWRITE_H
#define MSGRAPH_AGENT_REWRITE_H

#include "agent/pipe/edit/edit.h"
#include "agent/pipe/edit/spool.h"
#include "lib/base/error.h"
#include "recipients.h"

/* What is not in the message. */
struct rewrite_rules {
	const char *mailbox; /* the one that sends */
	struct span raw; /* the header as it came, if it was converted since */
	int is_bounce; /* Postfix's own: it comes from the mailbox */
	int replace_from; /* From becomes the mailbox, whatever it is */
	int needs_from; /* where there is no From, it becomes the mailbox */
	int keep; /* header addresses that the envelope lacks stay */
};

/*
 * Reads the header in the spool's head and fills edits for the recipients
 * that are chosen, noting in them where the header names them.
 * *signature_broken tells whether there are DKIM signatures, and each covers a
 * field that is edited. 0; or -1 when the message cannot be sent.
 */
int rewrite(const struct spool *, const struct rewrite_rules *,
    struct recipients *, struct edits *, int *signature_broken, struct error *);

#endif
