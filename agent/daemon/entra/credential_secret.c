/*
 * credential_secret.c - a client secret of the application, in a file of one
 * line.
 */
#include "agent/daemon/base/secret_file.h"
#include "credential_common.h"
#include "credential_kind.h"

#define ATTRIBUTE "secret_file"

static struct secret *
credential_secret_prove(const char *value, const struct identity *application,
    const char *audience, struct error *err)
{
	(void)application;
	(void)audience;
	return secret_file_line(ATTRIBUTE, value, err);
}

static int
credential_secret_check(const char *value, long long *ends, struct error *err)
{
	struct secret *secret = secret_file_line(ATTRIBUTE, value, err);

	(void)ends; /* Entra alone knows */
	if (secret == NULL)
		return -1;
	secret_free(&secret);
	return 0;
}

const struct credential_kind credential_secret = {
    .attribute = ATTRIBUTE,
    .proof = CREDENTIAL_SECRET,
    .is_replaced = 1,
    .unfit = credential_unfit_path,
    .check = credential_secret_check,
    .prove = credential_secret_prove,
};
