/*
 * host.h - what checks look at: the settings of msgraph.conf, and Postfix's as
 * its services see them. Read once, before the first check.
 */
#ifndef MSGRAPHCTL_HOST_H
#define MSGRAPHCTL_HOST_H

#include <limits.h>

#include "lib/conf/conf.h"
#include "postfix.h"

struct host {
	const char *conf_file;
	char path[PATH_MAX]; /* of it, where it was named from another folder */
	int has_conf; /* 0: conf_error says why */
	struct conf conf;
	struct error conf_error;
	const struct postconf *postfix; /* NULL: postfix_error says why */
	struct postconf postconf; /* the same, for host_free() */
	struct error postfix_error;
};

/* Reads both. What could not be read is for the checks to say. */
void host_read(struct host *host, const char *conf_file);
void host_free(struct host *host);

#endif
