"""Listeners and connections: one thread accepts, one a connection serves."""

from __future__ import annotations

import itertools
import socket
import ssl
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable, TextIO

from . import certs
from .exchange import Exchange, answer_malformed
from .record import Record
from .rules import Rules
from .store import App, Limits, Store
from .wire import Connection, Gone, Malformed
from .world import Site, World


@dataclass
class Options:
    """What the command line says."""

    directory: Path
    bind: str = "127.0.0.1"
    port: int = 0
    control_port: int = 0
    upload_port: int = 0
    graph_base: str | None = None
    names: list[str] = field(default_factory=list)
    log: TextIO | None = None
    apps: list[App] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)


def _bound(bind: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    sock = socket.socket(family)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((bind, port))
    except OSError:
        sock.close()
        raise
    return sock


class Listener:
    """A port. Closed and opened again it keeps its number."""

    def __init__(self, bind: str, port: int,
                 serve: Callable[[Connection], None],
                 tls: ssl.SSLContext | None = None) -> None:
        self.serve = serve
        self.tls = tls
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.connections: set[Connection] = set()
        self.total = 0
        self.failed_handshakes = 0
        self.stopped = False
        # Linux lets a port that it chose itself go with the last listen();
        # one that was asked for by number stays bound while the socket lives.
        with _bound(bind, port) as first:
            self.port: int = first.getsockname()[1]
            self.sock = _bound(bind, self.port)
        self.thread: threading.Thread | None = None

    def open(self) -> None:
        """Starts to accept. Does nothing when it does already."""
        if self.thread:
            return
        self.stopped = False
        self.sock.listen(512)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Refuses connections from now on, and drops those there are.

        The socket stays bound, so that nobody else can take the port.
        """
        if not self.thread:
            return
        self.stopped = True
        self.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.thread = None
        self.hang_up()

    def hang_up(self) -> None:
        """Drops every connection there is."""
        with self.lock:
            for conn in self.connections:
                conn.hang_up()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                if self.stopped:
                    return
                time.sleep(0.01)  # out of descriptors: the next may work
                continue
            threading.Thread(target=self._run, args=(sock,),
                             daemon=True).start()

    def _run(self, sock: socket.socket) -> None:
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True,
                                            do_handshake_on_connect=False)
            conn = Connection(sock, next(self.numbers))
        except OSError:
            sock.close()  # the client is gone already
            return
        with self.lock:
            self.connections.add(conn)
            self.total += 1
            if self.stopped:
                conn.hang_up()
        try:
            if self._shake_hands(sock):
                self.serve(conn)
        except OSError:
            pass  # the client left, or we hung up
        finally:
            with self.lock:
                self.connections.discard(conn)
            conn.close()

    def _shake_hands(self, sock: socket.socket) -> bool:
        if not isinstance(sock, ssl.SSLSocket):
            return True
        try:
            sock.do_handshake()
            return True
        except (OSError, ValueError):
            with self.lock:
                self.failed_handshakes += 1
            return False


class Server:
    """The emulator: two TLS ports and a plain one, and the world behind."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lock = threading.Lock()
        directory = options.directory
        directory.mkdir(parents=True, exist_ok=True)
        certs.make(directory, options.bind, options.names)
        tls = certs.context(directory)
        self.main = Listener(options.bind, options.port,
                             lambda conn: self._serve(conn, "main"), tls)
        self.upload = Listener(options.bind, options.upload_port,
                               lambda conn: self._serve(conn, "upload"), tls)
        # of this machine alone, whatever the others are bound to
        self.plain = Listener("127.0.0.1", 0,
                              lambda conn: self._serve(conn, "plain"))
        url = f"https://localhost:{self.main.port}"
        bases = [url]
        if options.graph_base:
            bases.append(options.graph_base.rstrip("/"))
        self.site = Site(url, f"https://localhost:{self.upload.port}", bases)
        self.ca_file = directory / "ca.pem"
        self.world = self._new_world()

    def _new_world(self) -> World:
        # a folder of its own: a request of the world before may still write
        bodies = Path(tempfile.mkdtemp(prefix="requests-",
                                       dir=self.options.directory))
        store = Store([replace(app) for app in self.options.apps],
                      replace(self.options.limits))
        return World(self.site, store, Rules(), Record(bodies))

    def reset(self) -> None:
        """Back to the start state. Whoever waits or is stalled goes on."""
        with self.lock:
            old = self.world
            self.world = self._new_world()
        old.record.close()
        old.identities.forget_keys()
        for body in old.record.directory.iterdir():
            body.unlink()
        self.open()

    def open(self) -> None:
        self.main.open()
        self.upload.open()
        self.plain.open()

    def close(self) -> None:
        """Goes away as a service that is down: connections are refused."""
        self.main.close()
        self.upload.close()
        self.plain.close()

    def connections(self) -> dict[str, int]:
        every = (self.main, self.upload, self.plain)
        return {
            "open_connections": sum(len(li.connections) for li in every),
            "total_connections": sum(li.total for li in every),
            "failed_handshakes": sum(li.failed_handshakes for li in every),
        }

    def log(self, line: str) -> None:
        out = self.options.log
        if out:
            now = time.time()
            stamp = time.strftime("%H:%M:%S", time.localtime(now))
            out.write(f"{stamp}.{int(now * 1000) % 1000:03} {line}\n")
            out.flush()

    def _serve(self, conn: Connection, host: str) -> None:
        """Reads and answers requests until one side is done."""
        try:
            while request := conn.read_head():
                exchange = Exchange(self.world, host, conn, request, self.log)
                if not exchange.run():
                    break
        except Malformed as error:
            answer_malformed(self.world, conn, error, self.log)
        except Gone:
            return
        if conn.sock.fileno() >= 0:
            conn.close_gently()


def complain(text: str) -> None:
    """A line for the person who started the emulator."""
    print(f"m365: {text}", file=sys.stderr, flush=True)
