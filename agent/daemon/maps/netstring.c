/*
 * netstring.c - see netstring.h. Pure functions, which tests/fuzz feeds.
 */
#include <string.h>

#include "netstring.h"

/* Digits of a length: more than any limit has. */
#define NETSTRING_DIGITS_MAX 7

enum netstring_result
netstring_parse(const char *bytes, size_t len, size_t max, struct span *inside,
    size_t *used)
{
	size_t i, size = 0;

	for (i = 0; i < len && bytes[i] >= '0' && bytes[i] <= '9'; i++) {
		size = size * 10 + (size_t)(bytes[i] - '0');
		if (i == NETSTRING_DIGITS_MAX || size > max ||
		    (i == 1 && bytes[0] == '0'))
			return NETSTRING_BAD;
	}
	if (i == len)
		return NETSTRING_MORE;
	if (i == 0 || bytes[i] != ':')
		return NETSTRING_BAD;
	i++;
	if (len - i <= size)
		return NETSTRING_MORE;
	if (bytes[i + size] != ',')
		return NETSTRING_BAD;
	*inside = (struct span){bytes + i, size};
	*used = i + size + 1;
	return NETSTRING_DONE;
}

int
netstring_add_request(struct buf *out, const char *name, const char *key)
{
	return buf_printf(
	    out, "%zu:%s %s,", strlen(name) + 1 + strlen(key), name, key);
}

static const char *const socketmap_words[] = {
    [SOCKETMAP_OK] = "OK",
    [SOCKETMAP_NOTFOUND] = "NOTFOUND",
    [SOCKETMAP_TEMP] = "TEMP",
    [SOCKETMAP_TIMEOUT] = "TIMEOUT",
    [SOCKETMAP_PERM] = "PERM",
};

enum socketmap_status
socketmap_parse(const struct span *inside, struct span *text)
{
	const char *blank = memchr(inside->p, ' ', inside->len);
	size_t len = blank == NULL ? inside->len : (size_t)(blank - inside->p);
	int status;

	*text = blank == NULL ? (struct span){inside->p + len, 0}
			      : (struct span){blank + 1, inside->len - len - 1};
	for (status = SOCKETMAP_OK; status < SOCKETMAP_NONE; status++)
		if (strlen(socketmap_words[status]) == len &&
		    memcmp(socketmap_words[status], inside->p, len) == 0)
			return (enum socketmap_status)status;
	return SOCKETMAP_NONE;
}
