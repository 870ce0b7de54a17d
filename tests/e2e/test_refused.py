"""Graph takes a message for all of its recipients or for none: those whom it
does not refuse get it all the same, once, and the sender is told of the others
by a notice from and to the mailbox, once."""

from __future__ import annotations

import email
import email.policy
import os
import re
import signal
from pathlib import Path

import pytest

from harness.message import message
from harness.site import Site
from harness.wait import wait_for

PERMISSIONS = ["Mail.Send", "Mail.ReadWrite"]
A, B, C, D, E = (f"{name}@example.org" for name in "abcde")
X, Y = "x@refused.test", "Y.y+1@refused.test"


@pytest.fixture(scope="module")
def shared_site():
    """What Graph has taken is found again, and Postfix rests for a second at
    most. That its own notices do not go through Graph does not matter for the
    one about refused recipients."""
    site = Site({"verify_unknown": "yes", "bounce_via_graph": "no"})
    site.postfix.settings.update({
        "transport_retry_time": "1s", "service_throttle_time": "1s",
        "minimal_backoff_time": "1h", "queue_run_delay": "1h"})
    site.postfix.write()
    with site:
        yield site


@pytest.fixture
def app(site):
    return site.new_app(permissions=PERMISSIONS)


def send(site, app, mailbox, recipients, sender=None, **fields) -> str:
    fields = {"message_id": f"<1.{mailbox}>", **fields}
    return site.send(app, mailbox if sender is None else sender, recipients,
                     message(mailbox, ", ".join(recipients), **fields))


def is_notice(mail) -> bool:
    return mail.subject.startswith("Not delivered to ")


def got(site) -> dict[str, int]:
    """How often each has got the message."""
    count: dict[str, int] = {}
    for mail in site.m365.mail():
        for recipient in mail.recipients if not is_notice(mail) else []:
            count[recipient] = count.get(recipient, 0) + 1
    return count


def told(site, mailbox) -> list[list[str]]:
    """Of whom each notice tells; each is from and to the mailbox."""
    found = []
    for mail in filter(is_notice, site.m365.mail()):
        assert (mail.mailbox, mail.recipients, mail.sender) == \
            (mailbox, [mailbox], [mailbox])
        status = email.message_from_bytes(
            mail.raw, policy=email.policy.default).get_payload(1)
        found.append([part["Final-Recipient"].removeprefix("rfc822; ")
                      for part in status.get_payload()[1:]])
    return found


def once(*recipients) -> dict[str, int]:
    return {recipient.lower(): 1 for recipient in recipients}


# --- who gets it, and what Postfix logs

