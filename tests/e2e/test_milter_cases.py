"""What clients were seen to send and the milter has to answer, behind the real
Postfix: line ends of CR alone, a From that can be read in two ways, recipients
that cannot be any."""

from __future__ import annotations

import base64
import re

import pytest

from harness.message import field, message, split


def answer(site, app, sender, data):
    with site.connect() as client:
        client.login(app.user, app.secret)
        return client.transact(sender, ["a@example.org"], data)


def posted(site, app, sender, data):
    queue_id = site.send(app, sender, ["a@example.org"], data)
    site.postfix.wait_status(queue_id, "sent")
    return site.m365.mail()[-1]


# --- CR alone

FIELDS = [b"From: scan@example.com", b"To: a@example.org", b"Subject: s"]


@pytest.mark.parametrize("lines", [
    [*FIELDS, b"", b"the text", b""],
    [FIELDS[2], *FIELDS[:2], b"", b"the text", b""],
    [b"X-Mailer: x", *FIELDS, b"", b"the text", b""],
    [b"X-MSGraph-A: x", *FIELDS, b"", b"the text", b""],
    [*FIELDS, b"", *[b"a line of the text"] * 5000, b""],
], ids=["From first", "From last", "X-Mailer first", "ours first", "long"])
@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_cr_alone_ends_no_line(site, app, mailbox, lines, end):
    """All of it is one header field: without a text, with 202."""
    before = len(site.m365.mail())
    refused = answer(site, app, mailbox, b"\r".join(lines) + end)
    assert (refused.code, refused.text[:5]) == (550, "5.6.0"), refused
    assert "CR or LF that ends no line" in refused.text
    assert site.postfix.queue() == []
    assert len(site.m365.mail()) == before


BYTES = b"%PDF\ra\rb\r\rc \r d"


def test_bodies_keep_their_bytes(site, app, mailbox):
    mail = posted(site, app, mailbox, message(
        mailbox, body=BYTES + b"\r\n", content_type="application/pdf",
        content_transfer_encoding="binary"))
    _, body = split(mail.raw)
    assert base64.b64decode(body) == BYTES + b"\r\n"


def test_text_with_cr_alone_keeps_its_lines(site, app, mailbox):
    """The header had line ends: it is known where the text starts."""
    mail = posted(site, app, mailbox, message(mailbox) + b"one\rtwo\r\n")
    assert mail.raw.endswith(b"one\r\ntwo\r\n")


# --- whom From names

@pytest.mark.parametrize("from_field, sender, names", [
    ('"\x01"@example.org, a@example.com', "scan@example.com",
     "a@example.com"),
    ("x" * 1100 + "@example.org, a@example.com", "scan@example.com",
     "a@example.com"),
    ('"\x01"@example.org', "scan@example.com", "scan@example.com"),
    ("x" * 1100 + "@example.org", "scan@example.com", "scan@example.com"),
    ("x" * 1100 + "@example.org", None, "e@example.com"),
    ("a@example.com, b@example.com", "scan@example.com", "scan@example.com"),
    ("a@example.com, b@example.com", None, "e@example.com"),
    ("Doe, a@example.com", "scan@example.com", "a@example.com"),
])
def test_stamp_and_from_name_one_mailbox(site, app, from_field, sender,
                                         names):
    data = message(from_field)
    if sender:
        data = f"Sender: {sender}\r\n".encode() + data
    mail = posted(site, app, "e@example.com", data)
    assert mail.mailbox == names
    assert field(mail.raw, "From") == [names.encode()]


BIG5 = b"\xa6\xa8\xa5\\"  # its last byte is a backslash


@pytest.mark.parametrize("charset", ["big5", None])
@pytest.mark.parametrize("text", [
    b'"%s" <a@example.com>', b"%s <a@example.com>", b"(%s) a@example.com",
    b'"%s" <root@localhost>, "%s" <a@example.com>',
])
def test_raw_big5_in_from(site, app, text, charset):
    """Nobody has told the milter the charset, which stands in a part."""
    value = text.replace(b"%s", BIG5)
    head, _, _ = message("x", mime_version="1.0", content_type="multipart/"
                         "mixed; boundary=b").partition(b"\r\n\r\n")
    kind = f"text/plain; charset={charset}" if charset else "text/plain"
    data = (b"Sender: s@example.com\r\n" + head.replace(
        b"From: x", b"From: " + value) +
        f"\r\n\r\n--b\r\nContent-Type: {kind}\r\n\r\nx\r\n--b--\r\n".encode())
    mail = posted(site, app, "e@example.com", data)
    assert mail.mailbox == "a@example.com"
    shown, = field(mail.raw, "From")
    assert b"a@example.com" in shown and shown.isascii()
    if charset:
        assert b"=?utf-8?" in shown


# --- recipients

@pytest.mark.parametrize("address, why", [
    ("a@localhost", "no dot"),
    ("a@my_host.example.com", "not a name"),
    ("a@[192.0.2.1]", "address literal"),
    ("a@[192.0.2.1", "address literal"),
    ("a@[IPv6:2001:db8::1]", "address literal"),
    ("a@example.123", "ends in a number"),
    ("a@m\u00fcller", "no dot"),
    ("@r.example:a@localhost", "no dot"),
])
def test_recipient_that_cannot_be(site, app, mailbox, address, why):
    """The others get the message."""
    with site.connect() as client:
        client.login(app.user, app.secret)
        assert client.command(
            f"MAIL FROM:<{mailbox}> SMTPUTF8").code == 250
        refused = client.command(f"RCPT TO:<{address}>")
        assert (refused.code, refused.text[:5]) == (553, "5.1.3"), refused
        assert re.search(f"can be sent to: .*{why}", refused.text), refused
        for good in ("a@example.org", "1@1.example.org"):
            assert client.command(f"RCPT TO:<{good}>").code == 250
        assert client.command("DATA").code == 354
        client.write(message(mailbox) + b".\r\n")
        queue_id = re.search(r"queued as (\S+)", client.answer().text)[1]
    site.postfix.wait_status(queue_id, "sent")
    assert site.m365.mail()[-1].recipients == \
        ["a@example.org", "1@1.example.org"]
