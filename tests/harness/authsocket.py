"""An auth socket (saslauthd's protocol) that answers as a test says, in the
place of msgraphd's or saslauthd's."""

from __future__ import annotations

import contextlib
import io
import os
import pwd
import socket
import struct
import threading
from dataclasses import dataclass
from pathlib import Path


def counted(text: bytes) -> bytes:
    """A string of the protocol: its length in 16 bits, and the string."""
    return struct.pack(">H", len(text)) + text


@dataclass
class Request:
    login: bytes
    secret: bytes
    service: bytes
    realm: bytes


class AuthSocket:
    """Takes one connection after the other, reads the request, says `reply`
    and closes. With `stall` it says nothing until the other side closes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reply = counted(b"OK")
        self.stall = False
        self.requests: list[Request] = []

    def open(self, user: str = "root") -> None:
        """The peer of a socket is whoever calls listen()."""
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.path.chmod(0o660)
        os.seteuid(pwd.getpwnam(user).pw_uid)
        try:
            self.listener.listen(16)
        finally:
            os.seteuid(0)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def close(self, remove: bool = True) -> None:
        """Without remove, what a killed daemon leaves behind stays."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        if remove:
            self.path.unlink()

    def reset(self) -> None:
        self.reply = counted(b"OK")
        self.stall = False
        self.requests.clear()

    def run(self) -> None:
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            with connection, connection.makefile("rb") as file:
                self.serve(connection, file)

    def serve(self, connection: socket.socket, file: io.BufferedReader) -> None:
        # waits, where a peek into the file's buffer may find nothing yet
        if not connection.recv(1, socket.MSG_PEEK):
            return  # it does not trust us, and said nothing
        strings = [file.read(struct.unpack(">H", file.read(2))[0])
                   for _ in range(4)]
        self.requests.append(Request(*strings))
        if self.stall:
            assert file.read() == b""
        elif self.reply:
            with contextlib.suppress(OSError):  # heard enough, and gone
                connection.sendall(self.reply)
