"""An MTA of a few lines that drives a milter, event by event.

It speaks the milter protocol (version 6, or an older one) as Postfix does: it
leaves out the events that the filter does not want, does not wait for answers
that the filter will not give, sends macros before each event, and applies the
header changes. Unlike Postfix it can be told to send events in any order, to
break off anywhere and to leave macros out.
"""

import socket
import struct
from dataclasses import dataclass, field

ACTIONS = 0x1FF  # all that a filter may ask for
PROTOCOL = 0x1FFFFF  # all events can be skipped, all answers spared
SETSYMLIST = 0x100

# event: (command, bit that skips it, bit that spares the answer, macro stage)
EVENTS = {
    "connect": (b"C", 1 << 0, 1 << 12),
    "helo": (b"H", 1 << 1, 1 << 13),
    "mail": (b"M", 1 << 2, 1 << 14),
    "rcpt": (b"R", 1 << 3, 1 << 15),
    "body": (b"B", 1 << 4, 1 << 19),
    "header": (b"L", 1 << 5, 1 << 7),
    "eoh": (b"N", 1 << 6, 1 << 18),
    "unknown": (b"U", 1 << 8, 1 << 17),
    "data": (b"T", 1 << 9, 1 << 16),
    "eom": (b"E", 0, 0),
}
STAGES = ["connect", "helo", "mail", "rcpt", "data", "eom", "eoh"]


@dataclass
class Answer:
    """What a filter said: its last word, and what it wants changed before."""

    action: str  # "continue", "accept", "reject", "tempfail", "reply", "none"
    text: str = ""  # of a reply: "550 5.7.1 ...", as Postfix sends it on
    raw: bytes = b""  # of a reply: as it came
    # (name, index, value): index 0 adds; value "" deletes. MAIL: the sender
    changes: list[tuple[str, int, str]] = field(default_factory=list)


class Gone(Exception):
    """The filter closed the connection."""


