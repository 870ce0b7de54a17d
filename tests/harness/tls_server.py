"""A server that ends its connections, and answers, in its own ways."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable

from emulator.client import Emulator

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


class Server:
    """Takes connections as "localhost" with the emulator's certificate."""

    def __init__(self, m365: Emulator) -> None:
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(m365.directory / "server.pem",
                                 m365.directory / "server.key")
        self.tls.set_alpn_protocols(["h2", "http/1.1"])
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.socket.getsockname()[1]}"
        self.protocols: list[str | None] = []
        self.serve: Callable[[ssl.SSLSocket], None] = self.accept
        threading.Thread(target=self.loop, daemon=True).start()

    def close(self) -> None:
        self.socket.close()

    def loop(self) -> None:
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.connection, args=(sock,),
                             daemon=True).start()

    def connection(self, sock: socket.socket) -> None:
        try:
            with self.tls.wrap_socket(sock, server_side=True) as conn:
                self.protocols.append(conn.selected_alpn_protocol())
                self.serve(conn)
        except OSError:
            pass  # the client left

    @staticmethod
    def head(conn: ssl.SSLSocket) -> tuple[bytes, bytes]:
        """A request's head, and what came of its body with it."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = conn.recv(1024)
            if not part:
                raise ConnectionError("the client left")
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        return head, body

    @staticmethod
    def rest(conn: ssl.SSLSocket, head: bytes, body: bytes) -> bytes:
        """Reads what has not come yet of a body; all of it."""
        length = head.lower().partition(b"content-length:")[2].split()
        while length and len(body) < int(length[0]):
            part = conn.recv(1 << 16)
            if not part:
                raise ConnectionError("the client left")
            body += part
        return body

    @staticmethod
    def reset(conn: ssl.SSLSocket) -> None:
        """So that closing it resets it."""
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))

    def accept(self, conn: ssl.SSLSocket, early: bool = False) -> None:
        """A whole request; early: the answer comes before its body."""
        head, body = self.head(conn)
        if early:
            conn.sendall(ACCEPTED)
        self.rest(conn, head, body)
        if not early:
            conn.sendall(ACCEPTED)

    def accept_and_reset(self, conn: ssl.SSLSocket) -> None:
        """Does not wait for what it says it has accepted."""
        self.head(conn)
        conn.sendall(ACCEPTED)
        time.sleep(0.3)  # a reset would overtake it
        self.reset(conn)

    def read(self, conn: ssl.SSLSocket) -> tuple[str, bytes]:
        """A whole request: the last part of its path, and its body."""
        head, body = self.head(conn)
        body = self.rest(conn, head, body)
        return head.split()[1].decode().rpartition("/")[2], body


def answer(status: str, body: bytes = b"") -> bytes:
    """All of an answer, in the shape that Entra and Graph give theirs."""
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body
