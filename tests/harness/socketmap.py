"""A socketmap server (socketmap_table(5)) that does as a test says, also what
none should.

    with SocketMap(tmp_path / "map", {"scan": f"application={TENANT}/{CLIENT}"}):
        ...
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from .wait import wait_for


def netstring(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return b"%d:%s," % (len(data), data)


def endless() -> Iterator[bytes]:
    """A row of some megabytes that never ends."""
    yield b"9999999:OK "
    while True:
        yield b"x" * 65536


class SocketMap:
    """rows are by key. raw, if set, is sent instead of any answer: bytes, or
    a function that yields some; None with stalls: nothing is answered."""

    def __init__(self, path: Path, rows: dict[str, str] | None = None) -> None:
        self.path = path
        self.rows = rows or {}
        self.raw: object = None
        self.stalls = False
        self.hangs_up = False  # after each answer
        self.delay = 0.0  # before each answer; seconds
        self.asked: list[str] = []  # "NAME KEY", as it came
        self.connections = 0
        self._held: list[socket.socket] = []
        self._listener: socket.socket | None = None

    @property
    def item(self) -> str:
        """For identity_maps."""
        return f"socketmap:unix:{self.path}:relay"

    def start(self) -> SocketMap:
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self.path.chmod(0o666)
        self._listener.listen(64)
        threading.Thread(target=self._serve, args=(self._listener,),
                         daemon=True).start()
        return self

    def kill(self) -> None:
        """No more connections, and an end to those that are there."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.hang_up()
        self.path.unlink(missing_ok=True)

    def hang_up(self) -> None:
        held, self._held = self._held, []
        for conn in held:
            try:
                conn.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self) -> SocketMap:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def keys(self) -> list[str]:
        return [question.partition(" ")[2] for question in self.asked]

    def wait_asked(self, key: str, times: int = 1) -> None:
        wait_for(lambda: self.keys().count(key) >= times,
                 f"{times} questions for {key}", 30)

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self._held.append(conn)
            threading.Thread(target=self._talk, args=(conn,),
                             daemon=True).start()

    def _talk(self, conn: socket.socket) -> None:
        with conn, conn.makefile("rb") as lines:
            try:
                while question := self._read(lines):
                    self.asked.append(question)
                    if not self._answer(conn, question):
                        break
            except OSError:
                pass

    @staticmethod
    def _read(lines) -> str:
        size = b""
        while not size.endswith(b":"):
            byte = lines.read(1)
            if not byte:
                return ""
            size += byte
        return lines.read(int(size[:-1]) + 1)[:-1].decode()

    def _answer(self, conn: socket.socket, question: str) -> bool:
        key = question.partition(" ")[2]
        if self.stalls:
            return True
        time.sleep(self.delay)
        if isinstance(self.raw, bytes):
            conn.sendall(self.raw)
        elif self.raw is not None:
            for part in self.raw():
                conn.sendall(part)
        elif key in self.rows:
            conn.sendall(netstring(f"OK {self.rows[key]}"))
        else:
            conn.sendall(netstring("NOTFOUND "))
        return not self.hangs_up
