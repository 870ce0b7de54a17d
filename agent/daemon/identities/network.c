/*
 * network.c - see network.h. Pure functions.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "network.h"

/* ::ffff:0:0/96 */
static const unsigned char network_mapped[12] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

int
network_is_ipv4(const struct network *network)
{
	return network->bits >= NETWORK_IPV4_BITS &&
	    memcmp(network->address, network_mapped, sizeof(network_mapped)) ==
	    0;
}

int
network_parse_address(const char *text, struct network *network)
{
	network->bits = NETWORK_BITS_MAX;
	memcpy(network->address, network_mapped, sizeof(network_mapped));
	if (inet_pton(
		AF_INET, text, network->address + sizeof(network_mapped)) == 1)
		return 0;
	return inet_pton(AF_INET6, text, network->address) == 1 ? 0 : -1;
}

void
network_mask(struct network *network, unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < NETWORK_ADDRESS_BYTES; i++) {
		if (bits >= 8 * (i + 1))
			continue;
		network->address[i] &= bits <= 8 * i
		    ? 0
		    : (unsigned char)(0xff00 >> (bits - 8 * i));
	}
	network->bits = bits;
}

char *
network_text(const struct network *network, char text[NETWORK_TEXT_SIZE])
{
	int is_ipv4 = network_is_ipv4(network);
	unsigned int skipped = is_ipv4 ? NETWORK_IPV4_BITS : 0;
	size_t used;

	inet_ntop(is_ipv4 ? AF_INET : AF_INET6, network->address + skipped / 8,
	    text, NETWORK_TEXT_SIZE);
	used = strlen(text);
	if (network->bits < NETWORK_BITS_MAX)
		snprintf(text + used, NETWORK_TEXT_SIZE - used, "/%u",
		    network->bits - skipped);
	return text;
}

/* One to three digits, without a zero before others; -1 when it is none. */
static int
network_parse_bits(const char *text, int max)
{
	int bits = 0;
	size_t i;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -1;
	for (i = 0; text[i] != '\0'; i++) {
		if (i == 3 || text[i] < '0' || text[i] > '9')
			return -1;
		bits = bits * 10 + text[i] - '0';
	}
	return bits <= max ? bits : -1;
}

static int
network_no_network(const char *text, struct error *err)
{
	return error_set(err, ERROR_OURS, "4.3.5",
	    "\"%.64s\" is no network such as 192.0.2.0/24 or 2001:db8::/64, "
	    "and no address",
	    text);
}

static int
network_has_host(
    const char *text, const struct network *network, struct error *err)
{
	char corrected[NETWORK_TEXT_SIZE];

	return error_set(err, ERROR_OURS, "4.3.5",
	    "\"%.64s\" has bits set behind the network's; did you mean %s?",
	    text, network_text(network, corrected));
}

int
network_parse(const char *text, struct network *network, struct error *err)
{
	char address[NETWORK_TEXT_SIZE];
	const char *slash = strchr(text, '/');
	struct network full;
	int bits, is_dotted;

	if (slash == NULL)
		return network_parse_address(text, network) == 0
		    ? 0
		    : network_no_network(text, err);
	if (slash - text >= (long)sizeof(address))
		return network_no_network(text, err);
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (network_parse_address(address, &full) == -1)
		return network_no_network(text, err);
	is_dotted = strchr(address, ':') == NULL;
	bits = network_parse_bits(slash + 1, is_dotted ? 32 : 128);
	if (bits == -1)
		return network_no_network(text, err);
	*network = full;
	network_mask(
	    network, (unsigned int)bits + (is_dotted ? NETWORK_IPV4_BITS : 0));
	return memcmp(network->address, full.address, sizeof(full.address)) == 0
	    ? 0
	    : network_has_host(text, network, err);
}
