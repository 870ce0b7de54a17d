"""A day of sending in a minute or two: msgraphd with a clock that is moved, an
emulator, and a driver that does what Postfix and its clients would do.

The day is walked in steps of five minutes. In each, clients sign in, hand over
a new message, and all that waits is tried again. Things happen to them: see
EVENTS.
"""

from __future__ import annotations

import base64
import json
import mmap
import os
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
from emulator.client import Emulator, Request
from harness.daemon import BUILD, Daemon, Reply

STEP = 5  # minutes
DAY = 24 * 60
WORKERS = 8  # threads that talk to msgraphd
UNVERIFIED = 4  # in each step
RENEW_EARLY = 300  # seconds
RETENTION = 60  # minutes; the shortest that msgraph.conf takes
TENANT = "11111111-2222-3333-4444-555555555555"


def at(clock: str) -> int:
    """Minutes since the start of the day."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


class Clock:
    """The file that clock_file.c reads."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.write_bytes(bytes(16))
        with file.open("r+b") as opened:
            # the daemon reads all the time: each value is written as one, not
            # byte by byte as struct.pack_into() with "=" does
            self.ms = memoryview(mmap.mmap(opened.fileno(), 16)).cast("q")
        self.minutes = 0

    def passes(self, minutes: int) -> None:
        """For both clocks: time goes by, or the host sleeps."""
        self.minutes += minutes
        self.ms[0] = self.minutes * 60_000

    def wall_steps(self, minutes: int) -> None:
        """Somebody sets the wall clock."""
        self.ms[1] += minutes * 60_000


