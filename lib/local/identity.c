/*
 * identity.c - reads user names; see identity.h. Pure functions.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/codec.h"
#include "identity.h"

#define BASE64URL_LEN 22 /* of 16 bytes, without padding */

/* RFC 4648 section 5: two other characters than base64 has, and no padding. */
static int
identity_base64url_digit(char c)
{
	if (c == '+' || c == '/')
		return -1;
	return codec_base64(c == '-' ? '+' : c == '_' ? '/' : c);
}

static int
identity_is_dash_place(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

/* The 8-4-4-4-12 form of RFC 4122 section 3, in any letter case. */
static int
identity_read_uuid(const char *s, size_t len, char out[UUID_TEXT_SIZE])
{
	size_t i;
	int digit;

	if (len != UUID_TEXT_SIZE - 1)
		return -1;
	for (i = 0; i < len; i++) {
		if (identity_is_dash_place(i)) {
			if (s[i] != '-')
				return -1;
			out[i] = '-';
			continue;
		}
		if ((digit = codec_hex(s[i])) == -1)
			return -1;
		out[i] = codec_hex_digit((unsigned int)digit);
	}
	out[len] = '\0';
	return 0;
}

void
uuid_text(const unsigned char bytes[UUID_SIZE], char text[UUID_TEXT_SIZE])
{
	char hex[2 * UUID_SIZE + 1];

	codec_hex_encode(bytes, UUID_SIZE, hex);
	snprintf(text, UUID_TEXT_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex,
	    hex + 8, hex + 12, hex + 16, hex + 20);
}

/*
 * 22 digits carry 132 bits. The four that are left over must be zero, so that
 * one UUID has one form and a mistyped last letter is an error (RFC 4648
 * section 3.5).
 */
static int
identity_read_base64url(const char *s, size_t len, char out[UUID_TEXT_SIZE])
{
	unsigned char bytes[UUID_SIZE];
	unsigned int bits = 0, have = 0;
	size_t i, at = 0;
	int digit;

	if (len == BASE64URL_LEN + 2 && s[len - 1] == '=' && s[len - 2] == '=')
		len -= 2;
	if (len != BASE64URL_LEN)
		return -1;
	for (i = 0; i < len; i++) {
		if ((digit = identity_base64url_digit(s[i])) == -1)
			return -1;
		bits = (bits << 6 | (unsigned int)digit) & 0xffff;
		have += 6;
		if (have >= 8 && at < UUID_SIZE) {
			have -= 8;
			bytes[at++] = (unsigned char)(bits >> have);
		}
	}
	if ((bits & 0xf) != 0)
		return -1;
	uuid_text(bytes, out);
	return 0;
}

int
identity_parse_id(const char *s, size_t len, char out[UUID_TEXT_SIZE])
{
	if (identity_read_uuid(s, len, out) == 0)
		return 0;
	return identity_read_base64url(s, len, out);
}

static int
identity_refuse(const char **reason, const char *text)
{
	if (reason != NULL)
		*reason = text;
	return -1;
}

static size_t
identity_find_any(const char *s, size_t len, const char *set)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] != '\0' && strchr(set, s[i]) != NULL)
			return i;
	return len;
}

/*
 * Tells why a name without any delimiter is none of ours. The text says nothing
 * of what may be a secret in the wrong field.
 */
static const char *
identity_describe_undivided(const char *name, size_t len)
{
	size_t at = identity_find_any(name, len, "/");
	char id[UUID_TEXT_SIZE];

	if (identity_parse_id(name, len, id) == 0)
		return "one id alone, where tenant and client are needed";
	if (at < len && identity_parse_id(name, at, id) == 0 &&
	    identity_parse_id(name + at + 1, len - at - 1, id) == 0)
		return "no delimiter between tenant and client, and \"/\" is "
		       "none; see username_delimiter";
	return "no delimiter between tenant and client; see "
	       "username_delimiter";
}

int
identity_parse(const char *name, size_t len, const char *delimiters,
    struct identity *id, const char **reason)
{
	const char *client;
	size_t tenant_len, client_len;

