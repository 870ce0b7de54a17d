/*
 * by_smtp.h - sends the message of test-send as a client would.
 */
#ifndef MSGRAPHCTL_BY_SMTP_H
#define MSGRAPHCTL_BY_SMTP_H

#include "agent/ctl/base/postconf.h"
#include "agent/ctl/base/steps.h"
#include "lib/base/secret.h"
#include "lib/conf/conf.h"
#include "letter.h"

#define BY_SMTP_QUEUE_ID_SIZE 64

/*
 * Returns the first service of ours on which clients sign in, or NULL.
 */
const struct postconf_service *by_smtp_find(const struct postconf *postfix);

/*
 * Returns the first service of ours where a client of this host that does not
 * sign in is one of the entry, as msgraphd says; or NULL.
 */
const struct postconf_service *by_smtp_find_for(const struct postconf *postfix,
    const struct conf *conf, const char *entry, const char *sender);

/*
 * Sends through the service, signed in unless user and secret are NULL, and
 * tells of each step. 0 with the queue id; or -1, and a step has said why.
 */
int by_smtp(struct steps *steps, const struct postconf *postfix,
    const struct postconf_service *service, const char *user,
    const struct secret *secret, const struct letter *letter,
    char queue_id[BY_SMTP_QUEUE_ID_SIZE]);

#endif
