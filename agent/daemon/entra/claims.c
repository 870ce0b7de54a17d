/*
 * claims.c - see claims.h.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/codec.h"
#include "lib/base/printable.h"
#include "claims.h"

/* Decodes base64url (RFC 4648 section 5). NULL out of memory. */
static struct secret *
claims_decode(const char *text, size_t len)
{
	struct secret *out = secret_new(NULL, len + 3);
	struct codec_base64 state = {0};
	size_t i, n = 0;
	char c;

	if (out == NULL)
		return NULL;
	for (i = 0; i < len; i++) {
		c = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
		n += codec_base64_get(&state, c, out->bytes + n);
	}
	n += codec_base64_end(&state, out->bytes + n);
	out->len = n;
	out->bytes[n] = '\0';
	return out;
}

static void
claims_copy(const json_t *json, const char *name, char *to, size_t size)
{
	const char *value = json_string_value(json_object_get(json, name));

	snprintf(to, size, "%s", value == NULL ? "" : value);
	printable_make(to, '?');
}

/* Appends the roles for mail, or the others, to what is in to. */
static void
claims_add_roles(const json_t *list, int is_mail, char *to, size_t size)
{
	size_t i, used = strlen(to);
	const char *role;

	for (i = 0; i < json_array_size(list) && used < size; i++) {
		role = json_string_value(json_array_get(list, i));
		if (role == NULL)
			role = "?";
		if ((strncmp(role, "Mail.", 5) == 0) != is_mail)
			continue;
		snprintf(
		    to + used, size - used, "%s%s", used > 0 ? " " : "", role);
		used += strlen(to + used);
	}
}

/* Those that let the application send come first: the last may be cut. */
static void
claims_roles(const json_t *json, char *to, size_t size)
{
	const json_t *list = json_object_get(json, "roles");

	to[0] = '\0';
	claims_add_roles(list, 1, to, size);
	claims_add_roles(list, 0, to, size);
	printable_make(to, '?');
}

int
claims_read(const struct secret *token, struct claims *claims)
{
	const char *begin = memchr(token->bytes, '.', token->len), *end;
	struct secret *payload;
	json_t *json;

	memset(claims, 0, sizeof(*claims));
	if (begin == NULL)
		return -1;
	begin++;
	end = memchr(begin, '.', token->len - (size_t)(begin - token->bytes));
	if (end == NULL ||
	    (payload = claims_decode(begin, (size_t)(end - begin))) == NULL)
		return -1;
	json = json_loadb(payload->bytes, payload->len, 0, NULL);
	secret_free(&payload);
	if (!json_is_object(json)) {
		json_decref(json);
		return -1;
	}
	claims_copy(json, "tid", claims->tenant, sizeof(claims->tenant));
	claims_copy(json,
	    json_object_get(json, "appid") != NULL ? "appid" : "azp",
	    claims->client, sizeof(claims->client));
	claims_copy(
	    json, "app_displayname", claims->name, sizeof(claims->name));
	claims_copy(json, "aud", claims->resource, sizeof(claims->resource));
	claims_roles(json, claims->roles, sizeof(claims->roles));
	claims->expires = json_integer_value(json_object_get(json, "exp"));
	json_decref(json);
	return 0;
}
