"""The way one request takes: record, rules, limits, handler, answer."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from typing import Callable

from . import drafts, entra, errors, graph, imds, tables
from .record import gauges
from .rules import GARBAGE, Rule
from .wire import Connection, Gone, Malformed, Request, Response
from .world import World

STALL_LOOK = 0.05
ENDLESS_BYTES = 1 << 28


class Dropped(Exception):
    """A rule ended the connection without an answer."""


class Exchange:
    """One request on one connection, in the world it arrived in."""

    def __init__(self, world: World, host: str, conn: Connection,
                 request: Request, log: Callable[[str], None]) -> None:
        self.world = world
        self.host = host
        self.conn = conn
        self.request = request
        self.log = log
        self.body_taken = False
        self._identify()
        self.held = gauges(request)
        world.record.enter(*self.held)
        self.entry = world.record.arrive(request, conn.number)
        self.began = time.monotonic()

    def run(self) -> bool:
        """Answers the request. Whether the connection can go on."""
        try:
            return self._send(self._decide())
        except Gone as gone:
            if gone.args:
                self.world.record.keep_body(self.entry, gone.args[0])
            self.world.record.end(self.entry, "cut")
            self._note("cut by the client")
        except Dropped as dropped:
            self._drop(str(dropped))
        finally:
            self._leave()
        return False

    # --- which answer

    def _identify(self) -> None:
        request = self.request
        if self.host == "upload":
            drafts.identify_upload(self.world, request)
        elif self.host == "plain":
            imds.identify(request)
        elif not (entra.identify(request)
                  or tables.identify(self.world, request)):
            graph.identify(self.world, request)

    def _decide(self) -> Response:
        fired = self.world.rules.fire(self.request, "before")
        response = self._obey(fired) if fired else None
        response = response or self._refuse_length()
        if response:
            return response
        self._take_body()
        fired = self.world.rules.fire(self.request, "after")
        real = None
        if fired:
            if fired[1].accept:
                real = self._process()
            response = self._obey(fired)
        return response or real or self._process()

    def _refuse_length(self) -> Response | None:
        """What a front end refuses without looking at the body."""
        request = self.request
        chunked = bool(request.all("transfer-encoding"))
        bare = request.method in ("GET", "HEAD", "DELETE")
        if chunked or (request.length is None and not bare):
            return Response(411, [("Content-Type", "text/html")],
                            b"<h2>Length Required</h2>", close=True)
        if (request.length or 0) > self.world.store.limits.request_bytes:
            return errors.graph(
                request, 413, "BadRequest",
                "The maximum request length supported is 4MB.")
        return None

    def _take_body(self) -> None:
        request = self.request
        length = request.length or 0
        waits = request.get("expect").lower() == "100-continue"
        if waits and length > len(self.conn.buffer):
            self.conn.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.body = self.conn.read_body(length)
        self.body_taken = True
        if request.endpoint == "token":
            entra.identify_body(request)
            self.held = gauges(request)
            self.world.record.enter(*self.held)
        self.world.record.read(self.entry, request.body)

    def _process(self) -> Response:
        try:
            if self.request.endpoint == "upload":
                return drafts.upload(self.world, self.request)
            if self.host == "plain":
                return imds.answer(self.world, self.request)
            if self.request.endpoint == "token":
                return entra.answer(self.world, self.request)
            if self.request.endpoint in tables.ENDPOINTS:
                return tables.answer(self.world, self.request)
            return graph.answer(self.world, self.request, self.entry.seq)
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc(file=sys.stderr)
            return Response(500, [("Content-Type", "text/plain")],
                            b"The emulator has a bug; see its stderr.")

    # --- what a rule wants

    def _obey(self, fired: tuple[int, Rule]) -> Response | None:
        """Does what the rule says; None when the request goes on."""
        number, rule = fired
        self.entry.rule = number
        if rule.delay:
            self._hold(threading.Event(), rule.delay)
        if rule.action == "stall":
            self._stall()
        elif rule.action in ("reset", "close", "garbage"):
            raise Dropped(rule.action)
        return rule.response() if rule.status is not None else None

    def _stall(self) -> None:
        released = self.world.rules.hold()
        self.world.record.stall(1)
        try:
            self._hold(released, None)
        finally:
            self.world.record.stall(-1)

    def _hold(self, until: threading.Event, seconds: float | None) -> None:
        """Waits for the event or the time, but not for a client that left."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self.world.record.closed:
            if self.conn.gone():
                raise Gone
            left = STALL_LOOK if end is None else end - time.monotonic()
            if left <= 0 or until.wait(min(left, STALL_LOOK)):
                return

    # --- the answer

    def _send(self, response: Response) -> bool:
        request = self.request
        if self.host == "main":
            self._decorator()(request, response)
        if request.has_body and not self.body_taken or request.wants_close:
            response.close = True
        # The books are closed before the first byte goes out: a client that
        # has its answer may send the next request, or ask the record.
        self._leave()
        self.world.record.answer(self.entry, response.status)
        self._note(str(response.status))
        self.conn.send(response.encode(request.method == "HEAD"))
        if response.endless:
            self._send_on(response.body)
        self.world.record.sent(self.entry)
        return not response.close

    def _send_on(self, body: bytes) -> None:
        """Sends a body until the client leaves, or ENDLESS_BYTES of it."""
        sent = 0
        while sent < ENDLESS_BYTES:
            try:
                self.conn.send(body)
            except OSError:
                return
            sent += len(body)

    def _decorator(self) -> Callable[[Request, Response], None]:
        if self.request.endpoint == "token":
            return entra.decorate
        if self.request.endpoint in tables.ENDPOINTS:
            return tables.decorate
        return graph.decorate

    def _drop(self, action: str) -> None:
        self._leave()
        self.world.record.end(self.entry, "dropped")
        self._note(f"dropped: {action}")
        if action == "reset":
            self.conn.reset()
        elif action == "garbage":
            self.conn.send(GARBAGE)
        else:
            self.conn.hang_up()

    def _leave(self) -> None:
        held, self.held = self.held, []
        self.world.record.leave(*held)

    def _note(self, outcome: str) -> None:
        request = self.request
        self.log(f"#{self.entry.seq:06} c{self.conn.number} {request.endpoint} "
                 f"{request.method} {request.path} "
                 f"{self.entry.body_length} -> {outcome} "
                 f"{time.monotonic() - self.began:.3f}s "
                 f"request-id={request.request_id}")


def answer_malformed(world: World, conn: Connection, error: Malformed,
                     log: Callable[[str], None]) -> None:
    """Records bytes that were no request, and says so to the client."""
    request = Request("", "", "", [], endpoint="malformed")
    entry = world.record.arrive(request, conn.number)
    world.record.read(entry, error.head)
    world.record.answer(entry, error.status)
    log(f"#{entry.seq:06} c{conn.number} malformed: {error}")
    conn.send(Response(error.status, [("Content-Type", "text/plain")],
                       str(error).encode(), close=True).encode())
