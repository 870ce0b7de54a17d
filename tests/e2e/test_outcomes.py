"""What Graph answers, and what becomes of the message: one row each.

A row scripts the answers and says what must follow from them: the calls that
Graph saw, what lies in the queue, what the sender is told, msgraphd's line. A
bounce is looked at where it waits: this site holds back what would leave by
the default route.
"""

from __future__ import annotations

import json
import re
from time import time

import pytest

from harness.outcomes import (  # noqa: F401
    FOREVER, Run, TAKEN, check_queue, check_status, graph_error, no_grace,
    own_site, row, says, site)
from harness.wait import wait_for

# --- rows

SENT = [
    row("202", TAKEN, status="sent"),
    row("202 with Retry-After", {**TAKEN, "headers": {"Retry-After": "60"}},
        status="sent", keys="retry-after=60"),
    row("202 with JSON", {**TAKEN, "body": graph_error("ErrorServerBusy")},
        status="sent"),
    row("202 with 10 MB", {**TAKEN, "body": "x" * 10_000,
                           "repeat_body": 1000}, status="sent"),
    row("202 cut off", {**TAKEN, "body": "short", "truncate": True},
        status="sent"),
    row("401 once", says(401, "InvalidAuthenticationToken"), TAKEN,
        status="sent", calls=2, tokens=2),
    row("recipients refused once", says(400, "ErrorInvalidRecipients"), TAKEN,
        status="sent", calls=2),
    row("base64 refused once",
        says(400, "ErrorMimeContentInvalidBase64String"), TAKEN,
        status="sent", calls=2),
    row("MIME refused once", says(400, "ErrorMimeContentInvalid"), TAKEN,
        status="sent", calls=2),
    row("429 and a second", says(429, "ApplicationThrottled",
                                 headers={"Retry-After": "1"}), TAKEN,
        status="sent", calls=2),
    row("429 and a date", says(429, body="Too Many Requests",
                               headers={"Retry-After": "in 2 s"}), TAKEN,
        status="sent", calls=2),
]

# what may have been accepted, and must not be tried again at once
UNKNOWN = [
    row(f"{status} {code}", {**says(status, code), "accept": accept},
        dsn="4.3.2", reason="endpoint", text="it may come twice", unknown=True,
        mails=int(accept))
    for status, code, accept in [
        (500, "", True), (500, "UnknownError", False), (502, "", False),
        (504, "", True), (504, "UnknownError", True), (509, "", False),
        (507, "", False), (500, "ErrorInternalServerError", False)]
] + [
    row(f"{status}", {**says(status), "accept": accept}, dsn="4.3.0",
        reason="unknown", text="not one that is known.*it may come twice", unknown=True,
        warns=True, mails=int(accept))
    for status, accept in [(200, False), (201, True), (204, False),
                           (302, False), (304, False)]
] + [
    row(f"{action} after the body",
        {"action": action, "accept": accept}, dsn="4.4.1", reason="endpoint",
        unknown=True,
        text="no answer from Graph.*it may come twice", mails=int(accept))
    for action, accept in [("reset", True), ("close", True),
                           ("garbage", False), ("stall", True)]
] + [
    # a small message is on its way before anybody can refuse it
    row("stall before a small body",
        {"action": "stall", "when": "before"}, dsn="4.4.1", reason="endpoint",
        unknown=True,
        text="no answer from Graph.*it may come twice"),
]

