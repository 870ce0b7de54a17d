"""msgraphd alone: large messages, which go as a draft with attachments."""

from __future__ import annotations

import itertools
import json
import os
import random
import sqlite3
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from emulator.client import Emulator, Request  # noqa: E402
from harness.daemon import Daemon, Reply  # noqa: E402

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
USER = f"{TENANT}:{CLIENT}"
SECRET = "s3cr3t~with+odd/chars=&%"
BOTH = ["Mail.Send", "Mail.ReadWrite"]
RANGE = 12 * 327680
NUMBERS = itertools.count()
RANDOM = random.Random(1)
GARBAGE = RANDOM.randbytes(1 << 20)


@dataclass
class Part:
    """What the agent took out of a message."""
    size: int
    name: str = "scan.pdf"
    type: str = "application/pdf"
    inline: bool = False
    id: str = ""
    content: bytes = b""

    def __post_init__(self) -> None:
        start = RANDOM.randrange(1 << 19)
        repeats = self.size // (1 << 19) + 1
        self.content = (GARBAGE[start:start + (1 << 19)]
                        * repeats)[:self.size]

    def lines(self, offset: int) -> str:
        text = (f"attachment={offset},{self.size}\n"
                f"attachment-name={self.name}\nattachment-type={self.type}\n"
                f"attachment-inline={'yes' if self.inline else 'no'}\n")
        return text + (f"attachment-id={self.id}\n" if self.id else "")

    def described(self) -> dict:
        return {"name": self.name, "contentType": self.type,
                "isInline": self.inline, "contentId": self.id or None,
                "size": self.size}


@dataclass
class Large:
    """A message and what was taken out of it, as the agent spools them."""
    parts: list[Part]
    rest: bytes = b""
    mailbox: str = "scan@example.com"
    fields: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rest = self.rest or (
            f"From: {self.mailbox}\r\nTo: rcpt@example.org\r\n"
            f"Message-ID: <{next(NUMBERS)}@example.com>\r\n"
            "Subject: large\r\n\r\nsee attachment\r\n").encode()

    def submit(self, daemon: Daemon, timeout: float = 60) -> Reply:
        spool, lines = self.rest, ""
        for part in self.parts:
            lines += part.lines(len(spool))
            spool += part.content
        return daemon.submit(
            spool, [(0, len(self.rest))], timeout, more=lines,
            identity=USER, mailbox=self.mailbox, **self.fields)

    def in_background(self, daemon: Daemon) -> threading.Thread:
        thread = threading.Thread(target=self.submit, args=(daemon,))
        thread.start()
        return thread

    def is_mail(self, mail) -> bool:
        return (mail.raw == self.rest
                and [{name: a[name] for name in self.parts[0].described()}
                     for a in mail.attachments]
                == [part.described() for part in self.parts]
                and all(mail.attachment(i) == part.content
                        for i, part in enumerate(self.parts)))


@pytest.fixture(scope="module")
def shared_m365(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("m365")) as m365:
        yield m365


@pytest.fixture
def m365(shared_m365):
    shared_m365.reset()
    shared_m365.app(TENANT, CLIENT, SECRET, permissions=BOTH)
    return shared_m365


@pytest.fixture
def daemon(m365, tmp_path):
    settings = {"login_endpoint": m365.url, "graph_endpoint": m365.url,
                "ca_file": m365.ca_file, "connect_timeout": "2s",
                "request_timeout": "10s"}
    with Daemon(tmp_path, settings) as daemon:
        daemon.auth(USER, SECRET)
        yield daemon


def restart(daemon: Daemon, number: int = 9, **settings: str) -> None:
    daemon.stop(number)
    daemon.settings.update(settings)
    daemon.start()


def steps(m365: Emulator) -> list[str]:
    """What was asked of Graph and the upload host, but for tokens."""
    return [{"GET": "ask", "PUT": "put"}.get(r.method, r.endpoint)
            if r.endpoint == "upload" else r.endpoint
            for r in m365.requests() if r.endpoint != "token"]


def ranges(m365: Emulator) -> list[str]:
    return [r.header("Content-Range") for r in puts(m365)]


def puts(m365: Emulator) -> list[Request]:
    return [r for r in m365.requests("upload") if r.method == "PUT"]


