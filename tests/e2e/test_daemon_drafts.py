"""msgraphd alone: large messages, which go as a draft with attachments."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path

import pytest

from harness.daemon import Daemon
from harness.drafts import (  # noqa: F401
    CLIENT, Large, Part, RANGE, SECRET, TENANT, USER, assert_clean, daemon,
    descriptors, m365, puts, ranges, restart, rows, shared_m365, steps)

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


# --- refusals

def test_longest_record_is_read(m365, daemon):
    """As many attachments as are taken, with the longest names and ids."""
    m365.app(TENANT, CLIENT, SECRET, permissions=["Mail.Send"])
    parts = [Part(1, name=f"{n:04}" * 250 + ".pdf", id=f"{n:04}" * 250)
             for n in range(1000)]
    reply = Large(parts).submit(daemon)
    assert (reply.status, reply.dsn) == ("bounced", "5.3.4")
    assert "Mail.ReadWrite" in reply.text


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
    (404, "ErrorInvalidUser", "4.1.0"),
    (507, "ErrorQuotaExceeded", "4.3.1"),
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


@pytest.mark.parametrize("code", ["ApplicationThrottled", "TooManyRequests"])
def test_deletion_that_is_throttled_holds(m365, daemon, code):
    m365.limits(message_bytes=50)
    m365.rules({"endpoint": "delete", "status": 429,
                "headers": {"Retry-After": "300"},
                "body": {"error": {"code": code}}})
    assert Large([Part(51)]).submit(daemon).status == "bounced"
    m365.wait_requests("delete", state="answered")
    reply = Large([Part(51)]).submit(daemon)
    assert (reply.status, reply.dsn) == ("deferred", "4.4.5")
    restart(daemon)
    assert len(m365.requests("delete")) == 1


def test_deletion_gets_another_token(m365, daemon):
    m365.limits(message_bytes=50)
    m365.rules({"endpoint": "delete", "status": 401})
    assert Large([Part(51)]).submit(daemon).status == "bounced"
    m365.wait_requests("delete", 2)
    assert len(m365.requests("token")) == 2
    assert_clean(m365, daemon)


def test_deletion_with_no_good_token_is_put_off(m365, daemon):
    m365.limits(message_bytes=50)
    m365.rules({"endpoint": "delete", "status": 401, "times": 2})
    assert Large([Part(51)]).submit(daemon).status == "bounced"
    m365.wait_requests("delete", 2, state="answered")
    assert len(m365.drafts()) == 1
    restart(daemon)
    assert_clean(m365, daemon)


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
