/*
 * ports.c - see ports.h.
 *
 * Whether a port is in use is read from /proc/net, and not tried: this way one
 * need not be root, and Postfix cannot meet the attempt.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ports.h"

#define PORTS_LISTEN 0x0A /* TCP_LISTEN of Linux, in /proc/net/tcp */

/* A small system has no /etc/services. */
static const struct {
	const char *name;
	int port;
} ports_names[] = {
    {"smtp", 25},
    {"smtps", 465},
    {"submissions", 465},
    {"submission", 587},
};

static int
ports_number(const char *name)
{
	const struct servent *service;
	char *end;
	long port;
	size_t i;

	port = strtol(name, &end, 10);
	if (isdigit((unsigned char)name[0]) && *end == '\0')
		return port > 0 && port <= 65535 ? (int)port : -1;
	for (i = 0; i < sizeof(ports_names) / sizeof(ports_names[0]); i++)
		if (strcmp(ports_names[i].name, name) == 0)
			return ports_names[i].port;
	service = getservbyname(name, "tcp");
	return service != NULL ? ntohs((uint16_t)service->s_port) : -1;
}

int
ports_parse(const char *place, char address[INET6_ADDRSTRLEN])
{
	const char *port = strrchr(place, ':');
	size_t len = port != NULL ? (size_t)(port - place) : 0;

	if (len > 1 && place[0] == '[' && place[len - 1] == ']') {
		place++;
		len -= 2;
	}
	address[0] = '\0';
	if (len >= INET6_ADDRSTRLEN)
		return -1;
	memcpy(address, place, len);
	address[len] = '\0';
	return ports_number(port != NULL ? port + 1 : place);
}

/* Returns 1 for an address of one network interface, and no host's name. */
static int
ports_is_one(const char *address)
{
	static const struct in6_addr any = IN6ADDR_ANY_INIT;
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, address, &v4) == 1)
		return v4.s_addr != htonl(INADDR_ANY);
	return inet_pton(AF_INET6, address, &v6) == 1 &&
	    memcmp(&v6, &any, sizeof(any)) != 0;
}

int
ports_collide(const char *place, const char *other)
{
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];
	int port = ports_parse(place, a);

	if (port == -1 || port != ports_parse(other, b))
		return strcmp(place, other) == 0;
	return !ports_is_one(a) || !ports_is_one(b) || strcmp(a, b) == 0;
}

const struct postconf_service *
ports_service(const struct postconf *postconf, const char *place)
{
	const struct postconf_service *s = postconf->services;
	size_t i;

	for (i = 0; i < postconf->service_count; i++)
		if (strcmp(s[i].fields[POSTCONF_TYPE], "inet") == 0 &&
		    ports_collide(s[i].fields[POSTCONF_NAME], place))
			return &s[i];
	return NULL;
}

/* --- addresses of this host --- */

/* Returns 1 when main.cf lets Postfix use the family. */
static int
ports_has_family(const struct postconf *postconf, int family)
{
	const char *protocols = postconf_value(postconf, "inet_protocols");

	return protocols == NULL || strstr(protocols, "all") != NULL ||
	    strstr(protocols, family == AF_INET ? "ipv4" : "ipv6") != NULL;
}

/* Returns 1 when a program of this host may listen at the address. */
static int
ports_can_bind(const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int can = fd != -1 && bind(fd, address, len) == 0;

	if (fd != -1)
		close(fd);
	return can;
}

const char *
ports_unfit(const struct postconf *postconf, const char *place)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	char address[INET6_ADDRSTRLEN];
	int is_v6, can;

	if (ports_parse(place, address) == -1)
		return "this is no port";
	if (address[0] == '\0')
		return NULL;
	is_v6 = place[0] == '[' &&
	    inet_pton(AF_INET6, address, &in6.sin6_addr) == 1;
	if (!is_v6 && inet_pton(AF_INET, address, &in4.sin_addr) != 1)
		return "an address is one of IPv4, or one of IPv6 in brackets";
	if (!ports_has_family(postconf, is_v6 ? AF_INET6 : AF_INET))
		return "inet_protocols of main.cf leaves this address out, and "
		       "Postfix would end";
	can = is_v6 ? ports_can_bind((struct sockaddr *)&in6, sizeof(in6))
		    : ports_can_bind((struct sockaddr *)&in4, sizeof(in4));
	return can ? NULL
		   : "this host does not have the address, and Postfix would "
		     "end";
}

/* --- of other programs --- */

/*
 * Writes an address as /proc/net/tcp and tcp6 have it: words of 32 bits in the
 * host's order. "" for another text, such as a host's name.
 */
static void
ports_hex(const char *address, char hex[33])
{
	uint32_t words[4];
	size_t i, count = 0;

	if (inet_pton(AF_INET, address, words) == 1)
		count = 1;
	else if (inet_pton(AF_INET6, address, words) == 1)
		count = 4;
	hex[0] = '\0';
	for (i = 0; i < count; i++)
		snprintf(hex + 8 * i, 9, "%08X", words[i]);
}

/* Returns 1 when the process has this socket open. */
static int
ports_holds(pid_t pid, unsigned long inode)
{
	char path[64], wanted[64], target[64];
	const struct dirent *entry;
	int held = 0;
	ssize_t n;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	if ((fds = opendir(path)) == NULL)
		return 1; /* nobody can say */
	while (!held && (entry = readdir(fds)) != NULL) {
		n = readlinkat(
		    dirfd(fds), entry->d_name, target, sizeof(target) - 1);
		if (n > 0) {
			target[n] = '\0';
			held = strcmp(target, wanted) == 0;
		}
	}
	closedir(fds);
	return held;
}

/* Looks for listeners on the port at the address, or at all addresses. */
static enum ports_owner
ports_find(pid_t pid, const char *family, int port, const char *hex)
{
	enum ports_owner owner = PORTS_NOBODY;
	char path[64], line[512], at[33];
	unsigned found, state;
	unsigned long inode;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%ld/net/%s", (long)pid, family);
	if ((in = fopen(path, "re")) == NULL)
		return PORTS_NOBODY;
	/*
	 * sl local:port remote:port state queues timer retr uid timeout inode
	 */
	while (owner != PORTS_OWN && fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line,
			" %*u: %32[0-9A-F]:%x %*[0-9A-F:] %x %*s %*s %*s %*u "
			"%*u %lu",
			at, &found, &state, &inode) == 4 &&
		    state == PORTS_LISTEN && (int)found == port &&
		    (hex[0] == '\0' || at[strspn(at, "0")] == '\0' ||
			strcmp(at, hex) == 0))
			owner =
			    ports_holds(pid, inode) ? PORTS_OWN : PORTS_OTHER;
	fclose(in);
	return owner;
}

enum ports_owner
ports_owner(pid_t pid, const char *place)
{
	char address[INET6_ADDRSTRLEN], hex[33];
	int port = ports_parse(place, address);
	enum ports_owner v4, v6;

	ports_hex(address, hex);
	v4 = ports_find(pid, "tcp", port, hex);
	v6 = ports_find(pid, "tcp6", port, hex);
	return v4 > v6 ? v4 : v6;
}
