/*
 * plugin.c - the two functions that libsasl2 looks up in libentra.so.
 *
 * The library lies in the system's folder of SASL plugins, so every SASL
 * server on the host loads it: other smtpd services, an IMAP server, slapd.
 * They must not notice. So the mechanisms, which would go before the stock
 * ones of the same name, are offered only where the service's own SASL
 * configuration names "entra" in auxprop_plugin; and the auxprop plugin does
 * nothing unless it is asked to verify a secret.
 *
 * Runs inside a host program: no output but through utils->log, no exit, no
 * signal, umask or environment changes, and no state of its own but
 * the uid of msgraphd.
 */
#include <string.h>
#include <strings.h>

#include "plugin.h"

static char plugin_name[] = ENTRA_NAME; /* libsasl2 wants it writable */

static sasl_auxprop_plug_t auxprop_plugin = {
    .auxprop_lookup = entra_lookup,
    .name = plugin_name,
};

static int
plugin_refuse_version(const sasl_utils_t *utils, const char *what)
{
	utils->log(NULL, SASL_LOG_ERR,
	    ENTRA_NAME ": this libsasl2 is too old for libentra.so (%s plugin "
		       "interface); nobody can sign in with Entra here",
	    what);
	return SASL_BADVERS;
}

int
sasl_auxprop_plug_init(const sasl_utils_t *utils, int max_version,
    int *out_version, sasl_auxprop_plug_t **plug, const char *plugname)
{
	(void)plugname; /* the file's name, of no interest */
	if (utils == NULL || out_version == NULL || plug == NULL)
		return SASL_BADPARAM;
	if (max_version < SASL_AUXPROP_PLUG_VERSION)
		return plugin_refuse_version(utils, "auxprop");
	entra_find_daemon();
	*out_version = SASL_AUXPROP_PLUG_VERSION;
	*plug = &auxprop_plugin;
	return SASL_OK;
}

/* Whether one of the words of list is name, in any letter case. */
static int
plugin_lists(const char *list, const char *name)
{
	static const char blanks[] = " \t\r\n";
	size_t len;

	for (list += strspn(list, blanks); *list != '\0';
	     list += len, list += strspn(list, blanks)) {
		len = strcspn(list, blanks);
		if (len == strlen(name) && strncasecmp(list, name, len) == 0)
			return 1;
	}
	return 0;
}

static int
plugin_is_wanted(const sasl_utils_t *utils)
{
	const char *list = NULL;

	if (utils->getopt(utils->getopt_context, NULL, "auxprop_plugin", &list,
		NULL) != SASL_OK)
		return 0;
	return list != NULL && plugin_lists(list, ENTRA_NAME);
}

int
sasl_server_plug_init(const sasl_utils_t *utils, int max_version,
    int *out_version, sasl_server_plug_t **pluglist, int *plugcount)
{
	if (utils == NULL || out_version == NULL || pluglist == NULL ||
	    plugcount == NULL)
		return SASL_BADPARAM;
	if (max_version < SASL_SERVER_PLUG_VERSION)
		return plugin_refuse_version(utils, "server");
	entra_find_daemon();
	*out_version = SASL_SERVER_PLUG_VERSION;
	*pluglist = entra_mechanisms;
	*plugcount = plugin_is_wanted(utils) ? entra_mechanisms_count : 0;
	return SASL_OK;
}
