/*
 * log.c - see log.h.
 *
 * A line is formatted into a bounded buffer, cleaned, and handed over whole, so
 * that lines of several threads (the milter's) never mix.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "printable.h"

/* Read by all threads while log_open() changes them, each for itself. */
static const char *_Atomic log_ident = "msgraph";
static _Atomic enum log_destination log_where = LOG_TO_STDERR;
static _Atomic enum log_level log_least = LOG_LEVEL_INFO;

static void (*_Atomic log_watcher)(
    void *ctx, enum log_level level, const char *line);
static void *_Atomic log_watcher_ctx;

void
log_open(const char *ident, enum log_destination where, enum log_level least)
{
	log_ident = ident;
	log_least = least;
	/* first: the C library opens it with another facility on its own */
	if (where == LOG_TO_SYSLOG)
		openlog(ident, LOG_PID | LOG_NDELAY, LOG_MAIL);
	log_where = where;
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

void
log_watch(
    void (*watch)(void *ctx, enum log_level level, const char *line), void *ctx)
{
	log_watcher = NULL;
	log_watcher_ctx = ctx;
	log_watcher = watch;
}

void
log_at(enum log_level level, const char *fmt, ...)
{
	static const struct {
		int priority;
		const char *prefix;
	} levels[] = {
	    [LOG_LEVEL_DEBUG] = {LOG_DEBUG, ""},
	    [LOG_LEVEL_INFO] = {LOG_INFO, ""},
	    [LOG_LEVEL_WARNING] = {LOG_WARNING, "warning: "},
	    [LOG_LEVEL_ERROR] = {LOG_ERR, "error: "},
	};
	char line[LOG_LINE_MAX + 1];
	int saved_errno = errno;
	size_t used = strlen(levels[level].prefix);
	int is_watched = log_watcher != NULL && level >= LOG_LEVEL_WARNING;
	va_list ap;

	if (level < log_least && !is_watched)
		return;
	memcpy(line, levels[level].prefix, used + 1);
	va_start(ap, fmt);
	vsnprintf(line + used, sizeof(line) - used, fmt, ap);
	va_end(ap);
	printable_make(line, '?');
	if (is_watched)
		log_watcher(log_watcher_ctx, level, line + used);
	if (level < log_least)
		; /* for the watcher alone */
	else if (log_where == LOG_TO_SYSLOG)
		syslog(levels[level].priority, "%s", line);
	else
		log_write_stderr(line);
	errno = saved_errno;
}

/*
 * JOURNAL_STREAM names device and inode of the journal's end (systemd.exec(5)).
 */
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
