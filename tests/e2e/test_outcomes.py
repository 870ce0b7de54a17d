"""What Graph and Entra answer, and what becomes of the message: one row each.

A row scripts the answers and says what must follow from them: the calls that
Graph saw, what lies in the queue, what the sender is told, msgraphd's line. A
bounce is looked at where it waits: this site holds back what would leave by
the default route.
"""

from __future__ import annotations

import email
import email.policy
import itertools
import json
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from time import time
from typing import Any

import pytest

from harness.message import message
from harness.site import App, Site
from harness.smtp import Smtp
from harness.wait import wait_for

RECIPIENT = "rcpt@example.org"
REQUEST_TIMEOUT = "2s"  # what a stalled request costs here
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def own_site():
    with_settings = Site({"request_timeout": REQUEST_TIMEOUT,
                          "throttle_wait": "3s"})
    with_settings.postfix.settings["defer_transports"] = "discard"
    with_settings.postfix.write()
    with with_settings as site:
        yield site


@pytest.fixture
def site(own_site: Site):
    own_site.m365.reset()
    yield own_site
    own_site.m365.release()
    own_site.postfix.delete_all()


@pytest.fixture
def no_grace(site: Site):
    """A refusal that could heal has no time to."""
    site.configure(access_denied_grace="0s")
    yield
    site.configure(access_denied_grace="2h")


# --- rows

def graph_error(code: str, text: str = "Why not.",
                inner: str = "innerError") -> dict[str, Any]:
    """An error as Graph documents it."""
    error: dict[str, Any] = {"code": code, "message": text}
    if inner:
        error[inner] = {"request-id": "in-the-body", "date": "2026-01-01"}
    return {"error": error}


def says(status: int, code: str = "", **more: Any) -> dict[str, Any]:
    """A rule that answers so, with an error body if there is a code."""
    rule = {"status": status, **more}
    if code:
        rule.setdefault("body", graph_error(code))
    return rule


@dataclass
class Row:
    """Rules for sendMail, and what must come of them."""
    name: str
    rules: list[dict[str, Any]]
    status: str = "deferred"
    dsn: str = ""
    text: str = ""  # a regular expression
    calls: int = 1
    tokens: int = 1
    http: int | None = None  # of the last answer; None: there was none
    unknown: bool = False  # Graph may have taken it
    warns: bool = False  # nobody foresaw the answer
    mails: int = 0
    keys: str = ""  # more of the log line
    size: int = 10  # of the body, in bytes

    def __str__(self) -> str:
        return self.name


def row(name: str, *rules: dict[str, Any], **expected: Any) -> Row:
    expected.setdefault("http", rules[-1].get("status"))
    if expected.get("status") == "sent":
        expected.setdefault("mails", 1)
        expected.setdefault("dsn", "2.0.0")
        expected.setdefault("text", "Graph accepted, request-id=")
    return Row(name, list(rules), **expected)


TAKEN = says(202, accept=True)
FOREVER = {"times": -1}

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
        dsn="4.3.2", text="it may come twice", unknown=True, mails=int(accept))
    for status, code, accept in [
        (500, "", True), (500, "UnknownError", False), (502, "", False),
        (504, "", True), (504, "UnknownError", True), (509, "", False),
        (507, "", False), (500, "ErrorInternalServerError", False)]
] + [
    row(f"{status}", {**says(status), "accept": accept}, dsn="4.3.0",
        text="not one that is known.*it may come twice", unknown=True,
        warns=True, mails=int(accept))
    for status, accept in [(200, False), (201, True), (204, False),
                           (302, False), (304, False)]
] + [
    row(f"{action} after the body",
        {"action": action, "accept": accept}, dsn="4.4.1", unknown=True,
        text="no answer from Graph.*it may come twice", mails=int(accept))
    for action, accept in [("reset", True), ("close", True),
                           ("garbage", False), ("stall", True)]
] + [
    # a small message is on its way before anybody can refuse it
    row(f"{action} before a small body",
        {"action": action, "when": "before"}, dsn="4.4.1", unknown=True,
        text="no answer from Graph.*it may come twice")
    for action in ("reset", "close", "stall")
]

