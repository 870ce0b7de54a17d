/*
 * table_value.c - see table_value.h. Pure functions.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/local/route.h"
#include "table_value.h"

/* RFC 5321 section 4.5.3.1; RFC 1035 section 2.3.4 */
#define TABLE_VALUE_LOCAL_MAX 64
#define TABLE_VALUE_LABEL_MAX 63
#define TABLE_VALUE_RATE_MAX 1000000L
#define TABLE_VALUE_DURATION_MIN 600L
#define TABLE_VALUE_DURATION_MAX (400 * 86400L)

static int
table_value_wrong(struct error *err, const char *what)
{
	return error_set(err, ERROR_OURS, "4.3.5", "%s", what);
}

int
table_value_yes(const char *value, int *yes, struct error *err)
{
	*yes = strcmp(value, "yes") == 0;
	if (*yes || strcmp(value, "no") == 0)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "\"%.64s\" is not one of: no, yes", value);
}

int
table_value_application(
    const char *value, struct identity *application, struct error *err)
{
	const char *reason;

	if (identity_parse(value, strlen(value), "/" IDENTITY_DELIMITERS_ANY,
		application, &reason) == 0)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "\"%.100s\" is no tenant/client: %s", value, reason);
}

/* --- addresses --- */

static int
table_value_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 5321 section 2.3.5; an underscore is no letter, but DNS has it. */
static int
table_value_is_domain(const char *domain)
{
	size_t label = 0, i;

	for (i = 0;; i++) {
		if (domain[i] == '.' || domain[i] == '\0') {
			if (label == 0 || label > TABLE_VALUE_LABEL_MAX ||
			    domain[i - 1] == '-')
				return 0;
			if (domain[i] == '\0')
				return 1;
			label = 0;
			continue;
		}
		if (!table_value_is_letter(domain[i]) && domain[i] != '_' &&
		    (domain[i] != '-' || label == 0))
			return 0;
		label++;
	}
}

/* RFC 5322 section 3.2.3, dot-atom, but for upper case. */
static int
table_value_is_local(const char *local, size_t len)
{
	size_t i;

	if (len == 0 || len > TABLE_VALUE_LOCAL_MAX || local[0] == '.' ||
	    local[len - 1] == '.')
		return 0;
	for (i = 0; i < len; i++) {
		if (local[i] == '.' && local[i + 1] == '.')
			return 0;
		if (!table_value_is_letter(local[i]) &&
		    strchr(".!#$%&'*+-/=?^_`{|}~", local[i]) == NULL)
			return 0;
	}
	return 1;
}

/* What is wrong with an address as a whole, or NULL. */
static const char *
table_value_address_fault(const char *address)
{
	const char *p;

	for (p = address; *p != '\0'; p++) {
		if ((unsigned char)*p >= 0x80)
			return "write its domain in ASCII, as xn--...";
		if (*p >= 'A' && *p <= 'Z')
			return "write it in lower case";
		if (*p == '"' || *p == '\\')
			return "write it without quotes";
	}
	return NULL;
}

int
table_value_address(const char *address, int may_domain, struct error *err)
{
	const char *fault = table_value_address_fault(address);
	const char *at = strrchr(address, '@');

	if (fault == NULL && at != NULL &&
	    strlen(address) < ROUTE_MAILBOX_SIZE &&
	    (at == address
		    ? may_domain
		    : table_value_is_local(address, (size_t)(at - address))) &&
	    table_value_is_domain(at + 1))
		return 0;
	if (fault == NULL)
		fault = may_domain ? "it must be local@domain or @domain"
				   : "it must be local@domain";
	return error_set(err, ERROR_OURS, "4.3.5",
	    "\"%.260s\" is no address in canonical form: %s", address, fault);
}

/* --- others --- */

int
table_value_rate(
    const char *value, long *count, long *seconds, struct error *err)
{
	static const struct {
		const char *name;
		long seconds;
	} units[] = {{"/s", 1}, {"/m", 60}, {"/h", 3600}, {"/d", 86400}};
	size_t digits = strspn(value, "0123456789"), i;

	*count = digits >= 1 && digits <= 7 ? strtol(value, NULL, 10) : 0;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (*count >= 1 && *count <= TABLE_VALUE_RATE_MAX &&
		    strcmp(value + digits, units[i].name) == 0) {
			*seconds = units[i].seconds;
			return 0;
		}
	*count = 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "\"%.64s\" is not a number of messages, 1 to %ld, with /s, /m, /h "
	    "or /d behind it",
	    value, TABLE_VALUE_RATE_MAX);
}

