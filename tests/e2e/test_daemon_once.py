"""msgraphd alone: a message goes once, and twice only where nobody can know."""

from __future__ import annotations

import re
import threading

import pytest

from emulator.client import Emulator
from harness.daemon import Daemon, Reply
from harness.daemon_alone import (  # noqa: F401
    CLIENT, MESSAGE, SECRET, TENANT, USER, daemon, m365, shared_m365)

def test_accepted_message_is_not_posted_again(m365, daemon):
    daemon.auth(USER, SECRET)
    first = daemon.submit(MESSAGE, identity=USER)
    daemon.stop(9)
    daemon.start()
    again = daemon.submit(MESSAGE, identity=USER)
    assert again.status == "sent"
    assert again.text.startswith("accepted before, request-id=")
    assert first.text.split("=")[1] == again.text.split("=")[1]
    assert len(m365.mail()) == 1


@pytest.mark.parametrize("change", [
    {"mailbox": "other@example.com"}, {"recipient": "other@example.org"}])
def test_other_mailbox_or_recipient_is_another_delivery(m365, daemon, change):
    daemon.auth(USER, SECRET)
    daemon.submit(MESSAGE, identity=USER)
    daemon.submit(MESSAGE, identity=USER, **change)
    assert len(m365.requests("sendMail")) == 2


def post_and_kill(m365: Emulator, daemon: Daemon) -> None:
    """Leaves a message posted, accepted by Graph and not answered."""
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "accept": True, "action": "stall"})
    thread = threading.Thread(target=lambda: daemon.submit(
        MESSAGE, identity=USER))
    thread.start()
    m365.wait_mail(1)
    daemon.stop(9)
    thread.join()
    m365.call("POST", "/release")


def test_killed_while_posting_is_posted_again_and_named(m365, daemon):
    post_and_kill(m365, daemon)
    daemon.start()
    assert daemon.submit(MESSAGE, identity=USER).status == "sent"
    assert "4TESTqueue: outcome=unknown of an earlier" in daemon.log()
    assert len(m365.mail()) == 2


def test_refused_message_is_not_an_unknown_one(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "status": 403,
                "body": {"error": {"code": "ErrorAccessDenied"}}})
    assert daemon.submit(MESSAGE, identity=USER).dsn == "4.7.1"
    assert daemon.submit(MESSAGE, identity=USER).status == "sent"
    assert "unknown" not in daemon.log()


def test_stalled_agent_that_goes_away_is_recorded(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "delay": 1, "accept": True,
                "status": 202})
    with pytest.raises(TimeoutError):
        daemon.submit(MESSAGE, identity=USER, timeout=0.3)
    Daemon.wait(lambda: "status=sent" in daemon.log())
    assert "accepted before" in daemon.submit(MESSAGE, identity=USER).text


# --- what a message is

def test_equal_messages_are_two(m365, daemon):
    """Where a host drops Received fields, an alarm says the same each time."""
    daemon.auth(USER, SECRET)
    for queue_id in ("4ONE", "4TWO"):
        reply = daemon.submit(MESSAGE, identity=USER, queue_id=queue_id)
        assert reply.text.startswith("Graph accepted"), reply
    assert len(m365.mail()) == 2


def submit(daemon: Daemon, recipients: str) -> Reply:
    """The same message to a, b, c; the header is not what this is about."""
    return daemon.submit(MESSAGE, identity=USER, recipient="\n".join(
        ("recipient=" if n else "") + f"{name}@example.org"
        for n, name in enumerate(recipients)))


@pytest.mark.parametrize("first, again", [
    (["abc"], "c"), (["abc"], "ab"), (["abc"], "cba"), (["abc"], "aabb"),
    (["a", "b"], "ab"), (["ab", "c"], "bc")])
def test_retry_to_some_of_the_recipients(m365, daemon, first, again):
    """pipe(8) was killed while it marked them done; and calls add up."""
    daemon.auth(USER, SECRET)
    for recipients in first:
        reply = submit(daemon, recipients)
        assert reply.text.startswith("Graph accepted"), reply
    daemon.stop(9)
    daemon.start()
    assert submit(daemon, again).text.startswith(
        "accepted before, request-id=")
    assert len(m365.mail()) == len(first)


def test_retry_to_some_of_an_unknown_message(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "action": "close"})
    assert submit(daemon, "ab").status == "deferred"
    assert submit(daemon, "b").status == "sent"
    assert "4TESTqueue: outcome=unknown of an earlier" in daemon.log()
    assert "accepted before" in submit(daemon, "b").text


