/*
 * postfix.h - Postfix's configuration as its services see it: what checks ask
 * of base/postconf.h.
 */
#ifndef MSGRAPHCTL_POSTFIX_H
#define MSGRAPHCTL_POSTFIX_H

#include "agent/ctl/base/postconf.h"

/* Returns a column of a service's line in master.cf. */
const char *postfix_name(const struct postconf_service *service);
const char *postfix_program(const struct postconf_service *service);

/*
 * Returns a parameter's value as the service has it, and main.cf's for a
 * service that is NULL; "" where there is none.
 */
const char *postfix_get(const struct postconf *postfix,
    const struct postconf_service *service, const char *name);

/* Returns 1 when the value, as of postfix_get(), is "yes". */
int postfix_is_yes(const struct postconf *postfix,
    const struct postconf_service *service, const char *name);

/* Returns the value, as of postfix_get(), as a number; a time in seconds. */
long postfix_number(const struct postconf *postfix,
    const struct postconf_service *service, const char *name);

/* Returns the most processes that the service may have; 0: no limit. */
long postfix_limit(
    const struct postconf *postfix, const struct postconf_service *service);

/*
 * Returns 1 for a service that takes mail for us: an smtpd that signs in by our
 * SASL settings, or has our milter, cleanup or transport.
 */
int postfix_is_listener(
    const struct postconf *postfix, const struct postconf_service *service);

/* Returns 1 for a service of TCP. */
int postfix_is_inet(const struct postconf_service *service);

/* Returns 1 when the service has TLS, by STARTTLS or from the first byte. */
int postfix_has_tls(
    const struct postconf *postfix, const struct postconf_service *service);

/*
 * Returns 1 for a transport of ours: a pipe that is called so or starts the
 * agent.
 */
int postfix_is_transport(const struct postconf_service *service);

/* Returns the folder of the queue. */
const char *postfix_queue(const struct postconf *postfix);

/* Returns the queue's folder where the service is chrooted, else NULL. */
const char *postfix_root(
    const struct postconf *postfix, const struct postconf_service *service);

/*
 * Takes the next word of a list as Postfix has them, with blanks and commas
 * between, but for those in braces, from *at on. Returns its length and sets
 * *word; 0 at the end.
 */
size_t postfix_word(const char **at, const char **word);

/* Returns 1 when a list has this word. */
int postfix_has_word(const char *list, const char *word);

#endif
