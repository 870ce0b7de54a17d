/*
 * vault.c - see vault.h.
 *
 * Blob: one byte version (1), 12 bytes nonce, ciphertext, 16 bytes tag. The
 * nonce is random (NIST SP 800-38D section 8.2.2 allows 2^32 seals a key; an
 * application seals about one an hour).
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/daemon/base/secret_file.h"
#include "vault.h"

#define VERSION 1
#define NONCE_SIZE 12
#define TAG_SIZE 16

/* No secret or token comes near it, and an int holds it. */
#define TEXT_MAX ((size_t)1024 * 1024)

struct vault {
	unsigned char key[VAULT_KEY_SIZE];
};

/* --- key file --- */

static int
vault_write_key(
    int fd, const unsigned char *key, const char *file, struct error *err)
{
	if (write(fd, key, VAULT_KEY_SIZE) != VAULT_KEY_SIZE || fsync(fd) == -1)
		return error_set(err, ERROR_OURS, "4.3.5", "write %s: %s", file,
		    strerror(errno));
	return 0;
}

/* A name is on disk when its folder is. */
static int
vault_sync_folder(const char *file)
{
	char folder[4096];
	char *slash;
	int fd, result;

	if (snprintf(folder, sizeof(folder), "%s", file) >= (int)sizeof(folder))
		return -1;
	if ((slash = strrchr(folder, '/')) == NULL)
		return -1;
	slash[slash == folder] = '\0';
	if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	result = fsync(fd);
	close(fd);
	return result;
}

/*
 * The key gets its name only when it is whole on disk: link(2) of a finished
 * file, and never over one that is there. That name must outlive a power cut
 * too: what is sealed from now on is lost without it.
 */
static int
vault_create_key(const char *file, struct error *err)
{
	unsigned char key[VAULT_KEY_SIZE];
	char temporary[4096];
	int fd, result = -1;

	if (snprintf(temporary, sizeof(temporary), "%s.new", file) >=
	    (int)sizeof(temporary))
		return error_set(
		    err, ERROR_OURS, "4.3.5", "path too long: %s", file);
	unlink(temporary);
	fd = open(temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (fd == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "cannot make the vault key %s: %s; make it as root: "
		    "head -c 32 /dev/urandom >%s; chown msgraphd %s; "
		    "chmod 0400 %s",
		    file, strerror(errno), file, file, file);
	if (RAND_bytes(key, sizeof(key)) != 1)
		error_set(err, ERROR_OURS, "4.3.5", "no random bytes");
	else if (vault_write_key(fd, key, file, err) == 0)
		result = (link(temporary, file) == 0 || errno == EEXIST) &&
			vault_sync_folder(file) == 0
		    ? 0
		    : error_set(err, ERROR_OURS, "4.3.5", "link %s: %s", file,
			  strerror(errno));
	unlink(temporary);
	close(fd);
	secret_wipe(key, sizeof(key));
	return result;
}

static int
vault_check_key_file(int fd, const char *file, struct error *err)
{
	struct stat st;

	if (secret_file_check(fd, "vault key", file, err) == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		return error_set(
		    err, ERROR_OURS, "4.3.5", "%s: %s", file, strerror(errno));
	if (st.st_size != VAULT_KEY_SIZE)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "vault key %s has %lld bytes instead of %d; restore it "
		    "from your backup",
		    file, (long long)st.st_size, VAULT_KEY_SIZE);
	return 0;
}

static int
vault_open_key(const char *file, int create, struct error *err)
{
	int fd = secret_file_open(file);

	if (fd == -1 && errno == ENOENT && create) {
		if (vault_create_key(file, err) == -1)
			return -1;
		fd = secret_file_open(file);
	}
	if (fd == -1 && errno == ENOENT)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "open vault key %s: %s; the state holds secrets sealed "
		    "with it: restore it from your backup",
		    file, strerror(errno));
	if (fd == -1)
		return error_set(err, ERROR_OURS, "4.3.5",
		    "open vault key %s: %s%s%s%s%s", file, strerror(errno),
		    errno == EACCES ? "; run: chown msgraphd " : "",
		    errno == EACCES ? file : "",
		    errno == EACCES ? "; chmod 0400 " : "",
		    errno == EACCES ? file : "");
	return fd;
}

