"""MIME structure: nestings, boundaries, and what stands between parts."""

from __future__ import annotations

from .case import (PNG, Case, attached, mail, multi, part, text, whole)

LINE = "To: a@example.org\nSubject: structure\n"
A8 = text("erster Teil: ä\n", encoding="8bit")
B7 = text("second part\n")


def nested(depth: int, leaf: bytes, boundary: str = "b{}") -> bytes:
    for level in range(depth):
        leaf = multi("mixed", leaf, boundary=boundary.format(level))
    return leaf


def delimiter(boundary: str, line: str | None = None) -> Case:
    """Two parts with that boundary, the first of which is written anew. line
    is the Content-Type if it says the boundary in other words."""
    entity = multi("mixed", A8, B7, boundary=boundary)
    if line:
        entity = (f"Content-Type: {line}\r\n"
                  .encode() + entity.partition(b"\r\n")[2])
    return Case("", whole(LINE, entity), recode="1")


BOUNDARIES = {
    "plain": delimiter("b"),
    "unquoted": delimiter("b.1-2_3", "multipart/mixed; boundary=b.1-2_3"),
    "quotes-inside": delimiter(
        'a"b', 'multipart/mixed; boundary="a\\"b"'),
    "escaped-letters": delimiter(
        "abc", 'multipart/mixed; boundary="\\a\\b\\c"'),
    "semicolon": delimiter("a;b=c"),
    "all-marks": delimiter("'()+_,-./:=? x"),
    "dashes": delimiter("--"),
    "seventy": delimiter("x" * 70),
    "hundred": delimiter("x" * 100),
    "upper-case-name": delimiter("B", 'Multipart/Mixed; BOUNDARY="B"'),
    "comment": delimiter("b", "multipart/mixed (c); (d) boundary=b (e)"),
    "folded": delimiter(
        "b", 'multipart/mixed;\r\n\tcharset=x;\r\n boundary="b"'),
    "blanks-around": delimiter("b", 'multipart/mixed ; boundary = "b"'),
    "rfc2231": delimiter("b c", "multipart/mixed; boundary*=us-ascii''b%20c"),
    "rfc2231-pieces": delimiter(
        "bcd", 'multipart/mixed; boundary*0=b; boundary*1="cd"'),
    "twice": delimiter("b", "multipart/mixed; boundary=b; boundary=c"),
    "other-parameter-first": delimiter(
        "b", 'multipart/mixed; type="x; boundary=no"; boundary="b"'),
}


def between() -> list[Case]:
    three = multi("mixed", A8, B7, B7, boundary="x")
    return [
        *empty_parts(),
        *alike(),
        *types(),
        Case("parts-preamble-and-epilogue", whole(LINE, multi(
            "mixed", B7, A8, pre=b"pre\r\n\r\namble\r\n",
            post=b"epi\r\n\r\nlogue\r\n")), recode="2"),
        Case("parts-no-line-end-after-last", whole(LINE, three)[:-2],
             recode="1"),
        Case("parts-blanks-after-boundary", whole(LINE, three.replace(
            b"--x\r\n", b"--x \t \r\n").replace(b"--x--", b"--x-- ")),
            recode="1"),
        Case("parts-twelve-deep", whole(LINE, nested(12, A8)),
             recode=".".join("1" * 12)),
        Case("parts-twelve-deep-7bit", whole(LINE, nested(12, B7))),
        Case("parts-thirty-deep-long-line", whole(LINE, nested(
            30, text("l" * 1100 + "\n"))), recode=".".join("1" * 30)),
        Case("parts-five-hundred", whole(LINE, multi(
            "mixed", *[text(f"{n}\n") for n in range(499)], A8)),
            recode="500"),
    ]


def empty_parts() -> list[Case]:
    return [
        Case("parts-empty", whole(LINE, multi(
            "mixed", b"\r\n", part("Content-Type: text/html\n"), A8)),
            recode="3"),
        Case("parts-none-between", whole(LINE, multi(
            "mixed", b"", A8, b"")), recode="2"),
        Case("parts-without-header", whole(LINE, multi(
            "mixed", b"\r\nplain words\r\n", A8)), recode="2"),
        Case("parts-without-header-8bit", whole(LINE, multi(
            "mixed", "\r\nohne Köpfe\r\n".encode(), B7)), recode="1"),
    ]


