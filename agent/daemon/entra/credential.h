/*
 * credential.h - the relay's own credentials, by which it asks Entra for a
 * token of an application without any client signing in: a secret in a file, a
 * certificate, a federated token in a file. A managed identity is one too,
 * though somebody else is asked then.
 *
 * A file of this folder has one kind each, and credential.c lists them. Nothing
 * is kept of what the files hold: they are read at each request, so a rotated
 * one counts at once.
 */
#ifndef MSGRAPHD_CREDENTIAL_H
#define MSGRAPHD_CREDENTIAL_H

#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/secret.h"
#include "lib/local/identity.h"

struct credential;

/*
 * Makes a credential of an attribute of an entry ("secret_file") and its value
 * (a path). NULL with *err when the value has no form of this kind, or out
 * of memory. Reads no file.
 */
struct credential *credential_new(
    const char *attribute, const char *value, struct error *err);

/* Frees *credentialp and makes it NULL. Takes NULL. */
void credential_free(struct credential **credentialp);

/* Returns 1 when an entry may have an attribute of this name. */
int credential_is_attribute(const char *name);

/* Returns the attribute and the value that the credential was made of. */
const char *credential_attribute(const struct credential *credential);
const char *credential_value(const struct credential *credential);

/*
 * Reads the files as a request would: owner, mode, form, whether key and
 * certificate fit. 0 with *ends the time at which the credential ends (seconds
 * since 1970, 0: not known); or -1 with *err (ERROR_OURS, 4.3.5), which names
 * the file and the remedy, with the command to type.
 */
int credential_check(
    const struct credential *credential, long long *ends, struct error *err);

/* How a credential proves the application to Entra. */
enum credential_proof {
	CREDENTIAL_NO_PROOF, /* not at all: see managed.h */
	CREDENTIAL_SECRET, /* client_secret of RFC 6749 section 2.3.1 */
	CREDENTIAL_ASSERTION /* client_assertion of RFC 7523 section 2.2 */
};

/* Returns how the credential proves the application. */
enum credential_proof credential_proof(const struct credential *credential);

/*
 * Reads the files and makes what a token request for the application carries;
 * audience is the URL of the token endpoint. The caller owns the result, of at
 * most ASSERTION_MAX bytes. NULL with *err as credential_check() has it. Not
 * for one without a proof.
 */
struct secret *credential_prove(const struct credential *credential,
    const struct identity *application, const char *audience,
    struct error *err);

/*
 * Looks at the credential's file. Returns 1 where it is another one than at the
 * last look, or has other text; 0 at the first look, where it is gone, and of a
 * file that somebody else renews. Reads nothing of it.
 */
int credential_is_replaced(struct credential *credential);

/* Takes over what was last seen of a file that both are of. */
void credential_carry(struct credential *to, const struct credential *from);

/* Called for the credential of an entry. */
typedef void (*credential_visit)(
    void *arg, const char *entry, const struct credential *credential);

/*
 * How this folder finds a credential: the table of identities, which lies
 * above, gives the functions.
 */
struct credentials {
	/*
	 * Returns the own credential of the entry, if there is such an entry of
	 * this application that is not disabled and has one; where entry is
	 * empty, that of the first such entry. name becomes the entry's. NULL
	 * when there is none. Borrowed during the call: a reload frees it.
	 */
	const struct credential *(*find)(void *ctx,
	    const struct identity *application, const char *entry,
	    char name[ENTRY_NAME_SIZE]);

	/* Calls visit for each entry that has a credential of its own. */
	void (*each)(void *ctx, credential_visit visit, void *arg);

	void *ctx;
};

/*
 * Logs a warning for each credential that ends within 30 days, or that could
 * not be used now; for housekeeping, once a day. A few at a time: *at is 0 at
 * first, and then where the last call has stopped. 1 to be called again soon,
 * or 0.
 */
int credentials_warn(const struct credentials *credentials, size_t *at);

#endif
