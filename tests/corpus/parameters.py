"""Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2231).
Python's email trips over comments and escapes, so this is our own reading."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

# where a parameter starts without the ';' that belongs before it
_NEXT = re.compile(r"\s+(?=(?:charset|format|delsp|name|filename|size|boundary)"
                   r"\s*\*?=)", re.I)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[();]|[^"();\\]+|\\.?', re.S)


def parse(value: bytes) -> tuple[str, dict[str, bytes]]:
    """What stands in front, in lower case, and the parameters as bytes. Of
    two with the same name the first counts."""
    text = re.sub(rb"\r?\n", b"", value).decode("latin-1")
    first, *rest = _split(text)
    raw: dict[str, str] = {}
    for piece in rest:
        name, _, content = piece.partition("=")
        name = name.strip().lower()
        content = _plain(content.strip())
        if name == "charset":
            word = re.search(r"\w[\w.:-]*", content, re.A)
            content = word[0] if word else ""
        raw.setdefault(name, content)
    return first.strip(" \t\r\n,").lower(), _join(raw)


def _split(text: str) -> list[str]:
    """At each ';' outside of quotes, without comments."""
    pieces, depth = [""], 0
    for token in _TOKEN.findall(text):
        if token in "()":
            depth = max(0, depth + (1 if token == "(" else -1))
        elif depth:
            continue
        elif token == ";":
            pieces.append("")
        elif token.startswith('"'):
            pieces[-1] += token
        else:
            if not pieces[-1].strip():  # behind a ';'
                pieces[-1] += token[:len(token) - len(token.lstrip())]
                token = token.lstrip()
            first, *others = _NEXT.split(token)
            pieces[-1] += first
            pieces += others
    return pieces


def _plain(content: str) -> str:
    if not content.startswith('"'):
        return content
    inner = content[1:].removesuffix('"')
    return re.sub(r"\\(.)", r"\1", inner, flags=re.S)


def _join(raw: dict[str, str]) -> dict[str, bytes]:
    """Puts the pieces of RFC 2231 together; its form comes before the plain
    one."""
    out: dict[str, bytes] = {}
    for name in sorted(raw, key=_order):
        base, star, rest = name.partition("*")
        number = rest.rstrip("*")
        encoded = star and (rest == "" or rest.endswith("*"))
        text = raw[name]
        if encoded and number in ("", "0") and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
            data = _recode(unquote_to_bytes(text), charset)
        elif encoded:
            data = unquote_to_bytes(text)
        else:
            data = text.encode("latin-1")
        if number and number != "0":
            out[base] = out.get(base, b"") + data
        elif star or base not in out:
            out[base] = data
    return out


def _order(name: str) -> tuple[str, bool, int]:
    base, star, rest = name.partition("*")
    number = rest.rstrip("*")
    return base, bool(star), int(number) if number.isdigit() else 0


def _recode(data: bytes, charset: str) -> bytes:
    """As UTF-8, like a name that was written raw."""
    try:
        return data.decode(charset or "ascii").encode("utf-8")
    except (LookupError, UnicodeDecodeError):
        return data
