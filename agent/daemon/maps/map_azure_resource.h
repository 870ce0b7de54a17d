/*
 * map_azure_resource.h - what a token for Azure Table storage is asked for.
 */
#ifndef MSGRAPHD_MAP_AZURE_RESOURCE_H
#define MSGRAPHD_MAP_AZURE_RESOURCE_H

#include "lib/conf/conf.h"

/*
 * Returns the resource that a token for Azure Table storage is asked for, by
 * the setting cloud. A constant.
 */
const char *map_azure_resource(const struct conf *conf);

#endif
