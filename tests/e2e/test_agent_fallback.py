"""msgraph-agent alone: what it makes of an answer that names another mailbox to
send from, and how From reads then."""

from __future__ import annotations

import pytest

from harness.submitd import (  # noqa: F401
    SENT, Request, an_agent, its_daemon, reply)

OWN, OTHER = "scan@x.test", "relay@x.test"  # OWN is that of Agent.argv()
AGAIN = reply("deferred", "4.1.0", "no such mailbox")[:-1] + (
    f"again-as={OTHER}\n\n".encode())
TO = b"To: a@x.test, b@x.test, o'x@x.test\r\n"
A, B, X = "a@x.test", "b@x.test", "o'x@x.test"


def run(agent, daemon, *answers: bytes, head: bytes, to=(A, B, X)):
    """What pipe(8) hears, and the requests."""
    daemon.answers = list(answers)
    done = agent.run(agent.argv(*to), head + TO + b"\r\nbody\r\n")
    requests = []
    while not daemon.idle():
        requests.append(daemon.next())
    return done, requests


def mailboxes(request: Request) -> tuple[list[str], list[str]]:
    return request.get("mailbox"), request.get("again-as")


ROWS = [
    # the name stays, and answers go where they would have gone
    (b"From: Scanner 7 <scan@x.test>\r\n",
     b"From: Scanner 7 <relay@x.test>\r\nReply-To: scan@x.test\r\n"),
    (b"From: scan@x.test\r\n",
     b"From: relay@x.test\r\nReply-To: scan@x.test\r\n"),
    # unless they have a place already, or cannot be received
    (b"Reply-To: me@x.test\r\nFrom: scan@x.test\r\n",
     b"Reply-To: me@x.test\r\nFrom: relay@x.test\r\n"),
    (b"From: root@localhost\r\n", b"From: relay@x.test\r\n"),
    # what an entry's from has replaced is what the client wrote
    (b"From: Ann <ann@y.test>\r\nX-MSGraph-From: replace\r\n",
     b"From: Ann <relay@x.test>\r\nReply-To: ann@y.test\r\n"),
    # there is nothing to replace, or Sender says it already
    (b"From: relay@x.test\r\n", b"From: relay@x.test\r\n"),
    (b"Sender: scan@x.test\r\nFrom: s@x.test\r\n",
     b"From: relay@x.test\r\nReply-To: s@x.test\r\n"),
    # a signature of From does not fit any more
    (b"DKIM-Signature: v=1; h=from\r\nFrom: scan@x.test\r\nSubject: \xfc\r\n",
     b"DKIM-Signature: v=1; h=from\r\nFrom: relay@x.test\r\n"
     b"Reply-To: scan@x.test\r\nSubject: =?windows-1252?"),
    # the header is converted both times, each in memory of its own
    (b"Subject: \xa4\xa4\xa4\xe5\r\nFrom: \xa4\xa4 <scan@x.test>\r\n"
     b"Content-Type: text/plain; charset=big5\r\n",
     b"Subject: =?utf-8?B?5Lit5paH?=\r\n"
     b"From: =?utf-8?B?5Lit?= <relay@x.test>\r\nReply-To: scan@x.test\r\n"
     b"Content-Type: text/plain; charset=big5\r\nTo: "),
]


@pytest.mark.parametrize("came, goes", ROWS)
def test_from(agent, daemon, came, goes):
    done, (first, again) = run(agent, daemon, AGAIN, head=came)
    assert (done.returncode, done.stdout) == (0, b"Graph accepted, request-id=1")
    assert mailboxes(first) == ([OWN], [])
    assert mailboxes(again) == ([OWN], [OTHER])
    assert again.message.startswith(goes), again.message
    assert OTHER.encode() not in first.message or OTHER.encode() in came
    # the journal and Sent Items know it by the same
    assert again.raw == first.raw
    for name in ("queue-id", "identity", "recipient", "sender", "message-id"):
        assert again.get(name) == first.get(name)


def test_there_is_no_second_one(agent, daemon):
    done, requests = run(agent, daemon, AGAIN, AGAIN, head=ROWS[0][0])
    assert (done.returncode, done.stdout) == (75, b"4.1.0 no such mailbox")
    assert len(requests) == 2


