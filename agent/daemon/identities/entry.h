/*
 * entry.h - an entry of the table of identities, and what is known of a client
 * that may use one.
 */
#ifndef MSGRAPHD_ENTRY_H
#define MSGRAPHD_ENTRY_H

#include <stddef.h>

#include "agent/daemon/entra/credential.h"
#include "lib/local/identity.h"
#include "network.h"

/* Attributes that an entry may have; the table of them has no more rows. */
#define TABLE_ATTRIBUTES_MAX 20

/*
 * An entry. Lists have a NULL at their end, and are sorted where table_covers()
 * reads them. Everything is the table's.
 */
struct entry {
	char name[ENTRY_NAME_SIZE];
	struct identity application;
	struct credential *credential; /* NULL: clients bring their secret */
	struct network *networks; /* of clients= */
	size_t network_count;
	const char *daemon_name; /* NULL as the next two: any */
	const char *certificate_issuer, *certificate_subject;
	char **certificate; /* what the two point into */
	char **logins; /* NULL: none */
	char **senders; /* addresses and "@domain"; NULL: any */
	char **recipients; /* as senders */
	int senders_any; /* senders=any, said aloud */
	int sign_in; /* 1: clients may sign in as this entry */
	int disabled;
	const char *from; /* NULL as the next two: none */
	const char *fallback_mailbox;
	const char *transport;
	long rate_count, rate_seconds; /* rate_limit; 0: none */
	const char *expires; /* a date, as written; NULL: none */
	long expires_day; /* days since 1970-01-01 */
	long expect; /* seconds; 0: none */
	const char *file; /* where the entry begins; the table's, or a map */
	unsigned int line; /* 0: it is a row of a map outside */
	int is_outside; /* only some attributes count: see table_entry.c */
	int is_hidden; /* for table.c alone */

	/*
	 * as written, in the order of table_entry_attribute(); NULL: not given
	 */
	const char *values[TABLE_ATTRIBUTES_MAX];
};

/* Entries of an application that something can be asked about at once. */
enum entry_group {
	ENTRY_ALL,
	ENTRY_ENABLED, /* not disabled */
	ENTRY_SIGN_IN, /* may be signed into, disabled ones as well */
	ENTRY_LENDING, /* not disabled, and with a credential of its own */
	ENTRY_GROUPS
};

/* What is known of a client that has not signed in; empty: not known. */
struct table_client {
	const char *address, *daemon_name;
	const char *certificate_issuer, *certificate_subject;
};

#endif