	if (len > IDENTITY_NAME_MAX)
		return identity_refuse(reason, "user name too long");
	tenant_len = identity_find_any(name, len, delimiters);
	if (tenant_len == len)
		return identity_refuse(
		    reason, identity_describe_undivided(name, len));
	client = name + tenant_len + 1;
	client_len = identity_find_any(client, len - tenant_len - 1, ".");
	if (memchr(name, '\0', len) != NULL)
		return identity_refuse(reason, "NUL in user name");
	if (identity_parse_id(name, tenant_len, id->tenant) == -1)
		return identity_refuse(reason,
		    "tenant is neither a UUID (36 characters) nor its "
		    "base64url form (22)");
	if (identity_parse_id(client, client_len, id->client) == -1)
		return identity_refuse(reason,
		    "client is neither a UUID (36 characters) nor its "
		    "base64url form (22)");
	return 0;
}

int
identity_parse_entry_name(
    const char *name, size_t len, char entry[ENTRY_NAME_SIZE])
{
	size_t i;
	char c;

	entry[0] = '\0';
	if (len == 0 || len >= ENTRY_NAME_SIZE)
		return -1;
	for (i = 0; i < len; i++) {
		c = name[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' &&
		    c != '-') {
			entry[0] = '\0';
			return -1;
		}
		entry[i] = c;
	}
	entry[len] = '\0';
	return 0;
}

/* The canonical name has '@', which username_delimiter may leave out. */
static int
identity_is_canonical(const char *name, size_t len)
{
	const size_t uuid = UUID_TEXT_SIZE - 1;
	char id[UUID_TEXT_SIZE];

	if (len < 2 * uuid + 1 || name[uuid] != '@' ||
	    (len > 2 * uuid + 1 && name[2 * uuid + 1] != '.'))
		return 0;
	return identity_read_uuid(name, uuid, id) == 0 &&
	    memcmp(id, name, uuid) == 0 &&
	    identity_read_uuid(name + uuid + 1, uuid, id) == 0 &&
	    memcmp(id, name + uuid + 1, uuid) == 0;
}

int
identity_parse_entry(const char *name, size_t len, const char *delimiters,
    struct identity *id, char entry[ENTRY_NAME_SIZE], const char **reason)
{
	size_t tenant_len, dot;

	entry[0] = '\0';
	if (identity_is_canonical(name, len))
		delimiters = "@";
	if (identity_parse(name, len, delimiters, id, reason) == -1)
		return -1;
	tenant_len = identity_find_any(name, len, delimiters);
	dot = tenant_len +
	    identity_find_any(name + tenant_len, len - tenant_len, ".");
	if (dot < len)
		identity_parse_entry_name(name + dot + 1, len - dot - 1, entry);
	return 0;
}

int
identity_parse_lookup(const char *name, size_t len, const char *delimiters,
    const char *suffix, char entry[ENTRY_NAME_SIZE])
{
	size_t suffix_len = strlen(suffix), at;

	entry[0] = '\0';
	if (suffix_len == 0 || len <= suffix_len)
		return 0;
	at = len - suffix_len;
	if (strncasecmp(name + at, suffix, suffix_len) != 0 ||
	    name[at - 1] == '\0' || strchr(delimiters, name[at - 1]) == NULL)
		return 0;
	identity_parse_entry_name(name, at - 1, entry);
	return 1;
}

char *
identity_canonical(const struct identity *id, const char *entry,
    char text[IDENTITY_CANONICAL_SIZE])
{
	snprintf(text, IDENTITY_CANONICAL_SIZE, "%s@%s%s%s", id->tenant,
	    id->client, entry[0] == '\0' ? "" : ".", entry);
	return text;
}

char *
identity_text(const struct identity *id, char text[IDENTITY_TEXT_SIZE])
{
	snprintf(text, IDENTITY_TEXT_SIZE, "%s/%s", id->tenant, id->client);
	return text;
}

int
identity_equal(const struct identity *a, const struct identity *b)
{
	return strcmp(a->tenant, b->tenant) == 0 &&
	    strcmp(a->client, b->client) == 0;
}