def rows(daemon: Daemon) -> int:
    """Drafts in the state of a daemon that does not run."""
    file = Path(daemon.settings["state_directory"]) / "state.db"
    with sqlite3.connect(file) as state:
        count = state.execute("SELECT count(*) FROM draft").fetchone()[0]
    state.close()
    return count


def descriptors(daemon: Daemon) -> int:
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def assert_clean(m365: Emulator, daemon: Daemon) -> None:
    """No draft is left, neither there nor here."""
    Daemon.wait(lambda: not m365.drafts())
    daemon.stop()
    assert rows(daemon) == 0


# --- the way

def test_the_whole_way(m365, daemon):
    large = Large([Part(2 * RANGE + 1_000_000), Part(100_000, "small.txt")])
    reply = large.submit(daemon)
    assert (reply.status, reply.dsn) == ("sent", "2.0.0"), reply
    assert steps(m365) == ["messages", "createUploadSession", "put", "put",
                           "put", "attachments", "send"]
    [mail] = m365.mail()
    assert large.is_mail(mail)
    assert mail.recipients == ["rcpt@example.org"]
    assert reply.text == f"Graph accepted, request-id={mail.request_id}"
    size = len(large.rest) + sum(part.size for part in large.parts)
    assert f"size={size}, draft=2/2, http=202" in daemon.log()
    assert_clean(m365, daemon)


def test_requests_are_as_graph_wants_them(m365, daemon):
    large = Large([Part(RANGE + 7), Part(10)], mailbox="o'neil+a@example.com")
    assert large.submit(daemon).status == "sent"
    graph = [r for r in m365.requests()
             if r.endpoint not in ("token", "upload")]
    [create, session, attach, send] = graph
    for request in graph:
        assert request.path.startswith(
            "/v1.0/users/o%27neil%2Ba%40example.com/messages")
        assert request.header("Authorization").startswith("Bearer ")
        assert request.header("client-request-id")
        assert request.header("Expect") is None
    assert create.header("Content-Type") == "text/plain"
    assert json.loads(session.body) == {"AttachmentItem": {
        "attachmentType": "file", "name": "scan.pdf", "size": RANGE + 7,
        "contentType": "application/pdf", "isInline": False}}
    assert session.header("Content-Type") == "application/json"
    assert set(json.loads(attach.body)) == {
        "@odata.type", "name", "contentType", "isInline", "contentBytes"}
    assert (send.body, send.header("Content-Length")) == (b"", "0")
    assert send.header("Content-Type") is None
    assert send.connection not in {r.connection for r in graph[:3]}


def test_ranges_go_in_order_and_without_a_token(m365, daemon):
    size = 2 * RANGE + 5
    assert Large([Part(size)]).submit(daemon).status == "sent"
    assert ranges(m365) == [
        f"bytes 0-{RANGE - 1}/{size}",
        f"bytes {RANGE}-{2 * RANGE - 1}/{size}",
        f"bytes {2 * RANGE}-{size - 1}/{size}"]
    for request in puts(m365):
        assert request.header("Authorization") is None
        assert request.header("Content-Type") == "application/octet-stream"
        assert int(request.header("Content-Length")) == len(request.body)
        assert len(request.body) < 4_000_000


@pytest.mark.parametrize("size, how", [
    (1, "attachments"), (2, "attachments"), (3, "attachments"),
    (48 * 1024 + 1, "attachments"), (2_990_000, "attachments"),
    (3_000_000, "createUploadSession"), (RANGE, "createUploadSession"),
    (RANGE + 1, "createUploadSession"), (2 * RANGE, "createUploadSession")])
def test_every_size_arrives_whole(m365, daemon, size, how):
    large = Large([Part(size)])
    assert large.submit(daemon).status == "sent"
    assert steps(m365)[1] == how
    assert large.is_mail(m365.mail()[0])


def test_names_types_and_inline_images_are_kept(m365, daemon):
    large = Large([
        Part(5000, "Rechnung 2026 \"März\" \\ x.pdf"),
        Part(3_500_000, "ü.png", "image/png", True, "logo.1@example.com"),
        Part(70, "x" * 255 + ".eml", "text/plain; charset=utf-8", True, "a/b"),
        Part(6000, "日本.bin", "application/octet-stream")])
    assert large.submit(daemon).status == "sent"
    assert large.is_mail(m365.mail()[0])


