"""A message, what Graph is told to answer to it, and what must come of that."""

from __future__ import annotations

import email
import email.policy
import itertools
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from time import time
from typing import Any

import pytest

from .message import message
from .site import App, Site
from .wait import wait_for

RECIPIENT = "rcpt@example.org"
REQUEST_TIMEOUT = "2s"  # what a stalled request costs here
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def own_site():
    with_settings = Site({"request_timeout": REQUEST_TIMEOUT,
                          "throttle_wait": "3s", "bounce_via_graph": "no"})
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
    """What stays refused bounces at once (access_denied_grace)."""
    site.configure(access_denied_grace="0s")
    yield
    site.configure(access_denied_grace="1d")


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
    reason: str = ""  # of the log line; none when sent
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
    assert f"mailbox=<{run.mailbox}>, application={run.app.identity}, " in ours
    assert re.search(expected.text, ours), ours
    found = re.search(r", http=(\d+),", ours)
    assert (int(found[1]) if found else None) == expected.http
    assert expected.keys in ours
    if expected.status != "sent":
        assert (f", reason={expected.reason}, dsn={expected.dsn}, "
                f"status={expected.status} (" in ours)
    else:
        assert ", reason=" not in ours
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
    wait_for(lambda: run.site.postfix.is_gone(run.queue_id),
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
