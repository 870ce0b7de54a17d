/*
 * log.h - one line an event, to syslog (facility mail) or to stderr.
 *
 * Lines have Postfix's form: queue id (or NOQUEUE) first, then key=value pairs
 * joined by ", ", free text last in parentheses. Control characters and bytes
 * that are not UTF-8 become '?', and a line is cut at LOG_LINE_MAX bytes, so a
 * hostile client can neither forge a line nor flood one.
 *
 * Thread-safe, log_open() too: a line that is written while the settings change
 * goes by the old ones or the new ones. Only programs log; lib/ and the plugin
 * do not.
 */
#ifndef MSGRAPH_LOG_H
#define MSGRAPH_LOG_H

#define LOG_LINE_MAX 2000

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR
};

enum log_destination { LOG_TO_SYSLOG, LOG_TO_STDERR };

/*
 * Sets name, destination and least level of all lines from now on. ident is
 * borrowed for good. May be called again to change level or destination.
 */
void log_open(const char *ident, enum log_destination, enum log_level);

/*
 * Has watch called with each warning and error, whatever the least level: the
 * line is as it is written, without its prefix. For a program of one thread.
 * watch must not log; NULL ends it.
 */
void log_watch(void (*watch)(void *ctx, enum log_level level, const char *line),
    void *ctx);

/* Writes one line, unless level is below the least; errno stays as it was. */
void log_at(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)

/*
 * Logs why a program cannot start, and shows it to the person who started it by
 * hand: on standard error too, unless the log goes there, or standard error
 * goes to systemd's journal, which has the line already.
 */
void log_fatal(const char *text);

#endif
