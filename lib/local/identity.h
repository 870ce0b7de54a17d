/*
 * identity.h - the application that signed in: a tenant and a client id in it.
 *
 * A user name is <tenant><delimiter><client>[.anything]. Tenant and client are
 * each a UUID or the base64url (RFC 4648 section 5) of its 16 bytes, padded or
 * not, because some printers have a short field for the name. What follows
 * the first dot after the client is ignored, because some devices insist on a
 * name that looks like an address.
 */
#ifndef MSGRAPH_IDENTITY_H
#define MSGRAPH_IDENTITY_H

#include <stddef.h>

#define UUID_SIZE 16
#define UUID_TEXT_SIZE 37 /* 36 characters and the NUL */

/* "tenant/client", the form used in logs and in state, and its NUL */
#define IDENTITY_TEXT_SIZE (2 * UUID_TEXT_SIZE)

/* A longer user name is not ours: refused, never cut. */
#define IDENTITY_NAME_MAX 512

#define IDENTITY_DELIMITERS_ANY "@:|"

struct identity {
	char tenant[UUID_TEXT_SIZE]; /* lower case */
	char client[UUID_TEXT_SIZE]; /* lower case */
};

/* Writes a UUID in lower case; the bytes stand in the order of the text. */
void uuid_text(const unsigned char bytes[UUID_SIZE], char text[UUID_TEXT_SIZE]);

/*
 * Reads a user name of len bytes (not necessarily terminated; a NUL inside is
 * an error) with any one character of delimiters between tenant and client.
 * Returns 0, or -1 when the name is not of our form, with *reason (if
 * reason is not NULL) pointing at a constant text such as "no delimiter".
 */
int identity_parse(const char *name, size_t len, const char *delimiters,
    struct identity *id, const char **reason);

/* Writes "tenant/client" into text and returns it. */
char *identity_text(const struct identity *id, char text[IDENTITY_TEXT_SIZE]);

/* Returns 1 when both name the same application in the same tenant. */
int identity_equal(const struct identity *a, const struct identity *b);

#endif
