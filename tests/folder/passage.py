"""One message's way: an envelope from its header, what Postfix makes of it, the
real milter, the real agent, and a stand-in for msgraphd that takes all."""

from __future__ import annotations

import ctypes
import re
import resource
import signal
import subprocess
from dataclasses import dataclass, field
from email.policy import default as POLICY
from pathlib import Path

from corpus.compare import as_queued
from corpus.reader import raw_text, split_header
from harness.agent import AGENT, STATUS_LINE
from harness.milter import STAMP, Milter
from harness.miltermta import Answer, Gone, changed
from harness.submitd import Request, SubmitDaemon

USER = "11111111-2222-3333-4444-555555555555@" \
    "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
QUEUE_ID = "4ZbQ2k1xYz"
RECEIVED = b"Received: from client (client [192.0.2.1])\r\n\tby relay.test " \
    b"(Postfix) with ESMTPSA id 4ZbQ2k1xYz\r\n\tfor x; " \
    b"Sat, 1 Jan 2000 00:00:00 +0000 (UTC)\r\n"
DROPPED = {"bcc", "content-length", "resent-bcc", "return-path"}
SHOWN = 60_000  # bytes of a field, of which a milter sees no more
AGENT_SECONDS = 30
PR_SET_PDEATHSIG = 1  # prctl(2)
# pipe(8) bounces for these; 75 defers; all others are accidents
BOUNCES = {65, 67, 69, 73, 76, 77}
ADDRESS = re.compile(r"[!-~]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
MOST_RECIPIENTS = 500  # msgraph_destination_recipient_limit


@dataclass
class Envelope:
    sender: str
    recipients: list[str]


@dataclass
class Passed:
    """What became of a message."""

    status: str  # refused, deferred, bounced, sent, or wrong
    reason: str = ""
    queued: bytes = b""  # as it is before the milter
    mailbox: str = ""
    recipients: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)


def addresses(value: bytes) -> list[str]:
    """The addr-specs of a list as Python reads it; none where it fails."""
    try:
        text = re.sub(r"\r?\n", "", raw_text(value))
        found = POLICY.header_factory("To", text).addresses
        return [f"{quoted(a.username)}@{a.domain}" for a in found
                if a.domain and a.username]
    except Exception:  # pylint: disable=broad-except
        return []  # 3.11 raises all sorts of things on odd input


def envelope(message: bytes, sender: str, recipient: str) -> Envelope:
    """As a client would have it that goes by the header. The two that are
    given stand in where the header names nobody."""
    named: dict[str, list[str]] = {}
    for item in split_header(message)[0]:
        named.setdefault(item.name, []).extend(addresses(item.value))
    senders = [a for name in ("from", "sender") for a in named.get(name, [])
               if ADDRESS.fullmatch(a)]
    found: dict[str, str] = {}
    for name in ("to", "cc", "bcc"):
        for address in named.get(name, []):
            ascii_form = in_ascii(address)
            found.setdefault(ascii_form.lower(), ascii_form)
    recipients = list(found.values())[:MOST_RECIPIENTS] or [recipient]
    return Envelope((senders or [sender])[0], recipients)


def quoted(local: str) -> str:
    """With quotes where it needs them; Python takes all away."""
    atom = r"[^\s\"(),:;<>@\[\\\].]+"
    if re.fullmatch(rf"{atom}(\.{atom})*", local):
        return local
    return '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'


def in_ascii(address: str) -> str:
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return address