int
table_value_date(const char *value, long *day, struct error *err)
{
	struct tm tm = {0}, again;
	const char *end = strptime(value, "%Y-%m-%d", &tm);
	time_t seconds = timegm(&tm);
	char text[16] = "";

	/* no date is 2027-02-30 */
	if (end != NULL && *end == '\0' && gmtime_r(&seconds, &again) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d", &again);
	*day = (long)(seconds / 86400);
	if (strcmp(text, value) == 0 && again.tm_year >= 100)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "\"%.64s\" is no date like 2027-03-31", value);
}

int
table_value_duration(const char *value, long *seconds, struct error *err)
{
	static const struct {
		const char *name;
		long seconds;
	} units[] = {{"m", 60}, {"h", 3600}, {"d", 86400}};
	size_t digits = strspn(value, "0123456789"), i;
	long number = digits <= 7 ? strtol(value, NULL, 10) : 0;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		*seconds = number * units[i].seconds;
		if (strcmp(value + digits, units[i].name) == 0 &&
		    *seconds >= TABLE_VALUE_DURATION_MIN &&
		    *seconds <= TABLE_VALUE_DURATION_MAX)
			return 0;
	}
	*seconds = 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "\"%.64s\" is no time from 10m to 400d, with m, h or d behind the "
	    "number",
	    value);
}

int
table_value_transport(const char *value, struct error *err)
{
	if (route_is_transport(value))
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "\"%.64s\" is neither msgraph nor msgraph- with letters (a to z) "
	    "and digits behind it, which is what msgraph_route lets through",
	    value);
}

/* Takes one item out of *at, into *to, which moves behind the item's NUL. */
static int
table_value_item(const char **at, char **to, struct error *err)
{
	const char *p = *at;
	size_t len;

	if (*p == '"') {
		len = strcspn(++p, "\"");
		if (p[len] == '\0')
			return table_value_wrong(
			    err, "a double quote without its second");
		*at = p + len + 1;
		if (**at != '\0' && strchr(", \t\r", **at) == NULL)
			return table_value_wrong(
			    err, "a comma is needed behind double quotes");
	} else {
		len = strcspn(p, ", \t\r");
		*at = p + len;
	}
	memcpy(*to, p, len);
	(*to)[len] = '\0';
	*to += len + 1;
	return 0;
}

int
table_value_list(const char *value, char ***list, struct error *err)
{
	/* items and NULs are never more than the value, and its NUL, has */
	size_t len = strlen(value), room = len / 2 + 2, count = 0;
	char **items = malloc(room * sizeof(*items) + len + 1), *to;

	*list = NULL;
	if (items == NULL)
		return error_no_memory(err);
	to = (char *)(items + room);
	for (;;) {
		value += strspn(value, ", \t\r");
		if (*value == '\0')
			break;
		items[count++] = to;
		if (table_value_item(&value, &to, err) == -1) {
			free(items);
			return -1;
		}
	}
	items[count] = NULL;
	*list = items;
	if (count > 0)
		return 0;
	free(items);
	*list = NULL;
	return table_value_wrong(err, "nothing stands in the list");
}

size_t
table_value_count(char *const *list)
{
	size_t count = 0;

	while (list[count] != NULL)
		count++;
	return count;
}

static int
table_value_compare_items(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
table_value_addresses(const char *value, char ***list, struct error *err)
{
	size_t count, i;

	if (table_value_list(value, list, err) == -1)
		return -1;
	count = table_value_count(*list);
	for (i = 0; i < count; i++)
		if (table_value_address((*list)[i], 1, err) == -1)
			return -1;
	qsort(*list, count, sizeof(**list), table_value_compare_items);
	return 0;
}

int
table_value_covers(char *const *list, const char *address)
{
	const char *domain = strrchr(address, '@');
	size_t count = table_value_count(list);

	return bsearch(&address, list, count, sizeof(*list),
		   table_value_compare_items) != NULL ||
	    (domain != NULL &&
		bsearch(&domain, list, count, sizeof(*list),
		    table_value_compare_items) != NULL);
}
