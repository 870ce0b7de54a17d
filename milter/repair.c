/*
 * repair.c - Date and Message-ID for clients that send none. See repair.h.
 *
 * They are added before the message is queued, so that each attempt to deliver
 * it shows Exchange the same message, and a second copy can be recognised.
 * strftime() is not used: a locale would change the names. Any thread.
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/codec.h"
#include "repair.h"

#define RANDOM_BYTES 16

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

int
repair_date(time_t now, char value[REPAIR_DATE_SIZE])
{
	struct tm tm;
	long zone;
	int len;

	if (localtime_r(&now, &tm) == NULL)
		return -1;
	zone = tm.tm_gmtoff < 0 ? -tm.tm_gmtoff : tm.tm_gmtoff;
	len = snprintf(value, REPAIR_DATE_SIZE,
	    "%.3s, %d %.3s %04d %02d:%02d:%02d %c%02ld%02ld",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    tm.tm_gmtoff < 0 ? '-' : '+', zone / 3600, zone / 60 % 60);
	return len > 0 && len < REPAIR_DATE_SIZE ? 0 : -1;
}

int
repair_message_id(
    time_t now, const char *mailbox, char value[REPAIR_MESSAGE_ID_SIZE])
{
	unsigned char bytes[RANDOM_BYTES];
	char hex[2 * RANDOM_BYTES + 1];
	const char *at = strchr(mailbox, '@');
	int len;

	if (at == NULL ||
	    getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -1;
	len = snprintf(value, REPAIR_MESSAGE_ID_SIZE, "<%lld.%s%s>",
	    (long long)now, codec_hex_encode(bytes, RANDOM_BYTES, hex), at);
	return len > 0 && len < REPAIR_MESSAGE_ID_SIZE ? 0 : -1;
}
