/*
 * plugin.h - what the files of libentra.so share.
 *
 * All results are libsasl2's own codes. smtpd answers 235 for SASL_OK, 454 for
 * SASL_UNAVAIL, SASL_FAIL and SASL_NOMEM, and 535 for every other.
 */
#ifndef MSGRAPH_PLUGIN_H
#define MSGRAPH_PLUGIN_H

#include <stddef.h>

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include "lib/local/identity.h"

#define ENTRA_NAME "entra" /* in auxprop_plugin, and before each log text */

/* --- plugin.c: the only names in the library's dynamic symbol table --- */

#define ENTRA_EXPORT __attribute__((visibility("default")))

ENTRA_EXPORT sasl_auxprop_init_t sasl_auxprop_plug_init;
ENTRA_EXPORT sasl_server_plug_init_t sasl_server_plug_init;

/* --- verify.c: asks msgraphd --- */

/*
 * Returns 1 when the name is of our form: that of an application, or one that
 * is looked up (the option entra_lookup). Else 0 with *why a constant text.
 */
int entra_is_ours(const sasl_server_params_t *sparams, const char *name,
    size_t name_len, const char **why);

/*
 * Asks msgraphd whether Entra takes this secret for this name. Neither needs a
 * terminator; both are only read. canonical becomes the name under which the
 * client is known from now on; empty where msgraphd gave none, as it does
 * before version 0.2.
 *
 *	SASL_OK		yes
 *	SASL_BADAUTH	no, and the reason is logged
 *	SASL_UNAVAIL	nobody can say now, and the reason is logged
 *	SASL_FAIL	an option in the SASL configuration is wrong; logged
 *	SASL_NOUSER	the name is not of our form; nothing was asked, and
 *			the connection's error text names what it lacks
 */
int entra_verify(const sasl_server_params_t *sparams, const char *name,
    size_t name_len, const char *secret, size_t secret_len,
    char canonical[IDENTITY_CANONICAL_SIZE]);

/*
 * Looks up the uid of user msgraphd. Called while plugins are loaded: smtpd
 * enters its chroot later, where there is no user database.
 */
void entra_find_daemon(void);

/*
 * Returns the length of name without the "@realm" that libsasl2 appends to
 * names that have no '@'.
 */
size_t entra_name_len(
    const sasl_server_params_t *sparams, const char *name, size_t name_len);

/* --- auxprop.c --- */

/* Verifies the secret that the caller has put into userPassword, if it asks. */
int entra_lookup(void *glob_context, sasl_server_params_t *sparams,
    unsigned flags, const char *user, unsigned ulen);

/* --- mech.c: PLAIN and LOGIN --- */

/* Point into what the client sent, not terminated. */
struct credentials {
	const char *name, *secret;
	size_t name_len, secret_len;
};

/*
 * Takes a PLAIN message (RFC 4616) apart. SASL_OK; or SASL_BADPROT,
 * SASL_NOAUTHZ or SASL_BADAUTH with *reason a constant text.
 */
int entra_plain_parse(
    const char *bytes, size_t len, struct credentials *, const char **reason);

extern sasl_server_plug_t entra_mechanisms[];
extern const int entra_mechanisms_count;

#endif
