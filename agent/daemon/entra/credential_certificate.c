/*
 * credential_certificate.c - an RSA key and its certificate, in one file in PEM
 * form: with the key a short-lived assertion is signed, and by the
 * certificate's digest Entra finds the key to verify it with (Microsoft:
 * "Microsoft identity platform application authentication certificate
 * credentials"; RFC 7523 section 2.2).
 *
 * The file may hold more certificates, of those who signed the first: the one
 * that fits the key counts.
 */
#include <jansson.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/daemon/base/secret_file.h"
#include "agent/daemon/base/uuid.h"
#include "credential_common.h"
#include "credential_kind.h"
#include "lib/base/buf.h"
#include "lib/base/codec.h"

#define ATTRIBUTE "certificate_file"
#define FILE_BYTES_MAX (64 * 1024)

/* Entra takes no shorter key; a longer one would keep others waiting. */
#define KEY_BITS_MIN 2048
#define KEY_BITS_MAX 8192

/* Microsoft: five to ten minutes. The host's clock may be some minutes off. */
#define LIFE_SECONDS 600

struct pair {
	EVP_PKEY *key;
	X509 *certificate;
};

static void
credential_certificate_free(struct pair *pair)
{
	EVP_PKEY_free(pair->key);
	X509_free(pair->certificate);
	memset(pair, 0, sizeof(*pair));
}

static int
credential_certificate_fail(
    struct error *err, const char *file, const char *why)
{
	return error_set(
	    err, ERROR_OURS, "4.3.5", "%s %s %s", ATTRIBUTE, file, why);
}

/* --- what the file holds --- */

/* Keeps OpenSSL from asking for a passphrase on the terminal. */
static int
credential_certificate_no_passphrase(
    char *to, int size, int writing, void *asked)
{
	(void)to;
	(void)size;
	(void)writing;
	*(int *)asked = 1;
	return -1;
}

static BIO *
credential_certificate_open(const struct secret *bytes)
{
	return BIO_new_mem_buf(bytes->bytes, (int)bytes->len);
}

/* 0, or -1 with *err. */
static int
credential_certificate_read_key(struct pair *pair, const struct secret *bytes,
    const char *file, struct error *err)
{
	BIO *in = credential_certificate_open(bytes);
	int asked = 0, bits;
	char why[160];

	if (in == NULL)
		return error_no_memory(err);
	pair->key = PEM_read_bio_PrivateKey(
	    in, NULL, credential_certificate_no_passphrase, &asked);
	BIO_free(in);
	if (asked)
		return credential_certificate_fail(err, file,
		    "holds an encrypted key, for which nobody types the "
		    "passphrase; decrypt it: openssl pkey -in KEY -out NEW");
	if (pair->key == NULL)
		return credential_certificate_fail(err, file,
		    "holds no private key in PEM form (key and certificate "
		    "stand in one file: cat KEY CERTIFICATE)");
	if (EVP_PKEY_get_base_id(pair->key) != EVP_PKEY_RSA)
		return credential_certificate_fail(err, file,
		    "holds a key that is not RSA, which Entra needs");
	bits = EVP_PKEY_get_bits(pair->key);
	if (bits >= KEY_BITS_MIN && bits <= KEY_BITS_MAX)
		return 0;
	snprintf(why, sizeof(why),
	    "holds an RSA key of %d bits; it must have %d to %d", bits,
	    KEY_BITS_MIN, KEY_BITS_MAX);
	return credential_certificate_fail(err, file, why);
}

/* Takes the certificate that fits the key. 0, or -1 with *err. */
static int
credential_certificate_read(struct pair *pair, const struct secret *bytes,
    const char *file, struct error *err)
{
	BIO *in = credential_certificate_open(bytes);
	X509 *one;
	int asked = 0, count = 0;

	if (in == NULL)
		return error_no_memory(err);
	while (pair->certificate == NULL &&
	    (one = PEM_read_bio_X509(in, NULL,
		 credential_certificate_no_passphrase, &asked)) != NULL) {
		count++;
		if (X509_check_private_key(one, pair->key) == 1)
			pair->certificate = one;
		else
			X509_free(one);
	}
	BIO_free(in);
	if (pair->certificate != NULL)
		return 0;
	return credential_certificate_fail(err, file,
	    count == 0 ? "holds no certificate in PEM form beside the key"
		       : "holds a key and a certificate that do not fit each "
			 "other");
}

/* When the certificate ends, in seconds since 1970; 0 when it does not say. */
static long long
credential_certificate_ends(const struct pair *pair)
{
	struct tm tm;

	return ASN1_TIME_to_tm(X509_get0_notAfter(pair->certificate), &tm) == 1
	    ? (long long)timegm(&tm)
	    : 0;
}

static int
credential_certificate_check_end(
    const struct pair *pair, const char *file, struct error *err)
{
	long long ends = credential_certificate_ends(pair);
	char why[160], date[32];
	time_t when = (time_t)ends;
	struct tm tm;

	if (ends == 0 || ends > credential_now())
		return 0;
	strftime(date, sizeof(date), "%Y-%m-%d", gmtime_r(&when, &tm));
	snprintf(why, sizeof(why),
	    "holds a certificate that ended on %s; make a new one, and add it "
	    "to the application in Entra",
	    date);
	return credential_certificate_fail(err, file, why);
}

/* 0 with what the caller frees, or -1 with *err. */
static int
credential_certificate_load(
    struct pair *pair, const char *file, struct error *err)
{
	struct secret *bytes = secret_file_read(
	    SECRET_FILE_KEY, ATTRIBUTE, file, FILE_BYTES_MAX, err);
	int result = -1;

