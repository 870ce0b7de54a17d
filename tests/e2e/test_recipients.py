"""Whom Exchange mails is whom the envelope names, each once: through the real
Postfix, with its aliases, its recipient limits and SMTPUTF8."""

from __future__ import annotations

import re

import pytest

from harness.message import field
from harness.site import Site
from harness.wait import wait_for

MANY = [f"r{n:03}@example.org" for n in range(600)]
ALIASES = ("inline:{ {one@alias.test = real@example.org}"
           " {two@alias.test = real@example.org}"
           " {all@alias.test = b@example.org, c@example.org}"
           " {own@alias.test = own@alias.test, archive@example.org}"
           " {odd@alias.test = o.dd+1@example.org} }")


@pytest.fixture(scope="module")
def shared_site():
    site = Site()
    site.postfix.settings["virtual_alias_maps"] = ALIASES
    site.postfix.write()
    with site:
        yield site


def compose(mailbox: str, *fields: str) -> bytes:
    lines = [f"From: {mailbox}", *fields, "Subject: test", "", "body", ""]
    return "\r\n".join(lines).encode()


def deliver(site, app, recipients, data, sender="s@example.com", options=""):
    queue_id = site.send(app, sender, recipients, data, options)
    site.postfix.wait_status(queue_id, "sent")
    return site.m365.mail()[-1]


def values(mail, name: str) -> list[str]:
    return [value.decode() for value in field(mail.raw, name)]


def check(mail, recipients) -> None:
    """Each is mailed once, nobody else is, and every reader agrees."""
    assert sorted(mail.recipients) == sorted(recipients)
    assert mail.duplicates == [] and not mail.address_defects


# --- the envelope decides

A, B, C = "a@example.org", "b@example.org", "c@example.org"
HEADERS = {
    # name: (envelope, fields, To and Cc afterwards, each as it is written)
    "all named": ([A, B], [f"To: A <{A}>", f"cc:{B}"], [f"A <{A}>", B]),
    "hidden": ([A, B], [f"To: {A}"], [A]),
    "client's Bcc": ([A, B], [f"To: {A}", f"Bcc: {B}, {C}"], [A]),
    "nobody named": ([A], [], []),
    "undisclosed": ([A], ["To: undisclosed-recipients:;"], []),
    "one of two": ([B], [f'To: "A" <{A}>,', f"\tB (b) <{B}>"],
                   [f"B (b) <{B}>"]),
    "none of two": ([C], [f"To: {A}", f"Cc: {B}"], []),
    "twice": ([A, A.upper()], [f"To: {A}", f"Cc: A <{A}>"], [A]),
    "repeated": ([A, B], [f"To: {A}", f"To: B <{B}>"],
                 [f"{A},\r\n\tB <{B}>"]),
    "group": ([A, B], [f"To: all: {A}, {C}, {B};, {C}"],
              [f"all: {A}, {B};"]),
    "semicolons": ([A, B], [f"To: {A}; {B}; {C}"], [f"{A}, {B}"]),
    "malformed": ([A], [f"To: Doe, John <{A}>, root"], [f"John <{A}>"]),
    "odd name": ([A], [f"To: Room [3] <{A}>"], [f'"Room [3]" <{A}>']),
    "resent": ([A], [f"Resent-To: {A}, {C}", f"To: {B}"], []),
    "quoted": (['"a b"@example.org'], ['To: "a\\ b"@example.org'],
               ['"a\\ b"@example.org']),
    "route": ([A], [f"To: <@relay.example,@b.example:{A}>"],
              [f"<{A}>"]),
    "idn": (["a@xn--mller-kva.example"], ["To: a@m\u00fcller.example"],
            ["a@xn--mller-kva.example"]),
}


@pytest.mark.parametrize("name", HEADERS)
def test_header(site, app, mailbox, name):
    envelope, fields, visible = HEADERS[name]
    mail = deliver(site, app, envelope, compose(mailbox, *fields))
    check(mail, {address.lower() for address in envelope})
    assert values(mail, "To") + values(mail, "Cc") == visible