def test_upload_minimum_above_ours(m365, daemon):
    """Should "3 MB" be 3 MiB, the other call takes what is between."""
    m365.limits(upload_min_bytes=3 << 20, request_bytes=4 << 20)
    large = Large([Part(3_100_000), Part(3 << 20)])
    assert large.submit(daemon).status == "sent"
    assert steps(m365) == ["messages", "createUploadSession", "attachments",
                           "createUploadSession", "put", "send"]
    assert large.is_mail(m365.mail()[0])


@pytest.mark.parametrize("lines", [
    "attachment=0,10\n",
    "attachment=0,10\nattachment-name=a\n",
    "attachment=0,10\nattachment-type=a/b\n",
    "attachment-name=a\nattachment-type=a/b\n",
    "attachment=0,0\nattachment-name=a\nattachment-type=a/b\n",
    "attachment=0,99999\nattachment-name=a\nattachment-type=a/b\n",
    "attachment=5\nattachment-name=a\nattachment-type=a/b\n",
    "attachment=0,10\nattachment-name=\nattachment-type=a/b\n",
    "attachment=0,10\nattachment-name=a\nattachment-name=b\n",
    f"attachment=0,10\nattachment-name={'x' * 1025}\nattachment-type=a/b\n",
    "attachment=0,1\nattachment-name=a\nattachment-type=a/b\n" * 1001,
])
def test_malformed_attachment_is_deferred(m365, daemon, lines):
    reply = daemon.submit(b"0123456789" * 10, more=lines, identity=USER)
    assert reply.status == "deferred"
    assert reply.dsn.startswith("4.3."), reply
    assert steps(m365) == []


def test_name_that_is_no_utf8_is_deferred(daemon):
    record = (f"queue-id=4Z\nidentity={USER}\nmailbox=a@b\nrecipient=c@d\n"
              "raw=4\nsegment=0,4\nattachment=0,4\nattachment-type=a/b\n")
    reply = daemon.submit_raw(
        record.encode() + b"attachment-name=\xff\n\n", b"test")
    assert (reply.status, reply.dsn) == ("deferred", "4.3.0")


# --- going on

def test_killed_between_two_ranges(m365, daemon):
    large = Large([Part(100), Part(3 * RANGE)])
    m365.rules({"endpoint": "upload", "action": "stall", "skip": 1})
    thread = large.in_background(daemon)
    m365.wait_stalled()
    restart(daemon)
    thread.join()
    m365.wait_until(lambda stats: stats["stalled"] == 0)
    assert large.submit(daemon).status == "sent"
    assert steps(m365) == ["messages", "attachments", "createUploadSession",
                           "put", "put", "ask", "put", "put", "send"]
    assert ranges(m365)[2] == f"bytes {RANGE}-{2 * RANGE - 1}/{3 * RANGE}"
    assert [large.is_mail(m) for m in m365.mail()] == [True]
    assert "unknown" not in daemon.log()
    assert_clean(m365, daemon)


def test_killed_after_a_range_was_taken(m365, daemon):
    """The service knows more than we do."""
    large = Large([Part(3 * RANGE)])
    m365.rules({"endpoint": "upload", "action": "stall", "skip": 1,
                "accept": True})
    thread = large.in_background(daemon)
    m365.wait_stalled()
    restart(daemon)
    thread.join()
    m365.release()
    assert large.submit(daemon).status == "sent"
    assert ranges(m365)[2:] == [
        f"bytes {2 * RANGE}-{3 * RANGE - 1}/{3 * RANGE}"]
    assert [large.is_mail(m) for m in m365.mail()] == [True]


@pytest.mark.parametrize("endpoint", [
    "messages", "createUploadSession", "attachments", "upload", "send"])
def test_deferral_goes_on_where_it_stood(m365, daemon, endpoint):
    large = Large([Part(RANGE + 1), Part(50)])
    m365.rules({"endpoint": endpoint, "status": 503, "body": {
        "error": {"code": "serviceNotAvailable", "message": "busy"}}})
    reply = large.submit(daemon)
    assert (reply.status, reply.dsn) == ("deferred", "4.3.2"), reply
    assert large.submit(daemon).status == "sent"
    done = steps(m365)
    done.remove(endpoint if endpoint != "upload" else "put")
    if endpoint == "upload":
        done.remove("ask")
    assert done == ["messages", "createUploadSession", "put", "put",
                    "attachments", "send"]
    assert [large.is_mail(m) for m in m365.mail()] == [True]
    assert "unknown" not in daemon.log()
    assert_clean(m365, daemon)


