/*
 * plan.h - what has to be changed of a Postfix so that it has the fragments:
 * compares what is wanted with what is there.
 */
#ifndef MSGRAPHCTL_PLAN_H
#define MSGRAPHCTL_PLAN_H

#include "change.h"
#include "fragments.h"
#include "present.h"

/* What the admin asks for. Strings are borrowed from the command line. */
struct wish {
	const char *conf_file; /* msgraph.conf */
	const char *const *tenants; /* UUIDs in lower case */
	size_t tenant_count;
	const char *certificate; /* "key,certificate" for Postfix; or NULL */
	int bounces; /* bounces of other services look for their mailbox */
};

/*
 * Appends the changes: what is missing is added, a value that an older release
 * had is replaced, and any other that differs is kept. wanted is what
 * fragments_parse() reads in the text of fragments_master(). 0, or -1 with
 * *err.
 */
int plan_make(const struct fragments *fragments, const struct wish *wish,
    const struct postconf *wanted, const struct present *present,
    struct changes *changes, struct error *err);

#endif
