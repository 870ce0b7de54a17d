/*
 * client.c - copies what Postfix tells of a client. See client.h.
 *
 * A macro's value lives until libmilter hears the next ones, and each question
 * to msgraphd is about the client. So what is told at MAIL FROM is copied,
 * whole: what was cut could be the name of another.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

static const struct {
	const char *macro;
	size_t offset;
} members[] = {
    {"{auth_authen}", offsetof(struct client, user)},
    {"{client_addr}", offsetof(struct client, address)},
    {"{client_name}", offsetof(struct client, name)},
    {"{daemon_name}", offsetof(struct client, daemon_name)},
    {"{cert_issuer}", offsetof(struct client, certificate_issuer)},
    {"{cert_subject}", offsetof(struct client, certificate_subject)},
};

#define COUNT (sizeof(members) / sizeof(*members))

static char **
client_member(struct client *c, size_t i)
{
	return (char **)((char *)c + members[i].offset);
}

/* Postfix has the form of RFC 5321 section 4.1.3, or "unknown". */
static const char *
client_plain_address(const char *address)
{
	static const char ipv6[] = "IPv6:";

	if (strncmp(address, ipv6, sizeof(ipv6) - 1) == 0)
		return address + sizeof(ipv6) - 1;
	return strcmp(address, "unknown") == 0 ? "" : address;
}

int
client_read(struct client *c, client_macro *get, void *arg, struct error *err)
{
	const char *value;
	size_t i;

	for (i = 0; i < COUNT; i++) {
		value = get(arg, members[i].macro);
		if (value == NULL)
			value = "";
		if (members[i].offset == offsetof(struct client, address))
			value = client_plain_address(value);
		if ((*client_member(c, i) = strdup(value)) == NULL)
			return error_no_memory(err);
	}
	return 0;
}

void
client_free(struct client *c)
{
	size_t i;

	for (i = 0; i < COUNT; i++) {
		free(*client_member(c, i));
		*client_member(c, i) = NULL;
	}
}

char *
client_text(const struct client *c, char text[CLIENT_TEXT_SIZE])
{
	char name[REPLY_SENDER_SIZE], address[REPLY_SENDER_SIZE];

	reply_sender(c->name == NULL ? "" : c->name, name);
	reply_sender(c->address == NULL ? "" : c->address, address);
	snprintf(text, CLIENT_TEXT_SIZE, "%s[%s]",
	    name[0] == '\0' ? "unknown" : name,
	    address[0] == '\0' ? "unknown" : address);
	return text;
}
