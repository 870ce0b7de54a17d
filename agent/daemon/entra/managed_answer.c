/*
 * managed_answer.c - the meaning of what IMDS and Arc's agent answer; see
 * managed.h.
 *
 * Only 400 and its like are an admin's matter. Everything else passes: a
 * machine that was just started, or moved, has no token for a while.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/daemon/base/reveal.h"
#include "claims.h"
#include "credential_common.h"
#include "lib/base/printable.h"
#include "managed.h"

/* Who answers, and what to do about a refusal, by managed_identity. */
static const struct {
	const char *identity; /* NULL: a client id */
	const char *service, *remedy;
} managed_services[] = {
    {"arc", "Azure Arc's agent", "see \"azcmagent show\""},
    {"system", "IMDS",
	"turn the system-assigned identity on (portal: the virtual machine, "
	"Identity)"},
    {NULL, "IMDS",
	"assign the identity to this machine (portal: the virtual machine, "
	"Identity, User assigned)"},
};

static size_t
managed_service(const char *identity)
{
	size_t i = 0;

	while (managed_services[i].identity != NULL &&
	    strcmp(managed_services[i].identity, identity) != 0)
		i++;
	return i;
}

/* Reads a number that may be a text, as IMDS has them. 0: none. */
static long long
managed_number(const json_t *json, const char *name)
{
	const json_t *value = json_object_get(json, name);
	const char *text = json_string_value(value);
	long long number = 0;

	if (json_is_integer(value))
		return (long long)json_integer_value(value);
	if (text == NULL || strlen(text) > 15)
		return 0;
	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (*text - '0');
	return *text == '\0' ? number : 0;
}

/*
 * Returns for how many seconds the token lasts. IMDS keeps tokens, and
 * "expires_in" may be that of the day it was made; but this host's clock may be
 * wrong, so the time counts only where it is less.
 */
static long long
managed_lifetime(const json_t *json)
{
	long long seconds = managed_number(json, "expires_in");
	long long left = managed_number(json, "expires_on") - credential_now();

	return left > 0 && (seconds == 0 || left < seconds) ? left : seconds;
}

/*
 * A machine with one user-assigned identity gives its token to whoever asks for
 * none by name, so another application than the entry's may come. A token that
 * says nothing is no reason against it: it is Graph's to read.
 */
static int
managed_is_another(
    const struct identity *id, const struct secret *token, struct error *err)
{
	struct claims claims;
	struct identity of = {0};
	char text[IDENTITY_TEXT_SIZE];

	if (claims_read(token, &claims) == -1 ||
	    identity_parse_id(
		claims.tenant, strlen(claims.tenant), of.tenant) == -1 ||
	    identity_parse_id(
		claims.client, strlen(claims.client), of.client) == -1 ||
	    identity_equal(&of, id))
		return 0;
	error_set(err, ERROR_OURS, "4.3.5",
	    "the token is of application %s; name that in the entry, or "
	    "another "
	    "managed_identity",
	    identity_text(&of, text));
	return 1;
}

static void
managed_read_token(const json_t *json, const char *service,
    const struct identity *id, struct entra_answer *out)
{
	const json_t *token = json_object_get(json, "access_token");
	struct error err;

	if (entra_take_token(json_string_value(token),
		json_string_length(token), managed_lifetime(json), service,
		out) == 0 &&
	    managed_is_another(id, out->token, &err)) {
		secret_free(&out->token);
		out->result = ENTRA_MISCONFIGURED;
		snprintf(out->text, sizeof(out->text), "%s", err.text);
	}
}

static int
managed_shows(const struct secret *key, const char *text)
{
	return key != NULL && reveals(key, text, strlen(text));
}

/* What passes by itself. */
static int
managed_is_passing(long status)
{
	return status < 400 || status >= 500 || status == 401 ||
	    status == 404 || status == 408 || status == 410 || status == 429;
}

static void
managed_read_error(long status, const json_t *json, size_t service,
    const struct secret *key, struct entra_answer *out)
{
	const char *error = json_string_value(json_object_get(json, "error"));
	const char *words =
	    json_string_value(json_object_get(json, "error_description"));
	const char *remedy = "";

	if (!managed_is_passing(status)) {
		out->result = ENTRA_MISCONFIGURED;
		remedy = managed_services[service].remedy;
	}
	if (error == NULL || managed_shows(key, error))
		error = "no error code";
	if (words == NULL || managed_shows(key, words))
		words = "";
	snprintf(out->text, sizeof(out->text),
	    "%s answered HTTP %ld (%.40s%s%.*s)%s%s",
	    managed_services[service].service, status, error,
	    words[0] == '\0' ? "" : ": ",
	    (int)(strcspn(words, "\r\n") < 80 ? strcspn(words, "\r\n") : 80),
	    words, remedy[0] == '\0' ? "" : "; ", remedy);
	printable_make(out->text, '?');
}

void
managed_read(const struct http_answer *answer, const char *identity,
    const struct identity *id, const struct secret *key,
    struct entra_answer *out)
{
	size_t service = managed_service(identity);
	const char *name = managed_services[service].service;
	json_t *json;

	memset(out, 0, sizeof(*out));
	out->result = ENTRA_UNAVAILABLE;
	if (answer->transport[0] != '\0') {
		snprintf(out->text, sizeof(out->text), "cannot ask %s: %.200s",
		    name, answer->transport);
		return;
	}
	json = json_loadb(answer->body, answer->body_len, 0, NULL);
	if (answer->status == 200)
		managed_read_token(json, name, id, out);
	else
		managed_read_error(answer->status, json, service, key, out);
	json_decref(json);
}
