/*
 * waiting.h - mail in the queue that is to leave by a transport.
 */
#ifndef MSGRAPHCTL_WAITING_H
#define MSGRAPHCTL_WAITING_H

#include "change.h"
#include "present.h"

/*
 * Refuses where mail waits for a transport that the changes remove. 0; or -1
 * with *err, also where the queue cannot be looked through.
 */
int waiting_check(const struct present *present, const struct changes *changes,
    struct error *err);

#endif
