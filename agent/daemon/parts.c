/*
 * parts.c - see parts.h.
 */
#include "agent/daemon/delivery/delivery.h"
#include "agent/daemon/delivery/draft_trash.h"
#include "agent/daemon/entra/account.h"
#include "agent/daemon/identities/identities.h"
#include "agent/daemon/maps/map_azure_resource.h"
#include "agent/daemon/net/http.h"
#include "agent/daemon/services/bounce_count.h"
#include "agent/daemon/store/journal.h"
#include "agent/daemon/store/state.h"
#include "agent/daemon/store/vault.h"
#include "agent/daemon/throttle/throttle.h"
#include "agent/daemon/turn/turn.h"
#include "clock_watch.h"
#include "housekeeping.h"
#include "parts.h"

/*
 * Makes the table of identities and the accounts, which need each other. Tokens
 * for Graph and for storage never meet.
 */
static int
parts_start_identities(struct msgraphd *d, struct error *err)
{
	const struct credentials *credentials;
	struct map_with with = {
	    .base = d->base, .conf = &d->conf, .http = d->entra_http};

	d->accounts = accounts_new(
	    d->base, &d->conf, d->entra_http, d->state, d->throttles, NULL);
	d->storage_accounts = accounts_new(d->base, &d->conf, d->entra_http,
	    d->state, d->throttles, map_azure_resource);
	if (d->accounts == NULL || d->storage_accounts == NULL)
		return error_no_memory(err);
	with.accounts = d->storage_accounts;
	d->identities = identities_new(&with, d->state, err);
	if (d->identities == NULL)
		return -1;
	accounts_use_activity(d->accounts, d->activity);
	credentials = identities_credentials(d->identities);
	accounts_use_credentials(d->accounts, credentials);
	accounts_use_credentials(d->storage_accounts, credentials);
	return 0;
}

int
parts_start(struct msgraphd *d, struct error *err)
{
	const char *directory = d->conf.state_directory;

	d->vault =
	    vault_load(d->conf.vault_key_file, !state_exists(directory), err);
	if (d->vault == NULL)
		return -1;
	if ((d->state = state_open(directory, d->vault, err)) == NULL)
		return -1;
	if ((d->base = event_base_new()) == NULL)
		return error_set(err, ERROR_OURS, "4.3.0", "libevent");
	if ((d->clock_watch = clock_watch_new(d)) == NULL)
		return error_no_memory(err);
	if ((d->http = http_new(d->base, &d->conf, err)) == NULL ||
	    (d->entra_http = http_new(d->base, &d->conf, err)) == NULL)
		return -1;
	if ((d->throttles = throttles_new(d->base, d->state, err)) == NULL)
		return -1;
	d->journal = journal_new(d->base, d->state, err);
	if (d->journal == NULL)
		return -1;
	if (parts_start_identities(d, err) == -1)
		return -1;
	d->turns = turns_new(d->base, &d->conf, d->accounts, d->throttles, err);
	if (d->turns == NULL)
		return -1;
	d->trash = draft_trash_new(d, err);
	if (d->trash == NULL)
		return -1;
	d->housekeeping = housekeeping_new(d, err);
	return d->housekeeping == NULL ? -1 : 0;
}

void
parts_stop(struct msgraphd *d)
{
	housekeeping_free(&d->housekeeping);
	delivery_drop_all(d);
	journal_free(&d->journal);
	draft_trash_free(&d->trash);
	clock_watch_free(&d->clock_watch);
	bounce_counts_clear(&d->bounce_counts);
	turns_free(&d->turns);
	identities_stop(d->identities);
	accounts_free(&d->accounts);
	accounts_free(&d->storage_accounts);
	identities_free(&d->identities);
	http_free(&d->http);
	http_free(&d->entra_http);
	throttles_free(&d->throttles);
	state_close(&d->state);
	vault_free(&d->vault);
}