def test_one_transaction_a_recipient(site, app, mailbox):
    """As some printers send: all names in To each time."""
    people = [A, B, C]
    data = compose(mailbox, "To: " + ",\r\n ".join(people))
    with site.connect() as client:
        client.login(app.user, app.secret)
        for address in people:
            queue_id = client.send(mailbox, [address], data)
            site.postfix.wait_status(queue_id, "sent")
    mails = site.m365.mail()
    assert [mail.recipients for mail in mails] == [[A], [B], [C]]
    assert [mail.to for mail in mails] == [[A], [B], [C]]


def test_header_recipients_keep(site, app, mailbox):
    """Bcc does not come so far: Postfix drops it (message_drop_headers)."""
    site.configure(header_recipients="keep")
    try:
        mail = deliver(site, app, [A, C], compose(
            mailbox, f"To: {B}, {A}", f"Bcc: {C}, d@example.org"))
        check(mail, [A, B, C])
        assert values(mail, "To") == [f"{B}, {A}"]
        assert values(mail, "Bcc") == [C]
    finally:
        site.configure(header_recipients="trim")


# --- more of them than Graph takes at once

def test_recipient_limit_of_postfix(site, app, mailbox):
    """main.cf of the examples cuts before the agent has to."""
    queue_id = site.send(app, mailbox, MANY, compose(mailbox))
    site.postfix.wait_empty_queue(timeout=60)
    mails = site.m365.mail()
    assert sorted(len(mail.recipients) for mail in mails) == [100, 500]
    assert sorted(sum((mail.recipients for mail in mails), [])) == MANY
    assert f"{queue_id}: " in site.postfix.log_text()


def test_max_recipients_and_a_part_that_fails(site, app, mailbox):
    """The parts that were accepted are not posted again."""
    site.configure(max_recipients="100")
    site.m365.rules({"endpoint": "sendMail", "skip": 2, "times": 1,
                     "status": 503})
    try:
        queue_id = site.send(app, mailbox, MANY[:450], compose(mailbox))
        site.postfix.wait_deferred(queue_id, timeout=60)
        assert len(site.m365.mail()) == 4
        site.daemon.restart()
        site.postfix.flush()
        site.postfix.wait_empty_queue(timeout=60)
    finally:
        site.configure(max_recipients="500")
    mails = site.m365.mail()
    assert len(site.m365.requests("sendMail")) == 6
    assert sorted(len(m.recipients) for m in mails) == [50] + [100] * 4
    assert sorted(sum((m.recipients for m in mails), [])) == MANY[:450]
    sent = re.findall(rf"{queue_id}: to=<(.*?)>.*status=sent",
                      site.postfix.log_text())
    assert sorted(sent) == MANY[:450]


# --- what Postfix rewrites

def test_alias(site, app, mailbox):
    mail = deliver(site, app, ["one@alias.test", A], compose(
        mailbox, f'To: "One, 1" <ONE@alias.test>,\r\n A <{A}>'))
    check(mail, ["real@example.org", A])
    assert values(mail, "To") == [
        f'"One, 1" <real@example.org>,\r\n A <{A}>']


def test_two_aliases_of_one(site, app, mailbox):
    mail = deliver(site, app, ["two@alias.test", "one@alias.test"], compose(
        mailbox, "To: one@alias.test", "Cc: two@alias.test"))
    check(mail, ["real@example.org"])


def test_alias_of_several_does_not_show_them(site, app, mailbox):
    mail = deliver(site, app, ["all@alias.test"], compose(
        mailbox, "To: All <all@alias.test>"))
    check(mail, [B, C])
    assert values(mail, "To") == []


def test_alias_that_stays_and_adds(site, app, mailbox):
    mail = deliver(site, app, ["own@alias.test"], compose(
        mailbox, "To: Own <own@alias.test>"))
    check(mail, ["own@alias.test", "archive@example.org"])
    assert values(mail, "To") == ["Own <own@alias.test>"]


