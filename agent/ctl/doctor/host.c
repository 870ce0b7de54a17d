/*
 * host.c - see host.h.
 */
#include <stdlib.h>
#include <string.h>

#include "host.h"

void
host_read(struct host *host, const char *conf_file)
{
	memset(host, 0, sizeof(*host));
	/* checks work in another folder */
	host->conf_file =
	    conf_file[0] != '/' && realpath(conf_file, host->path) != NULL
	    ? host->path
	    : conf_file;
	host->has_conf =
	    conf_load(&host->conf, conf_file, &host->conf_error) == 0;
	if (postconf_read(&host->postconf, NULL, POSTCONF_EXPANDED,
		&host->postfix_error) == 0)
		host->postfix = &host->postconf;
}

void
host_free(struct host *host)
{
	if (host->has_conf)
		conf_free(&host->conf);
	postconf_free(&host->postconf);
	host->postfix = NULL;
}
