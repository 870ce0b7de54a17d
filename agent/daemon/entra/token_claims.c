/*
 * token_claims.c - see token_claims.h.
 */
#include <jansson.h>
#include <string.h>

#include "lib/base/codec.h"
#include "token_claims.h"

/* Decodes base64url (RFC 4648 section 5). NULL without memory. */
static struct secret *
token_claims_decode(const char *text, size_t len)
{
	struct secret *out = secret_new(NULL, len);
	struct codec_base64 state = {0};
	size_t i, at = 0;
	char c;

	if (out == NULL)
		return NULL;
	for (i = 0; i < len; i++) {
		c = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
		at += codec_base64_get(&state, c, out->bytes + at);
	}
	codec_base64_end(&state, out->bytes + at);
	return out;
}

static int
token_claims_id(const json_t *claims, const char *name, char id[UUID_TEXT_SIZE])
{
	const json_t *claim = json_object_get(claims, name);

	return claim != NULL && json_is_string(claim) &&
	    identity_parse_id(
		json_string_value(claim), json_string_length(claim), id) == 0;
}

int
token_claims_identity(const struct secret *token, struct identity *id)
{
	const char *begin = memchr(token->bytes, '.', token->len), *end;
	struct secret *text;
	json_t *claims;
	int found;

	if (begin == NULL || (end = strchr(begin + 1, '.')) == NULL)
		return 0;
	text = token_claims_decode(begin + 1, (size_t)(end - begin - 1));
	if (text == NULL)
		return 0;
	claims = json_loadb(text->bytes, strlen(text->bytes), 0, NULL);
	found = token_claims_id(claims, "tid", id->tenant) &&
	    (token_claims_id(claims, "appid", id->client) ||
		token_claims_id(claims, "azp", id->client));
	json_decref(claims);
	secret_free(&text);
	return found;
}
