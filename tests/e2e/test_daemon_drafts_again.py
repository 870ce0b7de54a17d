"""msgraphd alone: large messages whose first attempt did not bring them whole to
Graph, or not for sure."""

from __future__ import annotations

import threading

import pytest

from harness.daemon import Daemon
from harness.drafts import (  # noqa: F401
    BOTH, CLIENT, Large, Part, RANGE, TENANT, USER, assert_clean, daemon,
    m365, puts, ranges, restart, rows, shared_m365, steps)

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


@pytest.mark.parametrize("accept", [True, False])
def test_killed_while_attaching(m365, daemon, accept):
    """Nobody knows whether the draft has the attachment: another draft."""
    large = Large([Part(1000), Part(2000)])
    m365.rules({"endpoint": "attachments", "action": "stall", "skip": 1,
                "accept": accept})
    thread = large.in_background(daemon)
    m365.wait_stalled()
    restart(daemon)
    thread.join()
    m365.release()
    assert large.submit(daemon).status == "sent"
    assert [large.is_mail(m) for m in m365.mail()] == [True]
    assert steps(m365).count("messages") == 2
    assert "unknown" not in daemon.log()
    assert_clean(m365, daemon)


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
    assert (reply.status, reply.dsn) == ("deferred", "4.4.2")
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
                           "look", "send"]
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


def leave_unknown(m365, daemon) -> Large:
    """Graph has sent the draft, and nobody heard of it."""
    large = Large([Part(RANGE)])
    large.fields["message_id"] = large.rest.split(b"\r\n")[2].decode()[12:]
    m365.rules({"endpoint": "send", "action": "stall", "accept": True})
    thread = large.in_background(daemon)
    m365.wait_mail()
    restart(daemon)
    thread.join()
    m365.release()
    return large


@pytest.mark.parametrize("verify", ["yes", "no"])
def test_killed_while_it_is_sent(m365, daemon, verify):
    """Who may make drafts may look for what became of one."""
    restart(daemon, verify_unknown=verify)
    large = leave_unknown(m365, daemon)
    reply = large.submit(daemon)
    assert reply.text == "accepted before, found in Sent Items"
    assert "4TESTqueue: outcome=unknown of an earlier" in daemon.log()
    assert [large.is_mail(m) for m in m365.mail()] == [True]
    assert_clean(m365, daemon)


def test_killed_while_it_is_sent_and_divided_differently(m365, daemon):
    """Its draft is of no use to the next attempt, and was sent."""
    large = leave_unknown(m365, daemon)
    large.parts[0].name = "other.pdf"
    reply = large.submit(daemon)
    assert reply.text == "accepted before, found in Sent Items"
    assert len(m365.mail()) == 1
    assert_clean(m365, daemon)


@pytest.mark.parametrize("endpoint", ["look", "drafts", "sent"])
@pytest.mark.parametrize("rule", [
    {"status": 503}, {"status": 403}, {"action": "close"},
    {"status": 200, "body": {"value": None}},
    {"status": 404, "body": {"error": {"code": "ErrorInvalidUser"}}}],
    ids=str)
def test_no_other_draft_while_nobody_can_tell(m365, daemon, rule, endpoint):
    large = leave_unknown(m365, daemon)
    m365.rules({"endpoint": endpoint, "times": -1, **rule})
    for _ in range(2):
        reply = large.submit(daemon)
        assert reply.status == "deferred"
        assert "cannot be told" in reply.text
    m365.clear_rules()
    assert "found in Sent Items" in large.submit(daemon).text
    assert steps(m365).count("messages") == 1
    assert_clean(m365, daemon)


def test_draft_that_was_deleted_and_not_sent(m365, daemon):
    """Neither there nor in Sent Items: it goes again."""
    large = Large([Part(50)])
    large.fields["message_id"] = large.rest.split(b"\r\n")[2].decode()[12:]
    m365.rules({"endpoint": "send", "action": "close"},
               {"endpoint": "send", "status": 404, "body": {
                   "error": {"code": "ErrorItemNotFound"}}})
    assert large.submit(daemon).status == "deferred"
    assert large.submit(daemon).status == "sent"
    assert [step for step in steps(m365) if step != "delete"] == [
        "messages", "attachments", "send", "look", "send", "drafts", "sent",
        "messages", "attachments", "send"]
    assert [large.is_mail(m) for m in m365.mail()] == [True]


# --- handed over, and in Drafts still

