"""msgraphd alone: a message that an earlier attempt may have sent is looked for
in Drafts and Sent Items, and not posted again while nobody can tell."""

from __future__ import annotations

import threading

import pytest

from emulator.client import Emulator
from harness.daemon import Daemon, Reply
from harness.daemon_alone import (  # noqa: F401
    CLIENT, MESSAGE, SECRET, TENANT, USER, daemon, m365, shared_m365)

ID = "<it's@example.com>"
READ = ["Mail.Send", "Mail.Read"]
RECIPIENT = "rcpt@example.org"


@pytest.fixture(autouse=True)
def settings(m365, daemon):
    """Not signed in yet."""
    daemon.stop()
    daemon.settings["verify_unknown"] = "yes"
    m365.app(TENANT, CLIENT, SECRET, permissions=READ)
    daemon.start()


def submit(daemon: Daemon, *recipients: str) -> Reply:
    """The same message each time; its header says who gets it."""
    recipients = recipients or (RECIPIENT,)
    head = f"To: {', '.join(recipients)}\r\nMessage-ID: {ID}\r\nSubject"
    return daemon.submit(
        MESSAGE.replace(b"To: rcpt@example.org\r\nSubject", head.encode()),
        identity=USER, message_id=ID,
        recipient="\nrecipient=".join(recipients))


def leave_unknown(m365: Emulator, daemon: Daemon, *recipients: str) -> None:
    """Graph takes a message and does not say so."""
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "action": "close", "accept": True})
    assert submit(daemon, *recipients).status == "deferred"
    assert "outcome=unknown" in daemon.log()


@pytest.mark.parametrize("permission, mails", [(True, 1), (False, 2)])
def test_message_that_is_there_is_not_posted_again(
        m365, daemon, permission, mails):
    m365.app(TENANT, CLIENT, SECRET,
             permissions=READ if permission else READ[:1])
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "accept": True, "action": "stall"})
    thread = threading.Thread(target=submit, args=(daemon,))
    thread.start()
    m365.wait_mail(1)
    daemon.stop(9)
    thread.join()
    m365.release()
    daemon.start()
    reply = submit(daemon)
    assert reply.status == "sent"
    assert ("Sent Items" in reply.text) == permission
    assert ("needs the permission Mail.Read" in daemon.log()) != permission
    assert "4TESTqueue: outcome=unknown of an earlier" in daemon.log()
    assert len(m365.mail()) == mails


def test_sent_items_of_other_recipients_are_not_ours(m365, daemon):
    """The same message goes to each recipient in a transaction of its own."""
    daemon.auth(USER, SECRET)
    submit(daemon)
    m365.rules({"endpoint": "sendMail", "action": "close", "when": "after"})
    assert submit(daemon, "Other@example.org").status == "deferred"
    assert "request-id=" in submit(daemon, "Other@example.org").text
    assert [m.recipients for m in m365.mail()] == [
        ["rcpt@example.org"], ["other@example.org"]]


@pytest.mark.parametrize("endpoint", ["drafts", "sent"])
@pytest.mark.parametrize("rule, dsn", [
    ({"status": 503}, "4.3.2"),
    ({"status": 500}, "4.3.2"),
    ({"status": 429, "headers": {"Retry-After": "300"},
      "body": {"error": {"code": "ApplicationThrottled"}}}, "4.4.5"),
    ({"status": 401}, "4.7.8"),
    ({"status": 400, "body": {"error": {"code": "ErrorInvalidRecipients"}}},
     "4.3.0"),
    ({"status": 404, "body": {"error": {"code": "ErrorInvalidUser"}}},
     "4.3.0"),
    ({"status": 413}, "4.3.0"),
    ({"status": 202}, "4.3.0"),
    ({"status": 200, "body": "not json"}, "4.3.0"),
    ({"status": 200, "body": "[" * 70_000}, "4.3.0"),
    ({"status": 200, "body": {"value": []}, "truncate": True}, "4.3.0"),
    ({"action": "close"}, "4.4.1"), ({"action": "reset"}, "4.4.1"),
    ({"action": "stall"}, "4.4.1"), ({"action": "garbage"}, "4.4.1"),
], ids=lambda value: str(value)[:50])
def test_search_that_fails_defers(m365, daemon, rule, dsn, endpoint):
    leave_unknown(m365, daemon)
    # again and again: libcurl repeats a question whose pooled connection ends
    m365.rules({"endpoint": endpoint, "times": -1, **rule})
    reply = submit(daemon)
    assert (reply.status, reply.dsn) == ("deferred", dsn), reply
    m365.clear_rules()
    m365.release()
    if "429" in str(rule):
        return  # held
    reply = submit(daemon)
    assert reply.text == "accepted before, found in Sent Items"
    assert len(m365.requests("sendMail")) == 1


