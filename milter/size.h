/*
 * size.h - how large a message is, as MAIL FROM announces it (RFC 1870).
 */
#ifndef MSGRAPH_SIZE_H
#define MSGRAPH_SIZE_H

#include "lib/base/error.h"

/*
 * Checks the announced size. argv is the argument of MAIL FROM and its
 * parameters, up to a NULL. 0; or -1 with err->dsn 5.3.4 when they announce
 * more than max bytes.
 */
int size_check(char *const *argv, long max, struct error *err);

#endif