class Passage:
    """A milter, and a stand-in for msgraphd, in a folder of their own."""

    def __init__(self, folder: Path, agent: str = "",
                 settings: dict[str, str] | None = None) -> None:
        self.agent = agent or str(AGENT)
        self.milter = Milter(folder, submit_socket=str(folder / "submit"),
                             **(settings or {})).start(
                                 preexec_fn=end_with_parent)
        self.daemon = SubmitDaemon(folder / "submit")
        self.daemon.__enter__()

    def close(self) -> None:
        self.daemon.__exit__()
        if self.milter.process.poll() is None:
            self.milter.stop()

    def take(self, message: bytes, size: int, by: Envelope) -> Passed:
        queued = as_queued(message)
        fields, blank, body = split_header(queued)
        queued = b"".join(item.raw for item in fields
                          if item.name not in DROPPED) + blank + body
        try:
            passed = self._milter(queued, max(size, len(queued)), by)
        except (Gone, OSError) as error:
            return Passed("wrong", f"the milter hung up ({error!r})", queued)
        if not isinstance(passed, Passed):
            head, mailbox, recipients = passed
            passed = self._agent(RECEIVED + head + b"\r\n" + body, mailbox,
                                 by.sender, recipients)
            passed.mailbox = mailbox.rpartition("/")[0]
            passed.recipients = recipients
        passed.queued = queued
        return passed

    # --- the milter

    def _milter(self, queued: bytes, size: int, by: Envelope
                ) -> Passed | tuple[bytes, str, list[str]]:
        """A refusal; or the header after the milter, the mailbox, and who is
        left of the recipients."""
        with self.milter.mta() as mta:
            answer = mta.event(
                "mail", f"<{by.sender}>".encode() + b"\0SIZE=%d\0" % size,
                {"{auth_type}": "PLAIN", "{auth_authen}": USER,
                 "{mail_addr}": by.sender})
            if answer.action != "continue":
                return refusal(answer)
            left = []
            for address in by.recipients:
                data = address.encode("utf-8", "replace")
                answer = mta.event("rcpt", b"<" + data + b">\0",
                                   {"{rcpt_addr}": data.decode("latin-1")})
                if answer.action == "continue":
                    left.append(address)
            if not left:
                return refusal(answer)
            headers = list(map(shown, split_header(queued)[0]))
            answer = mta.content(headers, QUEUE_ID)
            mta.abort()
            if answer.action not in ("continue", "accept"):
                return refusal(answer)
            return (self._header(queued, headers, answer),
                    stamp(answer.changes), left)

    @staticmethod
    def _header(queued: bytes, headers: list[tuple[str, str]],
                answer: Answer) -> bytes:
        """The changes applied to the fields as they are, not as they were
        shown."""
        raw = {id(pair): item.raw for pair, item
               in zip(headers, split_header(queued)[0])}
        out = b""
        for pair in changed(headers, answer.changes):
            if id(pair) in raw:
                out += raw[id(pair)]
            else:
                text = f"{pair[0]}: {pair[1]}".replace("\n", "\r\n")
                out += text.encode("latin-1") + b"\r\n"
        return out

    # --- the agent

    def _agent(self, data: bytes, mailbox: str, sender: str,
               recipients: list[str]) -> Passed:
        argv = [self.agent, "-c", str(self.milter.conf),
                f"--queue-id={QUEUE_ID}", f"--identity={USER}",
                f"--mailbox={mailbox}", f"--sender={sender}",
                *[f"--original-recipient={a}" for a in recipients],
                "--", *recipients]
        try:
            done = subprocess.run(
                argv, input=data, capture_output=True, check=False,
                timeout=AGENT_SECONDS, preexec_fn=unlimited)
        except subprocess.TimeoutExpired:
            return Passed("wrong", f"the agent took over {AGENT_SECONDS} s")
        requests = []
        while not self.daemon.idle():
            requests.append(self.daemon.next())
        passed = ending(done)
        passed.requests = requests
        if passed.status == "sent" and not requests:
            return Passed("wrong", "exit status 0 and nothing submitted")
        return passed


def end_with_parent() -> None:
    """A worker may be killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def unlimited() -> None:
    """The memory limit is the readers'."""
    end_with_parent()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def shown(item: object) -> tuple[str, str]:
    """A field as Postfix shows it to a milter."""
    name = item.raw.partition(b":")[0].strip().decode("latin-1")
    value = item.value.removeprefix(b" ").replace(b"\r\n", b"\n")
    return name, value.partition(b"\0")[0][:SHOWN].decode("latin-1")


def stamp(changes: list[tuple[str, int, str]]) -> str:
    found = [v for n, i, v in changes if n == STAMP and i == 0]
    return found[0] if len(found) == 1 else ""


def refusal(answer: Answer) -> Passed:
    if answer.action == "reply" and answer.text.startswith("5"):
        return Passed("refused", answer.text)
    if answer.action in ("reply", "tempfail"):
        return Passed("deferred", answer.text or "451 from the milter")
    return Passed("wrong", f"the milter says {answer.action}")


def ending(done: subprocess.CompletedProcess[bytes]) -> Passed:
    """What pipe(8) would make of the end of the agent."""
    text = done.stdout[:300].decode("utf-8", "replace")
    status, first = done.returncode, done.stdout[:1]
    if done.stderr:
        return Passed("wrong", f"standard error: {done.stderr[:300]!r}")
    if status < 0:
        return Passed("wrong", f"killed by signal {-status}")
    if status == 0:
        return Passed("sent", text)
    if status == 75 and first == b"4" and STATUS_LINE.match(done.stdout):
        return Passed("deferred", text)
    if status in BOUNCES and first == b"5" and STATUS_LINE.match(done.stdout):
        return Passed("bounced", text)
    return Passed("wrong", f"exit status {status}, which bounces by accident:"
                  f" {text!r}")
