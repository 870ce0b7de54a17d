/*
 * auxprop.c - the auxprop plugin "entra".
 *
 * An auxprop plugin looks up properties of a user. Entra gives none out, so
 * this one answers in one case alone: under SASL_AUXPROP_VERIFY_AGAINST_HASH
 * the caller has put the secret that was typed into the property userPassword,
 * and asks whether it is right. The caller takes the property's value after the
 * lookup for a secret that was verified, so it stays on SASL_OK and is erased
 * otherwise. In all other cases the answer is SASL_NOUSER, which lets the
 * plugins beside this one answer.
 *
 * A plugin of this kind cannot change the name that its caller has: what it
 * gets of libsasl2 (saslplug.h) has no place for it. So the canonical name is
 * not used here.
 *
 * Our own mechanisms do not come this way (mech.c says why). This is for
 * callers in libsasl2 and elsewhere that keep to the contract.
 */
#include <string.h>

#include "plugin.h"

/* The value the caller put there; it lives in propctx until it is erased. */
static const char *
auxprop_typed_secret(const sasl_server_params_t *sparams)
{
	const char *names[] = {SASL_AUX_PASSWORD_PROP, NULL};
	struct propval value[2];

	memset(value, 0, sizeof(value));
	if (sparams->utils->prop_getnames(sparams->propctx, names, value) < 1 ||
	    value[0].values == NULL)
		return NULL;
	return value[0].values[0];
}

int
entra_lookup(void *glob_context, sasl_server_params_t *sparams, unsigned flags,
    const char *user, unsigned ulen)
{
	char canonical[IDENTITY_CANONICAL_SIZE];
	const char *secret;
	int result;

	(void)glob_context;
	if (sparams == NULL || user == NULL)
		return SASL_BADPARAM;
	/*
	 * libsasl2 looks up twice: the user that signs in, and the user to act
	 * for. The secret is that of the first.
	 */
	if ((flags & SASL_AUXPROP_VERIFY_AGAINST_HASH) == 0 ||
	    (flags & SASL_AUXPROP_AUTHZID) != 0)
		return SASL_NOUSER;
	if ((secret = auxprop_typed_secret(sparams)) == NULL) {
		sparams->utils->log(sparams->utils->conn, SASL_LOG_ERR,
		    ENTRA_NAME ": asked to verify a secret, but given none");
		return SASL_FAIL;
	}
	result =
	    entra_verify(sparams, user, entra_name_len(sparams, user, ulen),
		secret, strlen(secret), canonical);
	/* Not for SASL_NOUSER: a plugin after this one may know the name. */
	if (result != SASL_OK && result != SASL_NOUSER)
		sparams->utils->prop_erase(
		    sparams->propctx, SASL_AUX_PASSWORD_PROP);
	return result;
}
