/*
 * reply.c - see reply.h. Pure functions.
 */
#include <string.h>

#include "lib/base/printable.h"
#include "reply.h"

const char *
reply_code(const struct error *err)
{
	static const struct {
		const char *dsn, *code;
	} codes[] = {
	    {"5.7.0", "530"}, /* RFC 4954 section 6 */
	    {"5.3.4", "552"}, /* RFC 5321 section 4.5.3.1.10 */
	    {"5.6.7", "553"}, /* RFC 6531 section 3.5 */
	    {"5.1.3", "553"}, /* RFC 5321 section 4.2.3: syntax */
	};
	size_t i;

	if (err->class == ERROR_TEMPORARY || err->class == ERROR_OURS)
		return strcmp(err->dsn, "4.7.1") == 0 ? "450" : "451";
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(err->dsn, codes[i].dsn) == 0)
			return codes[i].code;
	return "550";
}

static int
reply_is_printable(char c)
{
	return c == ' ' || printable_is_visible(c);
}

void
reply_text(const char *text, char out[REPLY_TEXT_SIZE])
{
	size_t used = 0;

	for (; *text != '\0' && used < REPLY_TEXT_SIZE - 2; text++) {
		if (*text == '%')
			out[used++] = '%';
		out[used++] = reply_is_printable(*text) ? *text : '?';
	}
	out[used] = '\0';
}

void
reply_sender(const char *sender, char out[REPLY_SENDER_SIZE])
{
	size_t len = strlen(sender), i;
	int cut;

	if (len >= 2 && sender[0] == '<' && sender[len - 1] == '>') {
		sender++;
		len -= 2;
	}
	cut = len >= REPLY_SENDER_SIZE;
	if (cut)
		len = REPLY_SENDER_SIZE - sizeof("...");
	for (i = 0; i < len; i++) {
		out[i] = sender[i];
		if (!reply_is_printable(out[i]) ||
		    strchr(" <>,", out[i]) != NULL)
			out[i] = '?';
	}
	memcpy(out + len, cut ? "..." : "", cut ? sizeof("...") : 1);
}