DEFERRED = [
    row("401 for ever", says(401, "InvalidAuthenticationToken", **FOREVER),
        dsn="4.7.8", text="does not take the token", calls=2, tokens=2),
    row("mailbox full", says(507, "ErrorQuotaExceeded"), dsn="4.2.2",
        text="mailbox is full"),
    row("mailbox full, 403", says(403, "ErrorQuotaExceeded"), dsn="4.2.2",
        text="mailbox is full"),
] + [
    row(f"{code}, {status}", says(status, code), dsn="4.7.28",
        text=f"daily limit.*{code}")
    for code in ("ErrorExceededMessageLimit", "ErrorSubmissionQuotaExceeded")
    for status in (429, 403, 400)
] + [
    row(f"429 {code}, long", says(
        429, headers={"Retry-After": "300"}, body={"error": {
            "code": code, "message": "Please retry again later.",
            "innerError": {"code": "429", "status": "429",
                           "message": "Please retry after"}}}),
        dsn="4.7.28", text=f"slow down.*{code}.*retry again later",
        keys="retry-after=300")
    for code in ("ApplicationThrottled", "TooManyRequests",
                 "activityLimitReached")
] + [
    row("429 and nothing else", says(429), dsn="4.7.28",
        text="nothing is sent for this mailbox for"),
    row("429 until tomorrow", says(429, headers={
        "Retry-After": "in 86400 s"}),
        dsn="4.7.28", text="for 3[56].. more seconds"),
    row("429 for ever", says(429, headers={"Retry-After": "9" * 30}),
        dsn="4.7.28", text="nothing is sent for this mailbox for"),
] + [
    row(f"503 {code}", says(503, code), dsn="4.3.2",
        text=f"Exchange is busy.*{code}")
    for code in ("ErrorServerBusy", "ErrorMailboxMoveInProgress",
                 "ErrorMailboxStoreUnavailable", "serviceNotAvailable")
] + [
    row("503 in HTML", says(503, body="<html><h1>Unavailable</h1></html>"),
        dsn="4.3.2", text="Exchange is busy: HTTP 503"),
] + [
    row(f"{status} {code}", says(status, code), dsn="4.3.0", warns=True,
        text=f"not one that is known here: HTTP {status} {code}")
    for status, code in [
        (400, "ErrorSomethingNew"), (400, ""), (403, ""), (404, ""),
        (405, ""), (409, "ErrorIrresolvableConflict"), (411, ""),
        (418, ""), (403, "errorAccessDenied")]
] + [
    row(f"{action} before a large body",
        {"action": action, "when": "before"}, dsn="4.4.1",
        text="no answer from Graph", size=2_800_000)
    for action in ("reset", "close", "stall")
]

BOUNCED = [
    row("recipients refused", says(400, "ErrorInvalidRecipients", **FOREVER),
        status="bounced", dsn="5.1.3", calls=2,
        text="does not take the recipients' addresses"),
    row("base64 refused", says(400, "ErrorMimeContentInvalidBase64String",
                               **FOREVER),
        status="bounced", dsn="5.6.0", calls=2,
        text="cannot read the message"),
    row("MIME refused", says(400, "ErrorMimeContentInvalid", **FOREVER),
        status="bounced", dsn="5.6.0", calls=2,
        text="cannot read the message"),
    row("too large", says(400, "ErrorMessageSizeExceeded"),
        status="bounced", dsn="5.3.4", text="larger than the mailbox may"),
    row("413 in JSON", says(413, body=graph_error(
        "BadRequest", "The maximum request length supported is 4MB.")),
        status="bounced", dsn="5.3.4",
        text="larger than Graph takes.*maximum request length"),
    row("413 in HTML", says(413, body="<html>Too Large</html>"),
        status="bounced", dsn="5.3.4", text="larger than Graph takes"),
    row("413 and nothing", says(413), status="bounced", dsn="5.3.4",
        text="larger than Graph takes"),
    row("spam", says(400, "ErrorMessageBlocked"), status="bounced",
        dsn="5.7.1", text="took the message for spam"),
]

# what an admin can mend: code, status, the end of the DSN, the text
HEAL = [
    ("ErrorAccessDenied", 403, "7.1", "must grant it Mail.Send"),
    ("Authorization_RequestDenied", 403, "7.1", "must grant it Mail.Send"),
    ("ErrorSendAsDenied", 403, "7.60", "may not send as"),
    ("ErrorSendAsDenied", 400, "7.60", "may not send as"),
    ("ErrorInvalidUser", 404, "1.8", "no such mailbox"),
    ("ResourceNotFound", 404, "1.8", "no such mailbox"),
    ("Request_ResourceNotFound", 404, "1.8", "no such mailbox"),
    ("MailboxNotEnabledForRESTAPI", 404, "1.8", "not in Exchange Online"),
]


# --- how a row is run

def as_date(value: str) -> str:
    """Makes a date of "in 2 s", counted from now."""
    found = re.fullmatch(r"in (\d+) s", value)
    return formatdate(time() + int(found[1]), usegmt=True) if found else value


