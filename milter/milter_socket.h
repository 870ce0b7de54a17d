/*
 * milter_socket.h - the milter's socket.
 */
#ifndef MSGRAPH_MILTER_SOCKET_H
#define MSGRAPH_MILTER_SOCKET_H

#include "lib/base/error.h"

/*
 * Makes libmilter listen. A unix socket gets mode 0660 and replaces one that
 * nobody answers. 0, or -1 with a text that names the socket. Call it after
 * smfi_register(), before there are threads.
 */
int milter_socket_open(const char *socket, struct error *err);

/* Removes a unix socket at the end of the program. */
void milter_socket_remove(const char *socket);

#endif
