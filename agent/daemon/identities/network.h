/*
 * network.h - networks of IP addresses: read strictly, compared, written.
 */
#ifndef MSGRAPHD_NETWORK_H
#define MSGRAPHD_NETWORK_H

#include "lib/base/error.h"

#define NETWORK_ADDRESS_BYTES 16
#define NETWORK_BITS_MAX 128

/* Bits that all IPv4 addresses share, mapped into IPv6. */
#define NETWORK_IPV4_BITS 96

/* An address of 39 characters, "/128" and the NUL; and some to spare. */
#define NETWORK_TEXT_SIZE 64

/*
 * A network of clients. IPv4 is mapped into IPv6 (RFC 4291 section 2.5.5.2),
 * and so 192.0.2.0/24 and ::ffff:192.0.2.0/120 are the same.
 */
struct network {
	unsigned char address[NETWORK_ADDRESS_BYTES];
	unsigned int bits;
};

/*
 * Reads "192.0.2.0/24", "2001:db8::/64", or an address alone. 0; or -1 with
 * *err, which has the corrected network where bits of a host are set.
 */
int network_parse(const char *text, struct network *network, struct error *err);

/* Reads an address alone, as network_parse(); 0 or -1. */
int network_parse_address(const char *text, struct network *network);

/* Clears the bits of the address behind the first so many. */
void network_mask(struct network *network, unsigned int bits);

/* Returns 1 for an address or a network of IPv4. */
int network_is_ipv4(const struct network *network);

/* Writes the network into text and returns it; no "/" behind one address. */
char *network_text(const struct network *network, char text[NETWORK_TEXT_SIZE]);

#endif
