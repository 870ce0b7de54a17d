"""What comes out of the agent, held against what went in and the readers."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from corpus.compare import complaints, key, strangers
from corpus.reader import MAX_DEPTH, Part, read
from emulator.service import mime
from harness.submitd import Request

from . import fields
from .expect import ASKS, OTHER, Expected, as_keys, expected, guarded
from .passage import Passed
from .views import Views

SAYS_NOTHING = re.compile(r"(?i)(x-)?unknown(-8bit)?|default|none|8bit|"
                          r"binary|.*ascii.*|ansi_x3.*|iso646-us|646|"
                          r"iso-8859-.*|.*\s.*")
PKCS7 = re.compile(r"application/(x-)?pkcs7-mime")
# fields.py knows which charset raw 8-bit in a part's field may have
RAW_FIELD = re.compile(r"part [\d.]+: b.*, wanted b.*\\x[89a-f]")
AGENT_MEMORY = 256 << 20
# what a bounce of the agent itself has to have found in the message
MAY_BOUNCE = {
    "5.6.0": re.compile(rb"\0|\r(?!\n)|\A(?s:.{1048576})"),
}
TOO_LARGE = re.compile(r"5\.3\.4 the message is too large: (\d+) bytes must "
                       r"stay in one piece, and (\d+) go to Graph")


@dataclass
class Finding:
    reader: str
    text: str

    def __str__(self) -> str:
        return f"{self.reader}: {self.text[:600]}"


def findings(passed: Passed, message: bytes, views: Views) -> list[Finding]:
    """All that disagrees about one message."""
    if passed.status == "wrong":
        return [Finding("exit", passed.reason)]
    if passed.status == "deferred" and "gconv" not in passed.reason:
        return [Finding("exit", f"deferred, and nothing is out of order: "
                        f"{passed.reason}")]
    if passed.status == "bounced":
        if not _may_bounce(passed):
            return [Finding("exit", "bounced, and the message gives no reason:"
                            f" {passed.reason}")]
    if passed.status != "sent":
        return []
    out = list(_recipients(passed, message, views))
    for request in passed.requests:
        if request.peak_memory > AGENT_MEMORY:
            out.append(Finding("agent", f"{request.peak_memory} bytes of "
                               "memory"))
        want = expected(passed.queued, request.get("recipient"), views)
        out += _message(passed, want, request, views)
    return out


def _may_bounce(passed: Passed) -> bool:
    may = MAY_BOUNCE.get(passed.reason.split(" ")[0])
    if large := TOO_LARGE.match(passed.reason):
        # encoding may add as much again
        return int(large[2]) < int(large[1]) < 2 * len(passed.queued)
    return bool(may and may.search(passed.queued))


# --- recipients

def _recipients(passed: Passed, message: bytes, views: Views
                ) -> Iterator[Finding]:
    want = as_keys(passed.recipients)
    told = Counter(key(a) for r in passed.requests
                   for a in r.get("recipient"))
    if told != Counter(want):
        yield Finding("record", f"recipients {_diff(told, want)}")
    for reader, named in _named(passed.requests, views).items():
        if named != Counter(want):
            yield Finding(reader, f"recipients {_diff(named, want)}")
    shown = {a.text for r in passed.requests for name in ("to", "cc")
             for a in mime.read(r.message).named[name]}
    for address in strangers(message, sorted(shown)):
        yield Finding("compare", f"To or Cc shows {address}, whom the client "
                      "did not put there")


def _named(requests: list[Request], views: Views) -> dict[str, Counter[str]]:
    """Each reader and whom To, Cc and Bcc name to it."""
    named: dict[str, Counter[str]] = {}
    for request in requests:
        found = mime.read(request.message)
        named.setdefault("emulator", Counter()).update(
            key(a.text) for a in found.addresses)
        for name in ("to", "cc", "bcc"):
            for value in found.values(name):
                for reader, keys in views.addresses(value.strip(b"\r\n")):
                    named.setdefault(reader, Counter()).update(keys)
    return named


def _diff(found: Counter[str], want: set[str]) -> str:
    return (f"found {sorted((found - Counter(want)).elements())[:5]} too many"
            f", missed {sorted(want - set(found))[:5]}")


# --- the rest

def _message(passed: Passed, want: Expected, request: Request, views: Views
             ) -> Iterator[Finding]:
    out = request.message
    flags = mime.read(out).flags
    after = read(out)
    if flags["nul"]:
        yield Finding("bytes", "a NUL is left")
    for text in fields.compare(want, after, passed.mailbox, views):
        yield Finding(*text)
    if want.signed:
        if after.body != want.before.body and not request.attachments:
            yield Finding("bytes", "the body of a signed message differs")
        return
    yield from _form(after)
    if request.attachments:
        yield from _large(passed.queued, request, views)
        return
    if not want.bare and max(p.depth for p in want.before.walk()) < MAX_DEPTH:
        ignored = dict.fromkeys(mime.read(b"a:\r\n").flags, False)
        if after.body == want.before.body:
            want.case.recode = ""
        for text in complaints(want.case, passed.queued, out, ignored):
            if not RAW_FIELD.match(text) and not _is_raw(text, want.before):
                yield Finding("compare", text)
    yield from _same(passed.queued, out, want, views)


def _is_raw(complaint: str, before: Part) -> bool:
    """Of parameters in raw bytes, which fields.names() compares, since their
    charset may stand elsewhere."""
    found = re.match(r"part (\S+): content-(?:type|disposition) has", complaint)
    try:
        return bool(found) and any(
            part.head.decode() is None for part in before.walk()
            if part.path == found[1])
    except UnicodeDecodeError:
        return True


def _form(after: Part) -> Iterator[Finding]:
    """Lines, line ends and 8-bit bytes of all parts that may be mended."""
    for part, protected in guarded(after):
        if protected or part.children or OTHER.match(part.encoding) or (
                part.kind.startswith(("message/", "multipart/")) or
                PKCS7.match(part.kind)):
            continue
        head = b"" if part.path == "0" else part.head
        for text in (head, part.body):
            if match := ASKS.search(text):
                at = match.start()
                yield Finding("bytes", f"part {part.path} still has "
                              f"{match[0][:20]!r} at {text[at:at + 60]!r}")


def _charset(part: Part) -> Iterator[Finding]:
    """8-bit text has a charset that says more than ASCII or nothing (HTML may
    say its own). A name that we do not know may be known to others."""
    data = part.content()
    if not part.kind.startswith("text/") or b"charset" in data or \
            OTHER.match(part.encoding) or \
            not re.search(rb"[\x80-\xff]", data):
        return
    said = (part.parameter("content-type", "charset") or b"").decode("latin-1")
    try:
        known = codecs.lookup(said).name != "ascii"
    except (LookupError, ValueError):
        known = not SAYS_NOTHING.fullmatch(said)
    if not said or not known:
        yield Finding("charset", f"part {part.path} holds 8-bit text and has "
                      f"the charset {said!r}")


def _large(queued: bytes, request: Request, views: Views
           ) -> Iterator[Finding]:
    """What was taken out and what is left are what was there."""
    left = Counter(data for _, _, data in
                   views.leaves(request.message)["corpus"])
    taken = Counter(data.rstrip(b"\r\n") for data in request.attachments)
    before = Counter(data for _, _, data in views.leaves(queued)["corpus"])
    missing = before - left - taken
    more = taken - before
    if sum(missing.values()) or sum(more.values()):
        yield Finding("corpus", f"{sum(missing.values())} parts are neither "
                      f"in the message nor attached, {sum(more.values())} "
                      "attachments were not there")


def _same(queued: bytes, out: bytes, want: Expected, views: Views
          ) -> Iterator[Finding]:
    """Each reader finds the same types, names and contents as before."""
    before, after = views.trees(queued), views.trees(out)
    for reader in before.keys() & after.keys():
        if before[reader] != after[reader]:
            yield Finding(reader, f"types are {after[reader]}, were "
                          f"{before[reader]}")
            return
    one, other = views.leaves(queued), views.leaves(out)
    raw_heads = any(ASKS.search(p.head) for p in want.before.walk())
    for old, new in zip(want.before.walk(), read(out).walk()):
        if old.path not in want.protected and \
                re.search(rb"[\x80-\xff]", old.body):
            yield from _charset(new)
    if any(part.kind == "message/global" for part in want.before.walk()):
        return  # in base64 now, and readers differ whether they look inside
    for reader in one.keys() & other.keys():
        for number, (a, b) in enumerate(zip(one[reader], other[reader])):
            if a[2] != b[2]:
                yield Finding(reader, f"content {number} ({a[0]}) is "
                              f"{_around(b[2], a[2])}, was "
                              f"{_around(a[2], b[2])}")
            if a[1] != b[1] and not raw_heads:
                yield Finding(reader, f"content {number} is named {b[1]!r}, "
                              f"was {a[1]!r}")
    yield from map(lambda t: Finding(*t), fields.names(queued, out, want))


def _around(data: bytes, other: bytes) -> str:
    """The first place where two differ."""
    at = next((i for i, (x, y) in enumerate(zip(data, other)) if x != y),
              min(len(data), len(other)))
    return f"{data[max(0, at - 20):at + 30]!r} at {at} of {len(data)}"
