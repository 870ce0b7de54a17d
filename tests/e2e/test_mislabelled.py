"""Messages that are not in the charset or encoding that they declare, or whose
file names do not follow the grammar, all the way: what Graph gets is ASCII and
says what the sender meant. A name is the same whether the file goes inside the
message or as an attachment of a draft."""

from __future__ import annotations

import email
import email.policy

import pytest

from harness.site import Site

TO = "a@example.org"
RECIPIENTS = [TO]
MIXED = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
PLAIN = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset="
BODY8 = "Content-Transfer-Encoding: 8bit\r\n\r\n"
BASE64 = "Content-Transfer-Encoding: base64\r\n\r\n"


def raw(*pieces: str | tuple[str, str]) -> bytes:
    """Text in UTF-8; (text, charset) in another."""
    return b"".join(piece.encode() if isinstance(piece, str)
                    else piece[0].encode(piece[1]) for piece in pieces)


def part(header: str | tuple[str, str], *body: str | tuple[str, str]) -> bytes:
    return raw("--b\r\n", header, "\r\n\r\n", *body, "\r\n")


BIG5 = part("Content-Type: text/plain; charset=big5", "x")
PDF = raw(BASE64, "JVBERg==\r\n--b--\r\n")

# name: (the rest of the header and the body, what a reader finds in it)
CASES = {
    "subject-utf8-body-latin1": (
        raw("Subject: Prüfung bestanden ✓\r\n", PLAIN, "iso-8859-1\r\n", BODY8,
            ("Grüße\r\n", "latin-1")),
        {"subject": "Prüfung bestanden ✓", "text": "Grüße\n"}),
    "subject-utf8-first-part-big5": (
        raw("Subject: Prüfung\r\n", MIXED, "\r\n") + BIG5 + b"--b--\r\n",
        {"subject": "Prüfung"}),
    "filename-utf8-part-latin1": (
        raw(MIXED, "\r\n") + part(
            "Content-Type: text/plain; charset=iso-8859-1; name=\"Prüf.txt\""
            "\r\nContent-Disposition: attachment; filename=\"Prüf.txt\"", "x")
        + b"--b--\r\n", {"names": ["Prüf.txt"]}),
    **{f"charset-{name}": (
        raw("Subject: Cron <root@nas> backup\r\n", PLAIN, name, "\r\n", BODY8,
            "Kein Platz für größere Dateien\r\n"),
        {"subject": "Cron <root@nas> backup",
         "text": "Kein Platz für größere Dateien\n"})
       for name in ("ANSI_X3.4-1968", "ISO646-US", "646", "unknown-8bit",
                    "x-unknown", "default", '""', "us-ascii-8bit",
                    "iso-8859-99", "8bit", "utf-9", "", "%CHARSET%")},
    **{f"type-{number}": (
        raw("MIME-Version: 1.0\r\nContent-Type: ", kind, "\r\n", BODY8,
            ("Zażółć\r\n", "iso-8859-2")), {"text": "Zażółć\n"})
       for number, kind in enumerate((
           "text/plain charset=iso-8859-2",
           "text/plain; charset=iso-8859-2 format=flowed",
           "text/plain; format=flowed charset=iso-8859-2",
           "text/plain, charset=iso-8859-2",
           "text/plain; charset=iso-8859-2\r\n\tjunk",
           "text/plain; name=a b.txt charset=iso-8859-2",
           "text/plain; charset='iso-8859-2'",
           "text/plain; charset=iso-8859-2\r\n"
           "Content-Type: text/html; charset=utf-8"))},
    "encoding-twice": (
        raw(PLAIN, "utf-8\r\nContent-Transfer-Encoding: 8bit\r\n", BASE64,
            "Grüße\r\n"), {"text": "Grüße\n"}),
    "filename-twice": (
        raw("MIME-Version: 1.0\r\nContent-Type: application/pdf\r\n"
            "Content-Disposition: attachment; filename=\"Ä.pdf\"; "
            "filename*=UTF-8''%C3%84.pdf\r\n", BASE64, "JVBERg==\r\n"),
        {"names": ["Ä.pdf"]}),
    "filename-raw-big5": (
        raw(MIXED, "\r\n") + BIG5 + raw(
            "--b\r\nContent-Type: application/pdf\r\n"
            "Content-Disposition: attachment; filename=\"",
            ("成功報表.pdf", "big5"), "\"\r\n") + PDF,
        {"names": ["成功報表.pdf"]}),
    # the second byte of the last character hides the quote behind it
    "filename-ends-in-backslash": (
        raw(MIXED, "\r\n") + BIG5 + raw(
            "--b\r\nContent-Type: application/pdf\r\n"
            "Content-Disposition: attachment; filename=\"",
            ("成功", "big5"), "\"; size=3\r\n") + PDF,
        {"names": ["成功"]}),
    "from-name-raw-big5": (
        raw("From: \"", ("作業一課", "big5"), "\" <M>\r\n", PLAIN, "big5\r\n",
            BODY8, ("成功\r\n", "big5")),
        {"from": "作業一課", "text": "成功\n"}),
    "to-name-raw-sjis": (
        raw("To: \"", ("ソ一覧表", "cp932"), "\" <a@example.org>, ",
            ("ソ", "cp932"), " <b@example.org>\r\n", PLAIN, "Shift_JIS\r\n",
            BODY8, ("表\r\n", "cp932")),
        {"to": ["ソ一覧表", "ソ"], "text": "表\n"}),
    "subject-raw-gbk": (
        raw("Subject: ", ("乗乗 测试", "gbk"), "\r\n", PLAIN, "gb2312\r\n",
            BODY8, ("乗\r\n", "gbk")),
        {"subject": "乗乗 测试"}),
    **{f"encoding-{number}": (
        raw(PLAIN, "utf-8\r\nContent-Transfer-Encoding: ", name,
            "\r\n\r\nGrüße\r\n"), {"text": "Grüße\n"})
       for number, name in enumerate((
           '"8bit"', "8bit, binary", "text/plain", "8 bit", "(8bit)",
           "=?utf-8?q?8bit?="))},
}