def test_log_line_says_how_far_it_got(m365, daemon):
    m365.rules({"endpoint": "upload", "status": 503})
    Large([Part(50), Part(RANGE + 1)]).submit(daemon)
    assert ", draft=1/2, http=503, delay=" in daemon.log()


def test_graph_down_between(m365, daemon):
    large = Large([Part(3 * RANGE)])
    m365.rules({"endpoint": "upload", "action": "stall", "skip": 1})
    replies = []
    thread = threading.Thread(
        target=lambda: replies.append(large.submit(daemon)))
    thread.start()
    m365.wait_stalled()
    m365.down()
    thread.join()
    assert (replies[0].status, replies[0].dsn) == ("deferred", "4.4.1")
    assert large.submit(daemon).status == "deferred"
    m365.up()
    assert large.submit(daemon).status == "sent"
    assert steps(m365).count("messages") == 1
    assert "unknown" not in daemon.log()


def test_agent_that_goes_away_stops_the_upload(m365, daemon):
    large = Large([Part(3 * RANGE)])
    m365.rules({"endpoint": "upload", "delay": 0.5})
    with pytest.raises(TimeoutError):
        large.submit(daemon, timeout=0.3)
    Daemon.wait(lambda: "the agent went away before" in daemon.log())
    assert len(puts(m365)) == 1
    assert large.submit(daemon).status == "sent"
    assert steps(m365).count("messages") == 1
    assert len(m365.mail()) == 1


def test_delivery_that_takes_too_long_goes_on_later(m365, daemon):
    restart(daemon, delivery_timeout="16s")
    large = Large([Part(3 * RANGE)])
    m365.rules({"endpoint": "upload", "delay": 1.1})
    reply = large.submit(daemon)
    assert (reply.status, reply.dsn) == ("deferred", "4.4.7")
    assert large.submit(daemon).status == "sent"
    assert steps(m365).count("messages") == 1


# --- starting over

def test_session_that_expired_while_deferred(m365, daemon):
    large = Large([Part(50), Part(2 * RANGE)])
    m365.rules({"endpoint": "upload", "status": 503, "skip": 1},
               {"endpoint": "upload", "match": {"method": "GET"},
                "status": 404})
    assert large.submit(daemon).status == "deferred"
    assert large.submit(daemon).status == "sent"
    assert steps(m365).count("messages") == 2
    assert [large.is_mail(m) for m in m365.mail()] == [True]
    assert "starting over" in daemon.log()
    assert_clean(m365, daemon)


def test_session_that_expires_in_the_middle(m365, daemon):
    large = Large([Part(2 * RANGE)])
    m365.rules({"endpoint": "upload", "status": 404, "skip": 1, "body": {
        "error": {"code": "ErrorItemNotFound", "message": "gone"}}})
    assert large.submit(daemon).status == "sent"
    assert [large.is_mail(m) for m in m365.mail()] == [True]
    assert_clean(m365, daemon)


def test_session_that_expires_again_and_again(m365, daemon):
    m365.limits(upload_expires_in=0)
    large = Large([Part(RANGE)])
    reply = large.submit(daemon)
    assert (reply.status, reply.dsn) == ("deferred", "4.3.0")
    assert steps(m365).count("messages") == 2
    Daemon.wait(lambda: not m365.drafts())
    m365.limits(upload_expires_in=3600)
    assert large.submit(daemon).status == "sent"
    assert_clean(m365, daemon)


def test_last_range_without_an_answer(m365, daemon):
    """The file is attached and nobody heard of it: not a second time."""
    large = Large([Part(RANGE + 1)])
    m365.rules({"endpoint": "upload", "action": "close", "skip": 1,
                "accept": True})
    assert large.submit(daemon).status == "deferred"
    assert large.submit(daemon).status == "sent"
    assert [large.is_mail(m) for m in m365.mail()] == [True]
    assert_clean(m365, daemon)


