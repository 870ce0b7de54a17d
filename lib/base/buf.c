/*
 * buf.c - see buf.h.
 *
 * Growth copies into fresh memory and wipes the old block, so that a buffer
 * that held a secret leaves no copy behind. Buffers are small, so that costs
 * little.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "secret.h"

#define BUF_FIRST 256

void
buf_init(struct buf *buf, size_t limit)
{
	memset(buf, 0, sizeof(*buf));
	buf->limit = limit;
}

static int
buf_grow(struct buf *buf, size_t need)
{
	size_t size = buf->size == 0 ? BUF_FIRST : buf->size;
	char *bytes;

	while (size < need)
		size *= 2;
	bytes = malloc(size);
	if (bytes == NULL)
		return -1;
	if (buf->len > 0)
		memcpy(bytes, buf->bytes, buf->len);
	/* all of it: buf_drop() leaves bytes behind len */
	secret_wipe(buf->bytes, buf->size);
	free(buf->bytes);
	buf->bytes = bytes;
	buf->size = size;
	return 0;
}

void *
buf_reserve(struct buf *buf, size_t len)
{
	if (len > buf->limit - buf->len) {
		buf->failed = BUF_OVER_LIMIT;
		return NULL;
	}
	if (buf->len + len + 1 > buf->size &&
	    buf_grow(buf, buf->len + len + 1) == -1) {
		buf->failed = BUF_NO_MEMORY;
		return NULL;
	}
	return buf->bytes + buf->len;
}

int
buf_add(struct buf *buf, const void *bytes, size_t len)
{
	char *at = buf_reserve(buf, len);

	if (at == NULL)
		return -1;
	if (len > 0)
		memcpy(at, bytes, len);
	buf->len += len;
	buf->bytes[buf->len] = '\0';
	return 0;
}

int
buf_add_string(struct buf *buf, const char *string)
{
	return buf_add(buf, string, strlen(string));
}

int
buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	int len;
	char *at;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		buf->failed = BUF_NO_MEMORY;
	if (len < 0 || (at = buf_reserve(buf, (size_t)len)) == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(at, (size_t)len + 1, fmt, ap);
	va_end(ap);
	buf->len += (size_t)len;
	return 0;
}

void
buf_drop(struct buf *buf, size_t len)
{
	if (len == 0)
		return;
	memmove(buf->bytes, buf->bytes + len, buf->len - len);
	buf->len -= len;
	buf->bytes[buf->len] = '\0';
}

void
buf_free(struct buf *buf)
{
	free(buf->bytes);
	buf_init(buf, buf->limit);
}

void
buf_wipe(struct buf *buf)
{
	secret_wipe(buf->bytes, buf->size);
	buf_free(buf);
}
