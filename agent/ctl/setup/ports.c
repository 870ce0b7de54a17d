/*
 * ports.c - see ports.h.
 *
 * Whether a port is in use is read from /proc/net, and not tried: this way one
 * need not be root, and Postfix cannot meet the attempt.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	if (end != name && *end == '\0')
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
	if (len >= INET6_ADDRSTRLEN)
		return -1;
	memcpy(address, place, len);
	address[len] = '\0';
	return ports_number(port != NULL ? port + 1 : place);
}

const struct postconf_service *
ports_service(const struct postconf *postconf, const char *place)
{
	char wanted[INET6_ADDRSTRLEN], address[INET6_ADDRSTRLEN];
	int port = ports_parse(place, wanted);
	const struct postconf_service *s;
	size_t i;

	for (i = 0; port != -1 && i < postconf->service_count; i++) {
		s = &postconf->services[i];
		if (strcmp(s->fields[POSTCONF_TYPE], "inet") == 0 &&
		    ports_parse(s->fields[POSTCONF_NAME], address) == port &&
		    (wanted[0] == '\0' || address[0] == '\0' ||
			strcmp(wanted, address) == 0))
			return s;
	}
	return NULL;
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

/* Looks for a listener on the port at the address, or at all addresses. */
static int
ports_find(const char *file, int port, const char *hex)
{
	FILE *in = fopen(file, "r");
	char line[512], at[33];
	unsigned found, state;
	int is_found = 0;

	if (in == NULL)
		return 0;
	while (!is_found && fgets(line, sizeof(line), in) != NULL)
		is_found = sscanf(line, " %*u: %32[0-9A-F]:%x %*[0-9A-F:] %x",
			       at, &found, &state) == 3 &&
		    state == PORTS_LISTEN && (int)found == port &&
		    (hex[0] == '\0' || at[strspn(at, "0")] == '\0' ||
			strcmp(at, hex) == 0);
	fclose(in);
	return is_found;
}

int
ports_is_listened_to(const char *place)
{
	char address[INET6_ADDRSTRLEN], hex[33];
	int port = ports_parse(place, address);

	ports_hex(address, hex);
	return ports_find("/proc/net/tcp", port, hex) ||
	    ports_find("/proc/net/tcp6", port, hex);
}
