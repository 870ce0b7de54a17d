/*
 * map_azure_resource.c - see map_azure_resource.h.
 */
#include "map_azure_resource.h"

/* Microsoft: the SDK's TableAudience has these. */
static const char *const map_azure_resource_of[] = {
    [CLOUD_GLOBAL] = "https://storage.azure.com",
    [CLOUD_USGOV] = "https://storage.azure.us",
    [CLOUD_USGOV_DOD] = "https://storage.azure.us",
    [CLOUD_CHINA] = "https://storage.azure.cn",
};

const char *
map_azure_resource(const struct conf *conf)
{
	return map_azure_resource_of[conf->cloud];
}
