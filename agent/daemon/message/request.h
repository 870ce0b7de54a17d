/*
 * request.h - one message that the agent wants sent, as submit_service.c read
 * it.
 */
#ifndef MSGRAPHD_REQUEST_H
#define MSGRAPHD_REQUEST_H

#include "agent/daemon/base/limits.h"
#include "agent/daemon/store/journal.h"
#include "lib/local/identity.h"
#include "attachment.h"
#include "source.h"

/* A recipient of the request, and its keys in the journal. */
struct request_recipient {
	char *address; /* owned; in lower case */
	unsigned char key[JOURNAL_DIGEST_SIZE]; /* of the message */
	unsigned char other[JOURNAL_DIGEST_SIZE]; /* by the other mailbox */
	unsigned char told[JOURNAL_DIGEST_SIZE]; /* of a notice about it */
};

struct delivery_request {
	char queue_id[QUEUE_ID_SIZE];
	struct identity identity;
	char entry[ENTRY_NAME_SIZE]; /* of the stamp; empty: none */
	char mailbox[ADDRESS_SIZE]; /* the one that sends */
	char instead_of[ADDRESS_SIZE]; /* empty: the message's own; else that,
					  and mailbox is the fallback */
	unsigned int nrcpt;
	int null_sender; /* 1: the envelope sender is empty */
	char message_id[MESSAGE_ID_SIZE]; /* empty: not known */
	char *recipients; /* owned; as graph_recipients() has them */
	struct request_recipient *each; /* owned; in the agent's order */
	size_t each_count;
	int notice; /* 1: not the message but a notice about its recipients */
	struct journal_keys keys; /* see fingerprint.h; and the next three */
	struct journal_keys other; /* none of a notice */
	struct journal_keys told; /* of notices about the recipients */
	unsigned char digest[JOURNAL_DIGEST_SIZE];
	struct source source;
	struct attachments attachments; /* what was taken out of it */
};

/* Frees what the request owns. Takes one that is zeroed but for its source. */
void delivery_request_free(struct delivery_request *request);

#endif
