"""What msgraph-agent makes of a refusal that names some of the recipients: the
calls that follow, and the notice as other readers see it."""

from __future__ import annotations

import email
import email.policy
import quopri

import pytest

from harness.submitd import SENT, an_agent, its_daemon, reply  # noqa: F401
from oracle.readers import GMime, parts_by_python

A, B, X = "a@x.test", "b@x.test", "o'x@x.test"
HEADER = b"From: s@x.test\r\nTo: a@x.test, b@x.test, o'x@x.test\r\n"
LAST = b"reason=recipient\nrefused=2\n\n"
REFUSED = reply("bounced", "5.1.3", "Exchange does not take it: HTTP 400 \u00e9"
                )[:-1] + LAST


def run(agent, daemon, *answers: bytes, head: bytes = b""):
    daemon.answers = list(answers)
    done = agent.run(agent.argv(A, B, X),
                     HEADER + head + b"\r\nbody --b\r\n")
    requests = []
    while not daemon.idle():
        requests.append(daemon.next())
    return done, requests


def test_three_calls(agent, daemon):
    done, (every, rest, notice) = run(agent, daemon, REFUSED)
    assert (done.returncode, done.stdout.decode()) == (
        0, f"sent to 2 of 3; <{X}> refused, the sender was told")
    assert every.get("recipient") == [A, B, X]
    assert rest.get("recipient") == [A, B]
    assert b"To: a@x.test,\r\n\tb@x.test\r\n" in rest.message \
        or b"To: a@x.test, b@x.test\r\n" in rest.message
    assert X.encode() not in rest.message
    assert notice.get("recipient") == [X]
    assert notice.get("notice") == ["yes"]
    assert notice.raw == every.raw  # by which msgraphd knows it
    # and by this one can find it in Sent Items
    again = run(agent, daemon, REFUSED)[1][2]
    assert again.get("message-id") == notice.get("message-id")
    other = run(agent, daemon, REFUSED.replace(b"=2", b"=1"))[1][2]
    assert other.get("message-id") != notice.get("message-id")


def test_some_are_done(agent, daemon):
    """By an earlier attempt: nobody is asked about them again."""
    partly = reply("deferred", "4.3.0", "before")[:-1]
    done, (_, rest) = run(agent, daemon, partly + b"accepted=0\ntold=2\n\n")
    assert rest.get("recipient") == [B]
    assert done.stdout.decode() == \
        f"sent to 2 of 3; <{X}> refused, the sender was told"
    done, (_,) = run(agent, daemon, SENT[:-1] + b"told=2\n\n")
    assert done.stdout.decode() == \
        f"sent to 2 of 3; <{X}> refused, the sender was told"


@pytest.mark.parametrize("answer, dsn", [
    (reply("deferred", "4.4.5", "slow down"), "4.4.5"),
    (reply("bounced", "5.7.1", "spam"), "4.7.1"),
    (REFUSED, "4.1.3"), (b"", "4.3.0"),
    (b"status=maybe\ndsn=2.0.0\n\n", "4.3.0")])
def test_sender_cannot_be_told(agent, daemon, answer, dsn):
    done, _ = run(agent, daemon, REFUSED, SENT, answer)
    assert done.returncode == 75
    assert done.stdout.decode().startswith(
        f"{dsn} sent to 2 of 3; <{X}> refused, and the sender cannot be told: ")


def test_rest_is_deferred(agent, daemon):
    """Nobody is told anything yet."""
    done, requests = run(agent, daemon, REFUSED,
                         reply("deferred", "4.4.5", "slow down"))
    assert (done.returncode, done.stdout) == (75, b"4.4.5 slow down")
    assert len(requests) == 2


def test_foreign_addresses_go_once(agent, daemon):
    """Those that the envelope lacks stay in the first that Graph takes."""
    agent.configure("header_recipients = keep\n")
    foreign = b"Cc: f@x.test\r\n"
    named = [b"f@x.test" in request.message for request in run(
        agent, daemon, REFUSED, SENT, SENT, head=foreign)[1][:2]]
    assert named == [True, True]
    partly = reply("deferred", "4.3.0", "before")[:-1] + b"accepted=0\n\n"
    named = [b"f@x.test" in request.message for request in run(
        agent, daemon, partly, SENT, head=foreign)[1]]
    assert named == [True, False]  # and the first of them was not posted
    # of two halves the first has them
    nobody = reply("bounced", "5.1.3", "no")[:-1] + b"reason=recipient\n\n"
    named = [b"f@x.test" in request.message for request in run(
        agent, daemon, nobody, SENT, SENT, head=foreign)[1]]
    assert named == [True, True, False]


