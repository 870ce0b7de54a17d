/*
 * vault.h - seals what must lie on disk, with AES-256-GCM.
 *
 * The key is 32 random bytes in a file of its own, away from the state
 * directory, so that a backup of the state alone tells nothing.
 */
#ifndef MSGRAPHD_VAULT_H
#define MSGRAPHD_VAULT_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/error.h"
#include "lib/base/secret.h"

#define VAULT_KEY_SIZE 32

/* A sealed blob is so much longer than its contents. */
#define VAULT_OVERHEAD (1 + 12 + 16)

struct vault;

/*
 * Reads the key file (a regular file of VAULT_KEY_SIZE bytes, owned by us or
 * root, closed to group and others). With create set, a missing file is made.
 * NULL with *err that names the file and the remedy. The caller owns the
 * result and wipes it with vault_free().
 */
struct vault *vault_load(const char *file, int create, struct error *err);
void vault_free(struct vault **vaultp);

/*
 * Seals bytes under a context (the application, say): opening demands the same
 * one, so that a blob moved to another row does not open. Appends to out.
 */
int vault_seal(const struct vault *vault, const char *context,
    const void *bytes, size_t len, struct buf *out, struct error *err);

/*
 * Opens a sealed blob. The caller owns the result. NULL with *err when key,
 * context or blob are not right.
 */
struct secret *vault_open(const struct vault *vault, const char *context,
    const void *blob, size_t len, struct error *err);

#endif