ROWS = {
    # recipients, refused, so many of them are named, line, posts
    "one of three, named": (
        [A, B, X], [X], 1,
        f"sent to 2 of 3; <{X}> refused, the sender was told", 4),
    "one of three, not named": (
        [A, B, X], [X], 0,
        f"sent to 2 of 3; <{X}> refused, the sender was told", 9),
    "two of five, one named": (
        [A, B, C, X, Y], [X, Y], 1,
        f"sent to 3 of 5; <{X}>, <{Y}> refused, the sender was told", 6),
    "two of five, both named": (
        [A, B, C, X, Y], [X, Y], 2,
        f"sent to 3 of 5; <{X}>, <{Y}> refused, the sender was told", 4),
    "first of two": (
        [A, X], [A], 1,
        f"sent to 1 of 2; <{A}> refused, the sender was told", 4),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_others_get_it(site, app, mailbox, name):
    recipients, refused, named, line, posts = ROWS[name]
    site.m365.limits(refused=[r.lower() for r in refused],
                     names_refused=named)
    queue_id = send(site, app, mailbox, recipients)
    assert f"({line})" in site.postfix.wait_status(queue_id, "sent")
    site.postfix.wait_empty_queue()
    assert got(site) == once(*set(recipients) - set(refused))
    (names,) = told(site, mailbox)
    assert sorted(names) == sorted(refused)
    assert len(site.m365.requests("sendMail")) <= posts


def test_header_names_exactly_the_rest(site, app, mailbox):
    site.m365.limits(refused=[X])
    queue_id = send(site, app, mailbox, [A, B, X])
    site.postfix.wait_status(queue_id, "sent")
    (mail,) = [m for m in site.m365.mail() if not is_notice(m)]
    assert X.encode() not in mail.raw and mail.duplicates == []


def test_all_refused(site, app, mailbox):
    """As one alone: Postfix's own notice."""
    site.m365.limits(refused=[A, B, X], names_refused=2)
    queue_id = send(site, app, mailbox, [A, B, X])
    line = site.postfix.wait_status(queue_id, "bounced")
    assert "dsn=5.1.3" in line
    assert got(site) == {} and told(site, mailbox) == []


def test_one_alone(site, app, mailbox):
    site.m365.limits(refused=[X])
    queue_id = send(site, app, mailbox, [X])
    assert "dsn=5.1.3" in site.postfix.wait_status(queue_id, "bounced")
    assert len(site.m365.requests("sendMail")) == 2


def test_refused_once(site, app, mailbox):
    """Some of these refusals mean nothing."""
    site.m365.rules({"endpoint": "sendMail", "status": 400, "body": {
        "error": {"code": "ErrorInvalidRecipients",
                  "message": f"Recipient '{X}' isn't resolved."}}})
    queue_id = send(site, app, mailbox, [A, X])
    site.postfix.wait_status(queue_id, "sent")
    assert got(site) == once(A, X) and told(site, mailbox) == []


MANY = [f"r{n:02}@example.org" for n in range(40)]
FEW = {"half of them": MANY[1::2], "the last": MANY[38:39],
       "some at the end": MANY[35:36] + MANY[38:]}


@pytest.mark.parametrize("name", FEW)
def test_no_more_than_24_posts(site, app, mailbox, name):
    """Who is not decided by then has not got it, and the sender knows."""
    site.m365.limits(refused=FEW[name], names_refused=0)
    queue_id = send(site, app, mailbox, MANY)
    site.postfix.wait_status(queue_id, "sent")
    (names,) = told(site, mailbox)
    assert set(names) >= set(FEW[name])
    assert got(site) == once(*set(MANY) - set(names))
    assert len(site.m365.requests("sendMail")) <= 24 + 1  # and the notice


def test_more_than_24_posts_and_nobody_got_it(site, app, mailbox):
    site.m365.limits(refused=MANY, names_refused=0)
    queue_id = send(site, app, mailbox, MANY)
    site.postfix.wait_status(queue_id, "bounced")
    assert len(site.m365.requests("sendMail")) <= 24
    assert got(site) == {} and told(site, mailbox) == []


def test_null_sender_is_told_nothing(site, app, mailbox):
    site.m365.limits(refused=[X])
    queue_id = send(site, app, mailbox, [A, B, X], sender="")
    line = site.postfix.wait_status(queue_id, "bounced")
    assert f"sent to 2 of 3; <{X}> refused" in line
    assert got(site) == once(A, B) and told(site, mailbox) == []


def test_large_message(site, app, mailbox):
    """Its drafts are made anew for the others."""
    site.m365.limits(refused=[X])
    body = b"--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/pdf\r\n" \
        b"Content-Transfer-Encoding: base64\r\n\r\n" + \
        (b"QUJD" * 18 + b"\r\n") * 60_000 + b"--b--\r\n"
    queue_id = send(site, app, mailbox, [A, B, X], mime_version="1.0",
                    content_type="multipart/mixed; boundary=b", body=body)
    site.postfix.wait_status(queue_id, "sent", timeout=60)
    assert got(site) == once(A, B) and told(site, mailbox) == [[X]]
    assert site.m365.drafts() == []


# --- the notice

def test_notice(site, app, mailbox):
    site.m365.limits(refused=[X])
    queue_id = send(site, app, mailbox, [A, B, X], subject="the subject")
    site.postfix.wait_status(queue_id, "sent")
    (mail,) = filter(is_notice, site.m365.mail())
    notice = email.message_from_bytes(mail.raw, policy=email.policy.default)
    assert notice["Auto-Submitted"] == "auto-replied"
    assert notice["Subject"] == "Not delivered to 1 of 3 recipients"
    assert notice.get_content_type() == "multipart/report"
    assert notice.get_param("report-type") == "delivery-status"
    text, status, head = notice.iter_parts()
    assert [part.get_content_type() for part in (text, status, head)] == \
        ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    assert f"<{X}>:" in text.get_content()
    message_, recipient = status.get_payload()
    assert message_["X-Postfix-Queue-ID"] == queue_id
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.1.3")
    assert "ErrorInvalidRecipients" in recipient["Diagnostic-Code"]
    assert A not in text.get_content() + status.as_string()
    assert "\r\nSubject: the subject\r\n" in head.get_content()
    assert "x-msgraph-mailbox" not in mail.raw.decode().lower()
    assert not any(part.defects for part in notice.walk())


def test_notice_of_a_header_with_raw_bytes(site, app, mailbox):
    site.m365.limits(refused=[X])
    queue_id = site.send(
        app, mailbox, [A, X],
        message(mailbox, A).replace(b"Subject: test", "Subject: Grüße, 1=2"
                                    .encode()))
    site.postfix.wait_status(queue_id, "sent")
    (mail,) = filter(is_notice, site.m365.mail())
    assert mail.raw.isascii()
    head = email.message_from_bytes(mail.raw).get_payload(2)
    assert "Subject: Grüße, 1=2\r\n".encode() in head.get_payload(decode=True)


REFUSALS = {
    "throttled": {"status": 429, "headers": {"Retry-After": "900"}},
    "blocked": {"status": 400, "body": {"error": {
        "code": "ErrorMessageBlocked", "message": "spam"}}},
    "refused": {"status": 400, "times": 2, "body": {"error": {
        "code": "ErrorInvalidRecipients", "message": "no"}}},
    "failed": {"status": 503},
}


@pytest.mark.parametrize("name", REFUSALS)
def test_sender_cannot_be_told(site, app, mailbox, name):
    """All is deferred, and what is done is not done again."""
    site.m365.limits(refused=[X])
    site.m365.rules({"endpoint": "sendMail", "skip": 3, **REFUSALS[name]})
    queue_id = send(site, app, mailbox, [A, B, X])
    line = site.postfix.wait_status(queue_id, "deferred")
    assert f"sent to 2 of 3; <{X}> refused, and the sender cannot be told" \
        in line
    assert got(site) == once(A, B) and told(site, mailbox) == []
    if name == "throttled":
        return  # for a quarter of an hour
    site.postfix.flush(queue_id)
    line = site.postfix.wait_status(queue_id, "sent")
    assert f"sent to 2 of 3; <{X}> refused, the sender was told" in line
    assert got(site) == once(A, B) and told(site, mailbox) == [[X]]


# --- killed between any two steps

# how many are named, and how many posts there were before
STEPS = [(1, step) for step in range(4)] + [(0, step) for step in range(9)]


def kill(site, who: str) -> None:
    if who == "msgraphd":
        site.daemon.kill()
        return
    (agent,) = site.postfix.agents()
    if who == "pipe":
        stat = Path(f"/proc/{agent}/stat").read_text(encoding="ascii")
        agent = int(stat.rpartition(")")[2].split()[1])
    os.kill(agent, signal.SIGKILL)


def finish(site, queue_id: str) -> None:
    """Until it has left the queue."""
    site.m365.release()
    if not site.daemon.is_running():
        site.daemon.start()

    def is_gone() -> bool:
        site.postfix.flush()
        return site.postfix.is_gone(queue_id)
    wait_for(is_gone, lambda: f"{queue_id} to leave the queue:\n"
             f"{site.postfix.log_text()}")


@pytest.mark.parametrize("who", ["agent", "msgraphd", "pipe"])
@pytest.mark.parametrize("accepted", [False, True],
                         ids=["before Graph has it", "after"])
@pytest.mark.parametrize("named, step", STEPS)
def test_killed(site, app, mailbox, named, step, accepted, who):
    site.m365.limits(refused=[X], names_refused=named)
    site.m365.rules({"endpoint": "sendMail", "action": "stall", "skip": step,
                     "accept": accepted})
    queue_id = send(site, app, mailbox, [A, B, X])
    site.m365.wait_stalled(1)
    kill(site, who)
    finish(site, queue_id)
    assert got(site) == once(A, B)
    assert told(site, mailbox) == [[X]]
    log = site.postfix.log_text()
    assert not re.search(rf"{queue_id}: .*status=bounced", log)
