"""msgraphd alone: what a record from the submit socket may cost."""

from __future__ import annotations

import pytest

from harness.daemon import Daemon, Reply
from harness.daemon_alone import (  # noqa: F401
    MESSAGE, SECRET, USER, daemon, m365, shared_m365)

RECORD_MAX = 4 * 1024 * 1024
TOO_MANY = "more than 1000 recipients in one delivery"


def submit(daemon: Daemon, count: int, prefix: str = "r") -> Reply:
    return daemon.submit(MESSAGE, identity=USER, recipient="\nrecipient=".join(
        f"{prefix}{n}@example.org" for n in range(count)))


@pytest.mark.parametrize("count", [1000, 1001])
def test_as_many_recipients_as_exchange_takes(m365, daemon, count):
    daemon.auth(USER, SECRET)
    reply = submit(daemon, count)
    if count == 1000:
        assert reply.status == "sent"
        return
    assert (reply.status, reply.dsn) == ("deferred", "4.5.3")
    assert TOO_MANY in reply.text
    assert "msgraph_destination_recipient_limit in main.cf" in reply.text
    assert f"dsn=4.5.3, status=deferred ({TOO_MANY}" in daemon.log()
    assert m365.requests("sendMail") == []
    # an operator sets that right, and then it goes
    assert submit(daemon, 500).status == "sent"


@pytest.mark.parametrize("line, answer", [
    ("recipient=%06d@y.z", TOO_MANY),
    ("segment=0,0", "segment is malformed or one too many"),
    ("attachment=0,0", "one too many"),
    ("identity=11111111-2222-3333-4444-555555555555:"
     "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", ""),
    ("raw=1", ""),
    ("a=", ""),
])
def test_longest_record_of_one_kind(daemon, line, answer):
    """Nobody else waits for it."""
    daemon.auth(USER, SECRET)
    lines = [line % n if "%" in line else line
             for n in range((RECORD_MAX - 1000) // (len(line % 1 if "%" in line
                                                        else line) + 1))]
    before = daemon.peak_memory()
    with daemon.watched() as silence:
        reply = daemon.submit(MESSAGE, identity=USER,
                              more="\n".join(lines) + "\n")
    print(f"{len(lines)} lines: {daemon.peak_memory() - before} kB, "
          f"{silence.longest:.3f} s: {reply}")
    assert answer in reply.text
    assert reply.status == ("deferred" if answer else "sent")
    assert silence.longest < 0.5
    assert daemon.peak_memory() - before < 24 * 1024


@pytest.mark.parametrize("entry, answer", [
    ("", ""),
    ("gone", ""),  # the secret that the client signed in with is used
    ("GONE", ""),
    ("g" * 64, ""),
    ("g" * 65, "entry is no name that an entry can have"),
    ("g.one", "entry is no name that an entry can have"),
])
def test_entry(daemon, entry, answer):
    daemon.auth(USER, SECRET)
    reply = daemon.submit(MESSAGE, identity=USER, entry=entry)
    assert answer in reply.text
    assert reply.status == ("deferred" if answer else "sent")


def test_entry_without_any_secret(daemon):
    """The reason names it, and a sign-in mends it."""
    reply = daemon.submit(MESSAGE, identity=USER, entry="printers")
    assert (reply.status, reply.dsn) == ("deferred", "4.7.8")
    assert "entry printers is gone or has no credential" in reply.text
    daemon.auth(USER, SECRET)
    assert daemon.submit(
        MESSAGE, identity=USER, entry="printers").status == "sent"


BOUNCE = {"sender": "", "recipient": "scan@example.com"}


@pytest.mark.parametrize("fields, answer", [
    ({}, ""),
    ({"recipient": "Scan@Example.com"}, ""),
    ({"sender": "a@example.com"}, "no bounce to its own mailbox"),
    ({"recipient": "b@example.org"}, "no bounce to its own mailbox"),
    ({"recipient": "scan@example.com\nrecipient=b@example.org"},
     "no bounce to its own mailbox"),
    ({"mailbox": "b@example.com", "recipient": "b@example.com"},
     "no application has sent as this mailbox"),
])
def test_what_goes_without_a_client(m365, daemon, fields, answer):
    """A bounce to the mailbox that has sent, and nothing else."""
    daemon.auth(USER, SECRET)
    assert daemon.submit(MESSAGE, identity=USER).status == "sent"
    reply = daemon.submit(MESSAGE, queue_id="4BOUNCE", **{**BOUNCE, **fields})
    assert answer in reply.text
    assert (reply.status, reply.dsn) == \
        (("deferred", "4.3.5") if answer else ("sent", "2.0.0"))
    assert len(m365.requests("sendMail")) == (1 if answer else 2)
