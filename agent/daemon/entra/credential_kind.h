/*
 * credential_kind.h - the functions of one kind of credential, for credential.c
 * and the files of the kinds. A new kind is a file with such a struct, and a
 * line in credential.c.
 */
#ifndef MSGRAPHD_CREDENTIAL_KIND_H
#define MSGRAPHD_CREDENTIAL_KIND_H

#include "credential.h"

struct credential_kind {
	const char
	    *attribute; /* of an entry; it begins every text of an error */
	enum credential_proof proof;
	int is_replaced; /* 1: an admin does that, and somebody may ask when */

	/* Returns why the value has no form of this kind, or NULL. */
	const char *(*unfit)(const char *value);

	/* As credential_check() and credential_prove(), NULL without proof. */
	int (*check)(const char *value, long long *ends, struct error *err);
	struct secret *(*prove)(const char *value,
	    const struct identity *application, const char *audience,
	    struct error *err);
};

extern const struct credential_kind credential_secret;
extern const struct credential_kind credential_certificate;
extern const struct credential_kind credential_token;
extern const struct credential_kind credential_managed;

#endif
