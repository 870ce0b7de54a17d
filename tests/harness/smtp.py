"""An SMTP client that sends exactly what it is told to.

smtplib picks the form of AUTH itself; here a test decides about each line:
letter case, initial response or none, several messages on a connection.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from dataclasses import dataclass

TIMEOUT = 60.0


@dataclass
class Answer:
    code: int
    lines: list[str]  # without code

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class SmtpError(Exception):
    """The server did not answer as the caller needed it to."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer))
        self.answer = answer


def b64(data: bytes | str) -> str:
    return base64.b64encode(
        data.encode() if isinstance(data, str) else data).decode()


def anybody() -> ssl.SSLContext:
    """For a client that takes any certificate, and shows none."""
    # not the default context, which reads all authorities of the system
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Smtp:
    """One connection. tls is "starttls", "implicit" or "none"."""

    def __init__(self, port: int, tls: str = "starttls",
                 helo: str = "client.test",
                 context: ssl.SSLContext | None = None) -> None:
        self.context = context or anybody()
        self.sock: socket.socket = socket.create_connection(
            ("127.0.0.1", port), TIMEOUT)
        self.helo = helo
        if tls == "implicit":
            self._wrap()
        self.file = self.sock.makefile("rb")
        self.expect(220, self.answer())
        self.features = self.ehlo()
        if tls == "starttls":
            self.starttls()

    def __enter__(self) -> Smtp:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.sock.close()

    # --- lines

    def _wrap(self) -> None:
        self.sock = self.context.wrap_socket(self.sock)

    def write(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self) -> Answer:
        lines: list[str] = []
        while True:
            line = self.file.readline().decode(errors="replace").rstrip()
            if not line:
                raise ConnectionError("the server hung up")
            lines.append(line[4:])
            if line[3:4] != "-":
                return Answer(int(line[:3]), lines)

    def command(self, line: str | bytes) -> Answer:
        data = line.encode() if isinstance(line, str) else line
        self.write(data + b"\r\n")
        return self.answer()

    @staticmethod
    def expect(code: int, answer: Answer) -> Answer:
        if answer.code != code:
            raise SmtpError(answer)
        return answer

    def ehlo(self) -> list[str]:
        return self.expect(250, self.command(f"EHLO {self.helo}")).lines[1:]

    def starttls(self) -> None:
        self.expect(220, self.command("STARTTLS"))
        self.file.close()
        self._wrap()
        self.file = self.sock.makefile("rb")
        self.features = self.ehlo()

    # --- AUTH

    def auth_plain(self, user: str | bytes, secret: str | bytes,
                   initial: bool = True, authzid: str = "",
                   verb: str = "AUTH PLAIN") -> Answer:
        parts = [part.encode() if isinstance(part, str) else part
                 for part in (authzid, user, secret)]
        response = b64(b"\0".join(parts))
        if initial:
            return self.command(f"{verb} {response}")
        answer = self.command(verb)
        return self.command(response) if answer.code == 334 else answer

    def auth_login(self, user: str | bytes, secret: str | bytes,
                   initial: bool = False, verb: str = "AUTH LOGIN") -> Answer:
        if initial:
            answer = self.command(f"{verb} {b64(user)}")
        else:
            answer = self.command(verb)
            if answer.code != 334:
                return answer
            answer = self.command(b64(user))
        return self.command(b64(secret)) if answer.code == 334 else answer

    def login(self, user: str, secret: str) -> Smtp:
        """AUTH PLAIN, which has to succeed."""
        self.expect(235, self.auth_plain(user, secret))
        return self

    # --- a message

    def envelope(self, sender: str, recipients: list[str],
                 options: str = "") -> Answer:
        """MAIL, RCPT, DATA; the answer that is not a yes, or the 354."""
        answer = self.command(f"MAIL FROM:<{sender}>{options}")
        for recipient in recipients:
            if answer.code == 250:
                answer = self.command(f"RCPT TO:<{recipient}>")
        return self.command("DATA") if answer.code == 250 else answer

    def transact(self, sender: str, recipients: list[str],
                 message: bytes, options: str = "") -> Answer:
        """Sends a message and returns the last answer."""
        answer = self.envelope(sender, recipients, options)
        if answer.code != 354:
            return answer
        if message and not message.endswith(b"\r\n"):
            message += b"\r\n"
        self.write(re.sub(rb"(?m)^\.", b"..", message) + b".\r\n")
        return self.answer()

    def send(self, sender: str, recipients: list[str],
             message: bytes, options: str = "") -> str:
        """Sends a message, which has to be queued; returns its queue id."""
        answer = self.transact(sender, recipients, message, options)
        found = re.search(r"queued as (\S+)", answer.text)
        if answer.code != 250 or not found:
            raise SmtpError(answer)
        return found[1]


class Balanced(Smtp):
    """A client that comes by way of a load balancer, which names it."""

    client_address = "192.0.2.7"

    def answer(self) -> Answer:
        if not getattr(self, "announced", False):
            self.announced = True
            self.write(f"PROXY TCP4 {self.client_address} 192.0.2.1 40000 "
                       "8025\r\n".encode())
        return super().answer()
