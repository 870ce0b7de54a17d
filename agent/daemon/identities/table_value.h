/*
 * table_value.h - the kinds of values that the attributes of an entry have.
 *
 * Each reader returns 0, or -1 with *err (ERROR_OURS, 4.3.5) that says what the
 * value must be; the caller puts file, line and name before that.
 */
#ifndef MSGRAPHD_TABLE_VALUE_H
#define MSGRAPHD_TABLE_VALUE_H

#include <stddef.h>

#include "lib/base/error.h"
#include "lib/local/identity.h"

/* Reads "yes" or "no" as 1 or 0. */
int table_value_yes(const char *value, int *yes, struct error *err);

/* Reads an application in any form that a user name may have, and with '/'. */
int table_value_application(
    const char *value, struct identity *application, struct error *err);

/*
 * Checks an address in canonical form: lower case, xn--, no quotes. may_domain:
 * "@domain" is taken as well.
 */
int table_value_address(const char *address, int may_domain, struct error *err);

/* Reads "30/m": a number of messages a second, minute, hour or day. */
int table_value_rate(
    const char *value, long *count, long *seconds, struct error *err);

/* Reads a date, "2027-03-31", as days since 1970-01-01. */
int table_value_date(const char *value, long *day, struct error *err);

/*
 * Reads "26h": minutes, hours or days, from 10 minutes to 400 days, in seconds.
 */
int table_value_duration(const char *value, long *seconds, struct error *err);

/*
 * Checks a transport, which the route must let through: msgraph, msgraph-slow.
 */
int table_value_transport(const char *value, struct error *err);

/*
 * Reads a list: items between commas or blanks, and in double quotes where they
 * hold these. *list becomes a single allocation, the caller's, with a NULL at
 * its end.
 */
int table_value_list(const char *value, char ***list, struct error *err);

/*
 * Reads a list of addresses and "@domain", and sorts it for
 * table_value_covers(). *list is the caller's even where -1 is returned.
 */
int table_value_addresses(const char *value, char ***list, struct error *err);

/*
 * Returns 1 when a list of table_value_addresses() names the address, or its
 * "@domain".
 */
int table_value_covers(char *const *list, const char *address);

/* Returns the number of items, without the NULL. */
size_t table_value_count(char *const *list);

#endif
