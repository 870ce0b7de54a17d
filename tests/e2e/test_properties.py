"""What holds for every message, tried on messages made at random: the agent
alone, with the stand-in for msgraphd."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from corpus.compare import key
from corpus.maker import Made, Maker
from corpus.reader import Part, read
from emulator.service import mime
from harness.agent import AGENT, Agent
from harness.submitd import Request, SubmitDaemon

FIRST_SEED, MESSAGES, PER_TEST = 20260101, 400, 50
MAX_RECIPIENTS = 7
OPTIONS = ["--queue-id=4ZbQ2k1xYz", "--identity=tenant:client",
           "--mailbox=scan@example.com", "--sender=scan@example.com"]


class Pair:
    """The agent, and the stand-in that it hands messages to."""

    def __init__(self, directory: Path) -> None:
        self.agent = Agent(directory)
        self.agent.configure(f"max_recipients = {MAX_RECIPIENTS}\n")
        self.daemon = SubmitDaemon(self.agent.socket)

    def run(self, message: bytes, recipients: list[str],
            originals: list[str]) -> list[Request]:
        """Everything that one run asked msgraphd for."""
        done = self.agent.run([
            str(AGENT), "-c", str(self.agent.conf), *OPTIONS,
            *[f"--original-recipient={address}" for address in originals],
            "--", *recipients], message)
        assert done.returncode == 0, done.stdout
        requests = []
        while not self.daemon.idle():
            requests.append(self.daemon.next())
        return requests


@pytest.fixture
def pair(tmp_path: Path):
    pair = Pair(tmp_path)
    with pair.daemon:
        yield pair


# --- one property each; a complaint, or nothing

def recipients(made: Made, calls: list[Request]) -> str:
    """Over all calls Exchange mails the envelope, each address once."""
    mails = [mime.read(call.message) for call in calls]
    mailed = sorted(key(a) for mail in mails for a in mail.recipients)
    want = sorted({key(a) for a in made.recipients})
    if mailed != want:
        return f"mailed {mailed}, wanted {want}"
    if any(mail.duplicates for mail in mails):
        return f"twice: {[mail.duplicates for mail in mails]}"
    said = [sorted(map(key, call.get("recipient"))) for call in calls]
    named = [sorted(map(key, mail.recipients)) for mail in mails]
    return "" if said == named else f"msgraphd hears of {said}, not {named}"


def visible(made: Made, calls: list[Request]) -> str:
    """To and Cc show whom the client put there, or who took that one's place;
    those who share an alias stay hidden."""
    may = {key(a) for a in made.shown}
    for address, original in zip(made.recipients, made.originals):
        if original in made.shown and made.originals.count(original) == 1:
            may.add(key(address))
    for call in calls:
        named = mime.read(call.message).named
        shown = {key(a.text) for name in ("to", "cc") for a in named[name]}
        if shown - may:
            return f"shows {sorted(shown - may)}"
    return ""


def lines(made: Made, calls: list[Request]) -> str:
    """Header lines that need no change are there, in order."""
    before = plain_lines(made.message)
    for call in calls:
        after = plain_lines(call.message)
        if [line for line in after if line in before] != before:
            return f"lines {after}, wanted {before}"
    return ""


def form(_: Made, calls: list[Request]) -> str:
    """What Graph wants of a message."""
    for call in calls:
        flags = mime.read(call.message).flags
        if flags["nul"] or flags["eight_bit_header"]:
            return str(flags)
        header = call.message.partition(b"\r\n\r\n")[0] + b"\r\n"
        if re.search(rb"(?im)^(x-msgraph-|return-path[ \t]*:)", header):
            return "a field that has to go is there"
        if len(call.get("recipient")) > MAX_RECIPIENTS:
            return f"{len(call.get('recipient'))} recipients"
        if flags["bare_newline"] and not untouchable(read(call.message)):
            return "a line end is not CRLF"
    return ""


def content(made: Made, calls: list[Request]) -> str:
    """Every part of every message decodes to what it was."""
    before = leaves(made.message)
    for call in calls:
        after = leaves(call.message)
        if [kind for kind, _ in before] != [kind for kind, _ in after]:
            return f"parts {[k for k, _ in after]}"
        for (kind, one), (_, other) in zip(before, after):
            if one != other:
                return f"{kind}: {other[:500]!r}, wanted {one[:500]!r}"
    return ""


def seals(made: Made, calls: list[Request]) -> str:
    """What is signed leaves byte for byte."""
    before = sealed(made.message)
    for call in calls:
        after = sealed(call.message)
        if before != after:
            return f"signed {after}, wanted {before}"
    return ""


PROPERTIES = (recipients, visible, lines, form, content, seals)


def plain_lines(raw: bytes) -> list[bytes]:
    """The fields that no rule names."""
    names = re.compile(r"(resent-)?(to|cc|bcc)\Z|from\Z|sender\Z|content-|"
                       r"return-path\Z|x-msgraph-")
    return [item.raw for item in read(raw).fields
            if not names.match(item.name) and not re.search(
                rb"[\x80-\xff]|\r(?!\n)|[^\n]{999}", item.raw)]


def leaves(raw: bytes) -> list[tuple[str, bytes]]:
    """Parts and what they hold. Where a line ends in text is no matter; in
    what is no text it is."""
    message = read(raw)
    out = []
    for part in message.walk():
        if part.children:
            continue
        data = part.content()
        if re.match(r"text/|multipart/", part.kind):
            data = re.sub(rb"\r\n?", b"\n", data)
        out.append((part.kind, data))
    # the last line end of a message may be nothing's
    out[-1] = (out[-1][0], out[-1][1].rstrip(b"\r\n"))
    return out


def sealed(raw: bytes) -> list[bytes]:
    """All bodies of multipart/signed, as far as they are whole."""
    return [part.body for part in read(raw).walk()
            if part.kind == "multipart/signed" and part.children]


def untouchable(message: Part) -> bool:
    """Whether something in there may not be mended."""
    return any(part.kind == "multipart/signed" for part in message.walk())


@pytest.mark.parametrize("first", range(
    FIRST_SEED, FIRST_SEED + MESSAGES, PER_TEST))
def test_properties(pair, first):
    for seed in range(first, first + PER_TEST):
        made = Maker(seed).make()
        calls = pair.run(made.message, made.recipients, made.originals)
        for holds in PROPERTIES:
            complaint = holds(made, calls)
            assert not complaint, text(made, holds.__name__, complaint, calls)
        check_second_pass(pair, made, calls)


def check_second_pass(pair: Pair, made: Made, calls: list[Request]) -> None:
    """What the agent makes is what it leaves alone."""
    originals = dict(zip(made.recipients, made.originals))
    for call in calls:
        to = call.get("recipient")
        again = pair.run(call.message, to, [originals[a] for a in to])
        assert [c.message for c in again] == [call.message], text(
            made, "second pass", again[0].message.decode("latin-1"), [call])


def text(made: Made, what: str, complaint: str, calls: list[Request]) -> str:
    """All that one needs to see it again."""
    return "\n".join([
        f"seed {made.seed}, {what}: {complaint}",
        f"--- recipients {made.recipients}, before {made.originals}",
        "--- message", made.message.decode("latin-1"),
        *[f"--- call\n{call.message.decode('latin-1')}" for call in calls]])


def test_messages_are_varied():
    """A generator that makes the same thing all the time proves nothing."""
    made = [Maker(FIRST_SEED + n).make() for n in range(MESSAGES)]
    kinds = {part.kind for m in made for part in read(m.message).walk()}
    assert {"multipart/signed", "message/rfc822", "image/jpeg"} <= kinds
    assert len({m.message for m in made}) == MESSAGES
    assert any(len(m.recipients) > MAX_RECIPIENTS for m in made)
    assert sum(bool(re.search(rb"[\x80-\xff]", m.message)) for m in made) > 100
