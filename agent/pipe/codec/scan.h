/*
 * scan.h - whether bytes hold anything that asks for a closer look: what makes
 * the agent read a message's MIME structure at all.
 *
 * Costs about as much as copying the bytes. They come in pieces of any size.
 */
#ifndef MSGRAPH_AGENT_SCAN_H
#define MSGRAPH_AGENT_SCAN_H

#include <stddef.h>

/* RFC 5322 section 2.1.1, without the line end. */
#define SCAN_LINE_MAX 998

struct scan {
	int eight_bit; /* a byte above 127 */
	int line_end; /* a CR without LF or a LF without CR */
	int long_line; /* a line over SCAN_LINE_MAX; LF ends lines */
	int nul;
	size_t line; /* bytes of the last line so far */
	int started;
	char last; /* the last byte, once started */
};

/* Looks at the next bytes. Starts as all zeros; scan_end() follows the last. */
void scan_update(struct scan *, const char *bytes, size_t len);
void scan_end(struct scan *);

/* Returns 1 when any of it was found. */
int scan_found(const struct scan *);

#endif
