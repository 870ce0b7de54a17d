"""HTTP/1.1 on a socket: requests in, responses out, nothing lenient.

A client that sends a request which a strict server might refuse is refused
here, so that a test finds out before a customer does. A connection belongs to
one thread, which reads one request after the other from it.
"""

from __future__ import annotations

import json
import re
import select
import socket
import ssl
import struct
import time
import uuid
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

HEAD_MAX = 64 * 1024
DRAIN_SECONDS = 5.0

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
# RFC 9112 section 3.2.1, origin form, with the characters of RFC 3986
_TARGET = re.compile(r"/(?:[A-Za-z0-9\-._~:/?@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*\Z")


class Gone(Exception):
    """The client went away before its request was complete."""


class Malformed(Exception):
    """What came is no HTTP request. It cannot be answered and gone on with."""

    def __init__(self, status: int, text: str, head: bytes = b""):
        super().__init__(text)
        self.status = status
        self.head = head


@dataclass
class Request:
    """One request; the server fills the lower half as it learns it."""

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    endpoint: str = "other"
    tenant: str | None = None
    client: str | None = None
    mailbox: str | None = None
    names: dict[str, str] = field(default_factory=dict)
    form: Any = None
    token: Any = None
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def all(self, name: str) -> list[str]:
        """Every value of a header field, in order."""
        name = name.lower()
        return [value for key, value in self.headers if key.lower() == name]

    def get(self, name: str, default: str = "") -> str:
        """The value of a header field; the first where there are several."""
        values = self.all(name)
        return values[0] if values else default

    @property
    def path(self) -> str:
        """The target without the query, as it came."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def media_type(self) -> str:
        return self.get("content-type").partition(";")[0].strip().lower()

    @property
    def length(self) -> int | None:
        """Content-Length, or None without one. read_head() checked its form."""
        value = self.get("content-length")
        return int(value) if value else None

    @property
    def has_body(self) -> bool:
        return bool(self.length) or bool(self.all("transfer-encoding"))

    @property
    def wants_close(self) -> bool:
        words = [word.strip().lower() for value in self.all("connection")
                 for word in value.split(",")]
        if self.version == "HTTP/1.0":
            return "keep-alive" not in words
        return "close" in words


@dataclass
class Response:
    """An answer. without names default headers that must not be added."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    without: set[str] = field(default_factory=set)
    close: bool = False
    truncate: bool = False
    endless: bool = False

    def add(self, name: str, value: str) -> None:
        """Adds a header unless it is there already or is to stay away."""
        name_l = name.lower()
        if name_l in self.without:
            return
        if all(key.lower() != name_l for key, _ in self.headers):
            self.headers.append((name, value))

    def encode(self, head_only: bool = False) -> bytes:
        """The bytes to send. A truncated one promises more than it holds."""
        missing = 1000 if self.truncate else 0
        if self.status >= 200 and self.status != 204 and not self.endless:
            self.add("Content-Length", str(len(self.body) + missing))
        self.add("Date", _date())
        if self.close:
            self.add("Connection", "close")
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {self.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        return head if head_only or self.status == 204 else head + self.body


def json_response(status: int, value: Any) -> Response:
    """A response that carries a JSON value."""
    return Response(status, [("Content-Type", "application/json")],
                    json.dumps(value).encode())


_date_cache: tuple[int, str] = (0, "")


def _date() -> str:
    global _date_cache
    now = int(time.time())
    if _date_cache[0] != now:
        _date_cache = (now, formatdate(now, usegmt=True))
    return _date_cache[1]


class Connection:
    """A client's connection, plain or TLS."""

    def __init__(self, sock: socket.socket, number: int):
        self.sock = sock
        self.number = number
        self.buffer = bytearray()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read_head(self) -> Request | None:
        """The next request's head; None when the client is done."""
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end >= 0:
                break
            if len(self.buffer) > HEAD_MAX:
                raise Malformed(431, "The head is too long.",
                                bytes(self.buffer))
            if not self._fill():
                if self.buffer:
                    raise Gone
                return None
        head = bytes(self.buffer[:end])
        del self.buffer[: end + 4]
        return parse_head(head)

    def read_body(self, length: int) -> bytes:
        """Exactly length bytes. Gone carries what came when it is less."""
        while len(self.buffer) < length:
            try:
                more = self._fill(length - len(self.buffer))
            except OSError:
                more = False
            if not more:
                raise Gone(bytes(self.buffer))
        body = bytes(self.buffer[:length])
        del self.buffer[:length]
        return body

    def _fill(self, want: int = 0) -> bool:
        data = self.sock.recv(max(65536, min(want, 1 << 20)))
        self.buffer += data
        return bool(data)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def gone(self) -> bool:
        """Whether the client has closed its end, without reading from it."""
        poll = select.poll()
        poll.register(self.sock, select.POLLRDHUP)
        return bool(poll.poll(0))

    def reset(self) -> None:
        """Ends the connection with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()

    def hang_up(self) -> None:
        """Wakes whoever waits on the connection; for other threads too."""
        try:
            # not SSLSocket.shutdown(), which takes the TLS state away from
            # under the thread that is reading
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self.sock.close()

    def close_gently(self) -> None:
        """Closes so that the client can still read what was sent.

        Closing with unread bytes resets the connection and may take the answer
        with it, so what the client goes on sending is read and dropped first,
        for a bounded time.
        """
        deadline = time.monotonic() + DRAIN_SECONDS
        try:
            if isinstance(self.sock, ssl.SSLSocket):
                self._notify_close(self.sock)
            socket.socket.shutdown(self.sock, socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                socket.socket.settimeout(self.sock, left)
                if not socket.socket.recv(self.sock, 1 << 20):
                    break
        except (OSError, ValueError):
            pass
        self.close()

    @staticmethod
    def _notify_close(sock: ssl.SSLSocket) -> None:
        sock.settimeout(0)
        try:
            sock.unwrap()
        except (OSError, ValueError):
            pass  # the client's own close_notify is not waited for


def parse_head(head: bytes) -> Request:
    """Reads a request line and header fields; raises Malformed."""
    text = head.decode("latin-1")
    first, *rest = text.split("\r\n")
    if "\n" in text.replace("\r\n", "") or "\r" in text.replace("\r\n", ""):
        raise Malformed(400, "A bare line end stands in the head.", head)
    parts = first.split(" ")
    if len(parts) != 3 or not _NAME.match(parts[0]):
        raise Malformed(400, "The request line is not one.", head)
    method, target, version = parts
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise Malformed(505, "The version is not HTTP/1.1.", head)
    if not _TARGET.match(target):
        raise Malformed(400, "The target is not escaped.", head)
    request = Request(method, target, version, _fields(rest, head))
    _check(request, head)
    return request


def _fields(lines: list[str], head: bytes) -> list[tuple[str, str]]:
    fields = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.match(name) or "\0" in value:
            raise Malformed(400, "A header line is not one.", head)
        fields.append((name, value.strip(" \t")))
    return fields


def _check(request: Request, head: bytes) -> None:
    lengths = request.all("content-length")
    if len(lengths) > 1 or (lengths and not re.match(r"[0-9]{1,15}\Z",
                                                     lengths[0])):
        raise Malformed(400, "Content-Length is not one number.", head)
    if lengths and request.all("transfer-encoding"):
        raise Malformed(400, "Both kinds of length are given.", head)
    if request.version == "HTTP/1.1" and len(request.all("host")) != 1:
        raise Malformed(400, "There must be one Host.", head)