class MilterMTA:
    def __init__(self, path: str, version: int = 6, actions: int = ACTIONS,
                 protocol: int = PROTOCOL, timeout: float = 20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.macros: dict[str, list[str]] = {}
        self.negotiate(version, actions, protocol)

    def __enter__(self) -> "MilterMTA":
        return self

    def __exit__(self, *unused: object) -> None:
        self.socket.close()

    # --- packets ---

    def send(self, command: bytes, data: bytes = b"") -> None:
        packet = command + data
        self.socket.sendall(struct.pack("!I", len(packet)) + packet)

    def read_bytes(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            try:
                part = self.socket.recv(count - len(got))
            except ConnectionResetError:
                part = b""
            if not part:
                raise Gone()
            got += part
        return got

    def read(self) -> tuple[bytes, bytes]:
        (length,) = struct.unpack("!I", self.read_bytes(4))
        packet = self.read_bytes(length)
        return packet[:1], packet[1:]

    def negotiate(self, version: int, actions: int, protocol: int) -> None:
        self.send(b"O", struct.pack("!III", version, actions, protocol))
        command, data = self.read()
        assert command == b"O", command
        self.version, self.actions, self.skips = struct.unpack(
            "!III", data[:12])
        rest = data[12:]
        while rest:
            (stage,) = struct.unpack("!I", rest[:4])
            names, _, rest = rest[4:].partition(b"\0")
            self.macros[STAGES[stage]] = names.decode().split()

    # --- events ---

    def event(self, name: str, data: bytes = b"",
              macros: dict[str, str] | None = None) -> Answer:
        """Macros go even before an event that is skipped, as Postfix does."""
        command, skip, spare = EVENTS[name]
        if macros is not None:
            asked = self.macros.get(name)
            self.send(b"D", command + b"".join(
                f"{key}\0{value}\0".encode("latin-1")
                for key, value in macros.items()
                if asked is None or key in asked))
        if self.skips & skip:
            return Answer("none")
        self.send(command, data)
        return Answer("none") if self.skips & spare else self.answer()

    def answer(self) -> Answer:
        changes: list[tuple[str, int, str]] = []
        final = {b"c": "continue", b"a": "accept", b"r": "reject",
                 b"t": "tempfail", b"d": "discard", b"s": "skip"}
        while True:
            code, data = self.read()
            if code in final:
                return Answer(final[code], changes=changes)
            if code == b"y":
                raw = data.rstrip(b"\0")
                text = raw.decode("ascii").replace("%%", "%")
                return Answer("reply", text, raw, changes)
            changes.append(read_change(code, data))

    def connect(self, macros: dict[str, str] | None = None) -> Answer:
        return self.event("connect", b"localhost\0" + b"4" +
                          struct.pack("!H", 12345) + b"127.0.0.1\0", macros)

    def helo(self, macros: dict[str, str] | None = None) -> Answer:
        return self.event("helo", b"client\0", macros)

    def mail(self, sender: str, user: str | None,
             queue_id: str | None = None, **client: str) -> Answer:
        """client: other macros, such as client_addr."""
        macros = {"{mail_addr}": sender.strip("<>")}
        macros |= {f"{{{name}}}": value for name, value in client.items()}
        if user is not None:
            macros |= {"{auth_type}": "PLAIN", "{auth_authen}": user}
        if queue_id is not None:
            macros["i"] = queue_id
        return self.event("mail", sender.encode("latin-1") + b"\0SIZE=99\0",
                          macros)

    def rcpt(self, recipient: str) -> Answer:
        return self.event("rcpt", recipient.encode() + b"\0",
                          {"{rcpt_addr}": recipient})

    def header(self, name: str, value: str) -> Answer:
        return self.event("header", f"{name}\0{value}\0".encode("latin-1"))

    def eom(self, queue_id: str | None = "4ZbQ2k1xYz") -> Answer:
        macros = {} if queue_id is None else {"i": queue_id}
        return self.event("eom", b"", macros if macros else None)

    def content(self, headers: list[tuple[str, str]],
                queue_id: str | None = "4ZbQ2k1xYz") -> Answer:
        """All that follows RCPT. The first answer that is a no is the last."""
        steps = [lambda: self.event("data", b"", {})]
        steps += [lambda n=n, v=v: self.header(n, v) for n, v in headers]
        steps += [lambda: self.event("eoh"),
                  lambda: self.event("body", b"text\r\n"),
                  lambda: self.eom(queue_id)]
        for step in steps:
            answer = step()
            if answer.action not in ("none", "continue"):
                break
        return answer

    def message(self, headers: list[tuple[str, str]], sender: str,
                user: str | None, queue_id: str | None = "4ZbQ2k1xYz",
                **client: str) -> Answer:
        """One transaction, as after EHLO; then the abort of Postfix."""
        answer = self.mail(sender, user, **client)
        if answer.action == "continue":
            self.rcpt("<to@example.org>")
            answer = self.content(headers, queue_id)
        self.abort()
        return answer

    def abort(self) -> None:
        self.send(b"A")

    def quit(self) -> None:
        self.send(b"Q")

    def closed(self) -> bool:
        """Whether the filter hangs up without another word."""
        try:
            self.read()
        except Gone:
            return True
        return False


def read_change(code: bytes, data: bytes) -> tuple[str, int, str]:
    index = 0
    if code in (b"m", b"i"):
        (index,) = struct.unpack("!I", data[:4])
        data = data[4:]
    if code == b"e":  # the envelope's sender
        return "MAIL", 0, data.rstrip(b"\0").decode("latin-1")
    assert code in (b"h", b"m"), code
    name, value, rest = data.split(b"\0")
    assert rest == b""
    return name.decode("latin-1"), index, value.decode("latin-1")


def changed(headers: list[tuple[str, str]],
            changes: list[tuple[str, int, str]]) -> list[tuple[str, str]]:
    """The header after the changes, applied one by one as Postfix does."""
    result = list(headers)
    for name, index, value in changes:
        if name == "MAIL":
            continue
        if index == 0:
            result.append((name, value))
            continue
        assert value == "", "a replacement, not a deletion"
        same = [i for i, h in enumerate(result)
                if h[0].lower() == name.lower()]
        if index <= len(same):
            del result[same[index - 1]]
    return result
