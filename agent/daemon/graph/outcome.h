/*
 * outcome.h - the meaning of Graph's answers for the message: one table.
 */
#ifndef MSGRAPHD_OUTCOME_H
#define MSGRAPHD_OUTCOME_H

#include "agent/daemon/base/reason.h"
#include "agent/daemon/base/throttle_scope.h"

enum outcome_action {
	OUTCOME_SENT,
	OUTCOME_RENEW, /* get a new token and try again, once; then defer */
	OUTCOME_AGAIN, /* try again, once; then bounce */
	OUTCOME_GRACE, /* an admin can mend it: defer, later bounce */
	OUTCOME_FALLBACK, /* as the fallback mailbox; without one, as GRACE */
	OUTCOME_THROTTLE, /* throttled: wait as told, or defer */
	OUTCOME_DEFER,
	OUTCOME_BOUNCE
};

struct outcome {
	enum outcome_action action;
	const char *dsn; /* "x.7.28": x is 4 when deferred, 5 when bounced */
	const char *reason; /* of reason.h; NULL when sent */
	const char *text; /* one sentence for the person who reads a bounce */
	enum throttle_scope scope; /* OUTCOME_THROTTLE: who must slow down */
	int known; /* 0: nobody foresaw this answer; worth a warning */
	int outcome_unknown; /* 1: Graph may have taken the message */
};

/*
 * Returns the meaning of an answer. status 0: no answer came. code is Graph's
 * error code or ""; words is the answer's body, of any kind. body_sent: all of
 * the request had been handed over; a 202 before that is no acceptance.
 */
struct outcome outcome_of(
    long status, const char *code, const char *words, int body_sent);

/* Returns 1 when an admin can mend what was refused: GRACE or FALLBACK. */
int outcome_is_refusal(const struct outcome *outcome);

#endif