DEFERRED = [
    row("401 for ever", says(401, "InvalidAuthenticationToken", **FOREVER),
        dsn="4.7.8", reason="credential", text="does not take the token", calls=2, tokens=2),
] + [
    row(f"{code}, {status}", says(status, code), dsn="4.3.1",
        reason="mailbox", text="mailbox is full")
    for code in ("ErrorQuotaExceeded", "QuotaExceededException")
    for status in (507, 403)
] + [
    row(f"{code}, {status}", says(status, code), dsn="4.7.28",
        reason="throttled", text=f"daily limit.*{code}")
    for code in ("ErrorExceededMessageLimit", "ErrorSubmissionQuotaExceeded")
    for status in (429, 403, 400)
] + [
    row(f"429 {code}, long", says(
        429, headers={"Retry-After": "300"}, body={"error": {
            "code": code, "message": "Please retry again later.",
            "innerError": {"code": "429", "status": "429",
                           "message": "Please retry after"}}}),
        dsn="4.4.5", reason="throttled", text=f"slow down.*{code}.*retry again later",
        keys="retry-after=300")
    for code in ("ApplicationThrottled", "TooManyRequests",
                 "activityLimitReached")
] + [
    row("429 and nothing else", says(429), dsn="4.4.5", reason="throttled",
        text="nothing is sent for this mailbox for"),
    row("429 until tomorrow", says(429, headers={
        "Retry-After": "in 86400 s"}),
        dsn="4.4.5", reason="throttled", text="for 3[56].. more seconds"),
    row("429 for ever", says(429, headers={"Retry-After": "9" * 30}),
        dsn="4.4.5", reason="throttled", text="nothing is sent for this mailbox for"),
] + [
    row(f"503 {code}", says(503, code), dsn="4.3.2", reason="endpoint",
        text=f"Exchange is busy.*{code}")
    for code in ("ErrorServerBusy", "ErrorMailboxMoveInProgress",
                 "ErrorMailboxStoreUnavailable", "serviceNotAvailable")
] + [
    row("503 in HTML", says(503, body="<html><h1>Unavailable</h1></html>"),
        dsn="4.3.2", reason="endpoint", text="Exchange is busy: HTTP 503"),
] + [
    row(f"{status} {code}", says(status, code), dsn="4.3.0",
        reason="unknown", warns=True,
        text=f"not one that is known here: HTTP {status} {code}")
    for status, code in [
        (400, "ErrorSomethingNew"), (400, ""), (403, ""), (404, ""),
        (405, ""), (409, "ErrorIrresolvableConflict"), (411, ""),
        (418, ""), (403, "errorAccessDenied")]
] + [
    row("stall before a large body",
        {"action": "stall", "when": "before"}, dsn="4.4.1",
        reason="endpoint", text="no answer from Graph", size=2_800_000),
]

BOUNCED = [
    row("recipients refused", says(400, "ErrorInvalidRecipients", **FOREVER),
        status="bounced", dsn="5.1.3", reason="recipient", calls=2,
        text="does not take the recipients' addresses"),
    row("base64 refused", says(400, "ErrorMimeContentInvalidBase64String",
                               **FOREVER),
        status="bounced", dsn="5.6.0", reason="content", calls=2,
        text="cannot read the message"),
    row("MIME refused", says(400, "ErrorMimeContentInvalid", **FOREVER),
        status="bounced", dsn="5.6.0", reason="content", calls=2,
        text="cannot read the message"),
    row("too large", says(400, "ErrorMessageSizeExceeded"),
        status="bounced", dsn="5.3.4", reason="size", text="larger than the mailbox may"),
    row("413 in JSON", says(413, body=graph_error(
        "BadRequest", "The maximum request length supported is 4MB.")),
        status="bounced", dsn="5.3.4", reason="size",
        text="larger than Graph takes.*maximum request length"),
    row("413 in HTML", says(413, body="<html>Too Large</html>"),
        status="bounced", dsn="5.3.4", reason="size", text="larger than Graph takes"),
    row("413 and nothing", says(413), status="bounced", dsn="5.3.4", reason="size",
        text="larger than Graph takes"),
    row("spam", says(400, "ErrorMessageBlocked"), status="bounced",
        dsn="5.7.1", reason="content", text="took the message for spam"),
]

