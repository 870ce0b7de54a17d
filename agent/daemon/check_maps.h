/*
 * check_maps.h - asks each map of identities whether it answers, for msgraphd
 * -t.
 */
#ifndef MSGRAPHD_CHECK_MAPS_H
#define MSGRAPHD_CHECK_MAPS_H

#include "agent/daemon/identities/table.h"
#include "agent/daemon/identities/table_source.h"
#include "lib/conf/conf.h"

/*
 * Asks each map of sources that is asked key by key, with the credentials of
 * the table, and prints what is wrong to standard error, as the user. Returns
 * the number of complaints.
 */
int check_maps(const struct conf *conf, const struct table_sources *sources,
    const struct table *table, const char *user);

#endif
