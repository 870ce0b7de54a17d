/*
 * credential_token.c - a token that somebody else issues and Entra trusts, in a
 * file that its issuer writes anew before it ends (Microsoft: "Microsoft
 * identity platform and the OAuth 2.0 client credentials flow", third case).
 *
 * Entra judges issuer and subject. Only the form of the token is looked at (RFC
 * 7515 section 3.1), so that a file that holds something else is named here,
 * and nothing but a token goes out.
 */
#include <string.h>

#include "agent/daemon/base/secret_file.h"
#include "credential_common.h"
#include "credential_kind.h"

#define ATTRIBUTE "federated_token_file"
#define ALPHABET                                                         \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" \
	"-_"
#define PARTS 3

/* The length of the token that the file is, less blanks at its end; 0: none. */
static size_t
credential_token_length(const struct secret *file)
{
	const char *p = file->bytes;
	size_t n, part;

	for (part = 1; part <= PARTS; part++) {
		if ((n = strspn(p, ALPHABET)) == 0)
			return 0;
		p += n;
		if (part < PARTS && *p++ != '.')
			return 0;
	}
	n = (size_t)(p - file->bytes);
	return n + strspn(p, " \t\r\n") == file->len ? n : 0;
}

static struct secret *
credential_token_prove(const char *value, const struct identity *application,
    const char *audience, struct error *err)
{
	struct secret *file = secret_file_read(
	    SECRET_FILE_TOKEN, ATTRIBUTE, value, ASSERTION_MAX, err);
	struct secret *token = NULL;
	size_t len;

	(void)application;
	(void)audience;
	if (file == NULL)
		return NULL;
	if ((len = credential_token_length(file)) == 0)
		error_set(err, ERROR_OURS, "4.3.5",
		    "%s %s holds no JSON Web Token", ATTRIBUTE, value);
	else if ((token = secret_new(file->bytes, len)) == NULL)
		error_no_memory(err);
	secret_free(&file);
	return token;
}

static int
credential_token_check(const char *value, long long *ends, struct error *err)
{
	struct secret *token = credential_token_prove(value, NULL, NULL, err);

	(void)ends; /* its issuer writes the next one */
	if (token == NULL)
		return -1;
	secret_free(&token);
	return 0;
}

const struct credential_kind credential_token = {
    .attribute = ATTRIBUTE,
    .proof = CREDENTIAL_ASSERTION,
    .unfit = credential_unfit_path,
    .check = credential_token_check,
    .prove = credential_token_prove,
};
