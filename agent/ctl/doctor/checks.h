/*
 * checks.h - the checks' functions, which checks.c lists with their names, and
 * what several of their files use.
 */
#ifndef MSGRAPHCTL_CHECKS_H
#define MSGRAPHCTL_CHECKS_H

#include <sys/types.h>

#include "lib/local/wire.h"
#include "check.h"
#include "place.h"

/* What puts missing services and settings of Postfix in their places. */
#define CHECK_SETUP "msgraphctl setup"

/* The part before the "@" of a name that nobody has. */
#define CHECK_NOBODY WIRE_AUTH_NOBODY

/*
 * Returns the path of a fragment for Postfix, such as "msgraph_route". The next
 * call overwrites it.
 */
const char *check_fragment(const char *name);

/* Returns the pid of master(8), or -1 when it does not run. */
pid_t check_master(const struct host *host);

/*
 * Returns 1 when it is Postfix, which runs, that listens on the service's port.
 */
int check_is_postfixs(
    const struct host *host, const struct postconf_service *service);

/* Returns the first service that takes mail for us; NULL: there is none. */
const struct postconf_service *check_listener(const struct host *host);

/* Returns the cleanup that a service hands its mail to; NULL: there is none. */
const struct postconf_service *check_cleanup_of(
    const struct host *host, const struct postconf_service *service);

/* What is done for each service of a kind. */
typedef void check_service(const struct host *host,
    const struct postconf_service *service, struct report *report);

/* Calls call() for each service that takes mail for us; for each transport. */
void check_each_listener(
    const struct host *host, struct report *report, check_service *call);
void check_each_transport(
    const struct host *host, struct report *report, check_service *call);

/* Calls call() for each cleanup of a service that takes mail for us, once. */
void check_each_cleanup(
    const struct host *host, struct report *report, check_service *call);

/*
 * Copies the path by which the service opens our milter's socket. 0; -1 where
 * it has no such milter.
 */
int check_milter_path(const struct host *host,
    const struct postconf_service *service, char path[PATH_MAX]);

/* Names the postconf command that gives the service a parameter. */
void check_remedy_option(struct report *report,
    const struct postconf_service *service, const char *name,
    const char *value);

/* Names the same that has a cleanup read the milter's stamp. */
void check_remedy_route(const struct host *host,
    const struct postconf_service *cleanup, struct report *report);

/* Names the remedy where Postfix's chroot does not hold our sockets. */
void check_remedy_reach(const struct host *host, struct report *report);

/* Each looks at what its row of checks.c and msgraphctl(8) say. */
typedef void check_function(const struct host *host, struct report *report);

/* check_postfix.c */
check_function check_users, check_postfix, check_running, check_services,
    check_ports;
/* check_files.c */
check_function check_settings, check_loaded, check_readable, check_identities,
    check_room;
/* check_sockets.c */
check_function check_folders, check_msgraphd, check_auth, check_milter;
/* check_sasl.c */
check_function check_sasl, check_plugin, check_sign_in, check_lookup;
/* check_listeners.c */
check_function check_milters, check_cleanup, check_stray_cr, check_secrecy;
/* check_route.c */
check_function check_route, check_transports;
/* check_bounces.c */
check_function check_bounces;
/* check_certificate.c, check_smtp.c */
check_function check_certificate, check_smtp;
/* check_network.c */
check_function check_entra, check_graph, check_uploads, check_clock;
/* check_daemon.c */
check_function check_units, check_credentials, check_throttles, check_table,
    check_authorities;
/* check_queue.c, check_log.c */
check_function check_waiting, check_unrouted, check_log, check_one_address;
/* check_limits.c */
check_function check_times, check_recipients, check_concurrency, check_sizes;

#endif
