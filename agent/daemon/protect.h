/*
 * protect.h - what msgraphd does to its own process before it holds a secret.
 */
#ifndef MSGRAPHD_PROTECT_H
#define MSGRAPHD_PROTECT_H

#include "lib/base/error.h"

/*
 * Forbids core files and ptrace, has freed memory wiped, and raises the limit
 * on descriptors. Call once, first. 0, or -1 with *err.
 */
int protect_process(struct error *err);

#endif
