"""Bounces and delay notices of mail that came through us: they go through
Graph to the mailbox they are for, as itself; others go their old way."""

from __future__ import annotations

import email
import email.policy
import re

import pytest

from harness.message import message
from harness.postfix_conf import DEFAULT_ROUTE
from harness.site import Site

BLOCKED = {"endpoint": "sendMail", "skip": 0, "times": 1, "status": 400,
           "body": {"error": {"code": "ErrorMessageBlocked",
                              "message": "spam"}}}


@pytest.fixture(scope="module")
def shared_site():
    """Its Postfix tries again at once, and has an address that bounces."""
    site = Site()
    site.postfix.settings.update({
        "delay_warning_time": "1s", "queue_run_delay": "1s",
        "disable_mime_input_processing": "yes",
        "minimal_backoff_time": "1s", "maximal_backoff_time": "1s",
        "transport_maps":
        "inline:{ {undeliverable.test = error:5.1.1 nobody} }"})
    site.postfix.write()
    with site:
        yield site


def send_and_bounce(site, app, mailbox, body: bytes = b"hello\r\n") -> str:
    """A message that Graph refuses for good, from a mailbox that has sent
    before; returns the bounce's queue id."""
    first = site.send(app, mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_status(first, "sent")
    site.m365.rules(BLOCKED)
    mark = site.postfix.mark()
    queue_id = site.send(app, mailbox, ["b@example.org"],
                         message(mailbox, body=body))
    site.postfix.wait_status(queue_id, "bounced")
    found = site.postfix.wait_log(
        rf"{queue_id}: sender non-delivery notification: (\w+)", since=mark)
    return found[1]


def assert_returned_without_stamp(bounce: bytes) -> None:
    """The stamp is for Postfix alone. All else of the returned headers is
    there."""
    head, _, returned = bounce.partition(b"Undelivered Message\r\n")
    if not returned:
        head, _, returned = bounce.partition(b"Message Headers\r\n")
    assert b"\r\nSubject: test\r\n" in returned
    assert b"x-msgraph" not in bounce.lower()


@pytest.mark.parametrize("size", [10, 200_000])
def test_bounce_reaches_the_sending_mailbox(site, app, mailbox, size):
    bounce_id = send_and_bounce(site, app, mailbox, b"x" * 70 + b"\r\n"
                                + (b"y" * 70 + b"\r\n") * (size // 72))
    site.postfix.wait_status(bounce_id, "sent")
    mail = site.m365.mail()[-1]
    assert mail.mailbox == mailbox and mail.recipients == [mailbox]
    assert (mail.tenant, mail.client) == (app.tenant, app.client)
    parsed = email.message_from_bytes(mail.raw, policy=email.policy.default)
    assert parsed["From"].addresses[0].addr_spec == mailbox
    assert parsed["Auto-Submitted"] == "auto-replied"
    assert parsed.get_content_type() == "multipart/report"
    kinds = [part.get_content_type() for part in parsed.iter_parts()]
    assert kinds[:2] == ["text/plain", "message/delivery-status"]
    status = parsed.as_string()
    assert "Final-Recipient: rfc822; b@example.org" in status
    assert "Status: 5.7.1" in status
    assert "ErrorMessageBlocked" in status and "request-id=" in status
    returned = kinds[2]  # the headers alone of a large message
    assert returned == ("message/rfc822" if size < 50_000
                        else "text/rfc822-headers")
    assert_returned_without_stamp(mail.raw)
    site.postfix.wait_empty_queue()


def test_bounce_of_the_very_first_message(site, app, mailbox):
    site.m365.rules(BLOCKED)
    mark = site.postfix.mark()
    queue_id = site.send(app, mailbox, ["b@example.org"], message(mailbox))
    site.postfix.wait_status(queue_id, "bounced")
    found = site.postfix.wait_log(
        rf"{queue_id}: sender non-delivery notification: (\w+)", since=mark)
    site.postfix.wait_status(found[1], "sent")
    (mail,) = site.m365.mail()
    assert mail.mailbox == mailbox and mail.recipients == [mailbox]


def test_bounce_before_msgraphd_saw_the_message(site, app, mailbox):
    """The agent finds it too large; the milter has told whose mailbox it
    is."""
    body = (b"y" * 70 + b"\r\n") * 60_000
    mark = site.postfix.mark()
    queue_id = site.send(app, mailbox, ["b@example.org"],
                         message(mailbox, body=body))
    assert "dsn=5.3.4" in site.postfix.wait_status(queue_id, "bounced")
    found = site.postfix.wait_log(
        rf"{queue_id}: sender non-delivery notification: (\w+)", since=mark)
    site.postfix.wait_status(found[1], "sent")
    (mail,) = site.m365.mail()
    assert mail.mailbox == mailbox and mail.recipients == [mailbox]
    assert (mail.tenant, mail.client) == (app.tenant, app.client)


def test_bounce_that_is_refused_is_dropped_with_a_line(site, app, mailbox):
    site.m365.rules({**BLOCKED, "skip": 1, "times": -1})
    bounce_id = send_and_bounce(site, app, mailbox)
    site.postfix.wait_status(bounce_id, "bounced")
    site.postfix.wait_empty_queue()
    assert len(site.m365.mail()) == 1


def test_bounce_waits_while_graph_is_down(site, app, mailbox):
    site.m365.rules({"endpoint": "sendMail", "skip": 2, "times": 1,
                     "status": 503})
    bounce_id = send_and_bounce(site, app, mailbox)
    site.postfix.wait_deferred(bounce_id)
    site.postfix.flush()
    site.postfix.wait_status(bounce_id, "sent")


def test_bounce_of_other_mail_goes_its_old_way(site, app, mailbox):
    """A local program's message from an address that has not sent through
    us, and whose text says what our stamp says."""
    mark = site.postfix.mark()
    site.postfix.sendmail(
        "other@example.net", "nobody@undeliverable.test",
        b"Subject: x\n\nX-MSGraph-Mailbox: " + mailbox.encode() + b"\n")
    line = site.postfix.wait_log(
        r"^.*to=<other@example.net>.*status=.*$", since=mark)[0]
    assert f"({DEFAULT_ROUTE})" in line
    assert site.m365.requests("sendMail") == []


def test_delay_notice_reaches_the_sending_mailbox(site, app, mailbox):
    first = site.send(app, mailbox, ["a@example.org"], message(mailbox))
    site.postfix.wait_status(first, "sent")
    site.m365.rules({"endpoint": "sendMail", "status": 503, "times": -1,
                     "match": {"mailbox": mailbox}})
    mark = site.postfix.mark()
    queue_id = site.send(app, mailbox, ["b@example.org"], message(mailbox))
    found = site.postfix.wait_log(
        rf"{queue_id}: sender delay notification: (\w+)", since=mark)
    site.m365.clear_rules()
    site.postfix.wait_status(found[1], "sent")
    site.postfix.wait_status(queue_id, "sent")
    (notice,) = [
        mail.raw for mail in site.m365.mail() if re.match(
            "Delayed Mail", email.message_from_bytes(mail.raw)["Subject"])]
    assert_returned_without_stamp(notice)


# --- loops

def test_no_notice_of_a_notice(site, app, mailbox):
    """What keeps a notice from answering a notice is the null sender in
    Postfix's queue. It is no header field, which Exchange may drop."""
    site.m365.limits(drop_fields=True)
    notice_id = send_and_bounce(site, app, mailbox)
    site.postfix.wait_status(notice_id, "sent")
    notice = site.m365.mail()[-1].raw
    head = notice.partition(b"\r\n\r\n")[0].lower()
    assert b"auto-submitted:" not in head and b"return-path:" not in head

    # what is left of it, once more, to somebody who does not exist
    mark, count = site.postfix.mark(), len(site.m365.mail())
    site.postfix.sendmail("<>", "nobody@undeliverable.test",
                          notice.replace(b"\r\n", b"\n"))
    site.postfix.wait_log(r"to=<nobody@undeliverable.test>.*status=bounced",
                          since=mark)
    site.postfix.wait_empty_queue()
    log = site.postfix.log_text(mark)
    assert "sender non-delivery notification" not in log
    assert len(site.m365.mail()) == count


def test_refused_notices_end(site, app, mailbox):
    """One that Graph never takes makes no second one."""
    site.m365.limits(drop_fields=True)
    site.m365.rules({**BLOCKED, "skip": 1, "times": -1})
    mark = site.postfix.mark()
    notice_id = send_and_bounce(site, app, mailbox)
    site.postfix.wait_status(notice_id, "bounced")
    site.postfix.wait_empty_queue()
    log = site.postfix.log_text(mark)
    assert log.count("sender non-delivery notification") == 1
    assert len(site.m365.mail()) == 1
