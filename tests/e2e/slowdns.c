/*
 * slowdns.c - preloaded into msgraphd: a resolver that does not answer for
 * longer than any test waits, for names below "test"; all others are looked up.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#define SECONDS 20

static const char said[] = "slowdns: asked\n";

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **result)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
	size_t len = node == NULL ? 0 : strlen(node);

	if (len > 5 && strcmp(node + len - 5, ".test") == 0) {
		/* for the test, which reads what msgraphd logs */
		if (write(STDERR_FILENO, said, sizeof(said) - 1) != -1)
			sleep(SECONDS);
		return EAI_AGAIN;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, result);
}
