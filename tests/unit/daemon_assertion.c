/*
 * The assertion that is signed with a certificate's key
 * (agent/daemon/entra/credential_certificate.c): what Entra reads in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/daemon/base/wipemem.h"
#include "agent/daemon/entra/credential.h"
#include "pem_file.h"

#define URL "https://login.test/t/oauth2/v2.0/token"
#define START "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\""

static const struct identity application = {"tenant-id", "client-id"};
static char file[] = "/tmp/assertionXXXXXX";

static int
begin(void **state)
{
	FILE *out = fdopen(mkstemp(file), "w"); /* mode 0600 */

	(void)state;
	/* as in msgraphd: what a library gave must go back to it */
	if (out == NULL || wipemem_install() == -1)
		return -1;
	pem_begin();
	pem_write(out, "okc");
	return fclose(out);
}

static int
end(void **state)
{
	(void)state;
	pem_end();
	return unlink(file);
}

/* Decodes base64url up to the next '.' or the end; the place behind it. */
static const char *
decode(const char *from, unsigned char *to, size_t *len)
{
	size_t n = strcspn(from, ".");
	char text[2000];
	size_t i;

	memset(text, 'A', sizeof(text));
	assert_true(n < sizeof(text) - 4);
	for (i = 0; i < n; i++)
		text[i] = from[i] == '-' ? '+' : from[i] == '_' ? '/' : from[i];
	assert_true(EVP_DecodeBlock(
			to, (unsigned char *)text, (int)(n + 3) / 4 * 4) > 0);
	*len = n * 3 / 4;
	to[*len] = '\0';
	return from[n] == '.' ? from + n + 1 : from + n;
}

/* PS256: with the mask's digest and a salt as long as the digest. */
static int
verify(EVP_PKEY *key, const char *text, size_t len,
    const unsigned char *signature, size_t signature_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *k;
	int result;

	EVP_DigestVerifyInit(ctx, &k, EVP_sha256(), NULL, key);
	EVP_PKEY_CTX_set_rsa_padding(k, RSA_PKCS1_PSS_PADDING);
	EVP_PKEY_CTX_set_rsa_mgf1_md(k, EVP_sha256());
	EVP_PKEY_CTX_set_rsa_pss_saltlen(k, 32);
	result = EVP_DigestVerify(
	    ctx, signature, signature_len, (const unsigned char *)text, len);
	EVP_MD_CTX_free(ctx);
	return result;
}

static long long
number_of(const char *json, const char *name)
{
	const char *at = strstr(json, name);

	assert_non_null(at);
	return strtoll(at + strlen(name), NULL, 10);
}

static void
test_assertion(void **state)
{
	struct credential *credential;
	struct secret *one, *two;
	unsigned char header[2000], claims[2000], signature[2000];
	const char *at, *end;
	char *json = (char *)claims;
	struct error err;
	size_t len;
	long long now = time(NULL);

	(void)state;
	credential = credential_new("certificate_file", file, &err);
	one = credential_prove(credential, &application, URL, &err);
	two = credential_prove(credential, &application, URL, &err);
	assert_int_equal(credential_proof(credential), CREDENTIAL_ASSERTION);
	credential_free(&credential);
	at = decode(one->bytes, header, &len);
	assert_memory_equal(header, START, strlen(START));
	assert_int_equal(len, strlen(START) + 43 + 2); /* 32 bytes */
	end = at = decode(at, claims, &len);
	assert_non_null(strstr(json, "\"aud\":\"" URL "\""));
	assert_non_null(strstr(json, "\"iss\":\"client-id\""));
	assert_non_null(strstr(json, "\"sub\":\"client-id\""));
	assert_in_range(number_of(json, "\"nbf\":") - now, 0, 5);
	assert_in_range(number_of(json, "\"iat\":") - now, 0, 5);
	assert_in_range(number_of(json, "\"exp\":") - now, 300, 605);
	decode(at, signature, &len);
	assert_int_equal(len, 256);
	assert_int_equal(verify(pem_key, one->bytes,
			     (size_t)(end - 1 - one->bytes), signature, len),
	    1);
	assert_int_not_equal(
	    verify(pem_other, one->bytes, (size_t)(end - 1 - one->bytes),
		signature, len),
	    1);
	/* no two have the same jti */
	assert_string_not_equal(one->bytes, two->bytes);
	assert_memory_equal(one->bytes, two->bytes, 100);
	secret_free(&one);
	secret_free(&two);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_assertion),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
