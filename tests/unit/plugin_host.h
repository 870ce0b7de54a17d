/*
 * plugin_host.h - the program around libsasl2 in plugin_sasl.c: its options,
 * its log, its local users, an allocator that fails when told to, and what
 * stands for the stock mechanisms. To be included after cmocka.h.
 */
#ifndef TESTS_PLUGIN_HOST_H
#define TESTS_PLUGIN_HOST_H

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saslauthd-plugin/plugin.h"
#include "plugin_socket.h"

#define SECRET "s3cr~t.\xc3\xa4 "

static const char *auxprop_plugin = "entra";
static const char *entra_socket = SOCKET_PATH;
static const char *entra_timeout;
static const char *entra_lookup_suffix;
static char log_text[4096]; /* since the last sign_in() */
static int local_asked;
static char seen_name[256]; /* what a host would take for the user name */

static int
get_option(void *context, const char *plugin, const char *option,
    const char **result, unsigned *len)
{
	(void)context, (void)plugin;
	if (strcmp(option, "auxprop_plugin") == 0)
		*result = auxprop_plugin;
	else if (strcmp(option, "entra_socket") == 0)
		*result = entra_socket;
	else if (strcmp(option, "entra_timeout") == 0)
		*result = entra_timeout;
	else if (strcmp(option, "entra_lookup") == 0)
		*result = entra_lookup_suffix;
	else if (strcmp(option, "pwcheck_method") == 0)
		*result = "auxprop";
	else if (strcmp(option, "mech_list") == 0)
		*result = "PLAIN LOGIN";
	else
		return SASL_FAIL;
	if (*result == NULL)
		return SASL_FAIL;
	if (len != NULL)
		*len = (unsigned)strlen(*result);
	return SASL_OK;
}

static int
take_log(void *context, int level, const char *message)
{
	size_t used = strlen(log_text);

	(void)context;
	snprintf(log_text + used, sizeof(log_text) - used, "%d %s\n", level,
	    message);
	return SASL_OK;
}

static int
no_plugins(void *context, const char **path)
{
	(void)context;
	*path = "/nonexistent";
	return SASL_OK;
}

static int
check_local_user(sasl_conn_t *conn, void *context, const char *user,
    const char *pass, unsigned passlen, struct propctx *ctx)
{
	(void)conn, (void)context, (void)ctx;
	local_asked = 1;
	return strcmp(user, "local@example.com") == 0 &&
		passlen == strlen(SECRET) && strcmp(pass, SECRET) == 0
	    ? SASL_OK
	    : SASL_NOUSER;
}

typedef int (*callback)(void);

static const sasl_callback_t callbacks[] = {
    {SASL_CB_GETOPT, (callback)(void (*)(void))get_option, NULL},
    {SASL_CB_LOG, (callback)(void (*)(void))take_log, NULL},
    {SASL_CB_GETPATH, (callback)(void (*)(void))no_plugins, NULL},
    {SASL_CB_SERVER_USERDB_CHECKPASS,
	(callback)(void (*)(void))check_local_user, NULL},
    {SASL_CB_LIST_END, NULL, NULL},
};

/* --- an allocator of which one call fails --- */

static long fail_at = -1; /* how many calls succeed before that one */

static int
fails(void)
{
	return fail_at >= 0 && fail_at-- == 0;
}

static void *
scarce_malloc(size_t size)
{
	return fails() ? NULL : malloc(size);
}

static void *
scarce_calloc(size_t n, size_t size)
{
	return fails() ? NULL : calloc(n, size);
}

static void *
scarce_realloc(void *p, size_t size)
{
	return fails() ? NULL : realloc(p, size);
}

/* Nothing that is given back may still hold what was typed as secret. */
static int secret_left;

static void
forget(void *p)
{
	if (p != NULL &&
	    memmem(p, malloc_usable_size(p), SECRET, strlen(SECRET)) != NULL)
		secret_left = 1;
	free(p);
}

/* In the place of secret_wipe(): how much has held it, and has been wiped. */
static int secrets_wiped;

void __real_secret_wipe(void *p, size_t len);
void __wrap_secret_wipe(void *p, size_t len);

void
__wrap_secret_wipe(void *p, size_t len)
{
	if (memmem(p, len, SECRET, strlen(SECRET)) != NULL)
		secrets_wiped++;
	__real_secret_wipe(p, len);
}

/* --- other mechanisms of the same names --- */

/*
 * The stock mechanisms, as far as libsasl2's sorting sees them. They come both
 * before and after ours, as files in a folder may, and must never be taken.
 */
static int
stock_new(void *glob_context, sasl_server_params_t *sparams,
    const char *challenge, unsigned challen, void **context)
{
	(void)glob_context, (void)sparams, (void)challenge, (void)challen;
	(void)context;
	fail_msg("a stock mechanism was taken");
	return SASL_FAIL;
}

static int
stock_init(const sasl_utils_t *utils, int max_version, int *out_version,
    sasl_server_plug_t **pluglist, int *plugcount)
{
	static sasl_server_plug_t stock[] = {
	    {.mech_name = "PLAIN", .mech_new = stock_new},
	    {.mech_name = "LOGIN", .mech_new = stock_new},
	};

	(void)utils, (void)max_version;
	stock[0].security_flags = stock[1].security_flags =
	    SASL_SEC_NOANONYMOUS | SASL_SEC_PASS_CREDENTIALS;
	*out_version = SASL_SERVER_PLUG_VERSION;
	*pluglist = stock;
	*plugcount = 2;
	return SASL_OK;
}

#endif
