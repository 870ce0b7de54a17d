/*
 * route.c - writes stamps and reads next hops; see route.h. Pure functions.
 */
#include <stdio.h>
#include <string.h>

#include "route.h"

int
route_is_transport(const char *name)
{
	static const char first[] = ROUTE_TRANSPORT "-";

	if (strcmp(name, ROUTE_TRANSPORT) == 0)
		return 1;
	if (strncmp(name, first, sizeof(first) - 1) != 0 ||
	    strlen(name) >= ROUTE_TRANSPORT_SIZE)
		return 0;
	name += sizeof(first) - 1;
	return name[0] != '\0' &&
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789")] == '\0';
}

/* What would end the mailbox where Postfix reads the stamp. */
static int
route_is_one_word(const char *mailbox)
{
	for (; *mailbox != '\0'; mailbox++)
		if ((unsigned char)*mailbox <= ' ' || *mailbox == ':')
			return 0;
	return 1;
}

int
route_stamp(char stamp[ROUTE_SIZE], const char *transport, const char *mailbox,
    const struct identity *application, const char *entry)
{
	char name[IDENTITY_CANONICAL_SIZE];
	int n, named;

	named = transport != NULL && transport[0] != '\0' &&
	    strcmp(transport, ROUTE_TRANSPORT) != 0;
	if ((named && !route_is_transport(transport)) ||
	    !route_is_one_word(mailbox))
		return -1;
	n = snprintf(stamp, ROUTE_SIZE, "%s%s%s/%s", named ? transport : "",
	    named ? ":" : "", mailbox,
	    identity_canonical(application, entry, name));
	return n > 0 && n < ROUTE_SIZE ? 0 : -1;
}

/* The canonical form alone: what a mailbox holds must not pass for it. */
static int
route_read_application(const char *name, struct route *route)
{
	char again[IDENTITY_CANONICAL_SIZE];

	if (identity_parse_entry(name, strlen(name), "@", &route->application,
		route->entry, NULL) == 0 &&
	    strcmp(name,
		identity_canonical(&route->application, route->entry, again)) ==
		0)
		return 1;
	memset(&route->application, 0, sizeof(route->application));
	route->entry[0] = '\0';
	return 0;
}

int
route_parse(const char *nexthop, struct route *route)
{
	const char *slash = strrchr(nexthop, '/');
	size_t len = strlen(nexthop);

	memset(route, 0, sizeof(*route));
	if (slash != NULL && route_read_application(slash + 1, route)) {
		route->has_application = 1;
		len = (size_t)(slash - nexthop);
	}
	if (len >= sizeof(route->mailbox))
		return -1;
	memcpy(route->mailbox, nexthop, len);
	return 0;
}