@pytest.mark.parametrize("orcpt", ["", " ORCPT=rfc822;elsewhere@example.net",
                                   f" ORCPT=rfc822;{A}"])
def test_alias_with_dsn(site, app, mailbox, orcpt):
    """ORCPT is the client's word about its own recipient, not Postfix's."""
    data = compose(mailbox, f"To: odd@alias.test, {A}")
    with site.connect() as client:
        client.login(app.user, app.secret)
        client.expect(250, client.command(f"MAIL FROM:<{mailbox}> RET=HDRS"))
        client.expect(250, client.command(
            f"RCPT TO:<odd@alias.test> NOTIFY=FAILURE{orcpt}"))
        client.expect(354, client.command("DATA"))
        client.write(data + b".\r\n")
        queue_id = re.search(r"queued as (\S+)", client.answer().text)[1]
    site.postfix.wait_status(queue_id, "sent")
    mail = site.m365.mail()[-1]
    check(mail, ["o.dd+1@example.org"])
    assert values(mail, "To") == ["o.dd+1@example.org"]


def test_two_aliases_of_one_that_postfix_merges(site, app, mailbox):
    """Without enable_original_recipient it names the first alone."""
    site.postfix.settings["enable_original_recipient"] = "no"
    site.postfix.reload()
    try:
        mail = deliver(site, app, ["one@alias.test", "two@alias.test", A],
                       compose(mailbox, f"To: two@alias.test, {A}",
                               "Cc: one@alias.test"))
    finally:
        del site.postfix.settings["enable_original_recipient"]
        site.postfix.reload()
    check(mail, ["real@example.org", A])
    assert values(mail, "To") + values(mail, "Cc") == [A, "real@example.org"]


# --- SMTPUTF8

def test_local_part_beyond_ascii(site, app, mailbox):
    """Refused before a message is sent; the other recipients stay."""
    with site.connect() as client:
        client.login(app.user, app.secret)
        answer = client.command("MAIL FROM:<\u00fc@example.com> SMTPUTF8")
        assert (answer.code, answer.text[:5]) == (553, "5.6.7")
        client.expect(250, client.command(
            f"MAIL FROM:<{mailbox}> SMTPUTF8"))
        answer = client.command("RCPT TO:<\u00fc@example.org>")
        assert (answer.code, answer.text[:5]) == (553, "5.6.7")
        client.expect(250, client.command(f"RCPT TO:<{A}>"))
        client.expect(354, client.command("DATA"))
        client.write(compose(mailbox, f"To: {A}") + b".\r\n")
        client.expect(250, client.answer())
    wait_for(site.m365.mail, "the message")
    check(site.m365.mail()[-1], [A])


def test_author_beyond_ascii(site, app, mailbox):
    """No mailbox can have it, so From becomes the one that sends; where no
    source names one, the message is refused."""
    mail = deliver(site, app, [A], compose("\u00fc@example.com", f"To: {A}"),
                   mailbox, " SMTPUTF8")
    assert values(mail, "From") == [mailbox]
    assert values(mail, "Reply-To") == []
    with site.connect() as client:
        client.login(app.user, app.secret)
        answer = client.transact("root@nas", [A],
                                 compose("\u00fc@example.com"), " SMTPUTF8")
        assert (answer.code, answer.text[:5]) == (550, "5.1.7")


@pytest.mark.parametrize("fields", [
    [], ["To: J\u00fcrgen <j@m\u00fcller.example>"],
    ["To: j@xn--mller-kva.example"]])
def test_domain_beyond_ascii(site, app, mailbox, fields):
    mail = deliver(site, app, ["j@m\u00fcller.example"],
                   compose(mailbox, *fields), mailbox, " SMTPUTF8")
    check(mail, ["j@xn--mller-kva.example"])
    assert mail.raw.count(b"j@xn--mller-kva.example") >= 1
    assert "m\u00fcller".encode() not in b"".join(
        field(mail.raw, "To") + field(mail.raw, "Bcc"))
