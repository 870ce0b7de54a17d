/*
 * from.c - From and Sender. See from.h.
 *
 * Exchange sends as one mailbox. So From becomes one address: the only one
 * there is that a mailbox can have, whosever it is, since sending as somebody
 * else is a right that an admin gives; else the mailbox that sends, and that
 * too where an entry of the table says so. An address that no mailbox can have
 * may still receive mail, so it goes into Reply-To. A name that holds a '@' was
 * seen to be refused (ErrorSendAsDenied), and Exchange shows the directory's
 * name anyway.
 */
#include "agent/pipe/edit/edit.h"
#include "lib/mail/encoded_word.h"
#include "lib/mail/mailbox_unfit.h"
#include "lib/mail/mailboxes.h"
#include "from.h"
#include "mailbox_text.h"

#define NAME_MAX_BYTES 4096 /* decoded; a longer one is no name */
#define FIELD_MAX_BYTES (2 * SPOOL_HEAD_MAX)

static void
from_read_fields(struct from *from, struct mailboxes *named, struct span head)
{
	struct header_reader r;
	struct header_field f;

	header_init(&r, head.p, head.len);
	while (header_next(&r, &f)) {
		from->has_reply_to |= span_is(f.name, "Reply-To");
		if (!span_is(f.name, "From"))
			continue;
		if (from->fields++ == 0)
			from->first = f.whole.p;
		mailboxes_read(named, f.value);
	}
}

/*
 * Whether the header that came names the same mailbox in From as its text in
 * UTF-8 does, or that is the one that sends. The milter has read the one and
 * chosen by it.
 */
static int
from_is_as_it_came(const struct mailboxes *named, struct span raw)
{
	struct mailboxes came = {.own = named->own};
	struct from unused = {.fields = 0};

	if (raw.p == NULL || (named->count == 1 && named->has_own))
		return 1;
	from_read_fields(&unused, &came, raw);
	return came.count == named->count &&
	    (named->count == 0 || strcmp(came.key, named->key) == 0);
}

/* Whose address From will have. */
static void
from_choose(struct from *from, const struct mailboxes *named,
    const char *mailbox, enum from_kind kind, struct span raw)
{
	if (!from_is_as_it_came(named, raw)) {
		from->address = mailbox;
		from->author = named->first;
		from->has_author = named->count == 1;
	} else if (named->count == 1 ||
	    (kind == FROM_OF_BOUNCE && named->count > 0)) {
		from->author = named->first;
		from->has_author = 1;
		if (kind != FROM_OF_CLIENT && !named->has_own)
			from->address = mailbox;
	} else if (named->has_own) {
		from->author = named->found;
		from->has_author = 1;
	} else {
		from->address = mailbox;
		from->author = named->first_unfit;
		from->has_author = named->count == 0 && named->unfit_count == 1;
	}
}

/*
 * Returns the one address that From loses, or NULL; also where it is in doubt.
 */
static const struct address *
from_lost(
    const struct from *from, const struct mailboxes *named, struct span raw)
{
	if (from->address == NULL || !from_is_as_it_came(named, raw))
		return NULL;
	if (named->count == 1)
		return &named->first;
	return named->count == 0 && named->unfit_count == 1
	    ? &named->first_unfit
	    : NULL;
}

/* Chooses where answers go that would have gone to an address in From. */
static void
from_choose_reply_to(struct from *from, const struct mailboxes *named,
    enum from_kind kind, struct span raw)
{
	const struct address *lost = from_lost(from, named, raw);
	char key[ADDRESS_KEY_SIZE];

	if (kind == FROM_OF_BOUNCE || from->has_reply_to || lost == NULL ||
	    address_header_key(lost->spec, key) == -1 ||
	    mailbox_domain_unfit(strrchr(key, '@') + 1) != NULL)
		return;
	strcpy(from->reply_to, key);
}

/* --- the name --- */

/* 1 when a reader would show a '@' there, or more than any name; 0; -1. */
static int
from_has_at(struct span text, struct error *err)
{
	const struct span undeclared = {NULL, 0};
	struct buf shown;
	int result;

	if (memchr(text.p, '@', text.len) != NULL)
		return 1;
	if (memmem(text.p, text.len, "=?", 2) == NULL)
		return 0;
	buf_init(&shown, NAME_MAX_BYTES);
	result = encoded_word_decode(text, undeclared, &shown, err);
	if (result == -1)
		result = shown.failed == BUF_OVER_LIMIT ? 1 : -1;
	else
		result = shown.len > 0 &&
		    memchr(shown.bytes, '@', shown.len) != NULL;
	buf_free(&shown);
	return result;
}

/* The same of whatever stands around the address but a route. */
static int
from_has_bad_name(const struct address *a, struct error *err)
{
	const char *end = a->angle.len > 0 ? a->angle.p : a->spec.p;
	int result = from_has_at(span_between(a->text.p, end), err);

	if (result != 0)
		return result;
	return from_has_at(
	    span_between(span_end(a->spec), span_end(a->text)), err);
}

