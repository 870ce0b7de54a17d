/*
 * mech.c - the server side of PLAIN (RFC 4616) and LOGIN (never standardised).
 *
 * Both end in mech_sign_in(): the name goes to libsasl2 to be made canonical,
 * and the secret goes, if the name is of our form, to msgraphd, whose answer is
 * final and has the one spelling of the name that all after us see; if it is
 * not, to utils->checkpass, so that local users (sasldb, saslauthd, ldapdb)
 * sign in as they would through the stock mechanisms.
 *
 * Why straight to entra_verify() and not by way of the auxprop lookup with
 * SASL_CU_VERIFY_AGAINST_HASH, which exists for this: that lookup asks every
 * plugin of auxprop_plugin and mixes their answers into one. sasldb answers
 * SASL_OK for a user it knows after putting the *stored* password in place of
 * the typed one, so that neither that SASL_OK nor the property means that
 * anything was verified; and the typed secret would be shown to them all.
 *
 * One context lives for one AUTH. The secret is never kept in it: it is used in
 * the step in which it arrives, and our copies are wiped.
 */
#include <string.h>

#include "lib/base/secret.h"
#include "lib/local/wire.h"
#include "plugin.h"

/* libsasl2 would cut nothing, but answers longer names with odd errors. */
#define NAME_MAX_LEN WIRE_AUTH_STRING_MAX

#if SECRET_MAX > WIRE_AUTH_STRING_MAX
#error "a secret that is taken here must fit the auth socket's protocol"
#endif

static int
mech_is_blank(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (strchr(" \t\n\v\f\r", s[i]) == NULL)
			return 0;
	return 1;
}

/*
 * Refuses names that no user has, before libsasl2 sees them: it answers an
 * empty name as if the server were broken, and would pass an empty password on
 * to directories that take one for an anonymous bind.
 */
static int
mech_check_name(const char *name, size_t len, const char **reason)
{
	*reason = NULL;
	if (memchr(name, '\0', len) != NULL) {
		*reason = "NUL in the user name";
		return SASL_BADPROT;
	}
	if (mech_is_blank(name, len))
		*reason = "empty user name";
	else if (len > NAME_MAX_LEN)
		*reason = "user name too long";
	return *reason == NULL ? SASL_OK : SASL_BADAUTH;
}

static int
mech_check_secret(const char *secret, size_t len, const char **reason)
{
	*reason = NULL;
	if (memchr(secret, '\0', len) != NULL) {
		*reason = "NUL in the secret";
		return SASL_BADPROT;
	}
	if (len == 0)
		*reason = "empty secret";
	else if (len > SECRET_MAX)
		*reason = "secret too long";
	return *reason == NULL ? SASL_OK : SASL_BADAUTH;
}

static int
mech_refuse(const sasl_server_params_t *sparams, int result, const char *reason)
{
	sparams->utils->seterror(
	    sparams->utils->conn, 0, ENTRA_NAME ": refused: %s", reason);
	return result;
}

static int
mech_no_memory(const sasl_server_params_t *sparams)
{
	sparams->utils->seterror(
	    sparams->utils->conn, 0, ENTRA_NAME ": out of memory");
	return SASL_NOMEM;
}

/* --- the end of both --- */

/*
 * Makes the name end at len in the copies that libsasl2 keeps of it (they are
 * its buffers, not constants), so that smtpd gets to see the name as it was
 * typed and not with a realm that no program after smtpd would know.
 */
static void
mech_cut_names(sasl_out_params_t *oparams, unsigned len)
{
	((char *)oparams->authid)[len] = '\0';
	((char *)oparams->user)[len] = '\0';
	oparams->alen = oparams->ulen = len;
}

/* The local users. checkpass wants the password terminated. */
static int
mech_check_local(const sasl_server_params_t *sparams,
    const sasl_out_params_t *oparams, const struct credentials *c)
{
	const sasl_utils_t *utils = sparams->utils;
	char *copy;
	int result;

	copy = utils->malloc(c->secret_len + 1);
	if (copy == NULL)
		return mech_no_memory(sparams);
	memcpy(copy, c->secret, c->secret_len);
	copy[c->secret_len] = '\0';
	result = utils->checkpass(utils->conn, oparams->authid, oparams->alen,
	    copy, (unsigned)c->secret_len);
	secret_wipe(copy, c->secret_len);
	utils->free(copy);
	return result;
}

