/*
 * signature.c - see signature.h.
 *
 * A signature that does not fit any more need not be kept from harm. Which
 * fields one covers stands in its h= tag, as names between colons; blanks may
 * stand anywhere there. Most edits are of From and To, which nearly all cover.
 */
#include "lib/mail/header.h"
#include "signature.h"

static int
signature_is_edited(const struct signature *s, struct span name)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (s->edited[i].len == name.len &&
		    strncasecmp(s->edited[i].p, name.p, name.len) == 0)
			return 1;
	return 0;
}

void
signature_note(struct signature *s, struct span name)
{
	if (s->count < SIGNATURE_NAMES_MAX && !signature_is_edited(s, name))
		s->edited[s->count++] = name;
}

/* What stands before the next mark, without blanks; *p goes behind it. */
static struct span
signature_next(const char **p, const char *limit, char mark)
{
	const char *from = *p,
		   *end = memchr(from, mark, (size_t)(limit - from));

	if (end == NULL)
		end = limit;
	*p = end < limit ? end + 1 : limit;
	return span_trim(span_between(from, end));
}

/* The value of the h= tag, or an empty span. */
static struct span
signature_names(struct span value)
{
	const char *p = value.p, *limit = span_end(value), *equals;
	struct span tag;

	while (p < limit) {
		tag = signature_next(&p, limit, ';');
		equals = tag.len == 0 ? NULL : memchr(tag.p, '=', tag.len);
		if (equals != NULL &&
		    span_is(span_trim(span_between(tag.p, equals)), "h"))
			return span_between(equals + 1, span_end(tag));
	}
	return span_between(limit, limit);
}

static int
signature_covers_edited(const struct signature *s, struct span value)
{
	struct span names = signature_names(value);
	const char *p = names.p, *limit = span_end(names);

	while (p < limit)
		if (signature_is_edited(s, signature_next(&p, limit, ':')))
			return 1;
	return 0;
}

int
signature_is_broken(const struct signature *s, struct span head)
{
	struct header_reader r;
	struct header_field f;
	int found = 0;

	header_init(&r, head.p, head.len);
	while (header_next(&r, &f)) {
		if (!span_is(f.name, "DKIM-Signature"))
			continue;
		if (!signature_covers_edited(s, f.value))
			return 0;
		found = 1;
	}
	return found;
}
