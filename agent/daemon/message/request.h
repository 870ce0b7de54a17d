/*
 * request.h - one message that the agent wants sent, as submit_service.c read it.
 */
#ifndef MSGRAPHD_REQUEST_H
#define MSGRAPHD_REQUEST_H

#include "agent/daemon/base/limits.h"
#include "agent/daemon/store/journal.h"
#include "lib/local/identity.h"
#include "attachment.h"
#include "source.h"

struct delivery_request {
	char queue_id[QUEUE_ID_SIZE];
	struct identity identity;
	char mailbox[ADDRESS_SIZE];
	unsigned int nrcpt;
	int null_sender; /* 1: the envelope sender is empty */
	char message_id[MESSAGE_ID_SIZE]; /* empty: not known */
	char *recipients; /* owned; as graph_recipients() has them */
	struct journal_keys keys; /* see fingerprint.h; and the next */
	unsigned char digest[JOURNAL_DIGEST_SIZE];
	struct spool spool;
	struct attachments attachments; /* what was taken out of it */
};

/* Frees what it owns. Takes one that is zeroed but for its spool. */
void delivery_request_free(struct delivery_request *request);

#endif