static void
from_write_mailbox_text(
    const struct from *from, const struct address *author, struct buf *out)
{
	if (from->address != NULL)
		mailbox_text_write_as(out, author, from->address);
	else
		mailbox_text_write(out, author, from->key);
}

/* What is repaired may be an encoded word that it was not before. 1; 0; -1. */
static int
from_is_bad(const struct from *from, struct error *err)
{
	struct address_reader r;
	struct buf written;
	struct address a;
	int result;

	buf_init(&written, FIELD_MAX_BYTES);
	from_write_mailbox_text(from, &from->author, &written);
	if (written.failed)
		result = edit_refuse(&written, err);
	else {
		address_init(&r, written.bytes, written.len);
		result = !address_next(&r, &a) || a.kind != ADDRESS_MAILBOX
		    ? 1
		    : from_has_bad_name(&a, err);
	}
	buf_free(&written);
	return result;
}

/*
 * A name that Exchange would refuse goes, with all else around the address:
 * decided here, where a failure can be told from an answer.
 */
static int
from_judge_name(struct from *from, struct error *err)
{
	int bad = from->has_author ? from_has_bad_name(&from->author, err) : 0;

	from->changes |= bad == 1;
	if (bad != -1 && from->has_author && from->changes)
		bad = from_is_bad(from, err);
	from->nameless = bad == 1;
	return bad == -1 ? -1 : 0;
}

/* --- all of it --- */

/*
 * The address that From will have, as a key. An author's is fit, so it is the
 * mailbox where it cannot be written, and the milter stamps none like that.
 */
static int
from_set_key(struct from *from, struct error *err)
{
	struct span own = from->author.spec;

	if (from->address != NULL)
		own = span_between(
		    from->address, from->address + strlen(from->address));
	if (address_header_key(own, from->key) != -1)
		return 0;
	return error_set(err, ERROR_OURS, "4.3.5",
	    "mailbox %.*s is not an address that From can have: the message "
	    "did not come through msgraph-milter",
	    own.len > 254 ? 254 : (int)own.len, own.p);
}

int
from_survey(struct from *from, struct span head, struct span raw,
    const char *mailbox, enum from_kind kind, struct error *err)
{
	struct span own = span_between(mailbox, mailbox + strlen(mailbox));
	struct mailboxes named = {.own = NULL};
	char key[ADDRESS_KEY_SIZE];

	memset(from, 0, sizeof(*from));
	from->mailbox = own;
	if (address_key(own, key, sizeof(key)) != -1)
		named.own = key;
	from_read_fields(from, &named, head);
	if (from->fields == 0)
		return 0;
	from_choose(from, &named, mailbox, kind, raw);
	from_choose_reply_to(from, &named, kind, raw);
	from->changes = from->fields > 1 || named.addresses != 1 ||
	    named.ambiguous || named.by_pairs || from->address != NULL ||
	    !mailbox_text_is_right(&from->author) ||
	    from->author.separator == ';';
	if (from_set_key(from, err) == -1 || from_judge_name(from, err) == -1)
		return -1;
	from->nameless |= named.by_pairs;
	return 0;
}

static void
from_write_author(const struct from *from, struct buf *out)
{
	struct address nameless = from->author;

	if (!from->has_author) {
		buf_add_string(out, from->address);
		return;
	}
	nameless.text = nameless.spec;
	nameless.name.len = nameless.angle.len = 0;
	from_write_mailbox_text(
	    from, from->nameless ? &nameless : &from->author, out);
}

static enum disposition
from_author_field(
    const struct from *from, const struct header_field *f, struct buf *out)
{
	if (f->whole.p != from->first)
		return FIELD_GOES;
	if (!from->changes)
		return FIELD_STAYS;
	buf_add(out, f->name.p, f->name.len);
	buf_add_string(out, ":");
	buf_add_string(out, " ");
	from_write_author(from, out);
	buf_add_string(out, "\r\n");
	if (from->reply_to[0] != '\0')
		buf_printf(out, "Reply-To: %s\r\n", from->reply_to);
	return FIELD_CHANGES;
}

/*
 * Graph may refuse a message whose Sender is not the mailbox, and one who is
 * the author says nothing that From does not say.
 */
static enum disposition
from_sender_field(const struct from *from, const struct header_field *f)
{
	struct span author =
	    span_between(from->key, from->key + strlen(from->key));
	struct address_reader r;
	struct address a;
	int stays = 0;

	address_init(&r, f->value.p, f->value.len);
	while (address_next(&r, &a)) {
		if (a.kind != ADDRESS_MAILBOX)
			continue;
		if (!address_equal(a.spec, from->mailbox))
			return FIELD_GOES;
		stays = !address_equal(a.spec, author);
	}
	return stays ? FIELD_STAYS : FIELD_GOES;
}

enum disposition
from_field(
    const struct from *from, const struct header_field *f, struct buf *out)
{
	if (span_is(f->name, "From"))
		return from_author_field(from, f, out);
	if (span_is(f->name, "Sender"))
		return from_sender_field(from, f);
	return FIELD_STAYS;
}
