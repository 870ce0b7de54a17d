"""Scripted answers.

A rule waits for requests that match, lets some pass (skip), fires so many
times, and then decides alone what happens: an answer of any kind, a stall, a
reset, a closed connection, or bytes that are no HTTP. The first live rule that
matches fires. A rule without status and action only delays.

"when" says at which point a rule is looked at: "before" (the head is read, the
body still with the client) or "after". Who asks for a token stands in the
body, so a match on a token's client needs "after", the default.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from .wire import Request, Response

ENDPOINTS = ("token", "sendMail", "messages", "attachments",
             "createUploadSession", "upload", "send", "delete", "sent",
             "drafts", "look", "imds", "entity", "entities", "other",
             "any")
ACTIONS = ("answer", "stall", "reset", "close", "garbage", "pass")
MATCHES = ("tenant", "client", "mailbox", "method", "path")
GARBAGE = b"220 localhost ESMTP this is not HTTP\r\n" * 3


@dataclass
class Rule:
    """One rule as it was posted, and how often it has matched and fired."""

    endpoint: str = "any"
    match: dict[str, str] = field(default_factory=dict)
    times: int = 1
    skip: int = 0
    when: str = "after"
    delay: float = 0
    accept: bool = False
    action: str = ""
    status: int | None = None
    headers: Any = field(default_factory=dict)
    body: Any = ""
    repeat_body: int = 1
    truncate: bool = False
    endless: bool = False  # the body again and again, until the client goes
    fired: int = 0
    passed: int = 0

    def __post_init__(self) -> None:
        if not self.action:
            self.action = "pass" if self.status is None else "answer"
        if self.accept:
            self.when = "after"
        for value, known, name in ((self.endpoint, ENDPOINTS, "endpoint"),
                                   (self.action, ACTIONS, "action"),
                                   (self.when, ("before", "after"), "when")):
            if value not in known:
                raise ValueError(f"{name} {value!r} is none of {known}")
        if unknown := set(self.match) - set(MATCHES):
            raise ValueError(f"match knows no {sorted(unknown)}")
        if self.action == "answer" and self.status is None:
            raise ValueError("an answer needs a status")

    def matches(self, request: Request) -> bool:
        if self.endpoint not in ("any", request.endpoint):
            return False
        return all((getattr(request, name) or "").lower() == value.lower()
                   for name, value in self.match.items())

    @property
    def live(self) -> bool:
        return self.times < 0 or self.fired < self.times

    def response(self) -> Response:
        """The scripted answer. A header with the value null stays away."""
        body = self.body
        kind = "text/plain"
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            kind = "application/json"
        response = Response(self.status or 200,
                            body=body.encode() * self.repeat_body,
                            truncate=self.truncate, endless=self.endless,
                            close=self.truncate or self.endless)
        pairs = self.headers
        if isinstance(pairs, dict):
            pairs = pairs.items()
        for name, value in pairs:
            if value is None:
                response.without.add(name.lower())
            else:
                response.headers.append((name, str(value)))
        if body:
            response.add("Content-Type", kind)
        return response


class Rules:
    """The rules in force; any thread may call."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.rules: list[Rule] = []
        self.released = threading.Event()

    def add(self, values: list[dict[str, Any]]) -> None:
        """Appends rules; raises ValueError or TypeError for a bad one."""
        new = []
        for value in values:
            if {"fired", "passed"} & set(value):
                raise ValueError("fired and passed are counted here")
            new.append(Rule(**value))
        with self.lock:
            self.rules += new

    def clear(self) -> None:
        with self.lock:
            self.rules = []

    def list(self) -> list[dict[str, Any]]:
        with self.lock:
            return [asdict(rule) for rule in self.rules]

    def fire(self, request: Request, when: str) -> tuple[int, Rule] | None:
        """The rule that decides about this request now, and its number."""
        with self.lock:
            for number, rule in enumerate(self.rules):
                if rule.when != when or not rule.live:
                    continue
                if not rule.matches(request):
                    continue
                if rule.passed < rule.skip:
                    rule.passed += 1
                    continue
                rule.fired += 1
                return number, rule
        return None

    def release(self) -> None:
        """Lets go of every connection that is stalled now, not later ones."""
        with self.lock:
            self.released.set()
            self.released = threading.Event()

    def hold(self) -> threading.Event:
        """What a stall waits for."""
        with self.lock:
            return self.released