def alike() -> list[Case]:
    """Lines that look like a boundary, and boundaries that look alike."""
    return [
        Case("parts-dashes-in-text", whole(LINE, multi(
            "mixed", text("--\n-- \n--X\n--xy\n---\n"), A8, boundary="x")),
            recode="2"),
        Case("parts-boundary-of-a-prefix", whole(LINE, multi(
            "mixed", multi("alternative", A8, B7, boundary="abc"), B7,
            boundary="ab")), recode="1.1"),
        Case("parts-boundary-almost-the-same", whole(LINE, multi(
            "mixed", multi("alternative", A8, text(
                "ä\n--part-000\nö\n--part-00\n--part-001-\n--PART-001\nü\n",
                encoding="8bit"), boundary="part-002"), B7,
            boundary="part-001")), recode="1.1 1.2"),
        Case("parts-boundary-in-other-case", whole(LINE, multi(
            "mixed", multi("alternative", B7, A8, boundary="aBc"), B7,
            boundary="AbC")), recode="1.2"),
        Case("parts-boundary-of-a-longer", whole(LINE, multi(
            "mixed", multi("alternative", A8, B7, boundary="ab"), B7,
            boundary="abc")), recode="1.1"),
    ]


def types() -> list[Case]:
    """What parts say of themselves."""
    return [
        Case("parts-related-start", whole(LINE, multi(
            "related", part("Content-Type: text/html\n"
                            "Content-ID: <root@x>\n", "<img src=cid:i@x>\n"),
            attached("image/png", "i.png", PNG, "Content-ID: <i@x>\n",
                     "inline"),
            parameters='; start="<root@x>"; type="text/html"'))),
        Case("parts-alternative-three", whole(LINE, multi(
            "alternative", text("ä\n", encoding="8bit"),
            text("<p>ä\n", "text/html; charset=utf-8", "8bit"),
            text("BEGIN:VCALENDAR\nSUMMARY:ä\nEND:VCALENDAR\n",
                 "text/calendar; charset=utf-8; method=REQUEST", "8bit"))),
            recode="1 2 3"),
        Case("parts-all-encodings", whole(LINE, multi(
            "mixed", text("=C3=A4\n", encoding="quoted-printable"),
            text("w6Q=\n", encoding="base64"), text("7\n", encoding="7bit"),
            text("ä\n", encoding="8bit"), text("ä\n", encoding="binary"),
            text("ä\n"))), recode="4 5 6"),
        Case("parts-container-says-8bit", whole(LINE, multi(
            "mixed", A8, head="Content-Transfer-Encoding: 8bit\n")),
            recode="0 1"),
        Case("parts-encoding-with-comment", whole(LINE, multi(
            "mixed", text("ä\n", encoding="(c) 8BIT (d)"))), recode="1"),
        Case("parts-unknown-subtype", whole(LINE, multi(
            "x-private", A8, B7)), recode="1"),
        Case("parts-form-data", whole(LINE, multi("form-data", part(
            'Content-Disposition: form-data; name="x"\n', "y\n")))),
        Case("parts-external-headers", whole(LINE, multi("mixed", part(
            "Content-Type: text/plain\nX-Own: 1\nContent-Language: de\n"
            "Content-Location: https://x.example/\nContent-MD5: AA==\n",
            "x\n")))),
        Case("parts-header-8bit", whole(LINE, multi("mixed", part(
            "Content-Type: text/plain\nContent-Description: Übersicht\n",
            "x\n"))), recode="1"),
        Case("parts-multipart-without-boundary", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: multipart/mixed\n",
            "--x\n\ny\n--x--\n")),
        Case("parts-boundary-that-never-comes", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: multipart/mixed; "
            "boundary=never\n", "only text\n")),
    ]


def cases() -> list[Case]:
    for name, case in BOUNDARIES.items():
        case.name = f"boundary-{name}"
    return [*BOUNDARIES.values(), *between()]