HEADS = {
    "plain": b"Subject: a =_notice_0 b\r\n\tfolded\r\n",
    "UTF-8": "Subject: Grüße\r\n".encode(),
    "bytes": b"Subject: \xff\xfe=\r\n",
    "long": b"Subject: " + b"x" * 2000 + b"\r\n",
    "control": b"Subject: a\x0bb\r\n",
    "large": b"".join(b"X-%d: %s\r\n" % (n, b"y" * 60) for n in range(3000)),
    "ours": b"X-MSGraph-Mailbox: m@x.test\r\nReturn-Path: <q@x.test>\r\n",
}


@pytest.mark.parametrize("name", HEADS)
def test_notice_as_others_read_it(agent, daemon, name):
    raw = run(agent, daemon, REFUSED, head=HEADS[name])[1][2].message
    assert raw.isascii() and raw.replace(b"\r\n", b"").find(b"\n") == -1
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert not any(part.defects for part in parsed.walk())
    kind, (text, status, head) = GMime().parts(raw)
    assert kind == "multipart/report"
    assert [part[0] for part in (text, status, head)] == \
        ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    python = parts_by_python(raw)
    assert python[1][0][:2] == text[:2] and python[1][2][:2] == head[:2]
    assert b"Final-Recipient: rfc822; o'x@x.test\r\nAction: failed\r\n" \
        b"Status: 5.1.3\r\nDiagnostic-Code: x-msgraph; Exchange does not" \
        in status[1]
    assert A.encode() not in text[1] + status[1]
    want = HEADER + (b"" if name == "ours" else HEADS[name])
    if name == "large":
        assert 60_000 < len(head[1]) <= 64 * 1024 + 2
        want = want[:len(head[1].rstrip())]
    assert quopri.decodestring(head[1]).rstrip() == want.rstrip() \
        if b"quoted-printable" in raw else head[1].rstrip() == want.rstrip()


# --- what is no recipient at all: Graph is not asked

UNFIT = {  # dsn, exit status if it is alone, words
    "a@x.test,b@x.test": ("5.1.3", 67, "cannot be written into a message"),
    "root": ("5.1.3", 67, "cannot be written into a message"),
    "a\tb@x.test": ("5.1.3", 67, "cannot be written into a message"),
    "\u00fc@x.test": ("5.6.7", 65, "has characters beyond ASCII before"),
    "root@localhost": ("5.1.3", 67, "its domain has no dot"),
    "a@[192.0.2.1]": ("5.1.3", 67, "has an address literal instead"),
    "a@192.0.2.1": ("5.1.3", 67, "its domain ends in a number"),
    f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 63}.test":
        ("5.1.3", 67, "is longer than 254 bytes"),
}


@pytest.mark.parametrize("unfit", UNFIT)
def test_unfit_recipient_costs_the_others_nothing(agent, daemon, unfit):
    dsn, status, words = UNFIT[unfit]
    agent.fails(status, f"{dsn} no message can be sent to this address: it",
                agent.argv(unfit))
    assert daemon.idle()
    done = agent.run(agent.argv(A, unfit, B), HEADER + b"\r\nbody\r\n")
    assert done.returncode == 0
    assert done.stdout.startswith(b"sent to 2 of 3; <")
    assert done.stdout.endswith(b" refused, the sender was told")
    rest, notice = daemon.next(), daemon.next()
    assert daemon.idle()
    assert rest.get("recipient") == [A, B]
    assert unfit.encode() not in rest.message
    assert notice.get("notice") == ["yes"]
    assert notice.message.isascii()
    status = GMime().parts(notice.message)[1][1][1].decode()
    assert f"Status: {dsn}\r\n" in status
    assert words in " ".join(status.split())
    shown = unfit.replace("\u00fc", "??").replace("\t", "?")
    assert f"Final-Recipient: rfc822; {shown}\r\n" in status


def test_unfit_and_refused(agent, daemon):
    """One notice for both, each with its reason."""
    daemon.answers = [REFUSED]
    done = agent.run(agent.argv(A, B, X, "root@localhost"),
                     HEADER + b"\r\nbody\r\n")
    assert done.stdout.startswith(b"sent to 2 of 4; <")
    every, rest, notice = (daemon.next() for _ in range(3))
    assert every.get("recipient") == [A, B, X]
    assert rest.get("recipient") == [A, B]
    assert notice.get("recipient") == [X, "root@localhost"]
    status = notice.message.decode()
    assert status.index("Exchange does not take it") != -1
    assert "its domain has no dot" in " ".join(status.split())


def test_refused_stay_out_where_a_signature_breaks(agent, daemon):
    """The header is then looked at twice for each call."""
    head = "Subject: Grüße\r\nDKIM-Signature: v=1; h=from:to\r\n".encode()
    done, (_, rest, notice) = run(agent, daemon, REFUSED, head=head)
    assert done.returncode == 0
    assert rest.get("recipient") == [A, B]
    assert X.encode() not in rest.message
    assert notice.get("recipient") == [X]