def test_attachment_without_an_answer(m365, daemon):
    large = Large([Part(1000), Part(2000)])
    m365.rules({"endpoint": "attachments", "action": "close",
                "accept": True})
    assert large.submit(daemon).status == "deferred"
    assert large.submit(daemon).status == "sent"
    assert [large.is_mail(m) for m in m365.mail()] == [True]
    assert "unknown" not in daemon.log()
    assert_clean(m365, daemon)


def test_range_that_was_not_expected(m365, daemon):
    large = Large([Part(2 * RANGE)])
    m365.rules({"endpoint": "upload", "status": 416, "skip": 1})
    assert large.submit(daemon).status == "sent"
    assert steps(m365)[2:6] == ["put", "put", "ask", "put"]
    assert [large.is_mail(m) for m in m365.mail()] == [True]


def test_upload_that_takes_less_than_it_was_given(m365, daemon):
    large = Large([Part(2 * RANGE)])
    m365.rules({"endpoint": "upload", "status": 200,
                "body": {"nextExpectedRanges": ["0-"]}})
    assert large.submit(daemon).status == "sent"
    assert ranges(m365)[0] == ranges(m365)[1]
    assert [large.is_mail(m) for m in m365.mail()] == [True]


def test_upload_without_progress_is_given_up(m365, daemon):
    m365.rules({"endpoint": "upload", "match": {"method": "PUT"},
                "status": 200, "times": -1,
                "body": {"nextExpectedRanges": ["0-"]}})
    reply = Large([Part(RANGE)]).submit(daemon)
    assert reply.status == "deferred"
    assert len(puts(m365)) == 4


def test_draft_that_somebody_deleted(m365, daemon):
    large = Large([Part(50)])
    m365.rules({"endpoint": "send", "status": 503})
    assert large.submit(daemon).status == "deferred"
    [path] = {r.path for r in m365.requests("send")}
    m365.rules({"endpoint": "send", "status": 404, "body": {
        "error": {"code": "ErrorItemNotFound", "message": "gone"}}})
    assert large.submit(daemon).status == "sent"
    assert len({r.path for r in m365.requests("send")} - {path}) == 1
    assert len(m365.mail()) == 1
    assert_clean(m365, daemon)


def test_message_that_is_divided_differently(m365, daemon):
    """After an upgrade of the agent, say: the raw bytes are the same."""
    rest = Large([Part(1)]).rest
    part = Part(50)
    m365.rules({"endpoint": "send", "status": 503})
    assert Large([part], rest).submit(daemon).status == "deferred"
    part.name = "other.pdf"
    large = Large([part], rest)
    assert large.submit(daemon).status == "sent"
    assert [large.is_mail(m) for m in m365.mail()] == [True]
    assert steps(m365).count("messages") == 2
    assert_clean(m365, daemon)


def test_fresh_draft_that_is_not_found_yet(m365, daemon):
    m365.limits(draft_404=2)
    large = Large([Part(RANGE), Part(50)])
    assert large.submit(daemon).status == "sent"
    assert steps(m365) == ["messages"] + ["createUploadSession"] * 3 + [
        "put", "attachments", "send"]
    assert len(m365.mail()) == 1


# --- refusals

def test_right_to_make_drafts_is_missing(m365, daemon):
    m365.app(TENANT, CLIENT, SECRET, permissions=["Mail.Send"])
    reply = Large([Part(RANGE)]).submit(daemon)
    assert (reply.status, reply.dsn) == ("bounced", "5.3.4")
    assert "Mail.ReadWrite" in reply.text
    assert steps(m365) == ["messages"]
    assert_clean(m365, daemon)


@pytest.mark.parametrize("status, code, dsn", [
    (403, "ErrorSubmissionQuotaExceeded", "4.7.28"),
    (403, "SomethingNew", "4.3.0"),
    (404, "ErrorInvalidUser", "4.1.8"),
    (507, "ErrorQuotaExceeded", "4.2.2"),
    (202, "", "4.3.0"), (200, "", "4.3.0"), (201, "", "4.3.0"),
])
def test_odd_answer_to_the_draft_is_deferred(m365, daemon, status, code, dsn):
    m365.rules({"endpoint": "messages", "status": status,
                "body": {"error": {"code": code}} if code else ""})
    large = Large([Part(50)])
    reply = large.submit(daemon)
    assert (reply.status, reply.dsn) == ("deferred", dsn), reply
    assert "outcome=unknown" not in daemon.log()
    assert large.submit(daemon).status == "sent"
    assert len(m365.mail()) == 1