@dataclass
class Run:
    """A message that a row was about."""
    site: Site
    app: App
    mailbox: str = field(
        default_factory=lambda: f"row{next(numbers)}@example.com")
    queue_id: str = ""

    def script(self, *rules: dict[str, Any]) -> None:
        self.site.m365.rules(*({
            "endpoint": "sendMail", "match": {"mailbox": self.mailbox},
            **rule, "headers": {name: as_date(value) for name, value
                                in rule.get("headers", {}).items()},
        } for rule in rules))

    def send(self, size: int = 10) -> Run:
        body = b"x" * 70 + b"\r\n"
        self.queue_id = self.site.send(
            self.app, self.mailbox, [RECIPIENT],
            message(self.mailbox, RECIPIENT, body * (size // 72 + 1)))
        return self

    def calls(self) -> int:
        return sum(request.mailbox == self.mailbox
                   for request in self.site.m365.requests("sendMail"))

    def tokens(self) -> int:
        counts = self.site.m365.stats()["token_requests"]
        return counts.get(self.app.identity, 0)

    def mails(self) -> int:
        return sum(mail.mailbox == self.mailbox
                   for mail in self.site.m365.mail())

    def log(self) -> list[str]:
        """msgraphd's lines about it."""
        return [line for line in self.site.daemon.log().splitlines()
                if f" {self.queue_id}: " in line]

    def delivery_line(self, status: str) -> str:
        """msgraphd's one line of the last attempt."""
        def find() -> str:
            lines = [line for line in self.log()
                     if f", status={status} (" in line]
            return lines[-1] if lines else ""
        return wait_for(find, lambda: f"{status} in {self.log()}")

    def bounce(self) -> email.message.EmailMessage:
        """What the sender is told of it."""
        def find() -> str:
            for entry in self.site.postfix.queue():
                to = [r["address"] for r in entry["recipients"]]
                if entry["queue_id"] != self.queue_id and \
                        to == [self.mailbox]:
                    return entry["queue_id"]
            return ""
        number = wait_for(find, f"a bounce to {self.mailbox}")
        text = self.site.postfix.command("postcat", "-qbh", number)
        return email.message_from_string(text, policy=email.policy.default)


def check_status(run: Run, expected: Row) -> None:
    """Postfix's word, msgraphd's word and the calls agree with the row."""
    line = run.site.postfix.wait_status(run.queue_id, expected.status)
    assert f"dsn={expected.dsn}, " in line
    assert re.search(expected.text, line), line
    ours = run.delivery_line(expected.status)
    assert f"mailbox=<{run.mailbox}>, client={run.app.identity}, " in ours
    assert re.search(expected.text, ours), ours
    found = re.search(r", http=(\d+),", ours)
    assert (int(found[1]) if found else None) == expected.http
    assert expected.keys in ours
    if expected.status != "sent":
        assert f", dsn={expected.dsn}, status={expected.status} (" in ours
    assert (", outcome=unknown, " in ours) == expected.unknown
    warned = any("please report it" in entry for entry in run.log())
    assert warned == expected.warns
    assert (run.calls(), run.tokens()) == (expected.calls, expected.tokens)
    assert run.mails() == expected.mails


def check_queue(run: Run, expected: Row) -> None:
    """Deferred mail waits and says why; other mail is gone, and a bounce
    explains itself to the sender."""
    if expected.status == "deferred":
        reason = run.site.postfix.wait_deferred(run.queue_id)
        assert re.search(expected.text, reason), reason
        return
    wait_for(lambda: run.site.postfix.queued(run.queue_id) is None,
             f"{run.queue_id} to leave the queue")
    if expected.status == "bounced":
        check_bounce(run.bounce(), expected)
    else:
        assert not run.site.postfix.queue()


def check_bounce(bounce: email.message.EmailMessage, expected: Row) -> None:
    text, report = list(bounce.iter_parts())[:2]
    assert re.search(expected.text,
                     " ".join(text.get_content().split()))
    fields = list(report.iter_parts())[1]
    assert fields["Action"] == "failed"
    assert fields["Status"] == expected.dsn
    assert fields["Final-Recipient"] == f"rfc822; {RECIPIENT}"
    diagnosis = " ".join(fields["Diagnostic-Code"].split())
    assert re.search(expected.text, diagnosis), diagnosis


# --- sendMail

@pytest.mark.parametrize("expected", SENT + UNKNOWN + DEFERRED + BOUNCED,
                         ids=str)
def test_answer_to_a_message(site, expected):
    run = Run(site, site.new_app())
    run.script(*expected.rules)
    run.send(expected.size)
    check_status(run, expected)
    check_queue(run, expected)


@pytest.mark.parametrize("code, status, dsn, text", HEAL)
def test_what_an_admin_can_mend_waits(site, code, status, dsn, text):
    run = Run(site, site.new_app())
    run.script(says(status, code), TAKEN)
    run.send()
    expected = row(code, says(status), dsn=f"4.{dsn}",
                   text=f"{text}.*{code}: Why not")
    check_status(run, expected)
    check_queue(run, expected)
    site.postfix.flush()
    site.postfix.wait_status(run.queue_id, "sent")
    assert run.mails() == 1


@pytest.mark.parametrize("code, status, dsn, text", HEAL)
def test_what_nobody_mends_bounces(site, no_grace, code, status, dsn, text):
    run = Run(site, site.new_app())
    run.script(says(status, code))
    run.send()
    expected = row(code, says(status), dsn=f"5.{dsn}", status="bounced",
                   text=f"{text}.*{code}: Why not")
    check_status(run, expected)
    check_queue(run, expected)


def test_time_of_the_first_refusal_is_kept(site):
    """A restart does not give the message another two hours."""
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
        site.postfix.flush()
        site.postfix.wait_status(run.queue_id, "bounced")
    finally:
        site.configure(access_denied_grace="2h")


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
    check_status(run, row("", says(403), dsn="4.7.1",
                          text="must grant it Mail.Send.*ErrorAccessDenied"))


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_body_that_cannot_be_read_never_bounces(site, no_grace, body):
    run = Run(site, site.new_app())
    run.script(says(403, body=body))
    run.send()
    expected = row("", says(403), dsn="4.3.0", warns=True,
                   text="not one that is known here: HTTP 403")
    check_status(run, expected)
    check_queue(run, expected)


def test_ten_megabytes_of_error_are_not_kept(site, no_grace):
    before = site.daemon.peak_memory()
    run = Run(site, site.new_app())
    run.script(says(403, body=" " * 10_000, repeat_body=1000))
    run.send()
    check_status(run, row("", says(403), dsn="4.3.0", warns=True,
                          text="HTTP 403"))
    assert site.daemon.peak_memory() - before < 5_000_000


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

def test_holds_keep_to_their_mailbox_or_client(site):
    app = site.new_app()
    first, other = Run(site, app), Run(site, app)
    first.script(says(429, "ApplicationThrottled",
                      headers={"Retry-After": "300"}))
    first.send()
    site.postfix.wait_status(first.queue_id, "deferred")
    site.postfix.wait_status(other.send().queue_id, "sent")
    again = Run(site, app, first.mailbox).send()
    line = site.postfix.wait_status(again.queue_id, "deferred")
    assert "dsn=4.7.28" in line and "more seconds" in line
    assert first.calls() == 1
    stranger = Run(site, site.new_app(), first.mailbox).send()
    site.postfix.wait_status(stranger.queue_id, "sent")


def test_answer_for_a_whole_client_holds_its_other_mailboxes(site):
    app = site.new_app()
    first, other = Run(site, app), Run(site, app)
    first.script(says(429, "TooManyRequests",
                      headers={"Retry-After": "300"}))
    site.postfix.wait_status(first.send().queue_id, "deferred")
    line = site.postfix.wait_status(other.send().queue_id, "deferred")
    assert "dsn=4.7.28" in line
    assert other.calls() == 0


# --- Entra: at sign-in, and when mail waits for a token

@dataclass
class Refusal:
    """An answer of the token endpoint."""
    number: int
    status: int
    error: str
    refused: bool

    @property
    def rule(self) -> dict[str, Any]:
        return {"endpoint": "token", "times": -1, "status": self.status,
                "body": {
                    "error": self.error,
                    "error_description":
                        f"AADSTS{self.number}: Because.\r\nTrace ID: 1\r\n"
                        "Correlation ID: 2\r\nTimestamp: 3",
                    "error_codes": [self.number], "trace_id": "1",
                    "suberror": "x", "claims": "{}"}}

    def __str__(self) -> str:
        return f"AADSTS{self.number}-{self.status}"


ENTRA = [Refusal(*values) for values in [
    (7000215, 401, "invalid_client", True),
    (7000222, 401, "invalid_client", True),
    (7000218, 401, "invalid_client", True),
    (700016, 400, "unauthorized_client", True),
    (7000112, 400, "unauthorized_client", True),
    (90002, 400, "invalid_request", True),
    (90002, 400, "invalid_tenant", True),
    (900023, 400, "invalid_request", True),
    (53003, 400, "invalid_grant", True),
    (700027, 401, "invalid_client", True),
    (700024, 401, "invalid_client", True),
    (90033, 503, "temporarily_unavailable", False),
    (50033, 400, "temporarily_unavailable", False),
    (90006, 500, "temporarily_unavailable", False),
    (90024, 429, "temporarily_unavailable", False),
    (90036, 500, "server_error", False),
    (1, 401, "something_new", False),
    (7000215, 503, "invalid_client", False),
    (7000215, 429, "invalid_client", False),
]]


def sign_in(site: Site, app: App) -> int:
    with site.connect() as client:
        return client.auth_plain(app.user, app.secret).code


@pytest.mark.parametrize("refusal", ENTRA, ids=str)
def test_answer_of_entra_to_a_sign_in(site, refusal):
    app = site.new_app()
    site.m365.rules(refusal.rule)
    assert sign_in(site, app) == (535 if refusal.refused else 454)
    assert f"AADSTS{refusal.number}: Because. " not in site.daemon.log()
    lines = [line for line in site.daemon.log().splitlines()
             if f"client={app.identity}, " in line]
    word = "refused" if refusal.refused else "unavailable"
    assert f"status={word} (AADSTS{refusal.number}: Because.)" in lines[-1]


def queue_without_token(site: Site, refusal: Refusal) -> Run:
    """A message whose token Graph calls expired, and Entra gives none."""
    run = Run(site, site.new_app())
    with site.connect() as client:
        client.login(run.app.user, run.app.secret)
        site.m365.expire_tokens()
        site.m365.rules(refusal.rule)
        run.queue_id = client.send(run.mailbox, [RECIPIENT],
                                   message(run.mailbox, RECIPIENT))
    return run


@pytest.mark.parametrize("refusal", ENTRA, ids=str)
def test_answer_of_entra_while_mail_waits(site, refusal):
    run = queue_without_token(site, refusal)
    line = site.postfix.wait_status(run.queue_id, "deferred")
    assert f"AADSTS{refusal.number}: Because." in line
    assert f"dsn={'4.7.8' if refusal.refused else '4.4.1'}, " in line
    assert site.daemon.log().count(
        f"{run.app.identity}, status=refused (mail waits") == refusal.refused
    assert (run.calls(), run.mails()) == (1, 0)


@pytest.mark.parametrize("refusal", [ENTRA[0], ENTRA[11]], ids=str)
def test_only_a_refusal_bounces_in_the_end(site, no_grace, refusal):
    run = queue_without_token(site, refusal)
    status = "bounced" if refusal.refused else "deferred"
    line = site.postfix.wait_status(run.queue_id, status)
    assert f"dsn={'5.7.8' if refusal.refused else '4.4.1'}, " in line


def test_mail_waits_for_the_new_secret(site):
    """The old one expired; the client signs in with another."""
    run = queue_without_token(site, ENTRA[1])
    assert "AADSTS7000222" in site.postfix.wait_status(
        run.queue_id, "deferred")
    site.m365.clear_rules()
    new = App(run.app.tenant, run.app.client, "another secret")
    site.m365.app(new.tenant, new.client, new.secret)
    assert sign_in(site, new) == 235
    site.postfix.flush()
    site.postfix.wait_status(run.queue_id, "sent")
    assert run.mails() == 1


def test_sign_in_survives_an_outage_of_entra(site):
    """The same secret within its grace, and no other."""
    site.configure(auth_cache_ttl="0s")
    try:
        app = site.new_app()
        assert sign_in(site, app) == 235
        site.m365.down()
        assert sign_in(site, app) == 235
        guess = App(app.tenant, app.client, "guess")
        assert sign_in(site, guess) == 454
        assert sign_in(site, site_app(site)) == 454
    finally:
        site.m365.up()
        site.configure(auth_cache_ttl="10m")


def site_app(site: Site) -> App:
    """An application that the emulator has and msgraphd has not met."""
    site.m365.up()
    app = site.new_app()
    site.m365.down()
    return app


def test_graph_down_and_back(site):
    runs = [Run(site, site.new_app()) for _ in range(3)]
    clients: list[Smtp] = []
    for run in runs:
        clients.append(site.connect().login(run.app.user, run.app.secret))
    site.m365.down()
    for run, client in zip(runs, clients):
        run.queue_id = client.send(run.mailbox, [RECIPIENT],
                                   message(run.mailbox, RECIPIENT))
        client.close()
        line = site.postfix.wait_status(run.queue_id, "deferred")
        assert "dsn=4.4.1, " in line and "no answer from Graph" in line
        assert not any("outcome=unknown" in entry for entry in run.log())
    site.m365.up()
    site.postfix.flush()
    site.postfix.wait_empty_queue()
    assert [run.mails() for run in runs] == [1, 1, 1]
