"""The reader of MIME structure beside GMime and Python's email.

Messages are generated from the grammar of RFC 2046 together with what they
hold: all three have to find that. Where a message leaves the grammar they
may disagree; such cases are kept in a table with what the RFC, or caution,
makes of them, and who reads them otherwise.
"""

from __future__ import annotations

import random

import pytest

from oracle.readers import Part, or_none, parts_by_python

# --- messages made from the grammar, with what they hold

BOUNDARY = "abcXYZ019'()+_,-./:=?"
LINES = ["", "text", "--", "-- ", "--b", " --b", "-", "Subject: x", "=20",
         "From x", ".", "\t", "----", "a--b--"]


class Grammar:
    """Random messages of RFC 2046."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.end = self.random.choice(["\r\n", "\r\n", "\n"])
        self.used: list[str] = []

    def chance(self, part: float) -> bool:
        return self.random.random() < part

    def boundary(self) -> str:
        """A new one; often the beginning of one that is in use, or longer."""
        while True:
            text = "".join(self.random.choice(BOUNDARY)
                           for _ in range(self.random.randint(1, 12)))
            if self.used and self.chance(0.4):
                text = self.random.choice(self.used) + text[:1]
            if text not in self.used and text + "--" not in self.used \
                    and text[:-2] not in self.used and text not in ("b", "-"):
                self.used.append(text)
                return text

    def blank(self) -> str:
        return self.random.choice([" ", " ", "", self.end + "\t", "  "])

    def param(self, name: str, value: str) -> str:
        name = self.random.choice([name, name.upper(), name.title()])
        token = not any(c in value for c in "()<>@,;:\\/[]?= \"")
        if token and self.chance(0.5):
            return f";{self.blank()}{name}={value}"
        value = value.replace("\\", "\\\\").replace('"', '\\"')
        return f';{self.blank()}{name}="{value}"'

    def name(self) -> tuple[str, str]:
        """A parameter for a file name, and the name."""
        roll = self.random.random()
        if roll < 0.4:
            return "", ""
        if roll < 0.7:
            name = self.random.choice(["a.pdf", "a b.pdf", "a;b=c", "(x) y"])
            return self.param("filename", name), name
        if roll < 0.85:
            return (f";{self.blank()}filename*=utf-8''%C3%BCber%20x",
                    "\u00fcber x")
        return (f";{self.blank()}filename*0*=iso-8859-1''%FC;"
                f"{self.blank()}filename*1=\"a b\"", "\u00fca b")

    def text(self) -> str:
        lines = [self.random.choice(LINES)
                 for _ in range(self.random.randint(0, 4))]
        return self.end.join(lines)

    def leaf(self) -> tuple[str, Part]:
        body, end = self.text(), self.end
        if self.chance(0.3):
            return end + body, ("text/plain", body.encode(), "", "")
        kind = self.random.choice(["text/html", "Text/Plain",
                                   "application/x-y", "image/png"])
        param, charset, header = "", "", ""
        if kind.lower().startswith("text") and self.chance(0.5):
            charset = self.random.choice(["utf-8", "iso-8859-1"])
            param = self.param("charset", charset)
        name_param, name = self.name()
        if name:
            header = f"Content-Disposition: attachment{name_param}{end}"
        header += f"Content-Type:{self.blank()}{kind}{param}{end}"
        return (header + end + body,
                (kind.lower(), body.encode(), name, charset))

    def nested(self, depth: int) -> tuple[str, Part]:
        text, part = self.part(depth + 1)
        head = f"Content-Type: message/rfc822{self.end}{self.end}"
        return f"{head}X: y{self.end}{text}", ("message/rfc822", [part])

    def multi(self, depth: int) -> tuple[str, Part]:
        boundary, end = self.boundary(), self.end
        kind = self.random.choice(["mixed", "alternative", "x-y"])
        out = (f"Content-Type: multipart/{kind}"
               f"{self.param('boundary', boundary)}{end}{end}")
        if self.chance(0.5):
            out += "preamble" + end
        parts = []
        for _ in range(self.random.randint(1, 3)):
            text, part = self.part(depth + 1)
            out += f"--{boundary}{self.pad()}{end}{text}{end}"
            parts.append(part)
        out += f"--{boundary}--{self.pad()}"
        if self.chance(0.5):
            out += f"{end}epilogue"
        self.used.remove(boundary)
        return out, (f"multipart/{kind}", parts)

    def pad(self) -> str:
        return self.random.choice(["", "", " ", "\t "])

    def part(self, depth: int) -> tuple[str, Part]:
        roll = self.random.random()
        if depth < 4 and roll < 0.35:
            return self.multi(depth)
        if depth < 4 and roll < 0.45:
            return self.nested(depth)
        return self.leaf()

    def message(self) -> tuple[bytes, Part]:
        text, part = self.part(0)
        last = part
        while last[0] == "message/rfc822":
            last = last[1][0]
        if last[0].startswith("multipart"):
            text += self.end
        return f"MIME-Version: 1.0{self.end}{text}".encode(), part


def test_lib_reads_the_grammar(lib):
    cases = [Grammar(seed).message() for seed in range(4000)]
    answers = lib.parts([data for data, _ in cases])
    for (data, want), answer in zip(cases, answers):
        assert answer == want, data


def test_python_reads_the_grammar():
    """So the grammar above is not merely our own idea of it."""
    for seed in range(1000):
        data, want = Grammar(seed).message()
        assert parts_by_python(data) == want, data


def test_gmime_reads_the_grammar(gmime):
    for seed in range(1000):
        data, want = Grammar(seed).message()
        assert gmime.parts(data) == want, data


# --- what leaves the grammar


def multi(param: bytes, body: bytes) -> bytes:
    return b"Content-Type: multipart/mixed; " + param + b"\r\n\r\n" + body


def mixed(*parts: Part) -> Part:
    return "multipart/mixed", list(parts)


def leaf(body: bytes, kind: str = "text/plain") -> Part:
    return kind, body, "", ""


def named(params: bytes) -> bytes:
    return b"Content-Disposition: x; " + params + b"\r\n\r\n"


def name(text: str) -> Part:
    return "text/plain", b"", text, ""


X = b"--b\r\n\r\nx\r\n"
INNER = b"--b\r\nContent-Type: multipart/mixed; boundary="

# A message, what we read, and who reads something else: P(ython), G(Mime).
ODD: dict[str, tuple[bytes, Part, str]] = {
    # the end of a message ends what is in it. Python drops the line end then;
    # GMime drops half of the one before a last line without one
    "no end": (multi(b"boundary=b", X), mixed(leaf(b"x\r\n")), "P"),
    "cut off": (multi(b"boundary=b", X + b"--b--"), mixed(leaf(b"x")), "G"),
    # a multipart has parts; Python makes a text of what has none
    "never begun": (multi(b"boundary=b", b"x\r\n"), mixed(), "P"),
    "empty": (multi(b"boundary=b", b"--b--\r\n"), mixed(), "P"),
    "no boundary": (multi(b"x=y", X), leaf(X, "multipart/mixed"), "G"),
    # without the empty line the body starts at what is no field, as in
    # Postfix. GMime drops such lines, and parts
    "no empty line": (multi(b"boundary=b", b"--b\r\nx\r\n--b--\r\n"),
                      mixed(leaf(b"x")), "G"),
    "field and text": (
        multi(b"boundary=b", b"--b\r\nContent-Type: text/html\r\nx\r\n\r\n"
              b"y\r\n--b--\r\n"), mixed(leaf(b"x\r\n\r\ny", "text/html")), "G"),
    "no body": (
        multi(b"boundary=b", b"--b\r\nContent-Type: text/html\r\n--b--\r\n"),
        mixed(leaf(b"", "text/html")), "G"),
    "bad line": (b"Content-Type: text/html\r\nbad\r\nA: b\r\n\r\nx",
                 leaf(b"bad\r\nA: b\r\n\r\nx", "text/html"), "G"),
    # a boundary line starts a part, an empty one too; both others pass it over
    "nothing": (multi(b"boundary=b", b"--b\r\n" + X + b"--b--\r\n"),
                mixed(leaf(b""), leaf(b"x")), "PG"),
    # RFC 2046 section 5.1.2: the outer boundary ends the inner multipart
    "outer ends inner": (
        multi(b"boundary=b", INNER + b"c\r\n\r\n--c\r\n\r\ny\r\n" + X
              + b"--b--\r\n"), mixed(mixed(leaf(b"y")), leaf(b"x")), ""),
    "inner never begun": (
        multi(b"boundary=b", INNER + b"c\r\n\r\n" + X + b"--b--\r\n"),
        mixed(mixed(), leaf(b"x")), "P"),
    # the same boundary twice: it is the inner one's
    "same": (multi(b"boundary=b", INNER + b"b\r\n\r\n" + X + b"--b--\r\n" + X
                   + b"--b--\r\n"), mixed(mixed(leaf(b"x")), leaf(b"x")), "P"),
    # after the end there is no part, and other text makes no boundary line
    "after the end": (multi(b"boundary=b", X + b"--b--\r\n" + X),
                      mixed(leaf(b"x")), ""),
    "text behind": (multi(b"boundary=b", X + b"--b y\r\n--b--y\r\n--b--\r\n"),
                    mixed(leaf(b"x\r\n--b y\r\n--b--y")), ""),
    "longer": (multi(b"boundary=b", X + b"--bb\r\n--b--\r\n"),
               mixed(leaf(b"x\r\n--bb")), ""),
    # a field or a boundary line? GMime takes it for a field
    "colon": (multi(b'boundary="b:c"', b"--b:c\r\nX: y\r\n--b:c\r\n\r\nz\r\n"
                    b"--b:c--\r\n"), mixed(leaf(b""), leaf(b"z")), "G"),
    # RFC 2046 section 5.1.1: a boundary does not end in a blank
    "blank": (multi(b'boundary="b "', X + b"--b--\r\n"), mixed(leaf(b"x")),
              "G"),
    "twice": (multi(b"boundary=b; boundary=c", X + b"--c\r\n\r\n--b--\r\n"),
              mixed(leaf(b"x\r\n--c\r\n")), ""),
    "sections": (multi(b"boundary*0=b; boundary*1=c", b"--bc\r\n\r\nx\r\n"
                       b"--bc--\r\n"), mixed(leaf(b"x")), ""),
    "extended": (multi(b"boundary*=us-ascii''b%20c", b"--b c\r\n\r\nx\r\n"
                       b"--b c--\r\n"), mixed(leaf(b"x")), ""),
    # comments may stand there (RFC 2045 section 5.1)
    "comment": (multi(b"boundary=b (c)", X + b"--b--\r\n"),
                mixed(leaf(b"x")), "PG"),
    # no grammar has these, but there is one thing only they can mean
    "open quote": (multi(b'boundary="b', X + b"--b--\r\n"), mixed(leaf(b"x")),
                   "PG"),
    "8-bit": (multi(b'boundary="\xfc"', b"--\xfc\r\n\r\nx\r\n--\xfc--\r\n"),
              mixed(leaf(b"x")), "G"),
    # types. What cannot be read is text/plain (RFC 2045 section 5.2)
    "two types": (b"Content-Type: text/html\r\nContent-Type: image/png\r\n\r\n",
                  leaf(b"", "text/html"), "G"),
    "no subtype": (b"Content-Type: text\r\n\r\n", leaf(b""), "G"),
    "no type": (b"Content-Type:\r\n\r\n", leaf(b""), "G"),
    "blanks": (b"Content-Type: text / html\r\n\r\n", leaf(b"", "text/html"),
               "P"),
    "comments": (b"Content-Type: text/(c)html (d)\r\n\r\n",
                 leaf(b"", "text/html"), "P"),
    "8-bit type": (b"Content-Type: t\xfct/html\r\n\r\n", leaf(b""), "PG"),
    # people forget the semicolon. GMime has the type and no charset
    "no semicolon": (b"Content-Type: text/html charset=utf-8\r\n\r\n",
                     ("text/html", b"", "", "utf-8"), "PG"),
    # CR alone: content.c makes a line end of it in a body, as Python does, and
    # a blank in a header
    "CR": (multi(b"boundary=b", b"--b\r\n\r\nx\r--b--\r\n"),
           mixed(leaf(b"x")), "G"),
    "CR in a field": (b"A: b\rContent-Type: text/html\r\n\r\n", leaf(b""),
                      "P"),
    # RFC 2045 section 6.4 forbids base64 here: not read. Python reads it raw
    "base64": (b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: "
               b"base64\r\n\r\nQTogYg==", leaf(b"QTogYg==", "message/rfc822"),
               "P"),
    "no header": (b"Content-Type: message/rfc822\r\n\r\nx\r\n",
                  ("message/rfc822", [leaf(b"x\r\n")]), "G"),
    # messages of other kinds are not read; Python reads all
    "partial": (b"Content-Type: message/partial\r\n\r\nA: b\r\n\r\nx",
                leaf(b"A: b\r\n\r\nx", "message/partial"), "P"),
    "status": (b"Content-Type: message/delivery-status\r\n\r\nA: b\r\n\r\n",
               leaf(b"A: b\r\n\r\n", "message/delivery-status"), "P"),
    "digest": (b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n"
               b"A: b\r\n\r\nx\r\n--b--\r\n",
               ("multipart/digest", [("message/rfc822", [leaf(b"x")])]), ""),
    # file names
    "name blank": (named(b"filename=a b (1).pdf"), name("a b (1).pdf"), ""),
    "name order": (named(b"filename*1=b; filename*0=a"), name("ab"), ""),
    # RFC 2231 section 3: no section may lack
    "name gap": (named(b"filename*0=a; filename*2=c"), name("a"), "PG"),
    # RFC 6266 section 4.3, for want of a word on it for mail
    "name twice": (named(b"filename=a; filename*=utf-8''b"), name("b"), "PG"),
    "name escaped": (named(b'filename="a\\"x"'), name('a"x'), ""),
    # programs of Windows write a path; only the file's own name is wanted
    "name with a path": (named(b'filename="C:\\y\\x"'), name("x"), "PG"),
    "name with a quote": (named(b'filename="5" x.pdf"'), name('5" x.pdf'),
                          "G"),
    # RFC 2047 section 5 forbids them here, but they are common
    "name 2047": (named(b'filename="=?utf-8?Q?=C3=BC_x?="'), name("\u00fc x"),
                  "P"),
    "name utf-8": (named("filename=\"\u00fc\"".encode()), name("\u00fc"), "P"),
    "name 1252": (named(b'filename="\x80"'), name("\u20ac"), "PG"),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_messages(lib, gmime, case):
    data, want, others = ODD[case]
    assert lib.parts([data]) == [want]
    found = "P" if or_none(parts_by_python, data) != want else ""
    found += "G" if or_none(gmime.parts, data) != want else ""
    assert found == others