@pytest.mark.parametrize("answer", [
    AGAIN.replace(b"deferred", b"bounced").replace(b"=4.", b"=5."),
    AGAIN.replace(b"deferred", b"sent")])
def test_what_is_decided_is_not_asked_again(agent, daemon, answer):
    assert len(run(agent, daemon, answer, head=ROWS[0][0])[1]) == 1


@pytest.mark.parametrize("mailbox", ["", "relay", "x" * 255, "a b@x.test",
                                     "a@x.test>, <b@x.test"])
def test_a_mailbox_that_none_can_have_defers(agent, daemon, mailbox):
    answer = AGAIN.replace(OTHER.encode(), mailbox.encode())
    done, requests = run(agent, daemon, answer, head=ROWS[0][0])
    assert done.returncode == 75 and done.stdout.startswith(b"4.")
    assert len(requests) == 1


@pytest.mark.parametrize("last, status, line", [
    (reply("bounced", "5.3.4", "too large"), 69, b"5.3.4 too large"),
    (reply("deferred", "4.7.1", "no right"), 75, b"4.7.1 no right"),
    (b"", 75, b"4.3.0 ")])
def test_its_answer_counts(agent, daemon, last, status, line):
    done, (_, again) = run(agent, daemon, AGAIN, last, head=ROWS[0][0])
    assert done.returncode == status and done.stdout.startswith(line)


def test_further_parts_begin_there(agent, daemon):
    agent.configure("max_recipients = 2\n")
    done, requests = run(agent, daemon, AGAIN, head=ROWS[0][0])
    assert done.returncode == 0
    assert [request.get("recipient") for request in requests] == \
        [[A, B], [A, B], [X]]
    assert [request.get("again-as") for request in requests] == \
        [[], [OTHER], [OTHER]]


def test_who_got_it_before_is_left_out(agent, daemon):
    partly = reply("deferred", "4.3.0", "before")[:-1] + b"accepted=1\n\n"
    done, requests = run(agent, daemon, partly, AGAIN, head=ROWS[0][0])
    assert done.returncode == 0
    assert [request.get("recipient") for request in requests] == \
        [[A, B, X], [A, X], [A, X]]
    assert b"b@x.test" not in requests[2].message


# --- the notice about refused recipients

REFUSED = reply("bounced", "5.1.3", "no")[:-1] + (
    b"reason=recipient\nrefused=2\n\n")


def test_notice_is_from_who_sends(agent, daemon):
    _, requests = run(agent, daemon, AGAIN, REFUSED, head=ROWS[0][0])
    notice = requests[-1]
    assert notice.get("notice") == ["yes"]
    assert mailboxes(notice) == ([OWN], [OTHER])
    assert b"<relay@x.test>\r\nTo: relay@x.test\r\n" in notice.message


def test_notice_is_sent_from_there_too(agent, daemon):
    """Where the others got the message in an earlier attempt."""
    told = SENT.replace(b"=1\n", b"=2\n")
    done, requests = run(agent, daemon, REFUSED, SENT, AGAIN, told,
                         head=ROWS[0][0])
    assert done.returncode == 0
    assert b"the sender was told" in done.stdout
    first, notice = requests[-2:]
    assert mailboxes(first) == ([OWN], [])
    assert mailboxes(notice) == ([OWN], [OTHER])
    assert b"<relay@x.test>\r\nTo: relay@x.test\r\n" in notice.message
    assert b"From: Scanner 7 <scan@x.test>" in notice.message


def test_large_message(agent, daemon):
    """What was taken out is taken out again."""
    agent.configure("sendmail_limit = 64k\n")
    body = (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
            b"boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
            b"Content-Type: application/pdf; name=a.pdf\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n"
            + b"QUFB" * 18 + b"\r\n" + (b"QUFB" * 18 + b"\r\n") * 2000
            + b"--b--\r\n")
    daemon.answers = [AGAIN]
    done = agent.run(agent.argv(), b"From: scan@x.test\r\n" + body)
    assert done.returncode == 0, done.stdout
    first, again = daemon.next(), daemon.next()
    assert first.attachments == again.attachments
    assert len(again.attachments[0]) == 54 * 2001
    assert again.message.startswith(b"From: relay@x.test\r\n")
