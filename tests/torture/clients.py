"""Clients that send until everything they have is taken.

A client tries a message until it hears 250, under another name each time: what
became of a try whose answer was lost it cannot know, and Postfix may have it.
Some messages are so large that they go as drafts, file by file.
"""

from __future__ import annotations

import hashlib
import random
from email import message_from_bytes, policy
from email.message import EmailMessage
import threading
from dataclasses import dataclass, field

from harness.site import App, Site
from harness.smtp import Smtp, SmtpError

PAUSE_SECONDS = 2.5  # between messages, at most
DOMAIN = "example.com"
LARGE = 0.06  # of all messages
BACKLOG_MAILBOXES = 30
# sizes of the files in one: over 3 MB one goes by an upload session
FILES = [[3_200_000], [900_000, 800_000, 700_000], [3_100_000, 500_000]]


@dataclass
class Try:
    """One message as it was handed to smtpd once."""
    name: str
    sender: str
    recipients: list[str]
    body: bytes
    files: list[bytes] = field(default_factory=list)
    queue_id: str = ""  # once the client heard 250

    def raw(self) -> bytes:
        """Only the first recipient is named; others are hidden."""
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"], mail["To"] = self.sender, self.recipients[0]
        mail["Subject"] = self.name
        mail["Message-ID"] = f"<{self.name}@{DOMAIN}>"
        mail.set_content(self.body.decode())
        for number, data in enumerate(self.files):
            mail.add_attachment(data, "application", "octet-stream",
                                filename=f"{number}.bin")
        return mail.as_bytes()

    def parts(self) -> list[tuple[str | None, str]]:
        return parts(self.raw())


def parts(raw: bytes) -> list[tuple[str | None, str]]:
    """Name and digest of the content of each part."""
    return [(part.get_filename(),
             hashlib.sha256(part.get_payload(decode=True)).hexdigest())
            for part in message_from_bytes(raw, policy=policy.SMTP).walk()
            if not part.is_multipart()]


@dataclass
class Tally:
    """What all clients did; they share it."""
    tries: dict[str, Try] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)  # 5xx: never right here
    lock: threading.Lock = field(default_factory=threading.Lock)

    def taken(self) -> int:
        with self.lock:
            return sum(bool(t.queue_id) for t in self.tries.values())


def make_body(rng: random.Random) -> bytes:
    """Mostly small, now and then as long as a scan."""
    lines = rng.choices([rng.randint(1, 60), rng.randint(600, 2500),
                         rng.randint(7000, 28000)], [75, 15, 10])[0]
    return b"".join(b"%064x%04d\r\n" % (rng.getrandbits(256), n % 10_000)
                    for n in range(lines))


class Client(threading.Thread):
    """One application with a mailbox, sending one message after another."""

    def __init__(self, site: Site, number: int, count: int, seed: int,
                 tally: Tally) -> None:
        super().__init__(name=f"client{number}", daemon=True)
        self.site = site
        self.count = count
        self.tally = tally
        self.rng = random.Random(seed * 1000 + number)
        self.app: App = site.new_app(
            expires_in=20, permissions=["Mail.Send", "Mail.ReadWrite"])
        self.connection: Smtp | None = None
        self.gives_up = threading.Event()

    def run(self) -> None:
        for index in range(self.count):
            is_large = self.rng.random() < LARGE
            body = b"large\r\n" if is_large else make_body(self.rng)
            files = [self.rng.randbytes(size) for size in
                     self.rng.choice(FILES)] if is_large else []
            recipients = [f"r{n}@{self.name}.example.org"
                          for n in range(self.rng.choice([1, 1, 2, 3]))]
            attempt = 0
            while not self.gives_up.is_set():
                attempt += 1
                if self.attempt(Try(f"{self.name}.{index}.{attempt}",
                                    f"{self.name}@{DOMAIN}", recipients,
                                    body, files)):
                    break
                self.gives_up.wait(0.2 * self.rng.random())
            self.gives_up.wait(PAUSE_SECONDS * self.rng.random())
        self.hang_up()

    def attempt(self, this: Try) -> bool:
        """Whether the message was taken."""
        try:
            if self.connection is None:
                self.connection = self.site.connect()
                self.connection.login(self.app.user, self.app.secret)
            with self.tally.lock:
                self.tally.tries[this.name] = this
            this.queue_id = self.connection.send(
                this.sender, this.recipients, this.raw())
        except SmtpError as error:
            if error.answer.code >= 500:
                self.tally.refused.append(f"{this.name}: {error.answer}")
        except (OSError, ValueError):
            pass  # whoever served us was killed
        if not this.queue_id or self.rng.random() < 0.4:
            self.hang_up()
        return bool(this.queue_id)

    def hang_up(self) -> None:
        connection, self.connection = self.connection, None
        if connection:
            connection.close()


class Backlog(Client):
    """One application with many mailboxes and small messages, as many as come
    through at once: Graph throttles it all the while."""

    def run(self) -> None:
        for index in range(self.count):
            sender = f"{self.name}.{index % BACKLOG_MAILBOXES}@{DOMAIN}"
            attempt = 0
            while not self.gives_up.is_set():
                attempt += 1
                if self.attempt(Try(
                        f"{self.name}.{index}.{attempt}", sender,
                        [f"r@{self.name}.example.org"], b"backlog\r\n")):
                    break
                self.gives_up.wait(0.2 * self.rng.random())
        self.hang_up()

    def is_mine(self, sender: str) -> bool:
        return sender.startswith(f"{self.name}.")