	memset(pair, 0, sizeof(*pair));
	if (bytes != NULL &&
	    credential_certificate_read_key(pair, bytes, file, err) == 0 &&
	    credential_certificate_read(pair, bytes, file, err) == 0)
		result = credential_certificate_check_end(pair, file, err);
	secret_free(&bytes);
	ERR_clear_error(); /* the last certificate ends with an error */
	if (result == -1)
		credential_certificate_free(pair);
	return result;
}

static int
credential_certificate_check(
    const char *value, long long *ends, struct error *err)
{
	struct pair pair;

	if (credential_certificate_load(&pair, value, err) == -1)
		return -1;
	*ends = credential_certificate_ends(&pair);
	credential_certificate_free(&pair);
	return 0;
}

/* --- the assertion --- */

/* Appends bytes in base64url (RFC 4648 section 5), without padding. */
static int
credential_certificate_add(struct buf *out, const void *bytes, size_t len)
{
	const char *in = bytes;
	char four[4];
	size_t n, i;

	for (; len > 0; in += n, len -= n) {
		n = len < 3 ? len : 3;
		codec_base64_put(in, n, four);
		for (i = 0; i <= n; i++)
			if (four[i] == '+')
				four[i] = '-';
			else if (four[i] == '/')
				four[i] = '_';
		if (buf_add(out, four, n + 1) == -1)
			return -1;
	}
	return 0;
}

static int
credential_certificate_on_json(const char *text, size_t len, void *ctx)
{
	return buf_add(ctx, text, len);
}

/* Appends an object as JSON in base64url, and frees it. 0 or -1. */
static int
credential_certificate_add_json(struct buf *out, json_t *json)
{
	struct buf text;
	int result = -1;

	buf_init(&text, 4096);
	if (json != NULL &&
	    json_dump_callback(
		json, credential_certificate_on_json, &text, JSON_COMPACT) == 0)
		result = credential_certificate_add(out, text.bytes, text.len);
	buf_free(&text);
	json_decref(json);
	return result;
}

/* Appends the header, which names the certificate (RFC 7515 section 4.1.8). */
static int
credential_certificate_add_header(struct buf *out, const struct pair *pair)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len;
	struct buf name;
	int result = -1;

	buf_init(&name, 128);
	if (X509_digest(pair->certificate, EVP_sha256(), digest, &len) == 1 &&
	    credential_certificate_add(&name, digest, len) == 0)
		result = credential_certificate_add_json(out,
		    json_pack("{s:s, s:s, s:s}", "alg", "PS256", "typ", "JWT",
			"x5t#S256", name.bytes));
	buf_free(&name);
	return result;
}

static int
credential_certificate_add_claims(
    struct buf *out, const struct identity *application, const char *audience)
{
	json_int_t now = credential_now();
	char id[UUID_TEXT_SIZE];

	if (uuid_new(id) == -1)
		return -1;
	return credential_certificate_add_json(out,
	    json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "aud", audience,
		"iss", application->client, "sub", application->client, "jti",
		id, "nbf", now, "iat", now, "exp", now + LIFE_SECONDS));
}

/* Signs what is there, as PS256 (RFC 7518 section 3.5). 0 or -1. */
static int
credential_certificate_sign(
    const struct pair *pair, const struct buf *in, struct buf *signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const unsigned char *text = (const unsigned char *)in->bytes;
	size_t len = (size_t)EVP_PKEY_get_size(pair->key);
	unsigned char *to = buf_reserve(signature, len);
	EVP_PKEY_CTX *key;
	int result = -1;

	/* the digest is also that of the mask, unless it is set otherwise */
	if (ctx != NULL && to != NULL &&
	    EVP_DigestSignInit(ctx, &key, EVP_sha256(), NULL, pair->key) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(key, RSA_PSS_SALTLEN_DIGEST) ==
		1 &&
	    EVP_DigestSign(ctx, to, &len, text, in->len) == 1) {
		signature->len += len;
		result = 0;
	}
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return result;
}

static int
credential_certificate_write(struct buf *out, struct buf *signature,
    const struct pair *pair, const struct identity *application,
    const char *audience)
{
	return credential_certificate_add_header(out, pair) == 0 &&
		buf_add(out, ".", 1) == 0 &&
		credential_certificate_add_claims(out, application, audience) ==
		    0 &&
		credential_certificate_sign(pair, out, signature) == 0 &&
		buf_add(out, ".", 1) == 0
	    ? credential_certificate_add(out, signature->bytes, signature->len)
	    : -1;
}

static struct secret *
credential_certificate_prove(const char *value,
    const struct identity *application, const char *audience, struct error *err)
{
	struct secret *assertion = NULL;
	struct buf out, signature;
	struct pair pair;

	if (credential_certificate_load(&pair, value, err) == -1)
		return NULL;
	buf_init(&out, ASSERTION_MAX);
	buf_init(&signature, KEY_BITS_MAX / 8);
	if (credential_certificate_write(
		&out, &signature, &pair, application, audience) == -1)
		credential_certificate_fail(
		    err, value, "cannot be signed with: OpenSSL fails");
	else if ((assertion = secret_new(out.bytes, out.len)) == NULL)
		error_no_memory(err);
	buf_wipe(&out);
	buf_wipe(&signature);
	credential_certificate_free(&pair);
	return assertion;
}

const struct credential_kind credential_certificate = {
    .attribute = ATTRIBUTE,
    .proof = CREDENTIAL_ASSERTION,
    .is_replaced = 1,
    .unfit = credential_unfit_path,
    .check = credential_certificate_check,
    .prove = credential_certificate_prove,
};
