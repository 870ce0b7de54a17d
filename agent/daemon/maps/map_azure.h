/*
 * map_azure.h - the kind of source "azure-tables:", and what it needs of others.
 */
#ifndef MSGRAPHD_MAP_AZURE_H
#define MSGRAPHD_MAP_AZURE_H

#include "lib/conf/conf.h"

/*
 * Returns the resource that a token for Azure Table storage is asked for, by the
 * setting cloud. A constant.
 */
const char *map_azure_resource(const struct conf *conf);

#endif