@pytest.mark.parametrize("endpoint", ["attachments", "createUploadSession",
                                      "upload"])
def test_a_202_before_sending_is_not_acceptance(m365, daemon, endpoint):
    m365.rules({"endpoint": endpoint, "status": 202})
    large = Large([Part(50), Part(RANGE)])
    reply = large.submit(daemon)
    assert (reply.status, reply.dsn) == ("deferred", "4.3.0"), reply
    assert large.submit(daemon).status == "sent"
    assert [large.is_mail(m) for m in m365.mail()] == [True]


def test_final_refusal_deletes_the_draft(m365, daemon):
    m365.limits(message_bytes=RANGE)
    reply = Large([Part(RANGE + 1)]).submit(daemon)
    assert (reply.status, reply.dsn) == ("bounced", "5.3.4")
    assert "ErrorMessageSizeExceeded" in reply.text
    m365.wait_requests("delete")
    assert_clean(m365, daemon)
    assert m365.mail() == []


def test_draft_is_deleted_after_a_restart(m365, daemon):
    m365.limits(message_bytes=50)
    m365.rules({"endpoint": "delete", "status": 503})
    assert Large([Part(51)]).submit(daemon).status == "bounced"
    m365.wait_requests("delete", state="answered")
    assert len(m365.drafts()) == 1
    restart(daemon)
    assert_clean(m365, daemon)


def test_refusal_that_may_heal_keeps_the_draft(m365, daemon):
    large = Large([Part(50)])
    m365.rules({"endpoint": "send", "status": 403,
                "body": {"error": {"code": "ErrorSendAsDenied"}}})
    assert large.submit(daemon).dsn == "4.7.60"
    assert large.submit(daemon).status == "sent"
    assert steps(m365) == ["messages", "attachments", "send", "send"]


def test_grace_that_is_over_deletes_the_draft(m365, daemon):
    restart(daemon, access_denied_grace="0s")
    m365.rules({"endpoint": "send", "status": 403,
                "body": {"error": {"code": "ErrorSendAsDenied"}}})
    reply = Large([Part(50)]).submit(daemon)
    assert (reply.status, reply.dsn) == ("bounced", "5.7.60")
    assert_clean(m365, daemon)


def test_throttled_upload_waits(m365, daemon):
    large = Large([Part(2 * RANGE)])
    m365.rules({"endpoint": "upload", "status": 429, "skip": 1,
                "headers": {"Retry-After": "1"}, "body": {
                    "error": {"code": "ApplicationThrottled"}}})
    assert large.submit(daemon).status == "sent"
    _, first, second = puts(m365)
    assert second.time - first.time >= 1.0
    assert [large.is_mail(m) for m in m365.mail()] == [True]


def test_token_that_expires_on_the_way(m365, daemon):
    m365.rules({"endpoint": "attachments", "status": 401, "skip": 1},
               {"endpoint": "send", "status": 401})
    large = Large([Part(50), Part(60)])
    assert large.submit(daemon).status == "sent"
    assert [large.is_mail(m) for m in m365.mail()] == [True]


# --- once

def test_sent_draft_is_not_sent_again(m365, daemon):
    large = Large([Part(50)])
    large.submit(daemon)
    restart(daemon)
    reply = large.submit(daemon)
    assert reply.text.startswith("accepted before, request-id=")
    assert len(m365.mail()) == 1


def test_order_to_send_without_effect(m365, daemon):
    """Nothing was sent: the same draft goes, and only that."""
    large = Large([Part(RANGE)])
    m365.rules({"endpoint": "send", "action": "close"})
    assert large.submit(daemon).status == "deferred"
    assert "outcome=unknown" in daemon.log()
    assert large.submit(daemon).status == "sent"
    assert steps(m365) == ["messages", "createUploadSession", "put", "send",
                           "send"]
    assert "outcome=unknown of an earlier attempt" in daemon.log()
    assert len(m365.mail()) == 1


