/*
 * identity.h - the application that signed in: a tenant and a client id in it.
 *
 * A user name is <tenant><delimiter><client>[.anything]. Tenant and client are
 * each a UUID or the base64url (RFC 4648 section 5) of its 16 bytes, padded or
 * not, because some printers have a short field for the name. Behind the first
 * dot after the client may stand the name of an entry of the table of
 * identities. Any other text there means nothing: some devices insist on a name
 * that looks like an address.
 */
#ifndef MSGRAPH_IDENTITY_H
#define MSGRAPH_IDENTITY_H

#include <stddef.h>

#define UUID_SIZE 16
#define UUID_TEXT_SIZE 37 /* 36 characters and the NUL */

/* "tenant/client", the form used in logs and in state, and its NUL */
#define IDENTITY_TEXT_SIZE (2 * UUID_TEXT_SIZE)

/*
 * The name of an entry of the table of identities: one to 64 of a to z, 0 to 9,
 * '_' and '-'; and its NUL. It is compared in lower case.
 */
#define ENTRY_NAME_SIZE 65

/* "tenant@client.entry", the canonical name, and its NUL */
#define IDENTITY_CANONICAL_SIZE (2 * UUID_TEXT_SIZE + ENTRY_NAME_SIZE)

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
 * Reads a tenant's or client's id of len bytes, in either form. 0 with the UUID
 * in lower case, or -1.
 */
int identity_parse_id(const char *s, size_t len, char out[UUID_TEXT_SIZE]);

/*
 * Reads a user name of len bytes (not necessarily terminated; a NUL inside is
 * an error) with any one character of delimiters between tenant and client.
 * Returns 0, or -1 when the name is not of our form, with *reason (if
 * reason is not NULL) pointing at a constant text such as "no delimiter".
 */
int identity_parse(const char *name, size_t len, const char *delimiters,
    struct identity *id, const char **reason);

/*
 * Reads a user name as identity_parse() does, or a canonical one whatever the
 * delimiters are, and with it the suffix behind the first dot: entry becomes
 * that in lower case, or empty where it can be no entry's name.
 */
int identity_parse_entry(const char *name, size_t len, const char *delimiters,
    struct identity *id, char entry[ENTRY_NAME_SIZE], const char **reason);

/*
 * Reads a name that is looked up: <entry><delimiter><suffix>, where suffix is
 * the setting identity_lookup_suffix, in any letter case. Returns 0 when the
 * name has another form; 1 with the entry's name in lower case, which is empty
 * when no entry can have it.
 */
int identity_parse_lookup(const char *name, size_t len, const char *delimiters,
    const char *suffix, char entry[ENTRY_NAME_SIZE]);

/*
 * Reads len bytes as the name of an entry. 0 with it in lower case, or -1 with
 * an empty one.
 */
int identity_parse_entry_name(
    const char *name, size_t len, char entry[ENTRY_NAME_SIZE]);

/*
 * Writes "tenant@client", or "tenant@client.entry" where entry is not empty,
 * into text and returns it: the one spelling under which smtpd, the log and the
 * queue know who signed in.
 */
char *identity_canonical(const struct identity *id, const char *entry,
    char text[IDENTITY_CANONICAL_SIZE]);

/* Writes "tenant/client" into text and returns it. */
char *identity_text(const struct identity *id, char text[IDENTITY_TEXT_SIZE]);

/* Returns 1 when both name the same application in the same tenant. */
int identity_equal(const struct identity *a, const struct identity *b);

#endif
