/*
 * check_certificate.c - the certificate that clients see: is it there, does it
 * fit its key, will it last, and is it for this host.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/ctl/base/file.h"
#include "checks.h"

#define CHECK_CERTIFICATE_SOON (14 * 86400L)
#define CHECK_CERTIFICATE_MAX (1024 * 1024)
#define CHECK_CERTIFICATE_NAMES 1024

#define CHECK_CERTIFICATE_SETUP CHECK_SETUP " --certificate FILE --key FILE"

/* --- reading --- */

/* Appends a file. 0, or -1 after a finding. */
static int
check_certificate_file(const char *file, struct buf *pem, struct report *report)
{
	struct error err;

	if (file_read(file, pem, &err) == -1) {
		check_say(report, CHECK_CRITICAL, "%s", err.text);
		check_remedy(report, CHECK_CERTIFICATE_SETUP);
		return -1;
	}
	return buf_add(pem, "\n", 1);
}

/*
 * Takes the first key, and the certificate after it, which is the one of the
 * host; others are those of authorities (smtpd_tls_chain_files).
 */
static void
check_certificate_parse(const struct buf *pem, EVP_PKEY **key, X509 **leaf)
{
	BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->len);
	char *name, *header;
	unsigned char *data;
	const unsigned char *at;
	long len;

	*key = NULL;
	*leaf = NULL;
	while (bio != NULL && *leaf == NULL &&
	    PEM_read_bio(bio, &name, &header, &data, &len) == 1) {
		at = data;
		if (*key == NULL && strstr(name, "PRIVATE KEY") != NULL)
			*key = d2i_AutoPrivateKey(NULL, &at, len);
		else if (*key != NULL && strstr(name, "CERTIFICATE") != NULL)
			*leaf = d2i_X509(NULL, &at, len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(data, (size_t)len);
	}
	BIO_free(bio);
}

/*
 * Writes the names of the service's files, keys first, nothing where there are
 * none. As smtpd sees them: the pairs count only where smtpd_tls_chain_files is
 * empty.
 */
static void
check_certificate_names(const struct host *host,
    const struct postconf_service *service, char names[CHECK_CERTIFICATE_NAMES])
{
	static const char *const pairs[] = {"smtpd_tls_key_file",
	    "smtpd_tls_cert_file", "smtpd_tls_eckey_file",
	    "smtpd_tls_eccert_file"};
	const char *file;
	size_t i;

	snprintf(names, CHECK_CERTIFICATE_NAMES, "%s",
	    postfix_get(host->postfix, service, "smtpd_tls_chain_files"));
	for (i = 0; names[0] == '\0' && i < sizeof(pairs) / sizeof(pairs[0]);
	     i += 2) {
		file = postfix_get(host->postfix, service, pairs[i + 1]);
		if (file[0] != '\0' && strcmp(file, "none") != 0)
			snprintf(names, CHECK_CERTIFICATE_NAMES, "%s, %s",
			    postfix_get(host->postfix, service, pairs[i]),
			    file);
	}
}

/* Appends the files of that name. Returns how many, or -1 after a finding. */
static int
check_certificate_read(
    const char *names, struct buf *pem, struct report *report)
{
	const char *word;
	char file[512];
	int count = 0;
	size_t len;

	for (; (len = postfix_word(&names, &word)) > 0; count++) {
		snprintf(file, sizeof(file), "%.*s", (int)len, word);
		if (check_certificate_file(file, pem, report) == -1)
			return -1;
	}
	return count;
}

/* --- judging --- */

/* Returns the seconds until an ASN.1 time, negative when it has passed. */
static long
check_certificate_until(const ASN1_TIME *when)
{
	int days = 0, seconds = 0;

	if (ASN1_TIME_diff(&days, &seconds, NULL, when) != 1)
		return 0;
	return days * 86400L + seconds;
}

static void
check_certificate_lasts(X509 *leaf, struct report *report)
{
	long left = check_certificate_until(X509_get0_notAfter(leaf));

	if (check_certificate_until(X509_get0_notBefore(leaf)) > 0)
		check_say(
		    report, CHECK_CRITICAL, "the certificate is not yet valid");
	else if (left <= 0)
		check_say(report, CHECK_CRITICAL,
		    "the certificate has ended %ld days ago", -left / 86400);
	else if (left < CHECK_CERTIFICATE_SOON)
		check_say(report, CHECK_WARNING,
		    "the certificate ends in %ld days", left / 86400);
	else
		return;
	check_remedy(report,
	    "look at this host's clock, then renew the certificate; then: "
	    "postfix reload");
}

