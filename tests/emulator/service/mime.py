"""What Exchange would read out of a message posted as MIME.

There is no envelope: To, Cc and Bcc say who is mailed. Nothing here changes a
byte; it only reads the header block, and flags what may get a message damaged
on its way.
"""

from __future__ import annotations

import binascii
import re
from collections import Counter
from dataclasses import dataclass, field
from email.policy import default as POLICY
from email.utils import getaddresses
from functools import lru_cache

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_NEWLINE = re.compile(rb"\r\n|\r|\n")
_EIGHT_BIT = re.compile(rb"[\x80-\xff]")
# what stands before a "<", quoted or not
_PHRASE = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^",<>:;])*)<')


# Fields that Exchange knows. Others do not all survive a MIME submission.
_KNOWN = frozenset("""
    bcc cc comments date disposition-notification-to from importance
    in-reply-to keywords message-id mime-version priority received references
    reply-to return-receipt-to sender sensitivity subject thread-index
    thread-topic to""".split())


class Base64Error(ValueError):
    """The body is not plain unwrapped base64."""


class MimeError(ValueError):
    """What the base64 held is no Internet message."""


@dataclass(frozen=True)
class Address:
    """One mailbox of an address field, as parsed; name is decoded."""

    name: str
    local: str
    domain: str

    @property
    def valid(self) -> bool:
        return bool(self.local and self.domain)

    @property
    def text(self) -> str:
        """The form addresses are compared in."""
        if not self.domain:
            return self.local.lower()
        return f"{_quote(self.local)}@{self.domain}".lower()


@dataclass
class Message:
    """A message's header block, read; raw is the whole of it."""

    raw: bytes
    fields: list[tuple[str, bytes]]
    sender: list[Address] = field(default_factory=list)
    named: dict[str, list[Address]] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)

    def values(self, name: str) -> list[bytes]:
        return [value for key, value in self.fields if key == name]

    @property
    def message_id(self) -> str:
        values = self.values("message-id")
        return _text(values[0]).strip() if values else ""

    @property
    def subject(self) -> str:
        values = self.values("subject")
        return _text(values[0]).strip() if values else ""

    @property
    def sender_names(self) -> list[str]:
        """Display names in From, also those that are no proper phrase."""
        return [a.name for a in self.sender] + [
            name for value in self.values("from")
            for name in _PHRASE.findall(_text(value)[:2000])]

    @property
    def addresses(self) -> list[Address]:
        """To, Cc and Bcc, as they stand."""
        return [a for part in self.named.values() for a in part]

    @property
    def recipients(self) -> list[str]:
        """Who is mailed: each address once, in order of first appearance."""
        return list(dict.fromkeys(a.text for a in self.addresses))

    @property
    def duplicates(self) -> list[str]:
        """Addresses that stand more than once."""
        counts = Counter(a.text for a in self.addresses)
        return [text for text, count in counts.items() if count > 1]


def decode(body: bytes) -> bytes:
    """Strict base64: no line breaks, right padding, nothing after it."""
    try:
        raw = binascii.a2b_base64(body, strict_mode=True)
    except binascii.Error as error:
        raise Base64Error(str(error)) from None
    if not raw:
        raise Base64Error("empty")
    return raw


def read(raw: bytes) -> Message:
    """Reads the header block; raises MimeError where there is none."""
    if b"\r\n" not in raw:
        raise MimeError("no CRLF")
    block = _block(raw)
    message = Message(raw, _fields(block))
    message.sender = _list(message.values("from"))
    message.named = {name: _list(message.values(name))
                     for name in ("to", "cc", "bcc")}
    message.flags = {**_flags(raw, block), "address_defects": any(
        _parse(_text(value))[1]
        for name in ("from", "to", "cc", "bcc")
        for value in message.values(name))}
    return message


def survivors(message: Message, seen: set[str]) -> Message:
    """The message without the fields that go on the way: Auto-Submitted,
    Return-Path, names that are not known, and a name with X- where the mailbox
    has never seen it. seen has those names, and learns the new ones."""
    block = _block(message.raw)
    kept, keep = b"", True
    for line in block.splitlines(keepends=True):
        if line[:1] not in (b" ", b"\t"):
            name = line.partition(b":")[0].strip().decode("latin-1").lower()
            keep = (name in _KNOWN or name in seen
                    or name.startswith(("content-", "list-", "resent-")))
            if name.startswith("x-"):
                seen.add(name)
        kept += line if keep else b""
    return read(kept + message.raw[len(block):])


def _block(raw: bytes) -> bytes:
    if not _FIELD.match(raw):
        raise MimeError("no header field at the start")
    end = raw.find(b"\r\n\r\n")
    return raw if end < 0 else raw[: end + 2]


def _fields(block: bytes) -> list[tuple[str, bytes]]:
    # A lone CR or LF ends a line for some readers on the way, so an address
    # that hides behind one counts. The flag bare_newline tells.
    fields: list[tuple[str, bytes]] = []
    for line in _NEWLINE.split(block):
        if line[:1] in (b" ", b"\t") and fields:
            name, value = fields[-1]
            fields[-1] = (name, value + line)
        elif _FIELD.match(line):
            name_b, _, value = line.partition(b":")
            fields.append((name_b.decode("ascii").strip().lower(), value))
    return fields


def _flags(raw: bytes, block: bytes) -> dict[str, bool]:
    pairs = raw.count(b"\r\n")
    return {
        "bare_newline": raw.count(b"\n") != pairs or raw.count(b"\r") != pairs,
        "nul": b"\0" in raw,
        # 998 of RFC 5322 and the CR
        "long_line": any(len(line) > 999 for line in raw.split(b"\n")),
        "eight_bit_header": bool(_EIGHT_BIT.search(block)),
        "eight_bit_body": bool(_EIGHT_BIT.search(raw, len(block))),
    }


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _list(values: list[bytes]) -> list[Address]:
    return [a for value in values for a in _parse(_text(value))[0]]


@lru_cache(maxsize=4096)
def _parse(value: str) -> tuple[tuple[Address, ...], bool]:
    """The addresses of a field, and whether its form has a defect."""
    value = value.strip()
    try:
        header = POLICY.header_factory("To", value)
        return tuple(Address(a.display_name, a.username, a.domain)
                     for a in header.addresses), bool(header.defects)
    except Exception:  # pylint: disable=broad-except
        # the parser of 3.11 raises all sorts of things on odd input
        return tuple(_plain(name, text) for name, text in getaddresses([value])
                     if name or text), True


def _plain(name: str, text: str) -> Address:
    local, _, domain = text.rpartition("@")
    return Address(name, local or domain, domain if local else "")


def _quote(local: str) -> str:
    if re.match(r"[^\s\x00-\x1f()<>@,;:\\\".\[\]]+(\.[^\s\x00-\x1f()<>@,;:\\\""
                r".\[\]]+)*\Z", local):
        return local
    return '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'
