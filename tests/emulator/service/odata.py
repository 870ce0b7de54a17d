"""The part of OData that reads of a table use: keys in a path, and $filter."""

from __future__ import annotations

import re
from typing import Any, Callable

KEY_MAX = 512  # characters: a key is of 1 KiB in UTF-16 at most

_KEYS = re.compile(r"PartitionKey='((?:[^']|'')*)',RowKey='((?:[^']|'')*)'\Z")
_TOKEN = re.compile(r"\s*(?:([()])|([A-Za-z_][A-Za-z0-9_]*)|'((?:[^']|'')*)')")
_FORBIDDEN = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")

Takes = Callable[[dict[str, Any]], bool]


class Malformed(Exception):
    """What was sent does not parse."""


def keys_of(text: str) -> tuple[str, str]:
    """PartitionKey='..',RowKey='..'; ValueError for characters or lengths
    that no key can have."""
    match = _KEYS.match(text)
    if not match:
        raise Malformed(text)
    keys = (match[1].replace("''", "'"), match[2].replace("''", "'"))
    for key in keys:
        if _FORBIDDEN.search(key) or len(key) > KEY_MAX:
            raise ValueError(key)
    return keys


class _Filter:
    """Name eq 'text', joined by and, or and parentheses."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if not match:
                raise Malformed(text)
            self.tokens.append(self._token(match))
            at = match.end()
        self.tokens.append(("end", ""))

    @staticmethod
    def _token(match: re.Match[str]) -> tuple[str, str]:
        if match[1]:
            return match[1], ""
        if match[2] in ("and", "or", "eq"):
            return match[2], ""
        if match[2]:
            return "name", match[2]
        return "text", match[3].replace("''", "'")

    def take(self, kind: str) -> str:
        if self.tokens[0][0] != kind:
            raise Malformed(f"{kind} is missing")
        return self.tokens.pop(0)[1]

    def any(self) -> Takes:
        parts = [self.all()]
        while self.tokens[0][0] == "or":
            self.take("or")
            parts.append(self.all())
        return lambda entity: any(part(entity) for part in parts)

    def all(self) -> Takes:
        parts = [self.one()]
        while self.tokens[0][0] == "and":
            self.take("and")
            parts.append(self.one())
        return lambda entity: all(part(entity) for part in parts)

    def one(self) -> Takes:
        if self.tokens[0][0] == "(":
            self.take("(")
            inner = self.any()
            self.take(")")
            return inner
        name = self.take("name")
        self.take("eq")
        text = self.take("text")
        return lambda entity: entity.get(name) == text


def filter_of(text: str) -> Takes:
    """Whether an entity is among those that a $filter wants; "": all are."""
    if not text.strip():
        return lambda entity: True
    parsed = _Filter(text)
    takes = parsed.any()
    parsed.take("end")
    return takes
