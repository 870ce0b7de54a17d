"""Three readers of the same bytes: lib/, GMime, and Python's email.

A structure is a Part: (type, [Part, ...]) or (type, body, file name, charset).
An address list is a list of keys as address_key() makes them.
"""

from __future__ import annotations

import email.parser
import email.policy
import os
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
Part = tuple

# Before a field's value. Where it begins on the next line, Python 3.13 leaves
# that line's end away as well.
BLANK = " \t\r\n"


# --- lib/


class Lib:
    """The two small programs beside this file, in build/oracle."""

    folder = ROOT / "build" / "oracle"

    def __init__(self) -> None:
        # as somebody at the prompt would: not with the settings of a make
        # that runs us
        env = {name: value for name, value in os.environ.items()
               if not name.startswith("MAKE")}
        subprocess.run(["make", "-s", "oracle-readers"], cwd=ROOT, env=env,
                       check=True)

    def _ask(self, inputs: list[bytes], *command: str) -> list[str]:
        lines = "".join(item.hex() + "\n" for item in inputs)
        done = subprocess.run(
            [self.folder / command[0], *command[1:]], input=lines, text=True,
            capture_output=True, check=True, timeout=120)
        answers = done.stdout.splitlines()
        assert len(answers) == len(inputs)
        return answers

    def addresses(self, values: list[bytes]) -> list[list[str]]:
        return [a.split(" ") for a in self._ask(values, "readers", "address")]

    def fields(self, messages: list[bytes]) -> list[list[str]]:
        return [a.split(" ") for a in self._ask(messages, "readers", "header")]

    def parts(self, messages: list[bytes]) -> list[Part]:
        return [tree(a.split()) for a in self._ask(messages, "parts")]


def tree(words: list[str]) -> Part:
    word = words.pop(0)
    if word != "(":
        kind, body, name, charset = word.split(":")
        return (kind, bytes.fromhex(body), bytes.fromhex(name).decode(),
                bytes.fromhex(charset).decode().lower())
    kind, parts = words.pop(0), []
    while words[0] != ")":
        parts.append(tree(words))
    words.pop(0)
    return kind, parts


def keys_by_lib(answer: list[str]) -> list[str]:
    """An ambiguous one has a '?' in front."""
    return [("?" if word[0] == "l" else "") + bytes.fromhex(word[2:]).decode()
            for word in answer if word[0:2] in ("a:", "l:")]


def is_unambiguous(answer: list[str]) -> bool:
    """Whether lib/ found nothing bad or ambiguous in a list."""
    return not any(word[0] in "bl?" for word in answer if word)


def fields_by_lib(answer: list[str]) -> tuple[list[tuple[str, str]], bytes]:
    fields = []
    for word in answer[:-1]:
        name, value = (bytes.fromhex(part).decode("utf-8", "surrogateescape")
                       for part in word.split(":"))
        fields.append((name, value.lstrip(BLANK)))
    return fields, bytes.fromhex(answer[-1])


# --- both others

WORD = re.compile(r'"(?:\\.|[^"\\])*"|[^".]+|\.', re.S)


def key(address: str) -> str:
    """What address_key() is to make of an address, told independently."""
    local, _, domain = address.rpartition("@")
    words = (re.sub(r"\\(.)", r"\1", w[1:-1], flags=re.S)
             if w.startswith('"') else w for w in WORD.findall(local))
    meant = re.sub(r"\r?\n", "", "".join(words)).lower()
    if not re.fullmatch(r"[^\s\"(),.:;<>@\[\\\]]+"
                        r"(\.[^\s\"(),.:;<>@\[\\\]]+)*", meant):
        meant = '"' + re.sub(r'([\\"])', r"\\\1", meant) + '"'
    # the codec refuses what is too long, also in ASCII
    if not (domain.isascii() or domain.startswith("[")):
        domain = domain.encode("idna").decode()
    return f"{meant}@{domain.lower()}"


def keys_by_python(value: str) -> list[str] | None:
    """None where it fails: an empty group is too much for it."""
    unfolded = re.sub(r"[\r\n]", "", value)
    try:
        header = email.policy.default.header_factory("To", unfolded)
    except (AttributeError, IndexError):
        return None
    return [key(a.addr_spec) for a in header.addresses if a.domain]


def fields_by_python(data: bytes) -> tuple[list[tuple[str, str]], bytes]:
    parsed = email.parser.BytesParser(
        policy=email.policy.compat32).parsebytes(data, headersonly=True)
    body = parsed.get_payload(decode=True)
    fields = [(name, value.lstrip(BLANK)) for name, value
              in parsed.raw_items()]
    return fields, body


def parts_by_python(data: bytes) -> Part:
    """Each byte is a character to it, since it would decode 8-bit bodies."""
    def walk(part: Any) -> Part:
        kind = part.get_content_type()
        if part.is_multipart():
            return kind, [walk(inner) for inner in part.get_payload()]
        body = (part.get_payload() or "").encode("latin-1")
        return (kind, body, part.get_filename() or "",
                part.get_content_charset() or "")

    parser = email.parser.Parser(policy=email.policy.compat32)
    return walk(parser.parsestr(data.decode("latin-1")))


class GMime:
    """Raises ImportError where it is not installed."""

    def __init__(self) -> None:
        import gi
        gi.require_version("GMime", "3.0")
        from gi.repository import GMime as library
        library.init()
        self.library = library

    def _message(self, data: bytes) -> Any:
        stream = self.library.StreamMem.new_with_buffer(data)
        return self.library.Parser.new_with_stream(
            stream).construct_message(None)

    def keys(self, value: str) -> list[str]:
        out: list[str] = []

        def walk(addresses: Any) -> None:
            for i in range(addresses.length() if addresses else 0):
                address = addresses.get_address(i)
                if isinstance(address, self.library.InternetAddressGroup):
                    walk(address.get_members())
                elif "@" in (address.get_addr() or ""):
                    out.append(key(address.get_addr()))

        options = self.library.ParserOptions.get_default()
        walk(self.library.InternetAddressList.parse(options, value))
        return out

    def fields(self, data: bytes) -> list[tuple[str, str]]:
        """Without Content-*, which are the part's and not the message's."""
        headers = self._message(data).get_header_list()
        return [(h.get_name(), h.get_raw_value().lstrip(BLANK)) for h in
                (headers.get_header_at(i)
                 for i in range(headers.get_count()))]

    def parts(self, data: bytes) -> Part:
        return self._walk(self._message(data).get_mime_part())

    def _walk(self, part: Any) -> Part:
        kind = part.get_content_type()
        if isinstance(part, self.library.Multipart):
            return (kind.get_mime_type().lower(), [
                self._walk(part.get_part(i)) for i in range(part.get_count())])
        if isinstance(part, self.library.MessagePart):
            return (kind.get_mime_type().lower(),
                    [self._walk(part.get_message().get_mime_part())])
        source = part.get_content().get_stream()
        out = self.library.StreamMem.new()
        source.reset()
        source.write_to_stream(out)
        return (kind.get_mime_type().lower(), bytes(out.get_byte_array()),
                part.get_filename() or "",
                (kind.get_parameter("charset") or "").lower())


def or_none(reader: Any, *args: Any) -> Any:
    """None where it fails: both others do on some of what is no mail."""
    try:
        return reader(*args)
    except (AttributeError, UnicodeError):
        return None