# what an admin can mend: code, status, the end of the DSN, the text
GRACE = [
    ("ErrorAccessDenied", 403, "7.1", "must grant it Mail.Send"),
    ("Authorization_RequestDenied", 403, "7.1", "must grant it Mail.Send"),
    ("ErrorSendAsDenied", 403, "7.60", "may not send as"),
    ("ErrorSendAsDenied", 400, "7.60", "may not send as"),
    ("ErrorInvalidUser", 404, "1.0", "no such mailbox"),
    ("ResourceNotFound", 404, "1.0", "no such mailbox"),
    ("Request_ResourceNotFound", 404, "1.0", "no such mailbox"),
    ("MailboxNotEnabledForRESTAPI", 404, "1.0", "not in Exchange Online"),
]


def reason_of(dsn: str) -> str:
    return "mailbox" if dsn == "1.0" else "permission"


# --- sendMail

@pytest.mark.parametrize("expected", SENT + UNKNOWN + DEFERRED + BOUNCED,
                         ids=str)
def test_answer_to_a_message(site, expected):
    run = Run(site, site.new_app())
    run.script(*expected.rules)
    run.send(expected.size)
    check_status(run, expected)
    check_queue(run, expected)


@pytest.mark.parametrize("size", [10, 2_800_000])
@pytest.mark.parametrize("action", ["reset", "close"])
def test_connection_lost_before_the_body(site, action, size):
    """Where an old connection breaks, libcurl starts over on a new one; and how
    much of a small message was on its way then, depends. What the log says
    agrees with what Postfix says."""
    run = Run(site, site.new_app())
    run.script({"action": action, "when": "before", **FOREVER})
    run.send(size)
    line = site.postfix.wait_status(run.queue_id, "deferred")
    assert "dsn=4.4.1, " in line and "no answer from Graph" in line
    unknown = ", outcome=unknown, " in run.delivery_line("deferred")
    assert ("it may come twice" in line) == unknown
    assert not unknown or size == 10
    assert run.mails() == 0


@pytest.mark.parametrize("code, status, dsn, text", GRACE)
def test_what_an_admin_can_mend_waits(site, code, status, dsn, text):
    run = Run(site, site.new_app())
    run.script(says(status, code), TAKEN)
    run.send()
    expected = row(code, says(status), dsn=f"4.{dsn}", reason=reason_of(dsn),
                   text=f"{text}.*{code}: Why not")
    check_status(run, expected)
    check_queue(run, expected)
    site.postfix.flush()
    site.postfix.wait_status(run.queue_id, "sent")
    assert run.mails() == 1


@pytest.mark.parametrize("code, status, dsn, text", GRACE)
def test_what_nobody_mends_bounces(site, no_grace, code, status, dsn, text):
    run = Run(site, site.new_app())
    run.script(says(status, code))
    run.send()
    expected = row(code, says(status), dsn=f"5.{dsn}", status="bounced",
                   reason=reason_of(dsn), text=f"{text}.*{code}: Why not")
    check_status(run, expected)
    check_queue(run, expected)


def test_time_of_the_first_refusal_is_kept(site):
    """A restart does not give the message another day."""
    run = Run(site, site.new_app())
    run.script(says(403, "ErrorAccessDenied", **FOREVER))
    run.send()
    refused = time()
    site.postfix.wait_status(run.queue_id, "deferred")
    site.daemon.kill()
    site.daemon.start()
    # whole seconds are kept, so both sides of the end are looked for
    wait_for(lambda: time() > refused + 3, "three seconds")
    try:
        site.configure(access_denied_grace="2s")
        site.postfix.flush(run.queue_id)
        site.postfix.wait_status(run.queue_id, "bounced")
    finally:
        site.configure(access_denied_grace="1d")


# --- bodies: the code counts wherever it can be read, and only there

