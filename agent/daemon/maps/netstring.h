/*
 * netstring.h - netstrings (https://cr.yp.to/proto/netstrings.txt), and the
 * answers of a socketmap server in them: socketmap_table(5).
 */
#ifndef MSGRAPHD_NETSTRING_H
#define MSGRAPHD_NETSTRING_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/span.h"

enum netstring_result { NETSTRING_DONE, NETSTRING_MORE, NETSTRING_BAD };

/*
 * Reads the netstring that the bytes begin with, of at most max bytes inside.
 * NETSTRING_DONE with *inside and *used, the bytes that it takes in all;
 * NETSTRING_MORE where it is not whole yet; NETSTRING_BAD where these bytes
 * begin none, or one that is longer.
 */
enum netstring_result netstring_parse(const char *bytes, size_t len, size_t max,
    struct span *inside, size_t *used);

/* Appends "<name> <key>" as a netstring. 0, or -1 as buf_add() does. */
int netstring_add_request(struct buf *out, const char *name, const char *key);

enum socketmap_status {
	SOCKETMAP_OK,
	SOCKETMAP_NOTFOUND,
	SOCKETMAP_TEMP,
	SOCKETMAP_TIMEOUT,
	SOCKETMAP_PERM,
	SOCKETMAP_NONE /* it is no answer */
};

/*
 * Reads the inside of an answer. *text becomes what stands behind the status:
 * the row, or a reason.
 */
enum socketmap_status socketmap_parse(
    const struct span *inside, struct span *text);

#endif
