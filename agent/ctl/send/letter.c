/*
 * letter.c - see letter.h.
 */
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/codec.h"
#include "lib/base/printable.h"
#include "lib/base/version.h"
#include "letter.h"

#define LETTER_MAX 4096
#define LETTER_ADDRESS_MAX 320 /* RFC 3696 erratum 1690 has 254 */

/* What needs no quotes in any place: an admin types plain addresses. */
static int
letter_is_plain(const char *address)
{
	const char *at = strchr(address, '@'), *p;

	if (at == NULL || at == address || at[1] == '\0' ||
	    strchr(at + 1, '@') != NULL || strlen(address) > LETTER_ADDRESS_MAX)
		return 0;
	for (p = address; *p != '\0'; p++)
		if (!printable_is_visible(*p) || strchr("<>()[],;:\\\"", *p))
			return 0;
	return 1;
}

int
letter_write(struct letter *letter, const char *from, const char *to)
{
	char host[256] = "", date[64], id[33];
	unsigned char random[16];
	time_t now = time(NULL);
	struct tm local;

	letter->from = from;
	letter->to = to;
	buf_init(&letter->text, LETTER_MAX);
	if (!letter_is_plain(from) || !letter_is_plain(to) ||
	    getrandom(random, sizeof(random), 0) != sizeof(random))
		return -1;
	gethostname(host, sizeof(host) - 1);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S %z",
	    localtime_r(&now, &local));
	codec_hex_encode(random, sizeof(random), id);
	return buf_printf(&letter->text,
	    "From: %s\r\n"
	    "To: %s\r\n"
	    "Subject: Test of the relay on %s\r\n"
	    "Date: %s\r\n"
	    "Message-ID: <%s@msgraphctl.invalid>\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n"
	    "\r\n"
	    "Somebody typed \"msgraphctl test-send\" on %s.\r\n"
	    "This message came through postfix-msgraph %s.\r\n",
	    from, to, host, date, id, host, MSGRAPH_VERSION);
}

void
letter_free(struct letter *letter)
{
	buf_free(&letter->text);
}
