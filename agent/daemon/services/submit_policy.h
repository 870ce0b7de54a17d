/*
 * submit_policy.h - questions of policy on the submit socket: may this client
 * send, as lib/local/policy.h has it.
 */
#ifndef MSGRAPHD_SUBMIT_POLICY_H
#define MSGRAPHD_SUBMIT_POLICY_H

#include "service.h"

/*
 * Takes the record in conn->in if it is such a question, and answers it: at
 * once, or when the maps outside have said what it needs. Returns 1; 0 where it
 * is another request.
 */
int submit_policy_take(struct conn *conn);

#endif
