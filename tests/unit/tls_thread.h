/*
 * tls_thread.h - a server with TLS in the test's own process, which answers
 * requests from a script, a thread for each connection.
 */
#ifndef TESTS_UNIT_TLS_THREAD_H
#define TESTS_UNIT_TLS_THREAD_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TLS_CONNECTIONS_MAX 32

static struct tls_thread {
	SSL_CTX *ctx;
	int fd, port;
	char ca_file[64];
	pthread_t listener, threads[TLS_CONNECTIONS_MAX];
	int connections, requests; /* so far */
	const char *const *script; /* answers; "" hangs up, | see below */
	char last[4096]; /* the last request */
} server;

/* Makes a certificate for 127.0.0.1, and writes it where libcurl reads it. */
static void
tls_make_certificate(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_EXTENSION *name = X509V3_EXT_conf_nid(
	    NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	FILE *file;

	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
	    MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_add_ext(cert, name, -1);
	X509_EXTENSION_free(name);
	X509_sign(cert, key, EVP_sha256());
	SSL_CTX_use_certificate(server.ctx, cert);
	SSL_CTX_use_PrivateKey(server.ctx, key);
	strcpy(server.ca_file, "/tmp/daemon_httpXXXXXX");
	file = fdopen(mkstemp(server.ca_file), "w");
	PEM_write_X509(file, cert);
	fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* Reads a request with its body. Returns 0 when there is none any more. */
static int
tls_read_request(SSL *ssl)
{
	size_t len = 0, want = sizeof(server.last) - 1;
	const char *end;
	int n;

	while (len < want) {
		n = SSL_read(ssl, server.last + len, (int)(want - len));
		if (n <= 0)
			return 0;
		server.last[len += (size_t)n] = '\0';
		end = strstr(server.last, "\r\n\r\n");
		if (end != NULL && strstr(server.last, "Content-Length: "))
			want = (size_t)(end + 4 - server.last) +
			    strtoul(
				strstr(server.last, "Content-Length: ") + 16,
				NULL, 10);
		else if (end != NULL)
			break;
	}
	return 1;
}

/* Writes a record of TLS for each part, and sends all of them at once. */
static void
tls_answer(SSL *ssl, const char *answer)
{
	int one = 1, none = 0, fd = SSL_get_fd(ssl);
	size_t len;

	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &one, sizeof(one));
	for (; *answer != '\0'; answer += len + (answer[len] == '|')) {
		len = strcspn(answer, "|");
		SSL_write(ssl, answer, (int)len);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &none, sizeof(none));
}

static void *
tls_serve(void *fd)
{
	SSL *ssl = SSL_new(server.ctx);
	const char *answer;

	SSL_set_fd(ssl, (int)(long)fd);
	if (SSL_accept(ssl) == 1)
		while (tls_read_request(ssl)) {
			answer = server.script[server.requests++];
			if (answer[0] == '\0')
				break;
			tls_answer(ssl, answer);
		}
	SSL_free(ssl);
	close((int)(long)fd);
	return NULL;
}

static void *
tls_listen(void *ctx)
{
	int fd;

	while ((fd = accept(server.fd, NULL, NULL)) != -1)
		pthread_create(&server.threads[server.connections++], NULL,
		    tls_serve, (void *)(long)fd);
	return ctx;
}

static void
tls_begin(const char *const *script)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	signal(SIGPIPE, SIG_IGN);
	memset(&server, 0, sizeof(server));
	server.script = script;
	server.ctx = SSL_CTX_new(TLS_server_method());
	/* a ticket that comes late is input on an idle connection */
	SSL_CTX_set_num_tickets(server.ctx, 0);
	tls_make_certificate();
	server.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(server.fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(server.fd, 16) == -1)
		abort();
	getsockname(server.fd, (struct sockaddr *)&sin, &len);
	server.port = ntohs(sin.sin_port);
	pthread_create(&server.listener, NULL, tls_listen, NULL);
}

/* Clients must have hung up. */
static void
tls_end(void)
{
	int i;

	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.listener, NULL);
	close(server.fd);
	for (i = 0; i < server.connections; i++)
		pthread_join(server.threads[i], NULL);
	SSL_CTX_free(server.ctx);
	unlink(server.ca_file);
}

#endif
