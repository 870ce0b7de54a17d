/*
 * client.h - what Postfix tells of the client that hands in a message.
 */
#ifndef MSGRAPH_CLIENT_H
#define MSGRAPH_CLIENT_H

#include "lib/base/error.h"
#include "reply.h"

/* Strings are owned; NULL before client_read(), and empty where not known. */
struct client {
	char *user; /* who signed in */
	char *address; /* as 192.0.2.9 or 2001:db8::1 */
	char *name; /* of the host */
	char *daemon_name; /* milter_macro_daemon_name of the service */
	char *certificate_issuer,
	    *certificate_subject; /* one that is trusted */
};

/* The macros that client_read() asks for, each once. */
#define CLIENT_MACROS                                              \
	"{auth_authen} {client_addr} {client_name} {daemon_name} " \
	"{cert_issuer} {cert_subject}"

/* Returns the value of a macro, borrowed; NULL where there is none. */
typedef const char *client_macro(void *arg, const char *name);

/*
 * Copies what the macros say. 0; or -1 when out of memory. Free it either way.
 */
int client_read(
    struct client *, client_macro *get, void *arg, struct error *err);

/* Frees the strings and makes them NULL. */
void client_free(struct client *);

/*
 * Writes "host[address]" as smtpd(8) logs it; what would break a log line
 * becomes '?'.
 */
#define CLIENT_TEXT_SIZE (2 * REPLY_SENDER_SIZE)
char *client_text(const struct client *, char text[CLIENT_TEXT_SIZE]);

#endif
