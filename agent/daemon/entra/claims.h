/*
 * claims.h - what Entra says in a token about the application, for an admin who
 * wants to know what it may do, and to tell a managed identity from another.
 * Nobody is let in by it: the token is Graph's to judge, and its signature is
 * not looked at.
 *
 * Microsoft: "Access token claims reference".
 */
#ifndef MSGRAPHD_CLAIMS_H
#define MSGRAPHD_CLAIMS_H

#include "lib/base/secret.h"

/* One line each, empty where the token does not say. */
struct claims {
	char tenant[64]; /* tid */
	char client[64]; /* appid, or azp in a token of version 2 */
	char name[128]; /* app_displayname */
	char resource[128]; /* aud */
	char roles[512]; /* in Entra, with blanks between; Mail's first */
	long long expires; /* exp: seconds since 1970; 0: not said */
};

/*
 * Reads the payload of a token (RFC 7519, in the compact form of RFC 7515). 0;
 * or -1 with empty claims when it is none: Entra may encrypt tokens.
 */
int claims_read(const struct secret *token, struct claims *claims);

#endif
