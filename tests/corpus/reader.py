"""A second reader of messages, for comparing: fields, parts and all that stands
between them, as bytes. It shares nothing with lib/, and unlike Python's email
it loses nothing: joined again, the pieces are the message.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import parameters

# name and value of a field, the latter without the last line end
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*?)"
                    rb"(?:\n(?![ \t])|\Z)")

# Python recurses; what is nested deeper is looked at as bytes.
MAX_DEPTH = 99


@dataclass
class Field:
    raw: bytes  # all its lines, with the line end
    name: str  # lower case
    value: bytes  # after the colon, without the last line end


@dataclass
class Part:
    path: str  # "0" is the message, "2.1" the first part of its second one
    fields: list[Field]
    blank: bytes  # the empty line, or nothing where it is missing
    body: bytes
    depth: int = 0
    default: str = "text/plain"
    children: list[Part] = field(default_factory=list)
    # what stands before, between and behind the children: preamble,
    # delimiter lines, epilogue
    glue: list[bytes] = field(default_factory=list)

    def get(self, name: str) -> bytes | None:
        for item in self.fields:
            if item.name == name:
                return item.value
        return None

    @property
    def head(self) -> bytes:
        return b"".join(item.raw for item in self.fields)

    def parameter(self, field_name: str, name: str) -> bytes | None:
        value = self.get(field_name)
        return None if value is None else parameters.parse(value)[1].get(name)

    @property
    def kind(self) -> str:
        value = self.get("content-type")
        kind = self.default if value is None else parameters.parse(value)[0]
        return kind if "/" in kind else "text/plain"

    @property
    def encoding(self) -> str:
        value = (self.get("content-transfer-encoding") or b"").decode("latin-1")
        return re.sub(r"\(.*?\)", "", value).strip().lower()

    def content(self) -> bytes:
        """The body as its encoding means it."""
        if self.encoding == "base64":
            return _from_base64(self.body)
        if self.encoding == "quoted-printable":
            # blanks at a line's end are not meant (RFC 2045 section 6.7)
            return binascii.a2b_qp(
                re.sub(rb"[ \t]+(?=\r?\n|\Z)", b"", self.body))
        return self.body

    def walk(self) -> Iterator[Part]:
        yield self
        for child in self.children:
            yield from child.walk()

    def file_name(self, charset: str = "") -> str | None:
        name = self.parameter("content-disposition", "filename")
        if name is None:
            name = self.parameter("content-type", "name")
        return None if name is None else words(name, charset)


def _from_base64(body: bytes) -> bytes:
    """What is no letter of it is passed over; "=" ends it."""
    body = re.sub(rb"[^A-Za-z0-9+/=]", b"", body).partition(b"=")[0]
    body = body[:len(body) - 1] if len(body) % 4 == 1 else body
    return binascii.a2b_base64(body + b"=" * (-len(body) % 4))


def split_header(raw: bytes) -> tuple[list[Field], bytes, bytes]:
    """Fields, the empty line (or nothing), and the body."""
    fields: list[Field] = []
    at = 0
    while match := _FIELD.match(raw, at):
        fields.append(Field(match[0], match[1].decode().lower(),
                            match[2].removesuffix(b"\r")))
        at = match.end()
    blank = re.compile(rb"\r?\n").match(raw, at)
    if blank:
        return fields, blank[0], raw[blank.end():]
    return fields, b"", raw[at:]


def read(raw: bytes, path: str = "0", depth: int = 0,
         default: str = "text/plain") -> Part:
    """The part that these bytes are, with all parts in it."""
    fields, blank, body = split_header(raw)
    part = Part(path, fields, blank, body, depth, default)
    if depth >= MAX_DEPTH:
        return part
    if part.kind.startswith("multipart/"):
        boundary = part.parameter("content-type", "boundary")
        if boundary:
            _split(part, boundary)
    elif part.kind == "message/rfc822" and part.encoding in (
            "", "7bit", "8bit", "binary"):
        part.glue = [b"", b""]
        part.children = [read(body, _below(path, 1), depth + 1)]
    return part


def _below(path: str, number: int) -> str:
    return str(number) if path == "0" else f"{path}.{number}"


def _split(part: Part, boundary: bytes) -> None:
    """Finds the children (RFC 2046 section 5.1.1). Where the multipart is not
    ended, the last one takes the rest."""
    mark = re.compile(
        rb"(?:\A|\r?\n)--" + re.escape(boundary.rstrip()) +
        rb"(--)?[ \t]*(?:\r?\n|\Z)")
    body, at = part.body, 0
    pieces: list[bytes] = []
    ended = False
    while not ended:
        # the line end behind a delimiter may belong to the next one
        match = mark.search(body, max(at - 2, 0) if pieces else 0)
        while match and match.end() <= at:
            match = mark.search(body, match.start() + 1)
        if not match:
            break
        ended = bool(match[1])
        start = max(match.start(), at)
        pieces.append(body[at:start])
        part.glue.append(body[start:match.end()])
        at = match.end()
    if not pieces:
        part.glue = []
        return
    part.glue[0] = pieces[0] + part.glue[0]
    if not ended:
        pieces.append(body[at:])
        part.glue.append(b"")
    else:
        part.glue[-1] += body[at:]
    inner = ("message/rfc822" if part.kind == "multipart/digest"
             else "text/plain")
    part.children = [
        read(piece, _below(part.path, number), part.depth + 1, inner)
        for number, piece in enumerate(pieces[1:], 1)]


# --- words (RFC 2047), since email's decoder drops and adds blanks

_WORD = re.compile(r"=\?([^?*\s]+)(?:\*[^?]*)?\?([bBqQ])\?([^? ]*)\?=")


def words(value: str | bytes, charset: str = "") -> str:
    """The text that a header value means: unfolded, encoded words decoded, raw
    8-bit bytes read as the charset, else UTF-8, else windows-1252."""
    if isinstance(value, bytes):
        value = raw_text(value, charset)
    value = re.sub(r"\r?\n", "", value)
    value = re.sub(r"(\?=)[ \t]+(?==\?[^?\s]+\?[bBqQ]\?)", r"\1", value)
    # words in a row are decoded together: a character may be cut in two
    run = re.compile(rf"(?:{_WORD.pattern})+")
    value = run.sub(lambda m: _decode_run(m[0]), value)
    return " ".join(value.split())


def _decode_run(run: str) -> str:
    out: list[tuple[str, bytes]] = []
    for match in _WORD.finditer(run):
        charset, how, body = match[1].lower(), match[2], match[3].encode()
        if how in "bB":
            data = _from_base64(body)
        else:
            data = binascii.a2b_qp(body.replace(b"_", b"=20"), header=True)
        if out and out[-1][0] == charset:
            data = out.pop()[1] + data
        out.append((charset, data))
    return "".join(raw_text(data, charset) for charset, data in out)


def raw_text(data: bytes, charset: str = "") -> str:
    if charset:
        try:
            return data.decode(charset)
        except (LookupError, UnicodeDecodeError):
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
