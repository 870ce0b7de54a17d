/*
 * pem_file.h - files with keys and certificates, for tests of credentials. What
 * a file holds is written as one letter a block:
 *
 *	k	an RSA key of 2048 bits		c	its certificate
 *	o	the certificate of another key	d	one of k that ended
 *	s	one of k that ends in 20 days	e	an EC key
 *	p	k with a passphrase		h	an RSA key of 1024 bits
 *	j	what is not PEM
 */
#ifndef TESTS_UNIT_PEM_FILE_H
#define TESTS_UNIT_PEM_FILE_H

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>

#define PEM_DAY 86400L

static EVP_PKEY *pem_key, *pem_other, *pem_short, *pem_ec;

static inline void
pem_begin(void)
{
	pem_key = EVP_RSA_gen(2048);
	pem_other = EVP_RSA_gen(2048);
	pem_short = EVP_RSA_gen(1024);
	pem_ec = EVP_EC_gen("P-256");
}

static inline void
pem_end(void)
{
	EVP_PKEY_free(pem_key);
	EVP_PKEY_free(pem_other);
	EVP_PKEY_free(pem_short);
	EVP_PKEY_free(pem_ec);
}

/* A certificate that ends so many days from now. */
static X509 *
pem_certificate(EVP_PKEY *key, long days)
{
	X509 *cert = X509_new();

	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -400 * PEM_DAY);
	X509_gmtime_adj(X509_getm_notAfter(cert), days * PEM_DAY + 60);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
	    MBSTRING_ASC, (const unsigned char *)"relay", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_sign(cert, key, EVP_sha256());
	return cert;
}

static void
pem_write_certificate(FILE *out, EVP_PKEY *key, long days)
{
	X509 *cert = pem_certificate(key, days);

	PEM_write_X509(out, cert);
	X509_free(cert);
}

static void
pem_write_key(FILE *out, EVP_PKEY *key, const char *passphrase)
{
	PEM_write_PrivateKey(out, key,
	    passphrase == NULL ? NULL : EVP_aes_256_cbc(), NULL, 0, NULL,
	    (void *)(uintptr_t)passphrase);
}

static void
pem_write(FILE *out, const char *blocks)
{
	for (; *blocks != '\0'; blocks++)
		switch (*blocks) {
		case 'k':
			pem_write_key(out, pem_key, NULL);
			break;
		case 'p':
			pem_write_key(out, pem_key, "pa55");
			break;
		case 'e':
			pem_write_key(out, pem_ec, NULL);
			break;
		case 'h':
			pem_write_key(out, pem_short, NULL);
			break;
		case 'c':
			pem_write_certificate(out, pem_key, 700);
			break;
		case 's':
			pem_write_certificate(out, pem_key, 20);
			break;
		case 'd':
			pem_write_certificate(out, pem_key, -10);
			break;
		case 'o':
			pem_write_certificate(out, pem_other, 700);
			break;
		default:
			fputs("pa55 is no PEM\n", out);
			break;
		}
}

#endif
