"""The readers under one form: lib/, GMime, Python's email, and that of the
corpus. Each gives addresses, the tree of types, the parts that hold something
(type, name, bytes), and the text of a field."""

from __future__ import annotations

import email
import email.policy
import re
from email.header import decode_header, make_header
from typing import Any

from corpus.compare import key as plain_key
from corpus.reader import read, words
from oracle.readers import (GMime, Lib, Part, is_unambiguous, keys_by_lib,
                            keys_by_python)

Leaf = tuple[str, str, bytes]  # type, file name, content
# what both others do on some of what is no mail, and on what is too deep
FAILS = (AttributeError, UnicodeError, RecursionError, TypeError, LookupError,
         ValueError, SystemError)


def tree(part: Part) -> Any:
    """The types alone. Of message/global in base64 (RFC 6532 section 3.7)
    readers differ whether they look inside."""
    if part[0] == "message/global":
        return part[0]
    if isinstance(part[1], list):
        return part[0], [tree(inner) for inner in part[1]]
    return part[0]


class Views:
    def __init__(self, lib: Lib, gmime: GMime) -> None:
        self.lib, self.gmime = lib, gmime
        self._answers: dict[bytes, list[str]] = {}

    # --- addresses

    def _answer(self, value: bytes) -> list[str]:
        if value not in self._answers:
            if len(self._answers) > 100:
                self._answers.clear()
            self._answers[value] = self.lib.addresses([value])[0]
        return self._answers[value]

    def is_unambiguous(self, value: bytes) -> bool:
        return is_unambiguous(self._answer(value))

    def addresses(self, value: bytes) -> list[tuple[str, list[str]]]:
        """Reader and keys; a reader that fails is left out."""
        text = value.decode("utf-8", "replace")
        found = [("lib", keys_by_lib(self._answer(value)))]
        for name, reader in (("GMime", self.gmime.keys),
                             ("Python", keys_by_python)):
            try:
                keys = reader(text)
            except (AttributeError, IndexError, UnicodeError, ValueError):
                keys = None
            if keys is not None:
                found.append((name, keys))
        return [(name, [plain_key(a) for a in keys]) for name, keys in found]

    # --- structure

    def trees(self, data: bytes) -> dict[str, Any]:
        # Python's parser and GMime's bindings recurse
        found = {"lib": tree(self.lib.parts([data])[0])}
        for name, reader in (("GMime", self.gmime.parts),
                             ("Python", python_parts)):
            try:
                found[name] = tree(reader(data))
            except FAILS:
                pass
        return found

    def leaves(self, data: bytes) -> dict[str, list[Leaf]]:
        found = {"corpus": corpus_leaves(data)}
        for name, reader in (("GMime", self.gmime_leaves),
                             ("Python", python_leaves)):
            try:
                found[name] = reader(data)
            except FAILS:
                pass
        return found

    def gmime_leaves(self, data: bytes) -> list[Leaf]:
        library, out = self.gmime.library, []

        def walk(part: Any) -> None:
            if isinstance(part, library.Multipart):
                for i in range(part.get_count()):
                    walk(part.get_part(i))
            elif isinstance(part, library.MessagePart):
                walk(part.get_message().get_mime_part())
            else:
                stream = library.StreamMem.new()
                part.get_content().write_to_stream(stream)
                kind = part.get_content_type().get_mime_type().lower()
                out.append(leaf(kind, part.get_filename() or "",
                                bytes(stream.get_byte_array())))

        stream = library.StreamMem.new_with_buffer(data)
        parser = library.Parser.new_with_stream(stream)
        walk(parser.construct_message(None).get_mime_part())
        return out

    # --- texts

    def texts(self, value: bytes) -> dict[str, str]:
        """What a field of text says; in ASCII only, as raw 8-bit is read by
        guess."""
        unfolded = re.sub(rb"\r?\n", b"", value).decode("latin-1").strip()
        found = {"corpus": words(unfolded)}
        try:
            found["Python"] = " ".join(
                str(make_header(decode_header(unfolded))).split())
        except (LookupError, ValueError, AssertionError, email.errors
                .MessageError):
            pass
        decoded = self.gmime.library.utils_header_decode_text(
            self.gmime.library.ParserOptions.get_default(), unfolded)
        found["GMime"] = " ".join((decoded or "").split())
        return found


def leaf(kind: str, name: str, data: bytes) -> Leaf:
    """Where lines of text end is no matter."""
    if kind.startswith(("text/", "message/", "multipart/")):
        data = re.sub(rb"\r\n?", b"\n", data)
    if kind.startswith("multipart/"):
        data = b""  # a reader that finds no parts in it finds their source
    return kind, " ".join(name.split()), data.rstrip(b"\r\n")


def corpus_leaves(data: bytes) -> list[Leaf]:
    return [leaf(p.kind, p.file_name() or "", p.content())
            for p in read(data).walk() if not p.children]


def _message(data: bytes) -> Any:
    return email.message_from_bytes(data, policy=email.policy.compat32)


def python_parts(data: bytes) -> Part:
    def walk(part: Any) -> Part:
        if part.is_multipart():
            return part.get_content_type(), [
                walk(p) for p in part.get_payload()]
        return part.get_content_type(), b"", "", ""
    return walk(_message(data))


def python_leaves(data: bytes) -> list[Leaf]:
    out = []
    for part in _message(data).walk():
        if not part.is_multipart():
            out.append(leaf(part.get_content_type(),
                            words(str(part.get_filename() or "")),
                            part.get_payload(decode=True) or b""))
    return out
