"""Large messages, all the way: what a client sends is what the recipients get,
part by part, though Graph takes no more than 4 MB at once."""

from __future__ import annotations

import email
import email.policy
import random
from email.message import EmailMessage

import pytest

from harness.message import message
from harness.site import App, Site
from harness.smtp import SmtpError
from harness.wait import wait_for

BOTH = ["Mail.Send", "Mail.ReadWrite"]
RANGE = 12 * 327680
RECIPIENT = "rcpt@example.org"
RANDOM = random.Random(2)


@pytest.fixture
def app(site: Site) -> App:
    return site.new_app(permissions=BOTH)


def file(size: int) -> bytes:
    return RANDOM.randbytes(1 << 16) * (size >> 16) + b"x" * (size % 65536)


def outlook(mailbox: str) -> EmailMessage:
    """A text in two forms with a picture in one, and files."""
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = mailbox
    mail["To"] = f"Rcpt <{RECIPIENT}>"
    mail["Subject"] = "Grüße"
    mail.set_content("Siehe Anhang: äöü\n")
    mail.add_alternative("<p>Siehe <img src='cid:logo@x'>: äöü</p>\n",
                         subtype="html")
    mail.get_payload()[1].add_related(
        file(3_200_000), "image", "png", cid="<logo@x>", filename="logo.png",
        disposition="inline")
    mail.add_attachment(file(2 * RANGE), "application", "pdf",
                        filename="Prüfbericht 2026.pdf")
    mail.add_attachment(file(5000), "application", "zip", filename="s.zip")
    mail.add_attachment("Zeile;ü\n" * 300_000, subtype="csv",
                        filename="list.csv")
    return mail


def scan(mailbox: str, size: int = RANGE + 1) -> EmailMessage:
    """What some scanners send: a file and nothing else."""
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = mailbox
    mail["To"] = RECIPIENT
    mail["Subject"] = "scan"
    mail.set_content(file(size), "application", "pdf",
                     filename="scan0001.pdf")
    return mail


def as_mixed(mail: EmailMessage) -> EmailMessage:
    mail.make_mixed()
    return mail


def leaves(raw: bytes) -> list[tuple]:
    """Type, name, Content-ID and content of each part that holds something."""
    parsed = email.message_from_bytes(raw, policy=email.policy.SMTP)
    return [(part.get_content_type(), part.get_filename(),
             (part["Content-ID"] or "").strip("<>") or None,
             part.get_payload(decode=True))
            for part in parsed.walk() if not part.is_multipart()
            and part.get_payload(decode=True)]


def attached(mail) -> list[tuple]:
    return [(a["contentType"].split(";")[0], a["name"], a["contentId"],
             mail.attachment(i)) for i, a in enumerate(mail.attachments)]


def received(mail) -> list[tuple]:
    """All that a recipient gets, wherever it stands."""
    return sorted(leaves(mail.raw) + attached(mail), key=repr)


def assert_received(mail, sent: EmailMessage) -> None:
    got, want = received(mail), sorted(leaves(sent.as_bytes()), key=repr)
    assert [part[:3] for part in got] == [part[:3] for part in want]
    assert all(a[3] == b[3] for a, b in zip(got, want))


def deliver(site: Site, app: App, mailbox: str, mail: EmailMessage,
            recipients: tuple[str, ...] = (RECIPIENT,)) -> str:
    queue_id = site.send(app, mailbox, list(recipients), mail.as_bytes())
    site.postfix.wait_status(queue_id, "sent", timeout=60)
    return queue_id


def the_mail(site: Site):
    [mail] = site.m365.mail()
    return mail


# --- what arrives

@pytest.mark.parametrize("make", [
    outlook, scan, lambda mailbox: as_mixed(scan(mailbox))],
    ids=["outlook", "scan", "scan-in-mixed"])
def test_recipients_get_every_part(site, app, mailbox, make):
    sent = make(mailbox)
    queue_id = deliver(site, app, mailbox, sent)
    mail = the_mail(site)
    assert_received(mail, sent)
    assert mail.recipients == [RECIPIENT]
    assert len(mail.raw) <= 3_000_000
    assert not mail.eight_bit_body and not mail.bare_newline
    assert site.m365.requests("sendMail") == []
    wait_for(lambda: not site.m365.drafts(), "drafts to be gone")
    assert f"{queue_id}: mailbox=<{mailbox}>" in site.daemon.log()