/*
 * Makes a name the one that libsasl2 keeps. "Externally verified": not finding
 * properties is no failure.
 */
static int
mech_set_name(const sasl_server_params_t *sparams, sasl_out_params_t *oparams,
    const char *name, size_t len)
{
	return sparams->canon_user(sparams->utils->conn, name, (unsigned)len,
	    SASL_CU_AUTHID | SASL_CU_AUTHZID | SASL_CU_EXTERNALLY_VERIFIED,
	    oparams);
}

/* The name of somebody who has signed in is msgraphd's spelling of it. */
static int
mech_verify_ours(const sasl_server_params_t *sparams,
    sasl_out_params_t *oparams, const struct credentials *c, size_t len)
{
	char canonical[IDENTITY_CANONICAL_SIZE];
	int result;

	mech_cut_names(oparams, (unsigned)len);
	result = entra_verify(
	    sparams, oparams->authid, len, c->secret, c->secret_len, canonical);
	if (result != SASL_OK || canonical[0] == '\0')
		return result;
	return mech_set_name(sparams, oparams, canonical, strlen(canonical));
}

static int
mech_verify(const sasl_server_params_t *sparams, sasl_out_params_t *oparams,
    const struct credentials *c)
{
	const char *why;
	size_t len;
	int result;

	len = entra_name_len(sparams, oparams->authid, oparams->alen);
	if (entra_is_ours(sparams, oparams->authid, len, &why))
		return mech_verify_ours(sparams, oparams, c, len);
	result = mech_check_local(sparams, oparams, c);
	if (result == SASL_NOUSER || result == SASL_BADAUTH)
		sparams->utils->seterror(sparams->utils->conn, 0,
		    ENTRA_NAME ": refused: the name is neither tenant and "
			       "client (%s) nor that of a local user with this "
			       "password",
		    why);
	return result;
}

static int
mech_sign_in(const sasl_server_params_t *sparams, sasl_out_params_t *oparams,
    const struct credentials *c)
{
	int result;

	result = mech_set_name(sparams, oparams, c->name, c->name_len);
	if (result == SASL_OK)
		result = mech_verify(sparams, oparams, c);
	if (result != SASL_OK)
		return result;
	oparams->doneflag = 1;
	oparams->mech_ssf = 0;
	oparams->maxoutbuf = 0;
	oparams->encode_context = NULL;
	oparams->encode = NULL;
	oparams->decode_context = NULL;
	oparams->decode = NULL;
	oparams->param_version = 0;
	return SASL_OK;
}

/*
 * Each step starts without a name, or a failure before there is one would be
 * logged under that of the last attempt on this connection.
 */
static void
mech_start_step(const char **out, unsigned *outlen, sasl_out_params_t *oparams)
{
	*out = NULL;
	*outlen = 0;
	oparams->user = oparams->authid = NULL;
	oparams->ulen = oparams->alen = 0;
}

/* --- PLAIN --- */

static int
mech_plain_new(void *glob_context, sasl_server_params_t *sparams,
    const char *challenge, unsigned challen, void **context)
{
	(void)glob_context, (void)sparams, (void)challenge, (void)challen;
	*context = NULL; /* one step, nothing to remember */
	return SASL_OK;
}

/* authzid NUL authcid NUL secret */
int
entra_plain_parse(
    const char *bytes, size_t len, struct credentials *c, const char **reason)
{
	const char *end = bytes + len, *name, *secret;
	int result;

	*reason = "not a PLAIN message (it lacks a NUL)";
	if (len == 0 || (name = memchr(bytes, '\0', len)) == NULL)
		return SASL_BADPROT;
	name++;
	if ((secret = memchr(name, '\0', (size_t)(end - name))) == NULL)
		return SASL_BADPROT;
	secret++;
	c->name = name;
	c->name_len = (size_t)(secret - name) - 1;
	c->secret = secret;
	c->secret_len = (size_t)(end - secret);
	if ((result = mech_check_name(c->name, c->name_len, reason)) !=
		SASL_OK ||
	    (result = mech_check_secret(c->secret, c->secret_len, reason)) !=
		SASL_OK)
		return result;
	/* Nobody acts for somebody else here. */
	if (*bytes != '\0' && strcmp(bytes, c->name) != 0) {
		*reason = "the authorization id differs from the user name";
		return SASL_NOAUTHZ;
	}
	return SASL_OK;
}

