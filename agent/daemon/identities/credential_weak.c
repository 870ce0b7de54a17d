/*
 * credential_weak.c - stands in for agent/daemon/entra/credential.c until that is
 * there.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/daemon/entra/credential.h"

struct credential {
	char attribute[32], value[];
};

__attribute__((weak)) struct credential *
credential_new(const char *attribute, const char *value, struct error *err)
{
	struct credential *c = calloc(1, sizeof(*c) + strlen(value) + 1);

	if (c == NULL) {
		error_no_memory(err);
		return NULL;
	}
	strncpy(c->attribute, attribute, sizeof(c->attribute) - 1);
	strcpy(c->value, value);
	return c;
}

__attribute__((weak)) void
credential_free(struct credential **credentialp)
{
	free(*credentialp);
	*credentialp = NULL;
}

__attribute__((weak)) int
credential_is_attribute(const char *name)
{
	return strcmp(name, "secret_file") == 0 ||
	    strcmp(name, "certificate_file") == 0 ||
	    strcmp(name, "federated_token_file") == 0;
}

__attribute__((weak)) const char *
credential_attribute(const struct credential *credential)
{
	return credential->attribute;
}

__attribute__((weak)) const char *
credential_value(const struct credential *credential)
{
	return credential->value;
}

__attribute__((weak)) int
credential_check(
    const struct credential *credential, long long *ends, struct error *err)
{
	(void)credential;
	(void)err;
	*ends = 0;
	return 0;
}
