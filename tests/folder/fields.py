"""Header fields before and after: those that stay, what the others say, and
where encoded words stand. Complaints are (reader, text)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from email import errors
from email.policy import default as POLICY

from corpus import parameters
from corpus.compare import key
from corpus.reader import Field, Part, raw_text, read, words

from .expect import ASKS, Expected
from .views import Views

Complaint = tuple[str, str]
# fields of text, in which an encoded word may stand anywhere
TEXT = {"subject", "comments", "thread-topic", "content-description",
        "organization", "user-agent", "x-mailer"}
PEOPLE = {"from", "sender", "reply-to", "to", "cc", "bcc"}
# what programs mean that write these
MEANT = {"gb2312": "gbk", "ks_c_5601-1987": "cp949", "shift_jis": "cp932",
         "iso-8859-1": "cp1252"}
WORD = re.compile(r"=\?[^?*\s]+(?:\*[^?]*)?\?[bBqQ]\?[^? ]*\?=")
QUOTED = re.compile(r'"(?:\\.|[^"\\])*"', re.S)
PLACES = re.compile(r"[ \t,;]|><")  # where a structured field may be folded
CHARSET = re.compile(rb"(?i)charset\*?=[\"' ]*([\w.:-]+)")


def compare(want: Expected, after: Part, mailbox: str, views: Views
            ) -> Iterator[Complaint]:
    old = {item.raw for part in want.before.walk() for item in part.fields}
    for item in after.fields:
        yield from _lines(item, item.raw in old, want.signed)
        if item.raw not in old:
            yield from _words(item)
    yield from _parameters(after, old)
    yield from _people(want, after, old)
    for name, items in want.same.items():
        have = [f.raw for f in after.fields if f.name == name]
        for item in items:
            if item.raw not in have:
                yield "bytes", f"a field that asks for nothing is gone or " \
                    f"changed: {item.raw[:200]!r}, there is {have[:5]}"
    yield from _author(want, after, mailbox, views)
    for one, other in zip(want.before.walk(), after.walk()):
        yield from _texts(one, other, want, views)


def _lines(item: Field, is_old: bool, signed: bool) -> Iterator[Complaint]:
    for line in item.raw.split(b"\r\n"):
        text = line.decode("latin-1")
        if len(line) > 998 and PLACES.search(text.partition(":")[2].strip()) \
                and not (signed and is_old):
            yield "bytes", f"{item.name} has a line of {len(line)} bytes that"\
                f" can be folded: {text[:80]!r}"
    if re.search(rb"[\x80-\xff]", item.raw) and not (signed and is_old):
        yield "bytes", f"{item.name} has 8-bit bytes: {item.raw[:200]!r}"


def _parameters(after: Part, old: set[bytes]) -> Iterator[Complaint]:
    """No parameter of a field written anew stands twice, in whatever form."""
    for part in after.walk():
        for item in part.fields:
            if item.raw in old or item.name not in (
                    "content-type", "content-disposition"):
                continue
            text = QUOTED.sub('""', item.value.decode("latin-1").lower())
            found = Counter(n if n.isdigit() else "" for n in re.findall(
                r";\s*(?:file)?name(?:\*(\d*)\*?)?\s*=", text))
            if any(count > 1 for count in found.values()) or \
                    found[""] and len(found) > 1:
                yield "RFC 2231", f"{item.name} has a name twice: " \
                    f"{item.raw[:200]!r}"


def _words(item: Field) -> Iterator[Complaint]:
    """Encoded words stand where RFC 2047 section 5 has them: in a field that
    is text or an extension anywhere."""
    text = re.sub(r"\r?\n", "", item.value.decode("latin-1"))
    if item.name in TEXT or item.name.startswith("x-") or \
            not WORD.search(text):
        return
    bare = re.sub(r"\([^()]*\)", "", text)
    for quoted in QUOTED.findall(bare):
        if WORD.search(quoted):
            yield "RFC 2047", f"{item.name}: a word within quotes: {quoted!r}"
    bare = QUOTED.sub('""', bare)
    for inside in re.findall(r"<[^<>]*>", bare):
        if WORD.search(inside):
            yield "RFC 2047", f"{item.name}: a word within {inside!r}"
    for match in WORD.finditer(bare):
        around = bare[match.start() - 1:match.start()] + \
            bare[match.end():match.end() + 1]
        if "@" in around or item.name in (
                "received", "message-id", "content-id", "date"):
            yield "RFC 2047", f"{item.name}: no word may stand there: " \
                f"{text[:200]!r}"


# --- From

def _author(want: Expected, after: Part, mailbox: str, views: Views
            ) -> Iterator[Complaint]:
    values = [item.value for item in after.fields if item.name == "from"]
    if len(values) != 1:
        yield "bytes", f"{len(values)} From fields"
        return
    for item in after.fields:
        if item.name == "sender" and [key(mailbox)] != views.addresses(
                item.value)[0][1]:
            yield "compare", f"Sender is not the mailbox {mailbox}: " \
                f"{item.raw[:200]!r}"
    for reader, keys in views.addresses(values[0]):
        if keys != [key(mailbox)]:
            yield reader, f"From names {keys} and the mailbox is {mailbox}: " \
                f"{values[0][:200]!r}"


# --- what fields say

def _texts(before: Part, after: Part, want: Expected, views: Views
           ) -> Iterator[Complaint]:
    """Fields of text that changed say to each reader what they said."""
    for name in TEXT:
        one = [f.value for f in before.fields if f.name == name]
        other = [f.value for f in after.fields if f.name == name]
        if len(one) != len(other):
            yield "bytes", f"{len(other)} fields {name} and not {len(one)}"
            continue
        for old, new in zip(one, other):
            if old == new:
                continue
            said = views.texts(new)
            if re.search(rb"[\x80-\xff\r]", old.replace(b"\r\n", b"")):
                may = {_flat(words(text)) for text
                       in decodings(old, want.before)}
                for reader, text in said.items():
                    if _flat(text) not in may:
                        yield reader, f"{name} says {text[:200]!r}, wanted " \
                            f"one of {sorted(may)[:3]}"
                continue
            for reader, text in views.texts(old).items():
                if _flat(said.get(reader, text)) != _flat(text):
                    yield reader, f"{name} says {said[reader][:200]!r}, was " \
                        f"{text[:200]!r}"


def _flat(text: str) -> str:
    return "".join(text.split())


def decodings(value: bytes, message: Part) -> list[str]:
    """A raw 8-bit value as text: UTF-8 if it is that, else a charset that the
    message declares, else windows-1252."""
    value = re.sub(rb"\r?\n", b"", value).replace(b"\r", b" ")
    try:
        return [value.decode("utf-8")]
    except UnicodeDecodeError:
        pass
    heads = b"".join(part.head for part in message.walk())
    found = []
    for charset in map(bytes.decode, CHARSET.findall(heads)):
        for name in {charset, MEANT.get(charset.lower(), charset)}:
            try:
                found.append(value.decode(name))
            except (LookupError, UnicodeDecodeError):
                pass
    return found or [value.decode("cp1252", "replace")]


def names(queued: bytes, out: bytes, want: Expected) -> Iterator[Complaint]:
    """File names written in raw 8-bit are read back, by characters."""
    for one, other in zip(read(queued).walk(), read(out).walk()):
        if one.head == other.head or not ASKS.search(one.head):
            continue
        for where, name in (("content-disposition", "filename"),
                            ("content-type", "name")):
            if (old := one.get(where)) is None:
                continue
            may = {_flat(words(parameters.parse(text.encode())[1].get(
                name, b""))) for text in decodings(old, want.before)}
            new = _flat(words(other.parameter(where, name) or b""))
            if new not in may:
                yield "corpus", f"part {one.path}: {name} is {new[:200]!r}, " \
                    f"wanted one of {sorted(may)[:3]}"


# --- display names

def _named(text: str) -> tuple[dict[str, str], list[str]]:
    """Display names by address, and the defects that are no old form."""
    try:
        header = POLICY.header_factory("To", text)
        defects = [str(d) for d in header.defects
                   if not isinstance(d, errors.ObsoleteHeaderDefect)]
        return {key(a.addr_spec): _flat(a.display_name)
                for a in header.addresses}, defects
    except Exception:  # pylint: disable=broad-except
        return {}, []  # 3.11 raises all sorts of things on odd input


def _people(want: Expected, after: Part, old: set[bytes]
            ) -> Iterator[Complaint]:
    """Whoever had a name in raw 8-bit has the same one after. (From loses one
    with "@".)"""
    before: dict[str, set[str]] = {}
    for item in want.before.fields:
        if item.name in PEOPLE and re.search(rb"[\x80-\xff]", item.raw):
            for text in decodings(item.value, want.before):
                for address, name in _named(text.strip())[0].items():
                    before.setdefault(address, set()).add(name)
    for item in after.fields:
        if item.name not in PEOPLE:
            continue
        text = re.sub(r"\r?\n", "", raw_text(item.value)).strip()
        found, defects = _named(text)
        if defects and "=?" not in text:
            yield "Python", f"{item.name} has a defect: {defects[0]}: " \
                f"{item.raw[:200]!r}"
        for address, name in found.items():
            may = before.get(address, set())
            if item.raw not in old and may and name not in may and \
                    not any("@" in n for n in may):
                yield "Python", f"{item.name}: {address} is named {name!r}," \
                    f" wanted one of {sorted(may)[:3]}"