def test_order_to_send_is_not_repeated_by_itself(m365, daemon):
    """libcurl repeats a request without a body over a new connection when a
    pooled one ends before the answer."""
    for _ in range(2):
        m365.rules({"endpoint": "send", "action": "close", "times": -1})
        sent = len(m365.requests("send"))
        assert Large([Part(50)]).submit(daemon).status == "deferred"
        assert len(m365.requests("send")) == sent + 1
        m365.clear_rules()


@pytest.mark.parametrize("permission, mails", [(True, 1), (False, 2)])
def test_killed_while_it_is_sent(m365, daemon, permission, mails):
    if permission:
        restart(daemon, verify_unknown="yes")
    large = Large([Part(RANGE)])
    large.fields["message_id"] = large.rest.split(b"\r\n")[2].decode()[12:]
    m365.rules({"endpoint": "send", "action": "stall", "accept": True})
    thread = large.in_background(daemon)
    m365.wait_mail()
    restart(daemon)
    thread.join()
    m365.release()
    reply = large.submit(daemon)
    assert reply.status == "sent"
    assert ("Sent Items" in reply.text) == permission
    assert "4TESTqueue: outcome=unknown of an earlier" in daemon.log()
    assert [large.is_mail(m) for m in m365.mail()] == [True] * mails
    assert_clean(m365, daemon)


# --- many

def test_two_at_once_to_a_mailbox(m365, daemon):
    both = [Large([Part(2 * RANGE)]), Large([Part(3 * RANGE), Part(9)])]
    threads = [large.in_background(daemon) for large in both]
    for thread in threads:
        thread.join()
    mails = m365.mail()
    assert len(mails) == 2
    assert all(any(large.is_mail(m) for m in mails) for large in both)
    assert_clean(m365, daemon)


def test_small_messages_go_between_the_ranges(m365, daemon):
    restart(daemon, mailbox_concurrency="1")
    large = Large([Part(4 * RANGE)])
    m365.rules({"endpoint": "upload", "action": "stall"})
    thread = large.in_background(daemon)
    m365.wait_stalled()
    before = descriptors(daemon)
    small = threading.Thread(target=lambda: daemon.submit(
        large.rest, identity=USER, queue_id="4SMALL"))
    small.start()
    # its connection and its spool file
    Daemon.wait(lambda: descriptors(daemon) == before + 2)
    m365.release()
    thread.join()
    small.join()
    done = steps(m365)
    assert done.count("put") == 4
    assert done.index("sendMail") < done.index("send") - 1
    assert m365.stats()["max_simultaneous"]["graph"]["scan@example.com"] == 1


# --- what is written down

def test_upload_address_is_no_secret_of_ours_to_tell(m365, daemon):
    large = Large([Part(2 * RANGE)])
    m365.rules({"endpoint": "upload", "status": 503, "skip": 1})
    assert large.submit(daemon).status == "deferred"
    daemon.stop()
    token = m365.requests("upload")[0].target.partition("authtoken=")[2]
    assert len(token) > 40 and rows(daemon) == 1
    assert token not in daemon.log()
    for file in Path(daemon.settings["state_directory"]).iterdir():
        assert token.encode() not in file.read_bytes(), file
    daemon.start()
    assert large.submit(daemon).status == "sent"


def test_forgotten_draft_is_cleaned_up(m365, daemon):
    """Its message was taken from the queue by hand, say."""
    m365.rules({"endpoint": "send", "status": 503})
    assert Large([Part(50)]).submit(daemon).status == "deferred"
    daemon.stop()
    file = Path(daemon.settings["state_directory"]) / "state.db"
    with sqlite3.connect(file) as state:
        state.execute("UPDATE draft SET changed = changed - 8 * 86400")
    state.close()
    daemon.start()
    m365.wait_requests("delete")
    assert_clean(m365, daemon)


def test_draft_that_cannot_be_deleted_is_forgotten(m365, daemon):
    m365.limits(message_bytes=50)
    m365.rules({"endpoint": "delete", "status": 403, "times": -1})
    assert Large([Part(51)]).submit(daemon).status == "bounced"
    m365.wait_requests("delete")
    daemon.stop()
    assert rows(daemon) == 1
    file = Path(daemon.settings["state_directory"]) / "state.db"
    with sqlite3.connect(file) as state:
        state.execute("UPDATE draft SET changed = changed - 8 * 86400")
    state.close()
    daemon.start()
    daemon.stop()
    assert rows(daemon) == 0