READABLE = {
    "innerError": json.dumps(graph_error("ErrorAccessDenied")),
    "innererror": json.dumps(graph_error("ErrorAccessDenied",
                                         inner="innererror")),
    "no inner error": json.dumps(graph_error("ErrorAccessDenied", inner="")),
    "no message": '{"error": {"code": "ErrorAccessDenied"}}',
    "message is null": '{"error": {"code": "ErrorAccessDenied",'
                       ' "message": null}}',
    "spaces around": "\r\n " + json.dumps(
        graph_error("ErrorAccessDenied"), indent=2) + "\r\n",
}
UNREADABLE = {
    "empty": "",
    "plain text": "ErrorAccessDenied",
    "HTML": "<html><body>403 ErrorAccessDenied</body></html>",
    "cut off": json.dumps(graph_error("ErrorAccessDenied"))[:-2],
    "no object": '["ErrorAccessDenied"]',
    "error is a string": '{"error": "ErrorAccessDenied"}',
    "code is a number": '{"error": {"code": 403, "message": []}}',
    "NUL in it": '{"error": {"code": "ErrorAccessDenied\\u0000"}}',
    "deep": "[" * 30_000,
}


@pytest.mark.parametrize("body", READABLE.values(), ids=READABLE)
@pytest.mark.parametrize("truncate", [False, True])
def test_error_is_read_from_its_body(site, body, truncate):
    """A connection that broke off after all of it changes nothing."""
    run = Run(site, site.new_app())
    run.script(says(403, body=body, truncate=truncate))
    run.send()
    check_status(run, row("", says(403), dsn="4.7.1", reason="permission",
                          text="must grant it Mail.Send.*ErrorAccessDenied"))


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_body_that_cannot_be_read_never_bounces(site, no_grace, body):
    run = Run(site, site.new_app())
    run.script(says(403, body=body))
    run.send()
    expected = row("", says(403), dsn="4.3.0", reason="unknown", warns=True,
                   text="not one that is known here: HTTP 403")
    check_status(run, expected)
    check_queue(run, expected)


def test_ten_megabytes_of_error_are_not_kept(site, no_grace):
    before = site.daemon.peak_memory()
    run = Run(site, site.new_app())
    run.script(says(403, body=" " * 10_000, repeat_body=1000))
    run.send()
    check_status(run, row("", says(403), dsn="4.3.0", reason="unknown", warns=True,
                          text="HTTP 403"))
    assert site.daemon.peak_memory() - before < 8_000_000


def test_hostile_words_are_one_harmless_line(site):
    """Graph's words go into logs and bounces of Postfix."""
    words = "a\r\nX: y\x1b[2J\x7f" + "é" + "x" * 5000
    run = Run(site, site.new_app())
    run.script(says(403, body=json.dumps(
        graph_error("ErrorAccessDenied", words), ensure_ascii=False)))
    run.send()
    line = site.postfix.wait_status(run.queue_id, "deferred")
    assert "Mail.Send" in line and "\x1b" not in line
    assert len(run.delivery_line("deferred")) < 2100
    assert not re.search(r"^X: y", site.daemon.log(), re.M)


# --- throttling

def test_throttles_keep_to_their_mailbox(site):
    app = site.new_app()
    first, other = Run(site, app), Run(site, app)
    first.script(says(429, "ApplicationThrottled",
                      headers={"Retry-After": "300"}))
    first.send()
    site.postfix.wait_status(first.queue_id, "deferred")
    site.postfix.wait_status(other.send().queue_id, "sent")
    again = Run(site, app, first.mailbox).send()
    line = site.postfix.wait_status(again.queue_id, "deferred")
    assert "dsn=4.4.5" in line and "more seconds" in line
    assert first.calls() == 1
    another = Run(site, site.new_app(), first.mailbox).send()
    site.postfix.wait_status(another.queue_id, "sent")


def test_answer_for_an_application_throttles_its_other_mailboxes(site):
    app = site.new_app()
    first, other = Run(site, app), Run(site, app)
    first.script(says(429, "TooManyRequests",
                      headers={"Retry-After": "300"}))
    site.postfix.wait_status(first.send().queue_id, "deferred")
    line = site.postfix.wait_status(other.send().queue_id, "deferred")
    assert "dsn=4.4.5" in line
    assert other.calls() == 0
