/*
 * conf_old.c - the names that settings had in earlier releases.
 *
 * A file that says one of them is read with a warning, so that an update stops
 * no mail. To rename a setting, change its row in conf.c and put the former
 * name here:
 *
 *	{"former_name", "present_name", NULL},
 *	{"name_that_is_gone", NULL, "what there is instead"},
 */
#include <stddef.h>

#include "conf_private.h"

const struct conf_old conf_old_names[] = {
    {NULL, NULL, NULL},
};
