/*
 * error.h - what a library function says when it fails.
 *
 * Library code logs nothing and never exits. It returns -1 and fills a
 * struct error that the caller owns: who has to act (the class), what to tell
 * SMTP (an enhanced status code, RFC 3463) and one bounded line for a person.
 */
#ifndef MSGRAPH_ERROR_H
#define MSGRAPH_ERROR_H

enum error_class {
	ERROR_NONE = 0,
	ERROR_TEMPORARY, /* waiting may heal it: mail is deferred */
	ERROR_PERMANENT, /* the message can never go: it bounces */
	ERROR_REFUSED, /* Entra or Graph said no to who asked */
	ERROR_OURS /* configuration or bug: mail is deferred */
};

struct error {
	enum error_class class;
	char dsn[12]; /* "4.3.5"; never empty after error_set() */
	char text[512]; /* one line, no control characters, may be cut */
};

/*
 * Fills *err (which may be NULL) and always returns -1, so that a caller can
 * write "return error_set(...)". Control characters become '?'.
 */
int error_set(struct error *err, enum error_class class, const char *dsn,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Fills *err (which may be NULL): out of memory, temporary. Returns -1. */
int error_no_memory(struct error *err);

/* Puts "prefix: " before a text already set, for context. Returns -1. */
int error_prefix(struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
