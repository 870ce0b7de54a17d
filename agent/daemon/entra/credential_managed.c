/*
 * credential_managed.c - a managed identity: Azure gives this machine tokens of
 * an application, and there is nothing to keep or to renew here. managed.c asks
 * for them.
 */
#include <string.h>

#include "credential_kind.h"
#include "managed.h"

/* Nothing is read before a token is asked for. */
static int
credential_managed_check(const char *value, long long *ends, struct error *err)
{
	(void)value;
	(void)ends;
	(void)err;
	return 0;
}

const struct credential_kind credential_managed = {
    .attribute = "managed_identity",
    .proof = CREDENTIAL_NO_PROOF,
    .unfit = managed_unfit,
    .check = credential_managed_check,
};