def left_in_drafts(m365, daemon) -> Large:
    m365.limits(in_drafts=None)
    return leave_unknown(m365, daemon)


def assert_not_touched(m365, daemon) -> None:
    """Not deleted either: nobody may take it from transport's hands."""
    daemon.stop()
    assert rows(daemon) == 0
    assert [mail.in_drafts for mail in m365.mail()] == [True]
    assert steps(m365)[-2:] == ["send", "look"]


@pytest.mark.parametrize("verify", ["yes", "no"])
def test_handed_over_draft_is_not_sent_again(m365, daemon, verify):
    restart(daemon, verify_unknown=verify)
    large = left_in_drafts(m365, daemon)
    assert large.submit(daemon).text == "accepted before, its draft was sent"
    assert_not_touched(m365, daemon)


def test_handed_over_and_divided_differently(m365, daemon):
    large = left_in_drafts(m365, daemon)
    large.parts[0].name = "other.pdf"
    assert large.submit(daemon).text == "accepted before, its draft was sent"
    assert_not_touched(m365, daemon)


def test_not_handed_over_and_divided_differently(m365, daemon):
    """Into fewer parts of the same bytes."""
    large = Large([Part(50), Part(60)])
    m365.rules({"endpoint": "send", "action": "close"})
    assert large.submit(daemon).status == "deferred"
    one, two = large.parts
    large.parts = [Part(110)]
    large.parts[0].content = one.content + two.content
    assert large.submit(daemon).status == "sent"
    assert [large.is_mail(mail) for mail in m365.mail()] == [True]
    assert_clean(m365, daemon)


def test_token_expires_before_the_look(m365, daemon):
    large = left_in_drafts(m365, daemon)
    m365.expire_tokens()
    assert large.submit(daemon).text == "accepted before, its draft was sent"
    assert len(m365.mail()) == 1


TWO = "a@example.org\nrecipient=rcpt@example.org"


@pytest.mark.parametrize("handed_over", [True, False])
def test_draft_of_an_attempt_to_more_recipients(m365, daemon, handed_over):
    """It is another delivery's: its id is known, and isDraft decides."""
    m365.limits(in_drafts=None)
    large = Large([Part(50)])
    message_id = large.rest.split(b"\r\n")[2].decode()[12:]
    large.rest = large.rest.replace(b"To: ", b"To: a@example.org, ")
    large.fields = {"message_id": message_id, "recipient": TWO}
    m365.rules({"endpoint": "send", "action": "close", "accept": handed_over})
    assert large.submit(daemon).status == "deferred"
    large.fields["recipient"] = "rcpt@example.org"
    reply = large.submit(daemon)
    if handed_over:
        assert "is in the mailbox's Drafts" in reply.text
        assert ", outcome=unknown, " in daemon.log().splitlines()[-1]
    else:
        assert reply.status == "sent"
    assert len(m365.mail()) == 1


def test_draft_of_ours_says_nothing_of_a_small_message(m365, daemon):
    """A device may give all that it sends the same Message-ID."""
    restart(daemon, verify_unknown="yes")
    large = Large([Part(50)])
    m365.rules({"endpoint": "send", "status": 503})
    assert large.submit(daemon).status == "deferred"
    message_id = large.rest.split(b"\r\n")[2].decode()[12:]
    m365.rules({"endpoint": "sendMail", "action": "close"})
    for status in ("deferred", "sent"):
        reply = daemon.submit(large.rest, identity=USER, queue_id="4SMALL",
                              message_id=message_id)
        assert reply.status == status, reply


def test_bounce_leaves_a_draft_that_may_have_been_sent(m365, daemon):
    """No answer came, and then nobody may ask any more: to delete the draft
    might delete the message that was sent."""
    restart(daemon, 15, access_denied_grace="0s", request_timeout="2s")
    large = Large([Part(100)])
    # taken at once: of a client that has left, nothing is taken later
    m365.rules({"endpoint": "send", "action": "stall", "accept": True})
    assert "may come twice" in large.submit(daemon).text
    m365.release()
    m365.app(TENANT, CLIENT, "new", permissions=BOTH)
    m365.expire_tokens()
    reply = large.submit(daemon)
    assert (reply.status, reply.dsn) == ("bounced", "5.7.8")
    daemon.stop()
    assert rows(daemon) == 0
    assert len(m365.mail()) == 1
    daemon.start()
    assert daemon.auth(USER, "new") == "OK"
    assert Large([Part(100)]).submit(daemon).status == "sent"
    assert "delete" not in steps(m365)