def test_file_without_a_name_is_the_message(site, app, mailbox):
    """As fax gateways send it; what is left is a mail with an empty text."""
    sent = scan(mailbox)
    del sent["Content-Disposition"]
    sent.replace_header("Content-Type", "image/tiff")
    deliver(site, app, mailbox, sent)
    mail = the_mail(site)
    assert attached(mail) == [
        ("image/tiff", "image.tif", None, sent.get_payload(decode=True))]
    left = email.message_from_bytes(mail.raw, policy=email.policy.SMTP)
    assert (left.get_content_type(), left.get_content()) == ("text/plain", "")
    assert left["Subject"] == "scan"


def test_only_the_largest_parts_are_taken_out(site, app, mailbox):
    deliver(site, app, mailbox, outlook(mailbox))
    mail = the_mail(site)
    assert [(a["name"], a["contentType"], a["isInline"], a["contentId"])
            for a in mail.attachments] == [
        ("logo.png", "image/png", True, "logo@x"),
        ("Prüfbericht 2026.pdf", "application/pdf", False, None),
        ("list.csv", "text/csv; charset=utf-8", False, None)]
    names = [leaf[1] for leaf in leaves(mail.raw)]
    assert names == [None, None, "s.zip"]


def test_message_at_the_limit_goes_in_one_request(site, app, mailbox):
    """And one that is over it by little loses one file and no more."""
    for size in (2_100_000, 2_250_000):
        sent = as_mixed(scan(mailbox, size))
        sent.add_attachment(file(30_000), "image", "png", filename="a.png")
        deliver(site, app, mailbox, sent)
    small, large = site.m365.mail()
    assert small.attachments == [] and len(large.attachments) == 1
    assert_received(large, sent)


def test_recipients_are_exact(site, app, mailbox):
    sent = scan(mailbox)
    sent.replace_header("To", f"{RECIPIENT}, other@example.org")
    deliver(site, app, mailbox, sent, (RECIPIENT, "hidden@example.org"))
    assert sorted(the_mail(site).recipients) == ["hidden@example.org",
                                                 RECIPIENT]


def test_more_recipients_than_graph_takes(site, app, mailbox):
    names = [f"r{n:03}@example.org" for n in range(7)]
    site.configure(max_recipients="3")
    try:
        deliver(site, app, mailbox, scan(mailbox), tuple(names))
    finally:
        site.configure(max_recipients="500")
    mails = site.m365.mail()
    assert sorted(r for mail in mails for r in mail.recipients) == names
    assert [len(mail.recipients) for mail in mails] == [3, 3, 1]
    for mail in mails:
        assert_received(mail, scan_like(mail, mailbox))


def scan_like(mail, mailbox: str) -> EmailMessage:
    """The message that such a mail came of."""
    sent = scan(mailbox, 1)
    sent.set_content(mail.attachment(0), "application", "pdf",
                     filename="scan0001.pdf")
    return sent


# --- what does not

def bounced(site: Site, app: App, mailbox: str, mail: EmailMessage) -> str:
    queue_id = site.send(app, mailbox, [RECIPIENT], mail.as_bytes())
    line = site.postfix.wait_status(queue_id, "bounced", timeout=60)
    assert "dsn=5.3.4" in line
    # there may be the bounce
    assert not any(RECIPIENT in sent.recipients for sent in site.m365.mail())
    wait_for(lambda: not site.m365.drafts(), "drafts to be gone")
    return line


def test_long_text_bounces(site, app, mailbox):
    mail = scan(mailbox, 10)
    mail.set_content("line of text\n" * 300_000)
    line = bounced(site, app, mailbox, mail)
    assert "text/plain with" in line and "is text of the message" in line


def test_large_signed_message_bounces(site, app, mailbox):
    inner = as_mixed(scan(mailbox))
    inner.set_type("multipart/signed")
    line = bounced(site, app, mailbox, inner)
    assert '"scan0001.pdf" (application/pdf)' in line and "is signed" in line


def test_missing_right_bounces_and_says_so(site, mailbox):
    line = bounced(site, site.new_app(), mailbox, scan(mailbox))
    assert "Mail.ReadWrite" in line