struct vault *
vault_load(const char *file, int create, struct error *err)
{
	struct vault *vault = NULL;
	int fd;

	if ((fd = vault_open_key(file, create, err)) == -1)
		return NULL;
	if (vault_check_key_file(fd, file, err) == 0) {
		vault = malloc(sizeof(*vault));
		if (vault == NULL)
			error_no_memory(err);
		else if (read(fd, vault->key, VAULT_KEY_SIZE) !=
		    VAULT_KEY_SIZE) {
			error_set(err, ERROR_OURS, "4.3.5",
			    "read vault key %s: %s", file, strerror(errno));
			vault_free(&vault);
		}
	}
	close(fd);
	return vault;
}

void
vault_free(struct vault **vaultp)
{
	secret_wipe(*vaultp, sizeof(**vaultp));
	free(*vaultp);
	*vaultp = NULL;
}

/* --- sealing --- */

static int
vault_encrypt(EVP_CIPHER_CTX *ctx, const struct vault *vault,
    const char *context, const void *bytes, size_t len, unsigned char *blob)
{
	unsigned char *nonce = blob + 1, *text = nonce + NONCE_SIZE;
	int n;

	return EVP_EncryptInit_ex(
		   ctx, EVP_aes_256_gcm(), NULL, vault->key, nonce) == 1 &&
	    EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)context,
		(int)strlen(context)) == 1 &&
	    EVP_EncryptUpdate(ctx, text, &n, bytes, (int)len) == 1 &&
	    EVP_EncryptFinal_ex(ctx, text + n, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(
		ctx, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, text + len) == 1;
}

int
vault_seal(const struct vault *vault, const char *context, const void *bytes,
    size_t len, struct buf *out, struct error *err)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char *blob = NULL;
	int result = -1;

	if (len < TEXT_MAX)
		blob = buf_reserve(out, len + VAULT_OVERHEAD);
	if (ctx != NULL && blob != NULL &&
	    RAND_bytes(blob + 1, NONCE_SIZE) == 1 &&
	    vault_encrypt(ctx, vault, context, bytes, len, blob)) {
		blob[0] = VERSION;
		out->len += len + VAULT_OVERHEAD;
		out->bytes[out->len] = '\0';
		result = 0;
	} else {
		error_set(err, ERROR_TEMPORARY, "4.3.0", "cannot seal");
	}
	EVP_CIPHER_CTX_free(ctx);
	return result;
}

static int
vault_decrypt(EVP_CIPHER_CTX *ctx, const struct vault *vault,
    const char *context, const unsigned char *blob, size_t text_len, char *out)
{
	const unsigned char *nonce = blob + 1, *text = nonce + NONCE_SIZE;
	unsigned char tag[TAG_SIZE];
	int n;

	memcpy(tag, text + text_len, TAG_SIZE);
	return EVP_DecryptInit_ex(
		   ctx, EVP_aes_256_gcm(), NULL, vault->key, nonce) == 1 &&
	    EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)context,
		(int)strlen(context)) == 1 &&
	    EVP_DecryptUpdate(
		ctx, (unsigned char *)out, &n, text, (int)text_len) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) ==
	    1 &&
	    EVP_DecryptFinal_ex(ctx, (unsigned char *)out + n, &n) == 1;
}

struct secret *
vault_open(const struct vault *vault, const char *context, const void *blob,
    size_t len, struct error *err)
{
	const unsigned char *b = blob;
	struct secret *secret;
	EVP_CIPHER_CTX *ctx;

	if (len < VAULT_OVERHEAD || len - VAULT_OVERHEAD >= TEXT_MAX ||
	    b[0] != VERSION) {
		error_set(err, ERROR_OURS, "4.3.5",
		    "the stored bytes are sealed in a form not known here");
		return NULL;
	}
	ctx = EVP_CIPHER_CTX_new();
	secret = secret_new(NULL, len - VAULT_OVERHEAD);
	if (ctx == NULL || secret == NULL ||
	    !vault_decrypt(
		ctx, vault, context, b, secret->len, secret->bytes)) {
		secret_free(&secret);
		error_set(err, ERROR_OURS, "4.3.5",
		    "the stored bytes do not open with this vault key");
	}
	EVP_CIPHER_CTX_free(ctx);
	return secret;
}
