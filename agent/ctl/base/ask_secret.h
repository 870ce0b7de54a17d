/*
 * ask_secret.h - a secret that an admin types, or has in a file: never an
 * argument, which everybody on the host could read.
 */
#ifndef MSGRAPHCTL_ASK_SECRET_H
#define MSGRAPHCTL_ASK_SECRET_H

#include "lib/base/error.h"
#include "lib/base/secret.h"

/*
 * Reads the first line of a file ("-": of standard input); or, where file is
 * NULL, asks on the terminal, without showing what is typed. The caller owns
 * the result. NULL with *err: no terminal, no such file, empty, longer than
 * SECRET_MAX.
 */
struct secret *ask_secret(const char *file, struct error *err);

#endif
