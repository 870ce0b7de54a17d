/*
 * try.h - asks msgraphd what Entra says about a sign-in (WIRE_AUTH_TRY).
 */
#ifndef MSGRAPHCTL_TRY_H
#define MSGRAPHCTL_TRY_H

#include "lib/base/error.h"
#include "lib/base/secret.h"
#include "lib/local/wire.h"

/* Longer than Entra is waited for. */
#define TRY_SECONDS 45

struct try_answer {
	char bytes[WIRE_AUTH_REPLY_MAX + 1];
	const char *word; /* OK, NO, LATER */
	char *lines; /* point into bytes */
};

/*
 * Tries a user name with a secret; or, where it is NULL, the own credential of
 * the entry of that name. 0 with the answer; or -1 with *err: not running, not
 * root.
 */
int try_sign_in(const char *socket_path, const char *name,
    const struct secret *secret, struct try_answer *answer, struct error *err);

/* Returns the value of a line of the answer, "" where there is none. */
const char *try_value(
    const struct try_answer *answer, const char *name, char value[512]);

#endif
