/*
 * codec.c - see codec.h. Pure functions, for any thread.
 */
#include <string.h>

#include "codec.h"

/* --- hexadecimal --- */

int
codec_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
codec_hex_pair(const char *p, const char *limit)
{
	if (limit - p < 2 || codec_hex(p[0]) == -1 || codec_hex(p[1]) == -1)
		return -1;
	return codec_hex(p[0]) << 4 | codec_hex(p[1]);
}

char
codec_hex_digit(unsigned int value)
{
	return "0123456789abcdef"[value & 15];
}

void
codec_hex_put(char byte, char out[2])
{
	static const char digits[] = "0123456789ABCDEF";

	out[0] = digits[(unsigned char)byte >> 4];
	out[1] = digits[byte & 15];
}

char *
codec_hex_encode(const void *bytes, size_t len, char *text)
{
	const unsigned char *p = bytes;
	size_t i;

	for (i = 0; i < len; i++) {
		text[2 * i] = codec_hex_digit(p[i] >> 4);
		text[2 * i + 1] = codec_hex_digit(p[i]);
	}
	text[2 * len] = '\0';
	return text;
}

int
codec_hex_decode(const char *text, void *bytes, size_t len)
{
	unsigned char *p = bytes;
	size_t i;
	int byte;

	if (strlen(text) != 2 * len)
		return -1;
	for (i = 0; i < len; i++) {
		byte = codec_hex_pair(text + 2 * i, text + 2 * len);
		if (byte == -1)
			return -1;
		p[i] = (unsigned char)byte;
	}
	return 0;
}

/* --- base64 --- */

int
codec_base64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

char
codec_base64_char(unsigned int value)
{
	return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	       "0123456789+/"[value & 63];
}

void
codec_base64_put(const char *in, size_t len, char out[4])
{
	unsigned int bits = 0;
	size_t i;

	for (i = 0; i < 3; i++)
		bits = bits << 8 | (i < len ? (unsigned char)in[i] : 0);
	for (i = 0; i < 4; i++)
		out[i] =
		    i <= len ? codec_base64_char(bits >> (18 - 6 * i)) : '=';
}

size_t
codec_base64_end(struct codec_base64 *d, char out[3])
{
	unsigned int bits = d->bits << 6 * (4 - d->count);
	size_t i, n = d->count == 0 ? 0 : d->count - 1;

	for (i = 0; i < n; i++)
		out[i] = (char)(bits >> (16 - 8 * i) & 0xff);
	d->bits = d->count = 0;
	return n;
}

size_t
codec_base64_get(struct codec_base64 *d, char c, char out[3])
{
	int value = codec_base64(c);

	if (c == '=')
		return codec_base64_end(d, out);
	if (value == -1)
		return 0;
	d->bits = d->bits << 6 | (unsigned int)value;
	d->count++;
	return d->count == 4 ? codec_base64_end(d, out) : 0;
}