static int
mech_plain_step(void *context, sasl_server_params_t *sparams, const char *in,
    unsigned inlen, const char **out, unsigned *outlen,
    sasl_out_params_t *oparams)
{
	struct credentials c;
	const char *reason;
	int result;

	(void)context;
	mech_start_step(out, outlen, oparams);
	result = entra_plain_parse(in == NULL ? "" : in, inlen, &c, &reason);
	if (result != SASL_OK)
		return mech_refuse(sparams, result, reason);
	return mech_sign_in(sparams, oparams, &c);
}

/* --- LOGIN --- */

/* Some printers wait for exactly these. */
static const char login_ask_name[] = "Username:";
static const char login_ask_secret[] = "Password:";

struct login {
	int asked; /* for the name */
	char *name; /* from utils->malloc; NULL until it has come */
	size_t size; /* of what is allocated, with the terminator */
};

static int
mech_login_new(void *glob_context, sasl_server_params_t *sparams,
    const char *challenge, unsigned challen, void **context)
{
	struct login *login;

	(void)glob_context, (void)challenge, (void)challen;
	login = sparams->utils->malloc(sizeof(*login));
	if (login == NULL)
		return mech_no_memory(sparams);
	memset(login, 0, sizeof(*login));
	*context = login;
	return SASL_OK;
}

/* The name, too, is wiped: people type the secret into the wrong field. */
static void
mech_login_dispose(void *context, const sasl_utils_t *utils)
{
	struct login *login = context;

	if (login == NULL)
		return;
	if (login->name != NULL) {
		secret_wipe(login->name, login->size);
		utils->free(login->name);
	}
	utils->free(login);
}

static int
mech_ask(const char *what, const char **out, unsigned *outlen)
{
	*out = what;
	*outlen = (unsigned)strlen(what);
	return SASL_CONTINUE;
}

static int
mech_login_take_name(struct login *login, const sasl_server_params_t *sparams,
    const char *in, unsigned inlen)
{
	const char *reason;
	int result;

	result = mech_check_name(in, inlen, &reason);
	if (result != SASL_OK)
		return mech_refuse(sparams, result, reason);
	login->name = sparams->utils->malloc(inlen + 1);
	if (login->name == NULL)
		return mech_no_memory(sparams);
	login->size = inlen + 1;
	memcpy(login->name, in, inlen);
	login->name[inlen] = '\0';
	return SASL_OK;
}

static int
mech_login_step(void *context, sasl_server_params_t *sparams, const char *in,
    unsigned inlen, const char **out, unsigned *outlen,
    sasl_out_params_t *oparams)
{
	struct login *login = context;
	struct credentials c;
	const char *reason;
	int result;

	mech_start_step(out, outlen, oparams);
	if (in == NULL)
		in = "";
	if (login->name == NULL) {
		/* An initial response, if there is one, is the name. */
		if (!login->asked && inlen == 0) {
			login->asked = 1;
			return mech_ask(login_ask_name, out, outlen);
		}
		result = mech_login_take_name(login, sparams, in, inlen);
		return result == SASL_OK
		    ? mech_ask(login_ask_secret, out, outlen)
		    : result;
	}
	result = mech_check_secret(in, inlen, &reason);
	if (result != SASL_OK)
		return mech_refuse(sparams, result, reason);
	c.name = login->name;
	c.name_len = login->size - 1;
	c.secret = in;
	c.secret_len = inlen;
	return mech_sign_in(sparams, oparams, &c);
}

/* --- what plugin.c hands out --- */

/*
 * The flags of the stock mechanisms, and one bit of hash strength that is not
 * true: libsasl2 sorts by it, so ours go before those of the same name.
 */
#define SECURITY                                            \
	(SASL_SEC_NOANONYMOUS | SASL_SEC_PASS_CREDENTIALS | \
	    SASL_SET_HASH_STRENGTH_BITS(8))

sasl_server_plug_t entra_mechanisms[] = {
    {
	.mech_name = "PLAIN",
	.security_flags = SECURITY,
	.features = SASL_FEAT_WANT_CLIENT_FIRST,
	.mech_new = mech_plain_new,
	.mech_step = mech_plain_step,
    },
    {
	.mech_name = "LOGIN",
	.security_flags = SECURITY,
	.mech_new = mech_login_new,
	.mech_step = mech_login_step,
	.mech_dispose = mech_login_dispose,
    },
};

const int entra_mechanisms_count =
    sizeof(entra_mechanisms) / sizeof(*entra_mechanisms);
