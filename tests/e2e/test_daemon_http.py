"""msgraphd alone, with a server that ends its connections in its own ways."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from emulator.client import Emulator
from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    MESSAGE, SECRET, USER, daemon, m365, shared_m365)
from harness.drafts import Large, Part

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
CREATED = (b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
           b"Content-Length: 16\r\n\r\n{\"id\":\"draft-1\"}")
LAST = b"\r\nConnection: close\r\n\r\n"
LONG = MESSAGE + (b"x" * 70 + b"\r\n") * 40_000


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

    def loop(self) -> None:
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            with self.tls.wrap_socket(sock, server_side=True) as conn:
                self.protocols.append(conn.selected_alpn_protocol())
                try:
                    self.serve(conn)
                except OSError:
                    pass  # the client left

    @staticmethod
    def head(conn: ssl.SSLSocket) -> tuple[bytes, bytes]:
        """A request's head, and what came of its body with it."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += conn.recv(1024)
        head, _, body = data.partition(b"\r\n\r\n")
        return head, body

    @staticmethod
    def rest(conn: ssl.SSLSocket, head: bytes, body: bytes) -> None:
        """Reads what has not come yet of a body."""
        length = head.lower().partition(b"content-length:")[2].split()
        while length and len(body) < int(length[0]):
            body += conn.recv(1 << 16)

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


@pytest.fixture
def server(m365: Emulator, daemon: Daemon) -> Iterator[Server]:
    """What msgraphd takes for Graph, with the emulator's token."""
    server = Server(m365)
    daemon.auth(USER, SECRET)
    daemon.stop()
    daemon.settings["graph_endpoint"] = server.url
    daemon.start()
    yield server
    server.socket.close()


def test_http_1_1_alone_is_offered(daemon, server):
    """A server that has both would choose HTTP/2."""
    assert daemon.submit(MESSAGE, identity=USER).status == "sent"
    assert server.protocols == ["http/1.1"]


def test_202_before_the_whole_message_is_no_acceptance(daemon, server):
    server.serve = server.accept_and_reset
    reply = daemon.submit(LONG, identity=USER)
    assert (reply.status, reply.dsn) == ("deferred", "4.4.1"), reply
    assert "before it had the whole message" in reply.text
    assert ", http=202, outcome=unknown, " in daemon.log()
    server.serve = server.accept
    assert daemon.submit(LONG, identity=USER).status == "sent"


def test_early_202_counts_when_the_rest_was_taken(daemon, server):
    server.serve = lambda conn: server.accept(conn, early=True)
    assert daemon.submit(LONG, identity=USER).status == "sent"


@pytest.mark.parametrize("what", ["messages", "attachments"])
def test_early_201_is_no_draft_and_no_attachment(daemon, server, what):
    """Nobody knows what of it is there: another draft, and all of it."""
    seen: list[str] = []

    def serve(conn: ssl.SSLSocket) -> None:
        head, body = server.head(conn)
        seen.append(head.split()[1].decode().rpartition("/")[2])
        if seen[-1] == what and seen.count(what) == 1:
            conn.sendall(CREATED)
            time.sleep(0.3)
            server.reset(conn)
            return
        server.rest(conn, head, body)
        answer = ACCEPTED if seen[-1] == "send" else CREATED
        # or the next request comes over a connection that is closing
        conn.sendall(answer.replace(b"\r\n\r\n", LAST))
    server.serve = serve
    large = Large([Part(2_900_000)], rest=LONG)
    assert large.submit(daemon).status == "deferred"
    first = len(seen)
    assert large.submit(daemon).status == "sent"
    assert [step for step in seen[first:] if step != "draft-1"] == [
        "messages", "attachments", "send"]


def test_lost_connection_is_called_so(daemon, server):
    """libcurl speaks of its seek callback when it may not post again."""
    def serve(conn: ssl.SSLSocket) -> None:
        server.accept(conn)
        server.head(conn)
    server.serve = serve
    assert daemon.submit(MESSAGE, identity=USER).status == "sent"
    reply = daemon.submit(MESSAGE + b"2\r\n", identity=USER)
    assert (reply.status, reply.dsn) == ("deferred", "4.4.1"), reply
    assert reply.text.startswith(
        "no answer from Graph: the connection was lost; Graph may have")
    assert "seek" not in daemon.log()
