/*
 * conf_list.h - settings that are lists, and words of names in them. For this
 * folder alone.
 */
#ifndef MSGRAPH_CONF_LIST_H
#define MSGRAPH_CONF_LIST_H

#include "lib/base/error.h"

/* Checks a value: 0, or -1 with err->text saying what it must be. */
int conf_list_check_maps(const char *value, struct error *err);
int conf_list_check_tenants(const char *value, struct error *err);
int conf_list_check_word(const char *value, struct error *err);

#endif
