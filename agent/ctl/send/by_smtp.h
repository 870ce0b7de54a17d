/*
 * by_smtp.h - sends the message of test-send as a client would, that signs in.
 */
#ifndef MSGRAPHCTL_BY_SMTP_H
#define MSGRAPHCTL_BY_SMTP_H

#include "agent/ctl/base/postconf.h"
#include "agent/ctl/base/steps.h"
#include "lib/base/secret.h"
#include "letter.h"

#define BY_SMTP_QUEUE_ID_SIZE 64

/*
 * Sends through a service of this host where clients sign in, and tells of each
 * step. 0 with the queue id; or -1, and a step has said why.
 */
int by_smtp(struct steps *steps, const struct postconf *postfix,
    const char *user, const struct secret *secret, const struct letter *letter,
    char queue_id[BY_SMTP_QUEUE_ID_SIZE]);

#endif
