/*
 * listeners.h - which services of the fragments a Postfix is to have: those
 * that the admin names, and those that are there.
 */
#ifndef MSGRAPHCTL_LISTENERS_H
#define MSGRAPHCTL_LISTENERS_H

#include "fragments.h"

struct listeners {
	struct listener list[LISTENERS_MAX];
	size_t count;
};

/*
 * Adds what an admin names, "service" or "service=[address:]port". 0, or -1
 * with *err.
 */
int listeners_name(struct listeners *listeners,
    const struct fragments *fragments, const char *word, struct error *err);

/*
 * Adds the services of ours that master.cf has. One that was named without a
 * place is the one that is there. Where there are none at all, adds
 * FRAGMENTS_FIRST. 0, or -1 with *err.
 */
int listeners_find(struct listeners *listeners,
    const struct fragments *fragments, const struct postconf *present,
    struct error *err);

/*
 * Refuses a place that another service of master.cf has, where another program
 * listens, or where Postfix cannot. 0, or -1 with *err that says what to do.
 */
int listeners_check(const struct listeners *listeners,
    const struct postconf *present, struct error *err);

#endif
