/*
 * log.c - see log.h.
 *
 * A line is formatted into a bounded buffer, cleaned, and handed over whole, so
 * that lines of several threads (the milter's) never mix.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

static const char *log_ident = "msgraph";
static enum log_destination log_where = LOG_TO_STDERR;
static enum log_level log_least = LOG_LEVEL_INFO;

void
log_open(const char *ident, enum log_destination where, enum log_level least)
{
	log_ident = ident;
	log_where = where;
	log_least = least;
	if (where == LOG_TO_SYSLOG)
		openlog(ident, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

/* Bytes of the UTF-8 sequence at s (RFC 3629), 0 when there is none. */
static size_t
log_utf8_len(const unsigned char *s)
{
	size_t i, len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates and what is past U+10FFFF */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	/* C1 controls */
	if (s[0] == 0xc2 && s[1] < 0xa0)
		return 0;
	return len;
}

static void
log_clean(char *line)
{
	unsigned char *p = (unsigned char *)line;
	size_t len;

	while (*p != '\0') {
		len = log_utf8_len(p);
		if (len == 0 || *p < ' ' || *p == 0x7f) {
			*p = '?';
			len = 1;
		}
		p += len;
	}
}

static void
log_write_stderr(const char *line)
{
	char stamp[32], out[LOG_LINE_MAX + 128];
	struct timespec ts;
	struct tm tm;
	int len;
	ssize_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &tm);
	len = snprintf(out, sizeof(out), "%s %s[%ld]: %s\n", stamp, log_ident,
	    (long)getpid(), line);
	if (len < 0 || (size_t)len >= sizeof(out))
		return;
	do
		n = write(STDERR_FILENO, out, (size_t)len);
	while (n == -1 && errno == EINTR);
}

static void __attribute__((format(printf, 4, 0)))
log_write(enum log_level level, int priority, const char *prefix,
    const char *fmt, va_list ap)
{
	char line[LOG_LINE_MAX + 1];
	int saved_errno = errno;
	size_t used;

	if (level < log_least)
		return;
	snprintf(line, sizeof(line), "%s", prefix);
	used = strlen(line);
	vsnprintf(line + used, sizeof(line) - used, fmt, ap);
	log_clean(line);
	if (log_where == LOG_TO_SYSLOG)
		syslog(priority, "%s", line);
	else
		log_write_stderr(line);
	errno = saved_errno;
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_LEVEL_DEBUG, LOG_DEBUG, "", fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_LEVEL_INFO, LOG_INFO, "", fmt, ap);
	va_end(ap);
}

void
log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_LEVEL_WARNING, LOG_WARNING, "warning: ", fmt, ap);
	va_end(ap);
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_LEVEL_ERROR, LOG_ERR, "error: ", fmt, ap);
	va_end(ap);
}

/* JOURNAL_STREAM names device and inode of the journal's end (systemd.exec(5)). */
static int
log_stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL &&
	    sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	    st.st_ino == inode;
}

void
log_fatal(const char *text)
{
	log_error("%s", text);
	if (log_where == LOG_TO_SYSLOG && !log_stderr_is_journal())
		fprintf(stderr, "%s: %s\n", log_ident, text);
}
