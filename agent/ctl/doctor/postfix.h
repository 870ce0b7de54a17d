/*
 * postfix.h - Postfix's configuration as its services see it: main.cf, and
 * what a service of master.cf has in its place. Read by postconf(1), so
 * MAIL_CONFIG in the environment chooses another instance.
 */
#ifndef MSGRAPHCTL_POSTFIX_H
#define MSGRAPHCTL_POSTFIX_H

#include <stddef.h>

#include "lib/base/error.h"

#define POSTFIX_SERVICES_MAX 256

struct postfix_service {
	const char *name, *type; /* columns of master.cf */
	int is_chrooted;
	long limit; /* of processes; 0: none */
	const char *program; /* "smtpd" */
	const char *arguments; /* of the program, options included */
};

struct postfix;

/* NULL with *err when postconf cannot be run or has no main.cf. */
struct postfix *postfix_read(struct error *err);
void postfix_free(struct postfix **postfix);

/* Returns the services, in master.cf's order, and their number. */
const struct postfix_service *postfix_services(
    const struct postfix *postfix, size_t *count);

/* Returns the first service of this name and type, or NULL. */
const struct postfix_service *postfix_find(
    const struct postfix *postfix, const char *name, const char *type);

/*
 * Returns a parameter's value as the service has it, expanded, and main.cf's for
 * a service that is NULL; "" where there is none.
 */
const char *postfix_get(const struct postfix *postfix,
    const struct postfix_service *service, const char *name);

/* As postfix_get(): 1 for "yes", and a number with an optional time unit. */
int postfix_get_yes(const struct postfix *postfix,
    const struct postfix_service *service, const char *name);
long postfix_get_number(const struct postfix *postfix,
    const struct postfix_service *service, const char *name);

/*
 * Returns 1 for a service that takes mail for us: an smtpd that signs in by our
 * SASL settings, or has our milter, cleanup or transport.
 */
int postfix_is_listener(
    const struct postfix *postfix, const struct postfix_service *service);

/* Returns 1 for a transport of ours: a pipe that is called so or starts the agent. */
int postfix_is_transport(const struct postfix_service *service);

/* Returns the folder of the queue. */
const char *postfix_queue(const struct postfix *postfix);

/* Returns the queue's folder where the service is chrooted, else NULL. */
const char *postfix_root(
    const struct postfix *postfix, const struct postfix_service *service);

/*
 * Takes the next word of a list as Postfix has them, with blanks and commas
 * between, from *at on. Returns its length and sets *word; 0 at the end.
 */
size_t postfix_word(const char **at, const char **word);

/* Returns 1 when a list has this word. */
int postfix_has_word(const char *list, const char *word);

#endif