def test_large_messages_can_be_refused(site, app, mailbox):
    site.configure(large_messages="refuse")
    try:
        line = bounced(site, app, mailbox, scan(mailbox))
    finally:
        site.configure(large_messages="draft")
    assert "sendmail_limit" in line
    assert site.m365.requests("messages") == []


def test_final_refusal_leaves_no_draft(site, app, mailbox):
    site.m365.limits(message_bytes=1_000_000)
    line = bounced(site, app, mailbox, scan(mailbox))
    assert "ErrorMessageSizeExceeded" in line


@pytest.mark.parametrize("where", ["postfix", "milter"])
def test_announced_size_is_refused_at_mail_from(site, app, mailbox, where):
    limit = 35 * 1024 * 1024
    if where == "milter":
        limit = 1_000_000
        site.settings["max_message_size"] = str(limit)
        site.write_conf()
        site.milter.restart()
    try:
        with site.connect() as client:
            client.login(app.user, app.secret)
            over = client.command(f"MAIL FROM:<{mailbox}> SIZE={limit + 1}")
            exact = client.command(f"MAIL FROM:<{mailbox}> SIZE={limit}")
    finally:
        if where == "milter":
            del site.settings["max_message_size"]
            site.write_conf()
            site.milter.restart()
    assert over.code == 552 and over.text.startswith("5.3.4 ")
    assert exact.code == 250
    if where == "milter":
        assert "larger than 1000000 bytes" in over.text


def test_size_that_was_not_announced(site, app, mailbox):
    body = b"x" * 76 + b"\r\n"
    with pytest.raises(SmtpError) as error:
        site.send(app, mailbox, [RECIPIENT],
                  message(mailbox, body=body * (36 * 1024 * 1024 // 78)))
    assert error.value.answer.code == 552


# --- going on

def test_deferred_upload_goes_on(site, app, mailbox):
    sent = scan(mailbox, 3 * RANGE)
    site.m365.rules({"endpoint": "upload", "status": 503, "skip": 1})
    queue_id = site.send(app, mailbox, [RECIPIENT], sent.as_bytes())
    assert "Exchange is busy" in site.postfix.wait_deferred(queue_id)
    mark = site.postfix.mark()
    site.postfix.flush()
    site.postfix.wait_status(queue_id, "sent", mark, timeout=60)
    assert_received(the_mail(site), sent)
    uploads = [r for r in site.m365.requests("upload") if r.status != 503]
    assert [r.method for r in uploads] == ["PUT", "GET", "PUT", "PUT"]
    assert len(site.m365.requests("messages")) == 1


@pytest.mark.parametrize("victim", ["msgraphd", "agent"])
def test_killed_upload_goes_on(site, app, mailbox, victim):
    sent = scan(mailbox, 3 * RANGE)
    site.m365.rules({"endpoint": "upload", "action": "stall", "skip": 1})
    queue_id = site.send(app, mailbox, [RECIPIENT], sent.as_bytes())
    site.m365.wait_stalled(timeout=60)
    if victim == "agent":
        site.postfix.command("postfix", "abort")
    site.daemon.kill()
    site.m365.wait_until(lambda stats: stats["stalled"] == 0)
    site.daemon.start()
    if victim == "agent":
        site.postfix.is_running = False
        site.postfix.start()
    else:
        site.postfix.wait_deferred(queue_id)
    site.postfix.flush()
    site.postfix.wait_status(queue_id, "sent", timeout=60)
    assert_received(the_mail(site), sent)
    assert len(site.m365.requests("messages")) == 1
    assert "outcome=unknown" not in "\n".join(
        line for line in site.daemon.log().splitlines() if queue_id in line)


def test_two_at_once(site, app, mailbox):
    mails = [scan(mailbox, RANGE + 7), outlook(mailbox)]
    ids = [site.send(app, mailbox, [RECIPIENT], mail.as_bytes())
           for mail in mails]
    for queue_id in ids:
        site.postfix.wait_status(queue_id, "sent", timeout=60)
    got = sorted(site.m365.mail(), key=lambda mail: len(mail.attachments))
    for mail, sent in zip(got, mails):
        assert_received(mail, sent)
