"""What of a message may change on its way, told from the message alone and by
the manual's words (msgraph-agent(8), WHAT CHANGES IN A MESSAGE)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from corpus.case import Case, Free, Gone
from corpus.compare import key
from corpus.reader import Field, Part, read
from oracle.agreement import PLAIN

from .views import Views

ASKS = re.compile(rb"[\x80-\xff]|\r(?!\n)|(?<!\r)\n|[^\n]{1000}|\0")
# encodings of parts that stay as they are
OTHER = re.compile(r"x-|uue|uuencode|yenc")
MIME = {"mime-version", "content-type", "content-transfer-encoding",
        "content-disposition"}
LISTS = ("to", "cc", "bcc")
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# an address that a mailbox of Exchange can have, as a key
FIT = re.compile(r"(?=[^@]{1,64}@)[a-z0-9_'+!#^~=&-]+(?:\.[a-z0-9_'+!#^~=&-]+)*"
                 rf"@(?:{LABEL}\.)+(?!\d+\Z){LABEL}")


@dataclass
class Expected:
    before: Part
    case: Case
    signed: bool  # by DKIM: no byte of the body and of most fields changes
    bare: bool  # a CR that ends no line, or a NUL
    same: dict[str, list[Field]] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)  # paths


def expected(queued: bytes, recipients: list[str], views: Views) -> Expected:
    before = read(queued)
    signed = is_signed(before)
    found = Expected(
        before, Case("", queued, tuple(recipients)), signed,
        bool(re.search(rb"\r(?!\n)|\0", queued)))
    found.protected = {part.path for part, why in guarded(before) if why}
    if not signed:
        found.case.recode = " ".join(
            part.path for part in before.walk()
            if part.path not in found.protected and _asks(part))
    _fields(found, recipients, views)
    return found


def is_signed(part: Part) -> bool:
    return part.get("dkim-signature") is not None


def guarded(part: Part, why: bool = False) -> Iterator[tuple[Part, bool]]:
    """Each part, and whether it has to keep its bytes."""
    why = why or is_signed(part)
    yield part, why
    inside = why or part.kind in ("multipart/signed", "multipart/encrypted")
    for child in part.children:
        yield from guarded(child, inside)


def _asks(part: Part) -> bool:
    if part.path == "0":
        head = b"".join(f.raw for f in part.fields if f.name in MIME)
    else:
        head = part.head
    return bool(ASKS.search(head + (b"" if part.children else part.body)))


# --- header fields

def _fields(found: Expected, recipients: list[str], views: Views) -> None:
    """Names whose fields may change, and which fields of these stay."""
    groups: dict[str, list[Field]] = {}
    for item in found.before.fields:
        groups.setdefault(item.name, []).append(item)
    changed = found.case.changed
    sender = fit_author(groups.get("from", []), views)
    if not sender:
        changed["from"] = changed["reply-to"] = Free
    changed["sender"] = Free
    if "sender" in groups:
        found.same["sender"] = []
    if not _lists_stay(groups, recipients, views):
        changed.update(dict.fromkeys(LISTS, Free))
    for name, items in groups.items():
        if name.startswith("x-msgraph-"):
            changed[name] = Gone
        elif name in ("resent-to", "resent-cc", "return-path"):
            changed[name] = Free
        elif name in ("date", "message-id") and not items[0].value.strip():
            changed[name] = Free
        elif name in LISTS or name in ("from", "sender"):
            pass
        elif any(ASKS.search(item.raw) for item in items):
            changed[name] = Free
            if name not in MIME:
                found.same[name] = [f for f in items if not ASKS.search(f.raw)]


def fit_author(items: list[Field], views: Views) -> bool:
    """Whether From is left as it is: one address that a mailbox can have, read
    alike by all, and no "@" that a reader would see in its name."""
    if len(items) != 1 or not PLAIN.fullmatch(items[0].value) or \
            ASKS.search(items[0].raw):
        return False
    value = items[0].value
    lists = [found for _, found in views.addresses(value)]
    if not views.is_unambiguous(value) or any(len(a) != 1 for a in lists) or \
            any(a != lists[0] for a in lists) or \
            not FIT.fullmatch(lists[0][0]):
        return False
    text = value.decode()
    return text.count("@") == 1 and "=?" not in text and ":" not in text


def _lists_stay(groups: dict[str, list[Field]], recipients: list[str],
                views: Views) -> bool:
    """Whether To and Cc name the envelope, each once, in a form that all read
    alike. (Postfix has dropped Bcc.)"""
    named: list[str] = []
    for name in LISTS:
        items = groups.get(name, [])
        if len(items) > 1:
            return False
        for item in items:
            if not PLAIN.fullmatch(item.value) or ASKS.search(item.raw) or \
                    not views.is_unambiguous(item.value):
                return False
            lists = [found for _, found in views.addresses(item.value)]
            if not lists[0] or any(a != lists[0] for a in lists):
                return False
            named += lists[0]
    if re.search(rb"=\?|:", b" ".join(
            item.value for name in LISTS for item in groups.get(name, []))):
        return False  # a word that may hide a quote; a route, a group
    return len(set(named)) == len(named) and \
        set(named) <= as_keys(recipients)


def as_keys(addresses: Iterable[str]) -> set[str]:
    return {key(address) for address in addresses}