static void
check_certificate_named(
    const struct host *host, X509 *leaf, struct report *report)
{
	const char *name = postfix_get(host->postfix, NULL, "myhostname");
	char subject[256];

	X509_NAME_oneline(
	    X509_get_subject_name(leaf), subject, sizeof(subject));
	if (X509_check_host(leaf, name, 0, 0, NULL) == 1)
		return;
	check_say(report, CHECK_WARNING,
	    "the certificate (%s) is not for %s (myhostname), so clients that "
	    "look at the name refuse it, unless they use another",
	    subject, name);
	check_remedy(report,
	    CHECK_CERTIFICATE_SETUP ", with one for the name that clients use");
}

static void
check_certificate_judge(const struct host *host, const struct buf *pem,
    const char *service, struct report *report)
{
	EVP_PKEY *key;
	X509 *leaf;

	check_certificate_parse(pem, &key, &leaf);
	if (key == NULL || leaf == NULL) {
		check_say(report, CHECK_CRITICAL,
		    "%s finds no %s in the files of its certificate", service,
		    key == NULL ? "key without a passphrase"
				: "certificate behind the key");
		check_remedy(report, CHECK_CERTIFICATE_SETUP);
	} else if (X509_check_private_key(leaf, key) != 1) {
		check_say(report, CHECK_CRITICAL,
		    "the certificate of %s does not fit its key", service);
		check_remedy(report, CHECK_CERTIFICATE_SETUP);
	} else {
		check_certificate_lasts(leaf, report);
		check_certificate_named(host, leaf, report);
	}
	X509_free(leaf);
	EVP_PKEY_free(key);
}

static void
check_certificate_service(const struct host *host,
    const struct postconf_service *service, const char *names,
    struct report *report)
{
	struct buf pem;
	int count;

	buf_init(&pem, CHECK_CERTIFICATE_MAX);
	count = check_certificate_read(names, &pem, report);
	if (count == 0) {
		check_say(report, CHECK_CRITICAL,
		    "%s has no certificate, so STARTTLS is answered with "
		    "454 and nobody can sign in",
		    service->id);
		check_remedy(report, CHECK_CERTIFICATE_SETUP);
	} else if (count > 0 && strstr(names, "ssl-cert-snakeoil") != NULL) {
		/* Debian makes one for the first name that the host had */
		check_say(report, CHECK_WARNING,
		    "%s has Debian's snakeoil certificate, which no client "
		    "has a reason to trust",
		    service->id);
		check_remedy(report, CHECK_CERTIFICATE_SETUP);
	} else if (count > 0) {
		check_certificate_judge(
		    host, &pem, postfix_name(service), report);
	}
	buf_wipe(&pem);
}

/* smtpd gives TLS up where it cannot read the authorities of clients. */
static void
check_certificate_authorities(const struct host *host,
    const struct postconf_service *service, struct report *report)
{
	const char *file =
	    postfix_get(host->postfix, service, "smtpd_tls_CAfile");

	if (file[0] == '\0' || access(file, R_OK) == 0)
		return;
	check_say(report, CHECK_CRITICAL, "%s: open smtpd_tls_CAfile %s: %s",
	    service->id, file, strerror(errno));
	check_remedy(report,
	    "put the certificate of your authority there, then: postfix "
	    "reload");
}

/* Once for those that share their files. */
void
check_certificate(const struct host *host, struct report *report)
{
	const struct postconf_service *s = host->postfix->services;
	char names[CHECK_CERTIFICATE_NAMES];
	char last[CHECK_CERTIFICATE_NAMES] = " "; /* as no service has it */
	size_t i;

	for (i = 0; i < host->postfix->service_count; i++) {
		if (!postfix_is_listener(host->postfix, &s[i]) ||
		    !postfix_has_tls(host->postfix, &s[i]))
			continue;
		check_certificate_names(host, &s[i], names);
		if (strcmp(names, last) != 0)
			check_certificate_service(host, &s[i], names, report);
		snprintf(last, sizeof(last), "%s", names);
		check_certificate_authorities(host, &s[i], report);
	}
}
