"""Messages made at random, with their envelopes: the same number, the same
message. What each says is odd, but nothing in it is left to taste: addresses
and content can be told from the pieces they were made of."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from .case import attached, b64, crlf, multi, noise, part

SENDER = "scan@example.com"
WORDS = ("Scan", "Größe", "báo", "Störung", "Связь", "語", "a", "=?", "--",
         "x" * 90, "From", ".", "tab\t", "=20", "€")
CHARSETS = ("utf-8", "iso-8859-1", "koi8-r", "windows-1252", "gb18030")
NAMES = ("Anna", '"Doe, John"', '"q \\" q"', "=?utf-8?Q?J=C3=B6rg?=",
         "Jörg Groß", "Scan [3]", "a@x.example", "J. Q. Public", '""',
         '=?utf-8?Q?"?=', '"=?utf-8?Q?"?="', "=?utf-8?Q?(?=", "=?utf-8?Q?x")
JUNK = ("undisclosed-recipients:;", "Anna", "<>", "a b@x.example", '"open',
        "x@", "Nobody: ;", "(only a comment)")


@dataclass
class Made:
    """A message, and the envelope it came in."""
    seed: int
    message: bytes = b""
    recipients: list[str] = field(default_factory=list)
    originals: list[str] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)  # what To and Cc name


class Maker:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.made = Made(seed)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def make(self) -> Made:
        self._envelope()
        head = self._head()
        entity = self._entity(2)
        self.made.message = head + entity
        if self.chance(0.05):  # broken off
            cut = self.random.randrange(len(head), len(self.made.message))
            self.made.message = self.made.message[:cut]
        return self.made

    # --- envelope

    def _address(self, number: int) -> str:
        local = self.random.choice(
            ("r{}", "r{}+x", "R{}.Y", '"r {}"', '"r@{}"', "r'{}", "r.{}"))
        domain = self.random.choice(
            ("example.org", "Example.NET", "xn--bcher-kva.example"))
        return f"{local.format(number)}@{domain}"

    def _envelope(self) -> None:
        count = self.random.choice((1, 1, 2, 3, 5, 8, 20))
        made = self.made
        made.recipients = [self._address(n) for n in range(count)]
        made.originals = [
            f"alias{n // 2}@example.com" if self.chance(0.1) else address
            for n, address in enumerate(made.recipients)]

    # --- header

    def _spelled(self, address: str) -> str:
        """The same address in other words."""
        local, _, domain = address.rpartition("@")
        if self.chance(0.2):
            domain = domain.upper()
        elif domain.startswith("xn--") and self.chance(0.5):
            domain = "bücher.example"
        if self.chance(0.2):
            local = local.upper()
        spec = f"{local}@{domain}"
        form = self.random.random()
        if form < 0.3:
            return spec
        if form < 0.4:
            return f"{spec} (comment, {self.random.randrange(9)})"
        if form < 0.45:
            return f"<@route.example:{spec}>"
        name = self.random.choice(NAMES) if form < 0.9 else ""
        return f"{name} <{spec}>".strip()

    def _known(self, addresses: list[str], shown: bool) -> str:
        address = self.random.choice(addresses)
        if shown:
            self.made.shown.add(address)
        return self._spelled(address)

    def _list(self, shown: bool) -> str:
        choose, made, out = self.random, self.made, []
        for _ in range(choose.choice((0, 1, 2, 3, 6))):
            form = choose.random()
            if form < 0.55:
                out.append(self._known(made.recipients, shown))
            elif form < 0.65:
                out.append(self._known(made.originals, shown))
            elif form < 0.85:
                out.append(self._spelled(
                    f"stranger{choose.randrange(4)}@example.edu"))
            elif form < 0.95:
                out.append(choose.choice(JUNK))
            else:
                out.append(f"Team: {self._known(made.recipients, shown)},"
                           " stranger@example.edu;")
        comma = choose.choice((", ", ",", ",\n ", " ,\n\t", ", , "))
        return comma.join(out)

    def _text(self, most: int) -> str:
        return " ".join(self.random.choice(WORDS) for _ in
                        range(self.random.randint(1, most)))

    def _head(self) -> bytes:
        lines = [self.random.choice((
            f"From: {SENDER}", f"From: Scanner <{SENDER}>",
            f'From: "{SENDER}" <{SENDER}>', f"From: Büro <{SENDER}>",
            f"From: {SENDER}, boss@example.com", f"from:<{SENDER}> (MFP)"))]
        for name in ("To", "Cc", "To", "Bcc", "Resent-To", "cc"):
            if self.chance(0.5 if name in ("To", "Cc") else 0.15):
                shown = name.lower() in ("to", "cc")
                lines.append(f"{name}: {self._list(shown)}")
        fields = ("Subject: {}", "X-Note:{}", "Comments: a\n {}",
                  "Received: from a by b; {}", "Return-Path: <{}>",
                  "X-MSGraph-Mailbox: x", "Sender: scan@example.com")
        for template in self.random.sample(fields, self.random.randint(0, 5)):
            lines.append(template.format(self._text(
                120 if self.chance(0.05) else 6)))
        if self.chance(0.1):
            lines.append("Subject: " + "long " * 300)
        rest = lines[1:]
        self.random.shuffle(rest)
        charset = self.random.choice(("utf-8", "utf-8", "latin-1"))
        text = "\n".join([lines[0], *rest, "MIME-Version: 1.0", ""])
        return text.replace("\n", "\r\n").encode(charset, "replace")

    # --- body

    def _lines(self, charset: str) -> bytes:
        end = "\r" if self.chance(0.1) else "\n" if self.chance(0.1) else "\r\n"
        out = "".join(self._text(8) + (end if self.chance(0.3) else "\r\n")
                      for _ in range(self.random.randint(0, 8)))
        if self.chance(0.1):
            out += "long " * 250 + "\r\n"
        return (out + "end\r\n").encode(charset, "replace")

    def _leaf(self) -> bytes:
        form = self.random.random()
        if form < 0.1:
            return b"\r\n" + self._lines("utf-8")
        if form < 0.25:
            return attached("application/pdf", self._text(2).replace(
                '"', ""), noise(self.random.randrange(400)))
        if form < 0.35:
            width = self.random.choice((40, 76, 2000))
            return part("Content-Type: image/png\n"
                        "Content-Transfer-Encoding: base64\n",
                        b64(noise(900, self.made.seed), width))
        if form < 0.45:
            data = noise(300, self.made.seed).replace(b"\0", b"0") + b"\xff"
            return part("Content-Type: image/jpeg\n"
                        "Content-Transfer-Encoding: binary\n", data)
        charset = self.random.choice(CHARSETS)
        kind = self.random.choice(("plain", "html", "csv"))
        says = f"; charset={charset}" if self.chance(0.8) else ""
        head = f"Content-Type: text/{kind}{says}\n"
        if self.chance(0.6):
            how = self.random.choice(("7bit", "8bit", "8BIT", "binary"))
            head += f"Content-Transfer-Encoding: {how}\n"
        return part(head, self._lines(charset))

    def _entity(self, depth: int) -> bytes:
        if depth == 0 or self.chance(0.4):
            return self._leaf()
        form = self.random.random()
        if form < 0.2:
            inner = crlf("From: c@example.net\nBcc: b@example.net\n"
                         f"Subject: {self._text(3)}\n")
            return part("Content-Type: message/rfc822\n",
                        inner + self._entity(depth - 1))
        parts = [self._entity(depth - 1)
                 for _ in range(self.random.randint(1, 4))]
        kind = self.random.choice(
            ("mixed", "alternative", "related", "mixed", "signed"))
        mark = self.random.choice(("b", "b'()+_,-./:=? ?", "=_x"))
        return multi(kind, *parts, boundary=f"{mark}{depth}",
                     post=b"epilogue\r\n" if self.chance(0.1) else b"")
