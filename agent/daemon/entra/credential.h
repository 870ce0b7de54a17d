/*
 * credential.h - the relay's own credentials, by which it asks Entra for a token
 * of an application without any client signing in: a secret in a file, a
 * certificate, a federated token in a file.
 *
 * A file of this folder has one kind each, and credential.c lists them. Nothing
 * is kept of what the files hold: they are read at each request, so a rotated
 * one counts at once.
 */
#ifndef MSGRAPHD_CREDENTIAL_H
#define MSGRAPHD_CREDENTIAL_H

#include "lib/base/buf.h"
#include "lib/base/error.h"
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
 * since 1970, 0: not known); or -1 with *err (ERROR_OURS, 4.3.5), which names the
 * file and the remedy, with the command to type.
 */
int credential_check(
    const struct credential *credential, long long *ends, struct error *err);

/*
 * Appends the fields of a token request that prove the application, each with
 * '&' before it; audience is the URL of the token endpoint. The bytes are secret:
 * the caller wipes out. 0, or -1 with *err as credential_check() has it.
 */
int credential_form(const struct credential *credential,
    const struct identity *application, const char *audience, struct buf *out,
    struct error *err);

/*
 * How this folder finds a credential: the table of identities, which lies above,
 * gives the function. find returns the credential with which requests are made
 * for the application where it has no client's secret or entry names it, and
 * the name of its entry in name; or NULL. Borrowed during the call: a reload
 * frees it.
 */
struct credentials {
	const struct credential *(*find)(void *ctx,
	    const struct identity *application, const char *entry,
	    char name[ENTRY_NAME_SIZE]);
	void *ctx;
};

#endif
