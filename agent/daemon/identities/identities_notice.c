/*
 * identities_notice.c - tells the admin, at a start and at a reload, that
 * nobody has said yet who may sign in.
 *
 * This is so after an upgrade from a version without allowed_tenants. What is
 * known here goes on, and the line that the log proposes has its tenants.
 */
#include <stdio.h>

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "identities_private.h"

/*
 * So many tenants have room in a line of the log, and in one of the settings.
 */
#define IDENTITIES_NOTICE_TENANTS 40
#define IDENTITIES_NOTICE_MAX (IDENTITIES_NOTICE_TENANTS * (UUID_TEXT_SIZE + 1))

void
identities_notice(struct identities *identities)
{
	char tenants[IDENTITIES_NOTICE_TENANTS + 1][UUID_TEXT_SIZE];
	struct buf list;
	struct error err;
	int count, i;

	if (identities->conf->allowed_tenants != NULL ||
	    identities->table == NULL || table_count(identities->table) > 0)
		return;
	count = state_tenants(
	    identities->state, tenants, IDENTITIES_NOTICE_TENANTS + 1, &err);
	if (count == -1)
		log_warning("cannot list the tenants: %s", err.text);
	if (count <= 0)
		return;
	buf_init(&list, IDENTITIES_NOTICE_MAX);
	for (i = 0; i < count && i < IDENTITIES_NOTICE_TENANTS; i++)
		buf_printf(&list, "%s%s", i == 0 ? "" : ", ", tenants[i]);
	log_warning("allowed_tenants is empty and the table of identities has "
		    "no entries: applications that have signed in here go on, "
		    "new ones hear 454; to let in those of the tenants known "
		    "here%s, add to msgraph.conf and reload: "
		    "allowed_tenants = %s",
	    count > IDENTITIES_NOTICE_TENANTS ? " (the first of them)" : "",
	    list.bytes);
	buf_free(&list);
}
