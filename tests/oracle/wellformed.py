"""Whether a message follows the grammar of RFC 5322 and RFC 2046, told by
regular expressions and lines alone. It says no to much that is allowed but
read in different ways: comments in MIME fields, RFC 2231, boundaries that
begin alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

FIELD = re.compile(
    rb"([!-9;-~]+):((?:[ -~\t]*)(?:\r?\n[ \t]+[!-~][ -~\t]*)*)\r?\n")
TOKEN = r"[^\x00-\x20\x7f-\xff()<>@,;:\\\"/\[\]?=]+"
VALUE = rf'{TOKEN}|"[ !#-\[\]-~]*"'
TYPE = re.compile(
    rf"\s*({TOKEN}/{TOKEN})((?:\s*;\s*{TOKEN}=(?:{VALUE}))*)\s*")
DISPOSITION = re.compile(rf"\s*({TOKEN})((?:\s*;\s*{TOKEN}=(?:{VALUE}))*)\s*")
PARAM = re.compile(rf";\s*({TOKEN})=({VALUE})")
BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
DEPTH = 50  # our reader stops at 100, Python's at its own stack


def fields(data: bytes) -> Iterator[re.Match[bytes]]:
    """Name and value of each, up to what is none."""
    at = 0
    while match := FIELD.match(data, at):
        yield match
        at = match.end()


def header_end(data: bytes) -> int | None:
    """Where the empty line starts after a header of well-formed fields."""
    at = 0
    for match in fields(data):
        at = match.end()
    return at if re.compile(rb"\r?\n").match(data, at) else None


def has_one_kind_of_line_end(data: bytes) -> bool:
    rest = data.replace(b"\r\n", b"")
    return b"\r" not in rest and (b"\n" not in rest or b"\r\n" not in data)


def message(data: bytes, kind: str = "text/plain", outer: tuple[bytes, ...] = ()
            ) -> bool:
    """Also for a part, given its default type and the boundaries around it."""
    if not outer and not (has_one_kind_of_line_end(data)
                          and data.endswith(b"\n") and b"\0" not in data):
        return False
    end = header_end(data)
    if end is None or len(outer) > DEPTH:
        return False
    named = content_fields(data[:end])
    if named is None:
        return False
    body = data[end:].partition(b"\n")[2]
    if "content-type" not in named:
        params: dict[str, str] = {}
    elif (found := read_params(TYPE, named["content-type"])) is None:
        return False
    else:
        kind, params = found
    if not kind.startswith(("multipart/", "message/")):
        return True
    if named.get("content-transfer-encoding", "7bit").strip().lower() not in (
            "7bit", "8bit", "binary"):
        return False
    if kind.startswith("multipart/"):
        return multipart(body, kind, params.get("boundary", ""), outer)
    return kind == "message/rfc822" and message(body, outer=(*outer, b"--"))


def content_fields(header: bytes) -> dict[str, str] | None:
    """The Content-* fields, each of which may stand once."""
    named: dict[str, str] = {}
    for match in fields(header):
        name = match[1].decode().lower()
        if name.startswith("content-"):
            if name in named or not match[2].strip():
                return None
            named[name] = match[2].decode()
    disposition = named.get("content-disposition")
    if disposition and read_params(DISPOSITION, disposition) is None:
        return None
    return named


def read_params(pattern: re.Pattern[str], value: str
                ) -> tuple[str, dict[str, str]] | None:
    match = pattern.fullmatch(value)
    if not match:
        return None
    pairs = [(p[1].lower(), p[2].strip('"')) for p in
             PARAM.finditer(match[2])]
    params = dict(pairs)
    # "*": RFC 2231; "=?": an encoded word, which Python leaves as it is
    if len(params) < len(pairs) or any(
            "*" in name or "=?" in text or re.search(r"\s", text)
            for name, text in pairs):
        return None
    return match[1].lower(), params


def multipart(body: bytes, kind: str, boundary: str,
              outer: tuple[bytes, ...]) -> bool:
    if not BOUNDARY.fullmatch(boundary):
        return False
    mark = b"--" + boundary.encode()
    if any(mark.startswith(other) and other != b"--" for other in outer):
        return False
    lines = body.splitlines(keepends=True)
    begins = [i for i, line in enumerate(lines) if line.startswith(mark)]
    ends = [lines[i][len(mark):].rstrip() for i in begins]
    if len(ends) < 2 or ends != [b""] * (len(ends) - 1) + [b"--"]:
        return False
    inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    for first, last in zip(begins, begins[1:]):
        text = b"".join(lines[first + 1:last])
        # the last line end belongs to the boundary, but a header needs its own
        if not message(text, inner, (*outer, mark)) or \
                not text[:-1].rstrip(b"\r").strip(b"\r\n") \
                or header_end(text[:-1].removesuffix(b"\r")) is None:
            return False
    return True