def test_recipients_that_are_new_get_it(m365, daemon):
    """Where some have got it, nothing is posted, and the agent comes again
    for the others."""
    daemon.auth(USER, SECRET)
    assert submit(daemon, "ab").status == "sent"
    reply = submit(daemon, "cbca")
    assert (reply.status, reply.more) == ("deferred",
                                          ("accepted=1", "accepted=3"))
    assert len(m365.mail()) == 1
    assert submit(daemon, "c").text.startswith("Graph accepted")
    assert "outcome=unknown" not in daemon.log()
    assert "accepted before" in submit(daemon, "abc").text
    assert len(m365.mail()) == 2


def test_fallback_mailbox(m365, daemon, tmp_path):
    """The words of the two records. An agent that does not know the first one
    has heard a deferral."""
    (tmp_path / "identities").write_text(
        f"e application={TENANT}/{CLIENT} fallback_mailbox=f@example.com\n")
    daemon.stop()
    daemon.start()
    daemon.auth(USER, SECRET)
    m365.mailboxes("f@example.com")
    fields = {"identity": USER, "entry": "e", "raw": str(len(MESSAGE))}
    edited = MESSAGE.replace(b"scan@", b"f@")
    reply = daemon.submit(MESSAGE, **fields)
    assert (reply.status, reply.dsn, reply.more) == (
        "deferred", "4.1.0", ("again-as=f@example.com",))
    for value in ("", "x" * 320):
        reply = daemon.submit(MESSAGE, **fields, again_as=value)
        assert (reply.status, reply.dsn) == ("deferred", "4.3.0")
        assert reply.text.startswith("again-as is empty or longer than 319")
    reply = daemon.submit(MESSAGE + edited, [(len(MESSAGE), len(edited))],
                          **fields, again_as="f@example.com")
    assert (reply.status, reply.more) == ("sent", ())
    daemon.stop(9)
    daemon.start()
    for more in ({}, {"again_as": "f@example.com"}):
        reply = daemon.submit(MESSAGE, **fields, **more)
        assert reply.text.startswith("accepted before, request-id=")
    assert [mail.mailbox for mail in m365.mail()] == ["f@example.com"]


def refuse(m365, message: str) -> None:
    m365.rules({"endpoint": "sendMail", "status": 400, "times": 2, "body": {
        "error": {"code": "ErrorInvalidRecipients", "message": message}}})


def notice(daemon: Daemon, recipients: str) -> Reply:
    lines = [f"{name}@example.org" for name in recipients]
    return daemon.submit(MESSAGE, identity=USER, notice="yes",
                         recipient="\nrecipient=".join(lines))


def test_refused_recipients_are_named(m365, daemon):
    daemon.auth(USER, SECRET)
    refuse(m365, "Recipient 'C@example.org' isn't resolved.")
    reply = submit(daemon, "abc")
    assert (reply.status, reply.dsn, reply.more) == (
        "bounced", "5.1.3", ("reason=recipient", "refused=2"))
    refuse(m365, "At least one recipient is not valid.")
    assert submit(daemon, "abc").more == ("reason=recipient",)


def test_notice_is_a_delivery_of_its_own(m365, daemon):
    """Once it is taken, its recipients are done, and the agent is told how."""
    daemon.auth(USER, SECRET)
    assert submit(daemon, "a").status == "sent"
    m365.rules({"endpoint": "sendMail", "status": 503})
    assert notice(daemon, "bc").status == "deferred"
    assert submit(daemon, "abc").more == ("accepted=0",)
    assert notice(daemon, "bc").text.startswith("Graph accepted")
    assert re.search(", nrcpt=1, size=[0-9]+, notice=2, ", daemon.log())
    daemon.stop(9)
    daemon.start()
    assert "accepted before" in notice(daemon, "bc").text
    reply = submit(daemon, "bac")
    assert (reply.status, reply.more) == (
        "sent", ("told=0", "accepted=1", "told=2"))
    assert submit(daemon, "bd").more == ("told=0",)
    assert len(m365.mail()) == 2


def test_notice_under_way_holds_the_message(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "action": "stall"})
    thread = threading.Thread(target=notice, args=(daemon, "b"))
    thread.start()
    m365.wait_stalled()
    assert "still under way" in submit(daemon, "ab").text
    m365.release()
    thread.join()


def test_refusal_takes_no_acceptance_back(m365, daemon):
    daemon.auth(USER, SECRET)
    assert submit(daemon, "a").status == "sent"
    for rule in ({"status": 413}, {"action": "close"}):
        m365.rules({"endpoint": "sendMail", **rule})
        assert submit(daemon, "ab").status != "sent"
        assert "accepted before" in submit(daemon, "a").text


@pytest.mark.parametrize("again, under_way", [
    ("b", True), ("bc", True), ("c", False)])
def test_retry_while_it_is_under_way(m365, daemon, again, under_way):
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "action": "stall"})
    thread = threading.Thread(target=submit, args=(daemon, "ab"))
    thread.start()
    m365.wait_stalled()
    reply = submit(daemon, again)
    assert ("still under way" in reply.text) == under_way
    m365.release()
    thread.join()
