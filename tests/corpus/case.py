"""What one message of the corpus is: an envelope, bytes, and what is expected.

The default expectation is the common one: the message is sent, Exchange mails
exactly the envelope, and every byte that the client sent arrives, in its place.
A case says only where it differs from that.
"""

from __future__ import annotations

import base64
import re
import textwrap
from dataclasses import dataclass, field
from typing import Union

SENDER = "scan@example.com"


# --- what may become of a header field

class Gone:
    """The field leaves no trace."""


class Free:
    """The field may stay, change or go; nothing hangs on it."""


class Kept:
    """An address list that was cut down: these pieces of it are left, in this
    order and byte for byte, with nothing but separators between them."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces


class Named:
    """An address list that now reads as these (display name, address)."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self.pairs = list(pairs)


class Text:
    """A field that is written otherwise and, decoded, says this."""

    def __init__(self, text: str) -> None:
        self.text = text


Change = Union[type[Gone], type[Free], Kept, Named, Text]


@dataclass
class Case:
    name: str
    message: bytes
    to: tuple[str, ...] = ("a@example.org",)
    sender: str = SENDER
    options: str = ""  # of MAIL FROM
    # refused at SMTP time: code and the start of its text
    refused: tuple[int, str] | None = None
    # bounced, with this enhanced status code
    bounced: str = ""
    # parts (see reader.Part.path) that need another encoding and may be
    # written anew, decoding to the same; all others stay byte for byte
    recode: str = ""
    # a CR alone in its text, which needs no other encoding, becomes CRLF
    lines: bool = False
    # header fields that may not stay as they are
    changed: dict[str, Change] = field(default_factory=dict)
    # file names by part, where the name's own form has to change
    names: dict[str, str] = field(default_factory=dict)
    # flags of the emulator that may stay set, because a signature or the like
    # forbids the repair, or the RFC allows it: "eight_bit_body", "long_line",
    # "address_defects"
    left: str = ""

    @property
    def is_sent(self) -> bool:
        return self.refused is None and not self.bounced


# --- how cases are written

def crlf(text: str | bytes, charset: str = "utf-8") -> bytes:
    """A text of the source, without its indentation, with CRLF line ends."""
    if isinstance(text, bytes):
        return text
    text = textwrap.dedent(text).lstrip("\n")
    return text.replace("\n", "\r\n").encode(charset)


def mail(head: str | bytes, body: str | bytes = "Hello.\n",
         charset: str = "utf-8") -> bytes:
    """A header, the empty line and a body. A header without From gets the
    usual one; "-" in front of the first line forbids that."""
    head = crlf(head, charset)
    if head.startswith(b"-"):
        head = head[1:].lstrip(b"\r\n")
    elif not re.search(rb"(?im)^from[ \t]*:", head):
        head = crlf(f"From: Scanner <{SENDER}>\n") + head
    if head and not head.endswith(b"\r\n"):
        head += b"\r\n"
    return head + b"\r\n" + crlf(body, charset)


def part(head: str | bytes, body: str | bytes = "",
         charset: str = "utf-8") -> bytes:
    """A header, the empty line and a body, without the last line end, which
    is the boundary's."""
    head = crlf(head, charset)
    if head and not head.endswith(b"\r\n"):
        head += b"\r\n"
    return head + b"\r\n" + crlf(body, charset)


def text(body: str | bytes, kind: str = "text/plain; charset=utf-8",
         encoding: str = "", charset: str = "utf-8") -> bytes:
    head = f"Content-Type: {kind}\n"
    if encoding:
        head += f"Content-Transfer-Encoding: {encoding}\n"
    return part(head, body, charset)


def attached(kind: str, name: str, data: bytes, extra: str = "",
             disposition: str = "attachment") -> bytes:
    """A part in base64, with its name in both places as most programs do."""
    head = (f'Content-Type: {kind}; name="{name}"\n'
            "Content-Transfer-Encoding: base64\n"
            f'Content-Disposition: {disposition}; filename="{name}"\n{extra}')
    return part(head, b64(data))


def multi(kind: str, *parts: bytes, boundary: str = "----=_Part_0",
          head: str = "", pre: bytes = b"", post: bytes = b"",
          parameters: str = "") -> bytes:
    """A multipart entity: its Content-Type, the parts, all lines between."""
    line = f'Content-Type: multipart/{kind}; boundary="{boundary}"'
    mark = b"\r\n--" + boundary.encode()
    out = crlf(head) + crlf(line + parameters) + b"\r\n\r\n" + pre
    out += mark[0 if pre else 2:] + b"\r\n"
    out += (mark + b"\r\n").join(parts)
    return out + mark + b"--\r\n" + post


def whole(head: str, entity: bytes, charset: str = "utf-8") -> bytes:
    """A message from its header and an entity, which brings the rest of the
    header."""
    head_bytes = mail(head, b"", charset)[:-2]
    if b"mime-version" not in head_bytes.lower():
        head_bytes += b"MIME-Version: 1.0\r\n"
    return head_bytes + entity


def b64(data: bytes, width: int = 76) -> bytes:
    """Base64 in lines of a width; without the last line end."""
    encoded = base64.b64encode(data)
    return b"\r\n".join(encoded[i:i + width]
                        for i in range(0, len(encoded), width))


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that look like a compressed file, always the same."""
    out = bytearray()
    while len(out) < size:
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        out.append(seed >> 16 & 0xFF)
    return bytes(out)


PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + noise(1500) + b"\n%%EOF\n"
TIFF = b"II*\x00\x08\x00\x00\x00" + noise(900, 7)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + noise(700, 5) + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + noise(300, 3)
ZIP = b"PK\x03\x04" + noise(400, 9)
