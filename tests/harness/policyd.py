"""A stand-in for msgraphd where it is asked who may send (lib/local/policy.h):
whoever signed in with an application may, as that application."""

from __future__ import annotations

import base64
import re
import socket
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

Question = dict[str, str]
FIRST = b"request=policy\n"


def record(**fields: str) -> bytes:
    """A record of lib/local/wire.h."""
    return "".join(f"{name}={value}\n"
                   for name, value in fields.items()).encode() + b"\n"


def read_question(data: bytes) -> Question:
    lines = data.decode("utf-8", "surrogateescape")[:-2].split("\n")
    return dict(line.partition("=")[::2] for line in lines)


def read_id(text: str) -> str:
    if re.fullmatch(r"[\w-]{22}", text):
        return str(uuid.UUID(bytes=base64.urlsafe_b64decode(text + "==")))
    return str(uuid.UUID(text)) if len(text) == 36 else ""


def canonical(user: str) -> str:
    """Without the suffix; empty where the name is not an application's."""
    tenant, _, client = re.sub(r"[:|]", "@", user, count=1).partition("@")
    try:
        found = read_id(tenant), read_id(client.split(".")[0])
    except ValueError:
        return ""
    return "@".join(found) if all(found) else ""


def ok(question: Question, **fields: str) -> bytes:
    return record(status="ok", application=canonical(question["user"]),
                  **fields)


def refused(dsn: str, text: str) -> bytes:
    return record(status="later" if dsn[0] == "4" else "refused", dsn=dsn,
                  text=text)


def answer(question: Question) -> bytes:
    user = question.get("user", "")
    if not user:
        return refused("5.7.0", "Authentication required")
    if not canonical(user):
        return refused("5.7.1", "not an application")
    return ok(question)


class PolicyDaemon:
    """with PolicyDaemon(path) as daemon: ...; `rule` may be another than
    answer(), and may give b"" to hang up."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rule: Callable[[Question], bytes] = answer
        self.stalls = False  # takes questions and says nothing
        self.questions: list[Question] = []
        self._held: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o666)
        self._listener.listen(512)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> PolicyDaemon:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.release()
        self.path.unlink(missing_ok=True)

    def release(self) -> None:
        """Hangs up on those that were stalled."""
        for conn in self._held:
            conn.close()
        self._held.clear()

    def stages(self) -> list[str]:
        return [question["stage"] for question in self.questions]

    def _serve(self) -> None:
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._take(conn)
            except OSError:
                conn.close()

    def _take(self, conn: socket.socket) -> None:
        data = b""
        while not data.endswith(b"\n\n"):
            chunk = conn.recv(65536)
            if not chunk:
                break
            data += chunk
        if data.startswith(FIRST):
            self.questions.append(read_question(data))
        if self.stalls:
            self._held.append(conn)
            return
        if data.startswith(FIRST):
            conn.sendall(self.rule(self.questions[-1]))
        conn.close()
