/*
 * error.h - the reason of a failure, as library functions return it.
 *
 * Library code logs nothing and never exits. It returns -1 and fills a struct
 * error that the caller owns: a class, which says whether waiting helps and
 * whose fault it is, an enhanced status code for SMTP (RFC 3463), and one
 * bounded line for a person.
 */
#ifndef MSGRAPH_ERROR_H
#define MSGRAPH_ERROR_H

enum error_class {
	ERROR_NONE = 0,
	ERROR_TEMPORARY, /* waiting may help: mail is deferred */
	ERROR_PERMANENT, /* the message can never go: it bounces */
	ERROR_REFUSED, /* Entra or Graph refused the application */
	ERROR_OURS /* configuration or bug: mail is deferred */
};

struct error {
	enum error_class class;
	char dsn[12]; /* "4.3.5"; never empty after error_set() */
	char text[512]; /* one line, no control characters, may be cut */
};

/*
 * Fills *err (which may be NULL) and always returns -1, so that a caller can
 * write "return error_set(...)". Control characters and what is not UTF-8
 * become '?'.
 */
int error_set(struct error *err, enum error_class class, const char *dsn,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Fills *err (which may be NULL): out of memory, temporary. Returns -1. */
int error_no_memory(struct error *err);

/* Puts "prefix: " before a text already set, for context. Returns -1. */
int error_prefix(struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
