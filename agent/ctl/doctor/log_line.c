/*
 * log_line.c - see log_line.h.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "log_line.h"

/* --- who prints it --- */

/* Returns what stands behind so many words and the blanks after them. */
static const char *
log_line_skip(const char *at, int words)
{
	while (words-- > 0) {
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	return at;
}

/*
 * Returns the text of "TIME HOST [syslog_name/]PROGRAM[PID]: TEXT", where TIME
 * is of RFC 3339, or "Nov 29 17:44:24"; NULL for another program's line.
 */
static const char *
log_line_text(const char *line, const char *program)
{
	const char *name =
	    log_line_skip(line, isdigit((unsigned char)line[0]) ? 2 : 4);
	size_t len = strcspn(name, " ["), own = strlen(program);
	const char *pid = name + len, *end;

	if (len < own || strncmp(pid - own, program, own) != 0 ||
	    (len > own && pid[-(long)own - 1] != '/') || *pid != '[')
		return NULL;
	end = pid + 1 + strspn(pid + 1, "0123456789");
	return strncmp(end, "]: ", 3) == 0 ? end + 3 : NULL;
}

/* Returns what stands behind the prefix; NULL where text does not begin so. */
static const char *
log_line_after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text != NULL && strncmp(text, prefix, len) == 0 ? text + len
							       : NULL;
}

/* --- why --- */

/* "... entra: refused: REASON" or "... entra: WHO refused: REASON" */
static const char *
log_line_of_smtpd(const char *text)
{
	const char *who = log_line_after(
	    text, "warning: SASL authentication failure: entra: ");

	if (who == NULL)
		return NULL;
	if (strncmp(who, "refused: ", 9) != 0)
		who = log_line_skip(who, 1);
	return log_line_after(who, "refused: ");
}

/* "... application=ID, reason=WORD, status=WORD (REASON)" */
static const char *
log_line_of_msgraphd(const char *text)
{
	const char *at = log_line_after(text, "warning: NOQUEUE: application=");

	at = at == NULL ? NULL : strchr(at, '(');
	return at == NULL ? NULL : at + 1;
}

/*
 * "ID: to=<ADDRESS>, ..., status=sent (delivered via NAME service (REASON))". A
 * line in which an address has a status as well says nothing.
 */
static const char *
log_line_of_pipe(const char *text)
{
	static const char status[] = ", status=";
	const char *at = text == NULL ? NULL : strstr(text, status);

	if (at == NULL || strstr(at + 1, status) != NULL)
		return NULL;
	at = log_line_after(at, ", status=sent (delivered via ");
	return at == NULL ? NULL
			  : log_line_after(log_line_skip(at, 1), "service (");
}

const char *
log_line_reason(const char *line)
{
	static const struct {
		const char *program;
		const char *(*read)(const char *text);
	} programs[] = {
	    {"smtpd", log_line_of_smtpd},
	    {"msgraphd", log_line_of_msgraphd},
	    {"pipe", log_line_of_pipe},
	};
	const char *text;
	size_t i;

	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if ((text = log_line_text(line, programs[i].program)) != NULL)
			return programs[i].read(text);
	return NULL;
}

/* --- who has sent --- */

/* Copies the value that text begins with. Returns what stands behind end. */
static const char *
log_line_value(const char *text, const char *end, char *value, size_t size)
{
	const char *at = text == NULL ? NULL : strstr(text, end);

	if (at == NULL || (size_t)(at - text) >= size)
		return NULL;
	snprintf(value, size, "%.*s", (int)(at - text), text);
	return at + strlen(end);
}

/*
 * msgraph-milter writes no comma, blank, "<" or ">" of a client's, so that each
 * value ends where the next key begins (reply_sender()).
 */
int
log_line_client(const char *line, char address[LOG_LINE_ADDRESS_SIZE],
    char entry[ENTRY_NAME_SIZE])
{
	const char *at = log_line_text(line, "msgraph-milter");
	char other[600], user[600];

	at = log_line_value(at, ": client=", other, sizeof(other));
	if (at == NULL || strchr(other, ' ') != NULL)
		return 0;
	at = log_line_value(at, "[", other, sizeof(other));
	at = log_line_value(at, "], from=<", address, LOG_LINE_ADDRESS_SIZE);
	at = log_line_value(at, ">, user=", other, sizeof(other));
	at = log_line_value(at, ", application=", user, sizeof(user));
	at = log_line_value(at, ", entry=", other, sizeof(other));
	at = log_line_value(at, ", mailbox=<", entry, ENTRY_NAME_SIZE);
	at = log_line_value(at, ">, message-id=<", other, sizeof(other));
	at = log_line_value(at, ">, nrcpt=", other, sizeof(other));
	at = log_line_value(at, ", action=", other, sizeof(other));
	return at != NULL && strncmp(at, "accept", 6) == 0 && user[0] == '\0' &&
	    entry[0] != '\0';
}
