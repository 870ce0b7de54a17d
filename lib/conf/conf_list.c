/*
 * conf_list.c - see conf_list.h, and the functions of conf.h that read lists.
 *
 * A list is kept as it was written, and read again by those who need it: it is
 * no longer than a line.
 */
#include <string.h>

#include "lib/base/span.h"
#include "lib/local/identity.h"
#include "conf.h"
#include "conf_list.h"

#define CONF_LIST_SEPARATORS ", \t"

/* Takes the next item off the list: 1, or 0 at the end. */
static int
conf_list_next(const char **list, struct span *item)
{
	*list += strspn(*list, CONF_LIST_SEPARATORS);
	item->p = *list;
	item->len = strcspn(*list, CONF_LIST_SEPARATORS);
	*list += item->len;
	return item->len > 0;
}

/* msgraphd alone knows the types, and says so of one that it does not know. */
static int
conf_list_has_type(const struct span *item)
{
	size_t i = 0;

	while (i < item->len &&
	    ((item->p[i] >= 'a' && item->p[i] <= 'z') || item->p[i] == '-'))
		i++;
	return i > 0 && i + 1 < item->len && item->p[i] == ':';
}

int
conf_list_check_maps(const char *value, struct error *err)
{
	struct span item;

	while (conf_list_next(&value, &item))
		if (item.p[0] != '/' && !conf_list_has_type(&item))
			return error_set(err, ERROR_OURS, "4.3.5",
			    "\"%.*s\" is neither a path that starts with / "
			    "nor TYPE:NAME, as socketmap:unix:/run/names:relay "
			    "is",
			    (int)item.len, item.p);
	return 0;
}

int
conf_list_check_tenants(const char *value, struct error *err)
{
	char tenant[UUID_TEXT_SIZE];
	struct span item;

	if (value[0] == '\0' || strcmp(value, "any") == 0)
		return 0;
	if (value[strspn(value, CONF_LIST_SEPARATORS)] == '\0')
		return error_set(
		    err, ERROR_OURS, "4.3.5", "nothing stands in the list");
	while (conf_list_next(&value, &item))
		if (identity_parse_id(item.p, item.len, tenant) == -1)
			return error_set(err, ERROR_OURS, "4.3.5",
			    "\"%.*s\" is neither a UUID (36 characters) nor "
			    "its base64url form (22), and \"any\" stands "
			    "alone",
			    (int)item.len, item.p);
	return 0;
}

int
conf_list_check_word(const char *value, struct error *err)
{
	char word[ENTRY_NAME_SIZE];

	if (identity_parse_entry_name(value, strlen(value), word) == 0)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "\"%.80s\" is no word of 1 to %d letters a to z, digits, _ and -",
	    value, ENTRY_NAME_SIZE - 1);
}

int
conf_allows_tenant(const struct conf *conf, const char *tenant)
{
	const char *list = conf->allowed_tenants;
	char allowed[UUID_TEXT_SIZE];
	struct span item;

	if (list == NULL || strcmp(list, "any") == 0)
		return list != NULL;
	while (conf_list_next(&list, &item))
		if (identity_parse_id(item.p, item.len, allowed) == 0 &&
		    strcmp(allowed, tenant) == 0)
			return 1;
	return 0;
}

int
conf_has_default_maps(const struct conf *conf)
{
	return conf->identity_maps != NULL &&
	    strcmp(conf->identity_maps, CONF_DEFAULT_MAPS) == 0;
}