def send(site: Site, app, mailbox: str, data: bytes, to=RECIPIENTS):
    data = data.replace(b"<M>", f"<{mailbox}>".encode())
    for name, value in (("To", TO), ("From", mailbox)):
        if f"{name}:".encode() not in data.partition(b"\r\n\r\n")[0]:
            data = f"{name}: {value}\r\n".encode() + data
    queue_id = site.send(app, mailbox, to, data)
    site.postfix.wait_status(queue_id, "sent", timeout=20)
    return site.m365.mail()[-1]


def read(data: bytes):
    return email.message_from_bytes(data, policy=email.policy.default)


def found(data: bytes, wanted: dict) -> dict:
    """What Python's email finds of that kind."""
    message = read(data)
    text = message.get_body(("plain",))
    out = {"subject": message["Subject"],
           "text": text and text.get_content().replace("\r\n", "\n"),
           "from": message["From"].addresses[0].display_name,
           "to": [a.display_name for a in message["To"].addresses],
           "names": [name for p in message.walk()
                     if (name := p.get_filename()) is not None]}
    return {key: out[key] for key in wanted}


@pytest.mark.parametrize("name", CASES)
def test_reader_finds_what_was_meant(site, app, mailbox, name):
    data, wanted = CASES[name]
    to = [TO, "b@example.org"] if "to" in wanted else RECIPIENTS
    mail = send(site, app, mailbox, data, to)
    assert sorted(mail.recipients) == to
    assert mail.raw.isascii()
    assert found(mail.raw, wanted) == wanted


@pytest.mark.parametrize("name, others, is_kept", [
    ("作業", "", True), ("作業", ", c@example.org", False),
    # read by bytes, it ends in a backslash, before the quote
    ("作業功", "", False)])
def test_signed(site, app, mailbox, name, others, is_kept):
    """What a signature covers keeps its bytes, unless an edit of To, as it is
    read by bytes, has broken it."""
    mail = send(site, app, mailbox, raw(
        "DKIM-Signature: v=1; h=To:Subject; d=example.com; b=AA==\r\nTo: \"",
        (name, "big5"), f"\" <{TO}>{others}\r\nSubject: ",
        ("成功", "big5"), "\r\n", PLAIN, "big5\r\n", BODY8,
        ("成功\r\n", "big5")))
    assert mail.recipients == RECIPIENTS
    assert mail.raw.isascii() != is_kept
    if is_kept:
        assert "成功\r\nMIME".encode("big5") in mail.raw
    else:
        wanted = {"to": [name], "subject": "成功", "text": "成功\n"}
        assert found(mail.raw, wanted) == wanted


@pytest.mark.parametrize("value, name", [
    ('"Prüf.pdf"', "Prüf.pdf"),
    ('"C:\\scans\\Prüf.pdf"', "Prüf.pdf"),
    ('"\\\\host\\share\\Prüf.pdf"', "Prüf.pdf"),
    ('"Der "neue" Prüfling.pdf"', 'Der "neue" Prüfling.pdf'),
    ('"5" Prüfling.pdf"', '5" Prüfling.pdf'),
    ("Prüf ling.pdf", "Prüf ling.pdf"),
    ('"Prüf\\"ling.pdf"', 'Prüf"ling.pdf'),
])
def test_name_is_the_same_in_a_draft(site, mailbox, value, name):
    """Once inside the message, once too large for that."""
    app = site.new_app(permissions=["Mail.Send", "Mail.ReadWrite"])
    head = raw(MIXED, "\r\n--b\r\nContent-Type: application/pdf\r\n"
               "Content-Disposition: attachment; filename=", value, "\r\n",
               BASE64)
    end = raw("\r\n--b--\r\n")
    mail = send(site, app, mailbox, head + b"JVBERg==" + end)
    assert found(mail.raw, {"names": 1}) == {"names": [name]}
    mail = send(site, app, mailbox,
                head + (b"A" * 76 + b"\r\n") * 60000 + end)
    assert [a["name"] for a in mail.attachments] == [name]
