/*
 * token_claims.h - for whom a token was made.
 *
 * A token is Graph's to read, and Microsoft calls it opaque to others
 * ("Microsoft identity platform access tokens"). So what cannot be read here is
 * no reason against one.
 */
#ifndef MSGRAPHD_TOKEN_CLAIMS_H
#define MSGRAPHD_TOKEN_CLAIMS_H

#include "lib/base/secret.h"
#include "lib/local/identity.h"

/*
 * Reads tenant and client out of a JSON Web Token (RFC 7519; the claims "tid",
 * and "appid" or "azp"). Returns 1, or 0 where it says neither or is none.
 */
int token_claims_identity(const struct secret *token, struct identity *id);

#endif
