"""Who From and Sender name, so that Exchange takes it from this mailbox. The
emulator denies what Exchange was seen to deny: another address than the
mailbox without a right to it, and a '@' in a display name."""

from __future__ import annotations

import pytest

from harness.message import field

TO = "a@example.org"


def deliver(site, app, sender, header):
    data = f"{header}\r\nTo: {TO}\r\nSubject: test\r\n\r\nbody\r\n".encode()
    queue_id = site.send(app, sender, [TO], data)
    site.postfix.wait_status(queue_id, "sent")
    return site.m365.mail()[-1]


AUTHORS = {
    # name: (the client's header, From, Sender); M is the mailbox
    "plain": ("From:  Scan <M>", "Scan <M>", None),
    "missing": ("X-A: b", "M", None),
    "empty": ("From:", "M", None),
    "malformed": ("From: Scanner", "M", None),
    "group without members": ("From: Scanners:;", "M", None),
    "name is the address": ("From: M <M>", "M", None),
    "name holds an at sign": ('From: "scan@home" <M>', "M", None),
    "in an encoded word": ("From: =?utf-8?q?scan=40home?= <M>", "M", None),
    "in base64": ("From: =?utf-8?b?c2NhbkBob21l?= <M>", "M", None),
    "odd name": ("From: Room [3] <M>", '"Room [3]" <M>', None),
    "name with a comma": ("From: Doe, John <M>", "John <M>", None),
    "group": ("From: Scanners: Scan <M>;", "Scan <M>", None),
    "several": ("From: b@example.org, Scan <M>\r\nSender: M", "Scan <M>",
                None),
    "several others": ("From: b@example.org, c@example.org\r\nSender: M",
                       "M", None),
    "repeated": ("From: Scan <M>\r\nFrom: M", "Scan <M>", None),
    "Sender says the same": ("From: M\r\nSender: Scan <M>", "M", None),
    "Sender says else": ("From: M\r\nSender: b@example.org", "M", None),
    "Sender of a container": ("From: M\r\nSender: root@web-7f9c", "M", None),
}


@pytest.mark.parametrize("envelope, name", [
    *(("mailbox", name) for name in AUTHORS),
    *(("null", name) for name in AUTHORS if "M" in AUTHORS[name][0])])
def test_from(site, app, mailbox, name, envelope):
    header, author, sender = AUTHORS[name]
    mail = deliver(site, app, "" if envelope == "null" else mailbox,
                   header.replace("M", mailbox))
    assert mail.mailbox == mailbox and mail.sender == [mailbox]
    assert field(mail.raw, "From") == [
        author.replace("M", mailbox).encode()]
    assert field(mail.raw, "Sender") == ([sender.encode()] if sender else [])


def test_another_author_with_the_right_to_it(site, app, mailbox):
    """mailbox_from = envelope: From stays, and Exchange decides."""
    site.m365.app(app.tenant, app.client, app.secret,
                  send_as={mailbox: ["boss@example.com"]})
    site.configure(mailbox_from="envelope")
    site.milter.restart()
    try:
        mail = deliver(site, app, mailbox, "From: Boss <boss@example.com>")
        assert mail.mailbox == mailbox
        assert field(mail.raw, "From") == [b"Boss <boss@example.com>"]
    finally:
        site.configure(mailbox_from="header")
        site.milter.restart()


# --- an author that no mailbox can be

ODD = {
    # From: (display name that stays, Reply-To, why)
    "root@localhost": ("", None, "its domain has no dot"),
    '"UPS basement" <apc@ups01>': ('"UPS basement"', None, "no dot"),
    "copier@[192.0.2.5]": ("", None, "address literal"),
    "x@copier_2.example.com": ("", None, "its domain is not a name"),
    "B\u00fcx <b\u00fccher@example.com>": (
        "=?utf-8?Q?B=C3=BCx?=", None, "it is not ASCII before the @"),
    "Scan <a%b@example.com>": ("Scan", "a%b@example.com", "a character"),
}


@pytest.fixture(params=["header", "envelope"])
def by(site, request):
    site.configure(mailbox_from=request.param)
    site.milter.restart()
    yield request.param
    site.configure(mailbox_from="header")
    site.milter.restart()


@pytest.mark.parametrize("author", ODD)
def test_author_that_cannot_be(site, app, mailbox, by, author):
    """The next source decides, and the old address is not lost."""
    name, reply_to, why = ODD[author]
    mail = deliver(site, app, mailbox, f"From: {author}")
    assert mail.mailbox == mailbox and mail.sender == [mailbox]
    shown = f"{name} <{mailbox}>" if name else mailbox
    assert field(mail.raw, "From") == [shown.encode()]
    assert field(mail.raw, "Reply-To") == (
        [reply_to.encode()] if reply_to else [])
    lines = [line for line in site.milter.log().splitlines()
             if mailbox in line and "action=accept" in line]
    assert "From was <" in lines[-1] and why in lines[-1]


def test_author_that_cannot_be_and_sender(site, app, mailbox, by):
    mail = deliver(site, app, "apc@ups01" if by == "header" else "",
                   f"From: UPS <apc@ups01>\r\nSender: {mailbox}\r\n"
                   "Reply-To: ups@example.org")
    assert mail.mailbox == mailbox
    assert field(mail.raw, "From") == [f"UPS <{mailbox}>".encode()]
    assert field(mail.raw, "Sender") == []
    assert field(mail.raw, "Reply-To") == [b"ups@example.org"]


def test_nobody_can_be(site, app, by):
    with site.connect() as client:
        client.login(app.user, app.secret)
        refused = client.transact("root@nas", [TO], b"From: root@localhost\r\n"
                                  b"Sender: apc@ups01\r\n\r\nx\r\n")
    assert (refused.code, refused.text[:5]) == (550, "5.1.7"), refused
    for source in ("From is <root@localhost>", "Sender is <apc@ups01>",
                   "the envelope sender is <root@nas>"):
        assert source in refused.text
