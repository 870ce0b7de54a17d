/*
 * exit_status.c - one line and one exit status. See exit_status.h.
 *
 * pipe(8) reads "D.S.N text" only at the first byte of all that its command
 * writes, and only when the command fails; without it the exit status decides,
 * and all but 71 and 75 bounce. So both are always given, and both
 * agree. On success it logs the first 100 characters. There is no line end:
 * Postfix would log a blank for it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "exit_status.h"

void
exit_status_from_error(struct wire_reply *reply, const struct error *err)
{
	memset(reply, 0, sizeof(*reply));
	reply->status =
	    err->class == ERROR_PERMANENT ? WIRE_BOUNCED : WIRE_DEFERRED;
	snprintf(reply->dsn, sizeof(reply->dsn), "%s", err->dsn);
	snprintf(reply->text, sizeof(reply->text), "%s", err->text);
}

/* RFC 3463 section 2: class.subject.detail, of one and up to three digits. */
static int
exit_status_is_dsn(const char *dsn, char class)
{
	int part, digits;

	if (*dsn++ != class)
		return 0;
	for (part = 0; part < 2; part++) {
		if (*dsn++ != '.')
			return 0;
		for (digits = 0; isdigit((unsigned char)*dsn); digits++)
			dsn++;
		if (digits < 1 || digits > 3)
			return 0;
	}
	return *dsn == '\0';
}

/* The code that Postfix's own table (sys_exits.c) has nearest to the DSN. */
static int
exit_status_bounce_status(const char *dsn)
{
	switch (dsn[2]) {
	case '1':
		return EX_NOUSER;
	case '2':
		return EX_CANTCREAT;
	case '5':
		return EX_PROTOCOL;
	case '6':
		return EX_DATAERR;
	case '7':
		return EX_NOPERM;
	default:
		return EX_UNAVAILABLE;
	}
}

/* Nobody is left to tell when this fails; the exit status still counts. */
static void
exit_status_write_line(const char *line, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(STDOUT_FILENO, line, len);
		if (n > 0) {
			line += n;
			len -= (size_t)n;
		} else if (n == 0 || errno != EINTR)
			return;
	}
}

int
exit_status_report(const struct wire_reply *reply)
{
	char line[sizeof(reply->dsn) + sizeof(reply->text) + 2];
	const char *dsn = reply->dsn, *text = reply->text;
	int status = EX_TEMPFAIL;

	if (reply->status == WIRE_SENT) {
		exit_status_write_line(text, strlen(text));
		return EX_OK;
	}
	if (reply->status == WIRE_BOUNCED && exit_status_is_dsn(dsn, '5'))
		status = exit_status_bounce_status(dsn);
	else if (!exit_status_is_dsn(dsn, '4'))
		dsn = "4.3.0";
	snprintf(line, sizeof(line), "%s %s", dsn,
	    *text == '\0' ? "no reason was given" : text);
	exit_status_write_line(line, strlen(line));
	return status;
}
