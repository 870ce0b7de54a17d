/*
 * secret.h - bytes that must not outlive their use.
 *
 * A struct secret owns a heap buffer that is wiped when freed. There is no
 * function that formats one: what cannot be printed is not logged by mistake.
 */
#ifndef MSGRAPH_SECRET_H
#define MSGRAPH_SECRET_H

#include <stddef.h>

/* The longest that somebody signs in with. Entra's have some 40 characters. */
#define SECRET_MAX 1024

/*
 * The longest assertion: a signed one has some 1,000, a federated token more.
 */
#define ASSERTION_MAX 8192

struct secret {
	size_t len;
	char bytes[]; /* len bytes and a NUL that len does not count */
};

/*
 * Copies len bytes, or fills with zeros where bytes is NULL. Returns NULL when
 * out of memory. The caller owns the result.
 */
struct secret *secret_new(const char *bytes, size_t len);

/* Wipes and frees *secretp and sets it to NULL; takes NULL. */
void secret_free(struct secret **secretp);

/* Compares in a time that depends on the lengths alone. 1 when equal. */
int secret_equal(const struct secret *a, const struct secret *b);

/* Overwrites memory in a way the compiler may not drop. */
void secret_wipe(void *p, size_t len);

#endif