class SimulatedDaemon(Daemon):
    """msgraphd with that clock."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        super().__init__(directory, settings)
        self.clock = Clock(directory / "clock")

    def command(self, *args: str) -> list[str]:
        return ["env", f"MSGRAPH_TEST_CLOCK={self.clock.file}",
                str(BUILD / "tests" / "msgraphd-simulated"),
                "-c", str(self.conf), *args]

    def memory(self) -> int:
        """Resident, in bytes."""
        words = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(words[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@dataclass
class Client:
    """Somebody who sends a message every five minutes."""
    name: str
    life: int  # of its tokens, in seconds
    signs_in: int  # minutes between sign-ins; 0: once, at the start
    secret: str = "first secret"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    asked: int = 0  # token requests so far
    issued: int = 0  # minute of the last one
    early: int = 0  # seconds before its end from which on it is renewed

    def is_issued(self, minute: int) -> None:
        self.issued = minute
        self.early = min(RENEW_EARLY, self.life // 2)

    def is_loaded(self, minute: int) -> None:
        """By a msgraphd that starts: of a token it knows what is left."""
        left = self.life - (minute - self.issued) * 60
        self.early = min(RENEW_EARLY, max(left, 0) // 2)

    @property
    def user(self) -> str:
        return f"{TENANT}:{self.id}"

    @property
    def mailbox(self) -> str:
        return f"{self.name}@example.com"

    def does_sign_in(self, minute: int) -> bool:
        return minute == STEP or (
            self.signs_in > 0 and minute % self.signs_in == 0)

    def renews(self, minute: int) -> bool:
        """Whether a delivery in this minute asks for another token."""
        return (minute - self.issued) * 60 >= self.life - self.early


@dataclass
class Message:
    client: Client
    number: int
    born: int  # minute
    replies: list[tuple[int, Reply]] = field(default_factory=list)

    @property
    def raw(self) -> bytes:
        return (f"From: {self.client.mailbox}\r\nTo: rcpt@example.org\r\n"
                f"Subject: {self.number}\r\n\r\nHello.\r\n").encode()


@dataclass
class Sample:
    minute: int
    memory: int
    descriptors: int


@dataclass
class Use:
    """A post, with the token it was made with."""
    client: str
    minute: int
    issued: int  # minute of its token


class Day:
    def __init__(self, m365: Emulator, daemon: SimulatedDaemon,
                 clients: list[Client]) -> None:
        self.m365 = m365
        self.daemon = daemon
        self.clock = daemon.clock
        self.clients = clients
        self.messages: list[Message] = []
        self.waiting: list[Message] = []
        self.sign_ins: list[tuple[int, Client, str]] = []
        self.samples: list[Sample] = []
        self.began: list[tuple[float, int]] = []  # wall time of each minute
        self.entra_answers = True
        self.pool = ThreadPoolExecutor(WORKERS)

    def warm_up(self) -> None:
        """As many requests at once as there ever will be, so that what is
        needed for them does not look like growth later."""
        self.sign_in(self.clients)
        for endpoint, work in (("token", self.unverified),
                               ("sendMail", self.early_message)):
            self.m365.rules({"endpoint": endpoint, "action": "stall",
                             "times": WORKERS})
            running = [self.pool.submit(work, number)
                       for number in range(WORKERS)]
            self.m365.wait_stalled(WORKERS)
            self.m365.release()
            for future in running:
                future.result()
        self.settle()

    def early_message(self, number: int) -> None:
        client = self.clients[number % len(self.clients)]
        self.deliver(Message(client, -number - 1, 0))

    def run(self, events: dict[int, Callable[[Day], None]]) -> None:
        for client in self.clients:
            self.register(client)
        self.warm_up()
        while self.clock.minutes < DAY:
            self.clock.passes(STEP)
            if event := events.get(self.clock.minutes):
                event(self)
            self.step()
            self.settle()
        self.pool.shutdown()

    def start_daemon(self) -> None:
        self.daemon.start()
        for client in self.clients:
            client.is_loaded(self.clock.minutes)

    def step(self) -> None:
        minute = self.clock.minutes
        self.began.append((time.time(), minute))
        for client in self.clients:
            self.register(client)
        self.sign_in([c for c in self.clients if c.does_sign_in(minute)])
        list(self.pool.map(self.unverified, range(UNVERIFIED)))
        for client in self.clients:
            message = Message(client, len(self.messages), minute)
            self.messages.append(message)
            self.waiting.append(message)
        list(self.pool.map(self.deliver, self.waiting))
        self.waiting = [message for message in self.waiting
                        if message.replies[-1][1].status == "deferred"]
        self.samples.append(Sample(
            minute, self.daemon.memory(), self.daemon.descriptors()))

    def register(self, client: Client) -> None:
        """The minute goes into the tokens that are issued in it."""
        self.m365.app(TENANT, client.id, client.secret,
                      expires_in=client.life,
                      permissions=["Mail.Send", str(self.clock.minutes)])

    def settle(self) -> None:
        """Renewals go on while mail does: the clock waits for them, so that
        it is known in which minute a token was issued."""
        minute, stats = self.clock.minutes, self.m365.stats()
        for client in self.clients:
            if client.renews(minute) and client.name not in self.held():
                stats = self.m365.wait_until(
                    lambda now, client=client:
                    asked(now, client) > client.asked)
        self.m365.wait_requests("token", stats["requests"]["token"],
                                state="sent")
        # an answer that has arrived is read before what comes after it
        for _ in range(2):
            self.daemon.auth("no name", "of ours")
        for client in self.clients:
            if asked(stats, client) > client.asked and self.entra_answers:
                client.is_issued(minute)
            client.asked = asked(stats, client)

    def held(self) -> set[str]:
        """Clients whose mail did not come to need a token now."""
        return {message.client.name for message in self.waiting
                if message.replies[-1][1].dsn == "4.4.5"}

    def sign_in(self, clients: list[Client]) -> None:
        """Three at once for each."""
        minute = self.clock.minutes
        crowd = clients * 3
        answers = self.pool.map(
            lambda c: self.daemon.auth(c.user, c.secret), crowd)
        self.sign_ins += [(minute, *pair) for pair in zip(crowd, answers)]

    def unverified(self, _number: int = 0) -> None:
        """A name that nobody has had before."""
        self.daemon.auth(f"{uuid.uuid4()}:{uuid.uuid4()}", "guess")

    def deliver(self, message: Message) -> None:
        client = message.client
        reply = self.daemon.submit(
            message.raw, identity=client.user, mailbox=client.mailbox,
            queue_id=f"D{message.number}")
        message.replies.append((self.clock.minutes, reply))

    # --- afterwards

    def minute_of(self, moment: float) -> int:
        return max(minute for began, minute in self.began
                   if began <= moment)

    def uses(self) -> list[Use]:
        """Every post but those of the warm-up, in their order."""
        names = {client.id: client.name for client in self.clients}
        return [Use(names[request.client], self.minute_of(request.time),
                    issued(request))
                for request in self.m365.requests("sendMail")
                if request.time >= self.began[0][0]]


def asked(stats: dict, client: Client) -> int:
    return stats["token_requests"].get(f"{TENANT}/{client.id}", 0)


def issued(request: Request) -> int:
    """The minute in which the token of a request was issued."""
    token = request.header("Authorization").removeprefix("Bearer ")
    claims = token.split(".")[1]
    decoded = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
    return int(json.loads(decoded)["roles"][1])
