/*
 * account_admin.c - what an admin may see of an account, and forget; see
 * account.h. It belongs to the sign-ins' layer: it uses the queue.
 */
#include "agent/daemon/base/clock.h"
#include "waiting.h"

void
accounts_use_activity(struct accounts *accounts, struct activity *activity)
{
	accounts->with.activity = activity;
}

long long
account_token_until(
    struct accounts *accounts, const struct identity *id, const char *entry)
{
	const struct account *account =
	    account_table_find(accounts->table, id, entry);

	if (account == NULL || !account_known_has_token(account))
		return 0;
	return clock_wall() + (account->usable_until - clock_ms()) / 1000;
}

/* Gives up the request that is made with what is forgotten, or is older. */
static void
account_admin_give_up(struct waiting_queue *queue)
{
	refresh_cancel(&queue->lists[ACCOUNT_STORED].refresh);
	wake_up(&queue->wake);
}

int
account_forget(struct accounts *accounts, const struct identity *id,
    const char *entry, struct account_forgotten *what, struct error *err)
{
	struct account *account = account_table_get(accounts->table, id, entry);
	int stored = 0;

	if (account == NULL)
		return error_no_memory(err);
	if (!account_known_is_own(account)) {
		stored = state_forget(account->state, id, err);
		what->refusals += refusals_forget(accounts->with.refusals, id);
	}
	if (stored != -1) {
		what->stored |= stored;
		what->token |= account_known_has_token(account);
		what->accepted |= auth_cache_any(
		    &account->auth_cache, account_known_ttl(account));
		account_known_forget(account);
		activity_works(accounts->with.activity, id, entry);
	}
	if (account->work != NULL)
		account_admin_give_up(account->work);
	else
		account_table_rest(accounts->table, account);
	return stored == -1 ? -1 : 0;
}

struct waiter *
account_renew(struct accounts *accounts, const struct identity *id,
    const char *entry, account_done done, void *ctx)
{
	struct waiting_queue *queue = waiting_queue_get(accounts, id, entry);
	struct waiter *waiter = waiting_join(queue, NULL, done, ctx);

	if (waiter == NULL)
		return NULL;
	waiter->not_before = queue->account->tokens + 1;
	account_known_ask_anew(queue->account);
	account_admin_give_up(queue);
	return waiter;
}