def test_short_throttling_of_the_search_is_waited_out(m365, daemon):
    leave_unknown(m365, daemon)
    m365.rules({"endpoint": "sent", "status": 429,
                "headers": {"Retry-After": "1"}})
    assert "found in Sent Items" in submit(daemon).text
    assert len(m365.mail()) == 1


def test_expired_token_is_renewed_for_the_search(m365, daemon):
    leave_unknown(m365, daemon)
    m365.expire_tokens()
    assert "found in Sent Items" in submit(daemon).text
    assert len(m365.mail()) == 1


def test_search_finds_a_message_to_many(m365, daemon):
    """Its recipients alone are more than other answers may be."""
    some, others = ([f"firstname.lastname{k}{i:03}@department.example.org"
                     for i in range(500)] for k in range(2))
    daemon.auth(USER, SECRET)
    assert submit(daemon, *some).status == "sent"
    leave_unknown(m365, daemon, *others)
    assert "found in Sent Items" in submit(daemon, *others).text
    assert len(m365.mail()) == 2


def test_search_finds_one_among_many(m365, daemon):
    """A device may put the same Message-ID into all that it sends."""
    daemon.auth(USER, SECRET)
    for number in range(30):
        assert submit(daemon, f"r{number}@example.org").status == "sent"
    leave_unknown(m365, daemon)
    assert "found in Sent Items" in submit(daemon).text


def test_search_that_has_more_pages_cannot_tell(m365, daemon):
    daemon.auth(USER, SECRET)
    submit(daemon, "other@example.org")
    leave_unknown(m365, daemon)
    m365.limits(page=1)
    reply = submit(daemon)
    assert (reply.status, reply.dsn) == ("deferred", "4.3.0")
    assert "cannot be told" in reply.text
    m365.limits(page=1000)
    assert "found in Sent Items" in submit(daemon).text
    assert len(m365.mail()) == 2


def test_search_that_does_not_find_it_posts_again(m365, daemon):
    daemon.auth(USER, SECRET)
    m365.rules({"endpoint": "sendMail", "action": "close"})
    assert submit(daemon).status == "deferred"
    assert submit(daemon).text.startswith("Graph accepted")
    assert len(m365.mail()) == 1
    assert len(m365.requests("sent")) == 1


# --- on its way from Drafts to Sent Items

def test_message_in_drafts_is_not_posted_again(m365, daemon):
    m365.limits(in_drafts=None)
    leave_unknown(m365, daemon)
    for count in (2, 3):
        reply = submit(daemon)
        assert (reply.status, reply.dsn) == ("deferred", "4.3.0")
        assert "is in the mailbox's Drafts" in reply.text
        assert daemon.log().count(", outcome=unknown, ") == count
    assert len(m365.requests("sendMail")) == 1


def test_message_that_leaves_drafts_is_found(m365, daemon):
    m365.limits(in_drafts=3)
    leave_unknown(m365, daemon)
    assert "Drafts" in submit(daemon).text
    Daemon.wait(lambda: not m365.mail()[0].in_drafts)
    assert "found in Sent Items" in submit(daemon).text
    assert len(m365.mail()) == 1


@pytest.mark.parametrize("endpoint", ["drafts", "sent"])
def test_message_that_moves_between_the_questions_is_found(
        m365, daemon, endpoint):
    """The second of them comes when it has moved, whichever that is."""
    m365.limits(in_drafts=2)
    leave_unknown(m365, daemon)
    m365.rules({"endpoint": endpoint, "delay": 2.5})
    assert "found in Sent Items" in submit(daemon).text
    assert len(m365.mail()) == 1


def test_message_in_drafts_of_other_recipients_is_not_ours(m365, daemon):
    m365.limits(in_drafts=None)
    daemon.auth(USER, SECRET)
    assert submit(daemon, "other@example.org").status == "sent"
    m365.rules({"endpoint": "sendMail", "action": "close"})
    assert submit(daemon).status == "deferred"
    assert submit(daemon).text.startswith("Graph accepted")


def test_message_found_after_its_fields_went(m365, daemon):
    """Nothing that is asked for depends on a field that may go."""
    m365.limits(drop_fields=True)
    leave_unknown(m365, daemon)
    assert "found in Sent Items" in submit(daemon).text


# --- what an answer may cost

@pytest.mark.parametrize("endpoint", ["drafts", "sent"])
def test_answer_without_measure(m365, daemon, endpoint):
    leave_unknown(m365, daemon)
    before = daemon.peak_memory()
    body = '{"value":[' + "{}," * 1_398_000 + "{}]}"
    m365.rules({"endpoint": endpoint, "status": 200, "body": body})
    with daemon.watched() as silence:
        reply = submit(daemon)
    assert (reply.status, reply.dsn) == ("deferred", "4.3.0")
    print(f"{daemon.peak_memory() - before} kB, {silence.longest:.3f} s")
    assert daemon.peak_memory() - before < 16 * 1024
    assert silence.longest < 0.5
    assert "found in Sent Items" in submit(daemon).text
