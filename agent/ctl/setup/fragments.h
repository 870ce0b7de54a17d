/*
 * fragments.h - the fragments of main.cf and master.cf that are installed with
 * the relay (conf-examples/postfix): what they say for this Postfix and for the
 * services that the admin wants.
 */
#ifndef MSGRAPHCTL_FRAGMENTS_H
#define MSGRAPHCTL_FRAGMENTS_H

#include "agent/ctl/base/postconf.h"
#include "lib/base/span.h"

#define LISTENERS_MAX 16
#define LISTENER_SIZE 128 /* of a name or place, NUL included */
#define FRAGMENTS_FIRST "8025" /* the service that all others differ from */

/* A service that clients connect to. */
struct listener {
	char fragment
	    [LISTENER_SIZE]; /* FRAGMENTS_FIRST or a file of services/ */
	char place[LISTENER_SIZE]; /* [address:]port, or a port's name */
	int is_anywhere; /* the admin named no place */
	int is_there; /* master.cf has it, and it is ours */
};

/* A service as its fragment has it. Spans point into the text. */
struct fragment {
	char name[LISTENER_SIZE]; /* of its file; or FRAGMENTS_FIRST */
	char place[LISTENER_SIZE]; /* where it listens by itself */
	char daemon_name[LISTENER_SIZE]; /* what the milter knows it by */
	int is_wrapped; /* TLS from the first byte */
	struct buf text; /* of its file */
	struct span about; /* comments before it */
	struct span fields; /* its line without the name */
	struct span options; /* lines that follow, for others what differs */
};

struct fragments {
	const char *share; /* the folder with postfix/ and sasl/; borrowed */
	const char *folder; /* Postfix's; borrowed */
	struct buf master, main, route, sasl; /* texts of the files */
	struct fragment list[LISTENERS_MAX]; /* FRAGMENTS_FIRST comes first */
	size_t count;
};

/*
 * Reads the files. Places in /etc/postfix become those in folder. 0; or -1 with
 * *err, and *fragments empty.
 */
int fragments_load(struct fragments *fragments, const char *share,
    const char *folder, struct error *err);

/* Frees what was read. Takes an empty one. */
void fragments_free(struct fragments *fragments);

/* Returns a service by its name. NULL with *err, which says what there is. */
const struct fragment *fragments_find(
    const struct fragments *fragments, const char *name, struct error *err);

/*
 * Appends the text for master.cf: the listeners, with certificate (NULL: none
 * named) where they know TLS, and the services behind them. 0, or -1 with *err.
 */
int fragments_master(const struct fragments *fragments,
    const struct listener *listeners, size_t count, const char *certificate,
    struct buf *out, struct error *err);

/* Reads a text for master.cf as Postfix does. 0, or -1 with *err. */
int fragments_parse(
    const char *master, struct postconf *wanted, struct error *err);

#endif
