"""What is no proper message: each has a defined end, and none is lost."""

from __future__ import annotations

from .case import Case, Free, Gone, Text, b64, mail, multi, text, whole
from .structure import A8, B7, nested

LINE = "To: a@example.org\n"


def headers() -> list[Case]:
    return [
        Case("broken-empty-message", b"", changed={"From": Free}),
        Case("broken-only-an-empty-line", b"\r\n"),
        Case("broken-only-empty-lines", b"\r\n\r\n\r\n"),
        Case("broken-headers-only", mail(LINE, "")[:-2]),
        Case("broken-empty-body", mail(LINE, "")),
        Case("broken-no-header", b"Just words, no header.\r\n"),
        Case("broken-no-header-8bit", "Nur Wörter.\r\n".encode(),
             recode="0"),
        Case("broken-line-without-colon", mail(
            LINE + "this is no field\nSubject: in the body\n")),
        Case("broken-line-without-colon-8bit", mail(
            LINE + "das ist kein Kopf: ü\n"), recode="0"),
        Case("broken-starts-with-blank", b" folded from nowhere\r\n" + mail(
            LINE)),
        Case("broken-name-8bit", mail(LINE + "Größe: 5\nSubject: x\n"),
             recode="0"),
        Case("broken-colon-first", mail(LINE + ": no name\nSubject: x\n")),
        Case("broken-nul-in-header", mail(LINE + "Subject: a\0b\n"),
             refused=(550, "5.")),
        Case("broken-nul-in-body", mail(LINE, "a\0b\n"), refused=(550, "5.")),
        Case("broken-cr-in-header", mail(LINE + "Subject: a\rb\n"),
             refused=(550, "5.6.0")),
        # Postfix keeps the first 60,000 bytes of a field
        Case("broken-header-of-two-megabytes", mail(
            LINE + "X-Big: x" + ("\n " + "y" * 70) * 28000 + "\n"),
            changed={"X-Big": Free}),
        Case("broken-many-fields", mail(
            LINE + "".join(f"X-N: {n}\n" for n in range(110000))),
            refused=(552, "5.3.4")),
        Case("broken-header-line-60-kB", mail(
            LINE + "X-Big: " + "z " * 25000 + "\n"), changed={"X-Big": Free}),
    ]


def bodies() -> list[Case]:
    return [
        Case("broken-lone-cr", mail(LINE, "one\rtwo\r\rthree\n")),
        Case("broken-lone-cr-at-end", mail(LINE, "one\n\r"), recode=""),
        Case("broken-lone-lf", mail(LINE, b"a\nb\n\nc\r\n")),
        Case("broken-lone-lf-in-header", mail(
            LINE + "Subject: x\n").replace(b"Subject", b"X-A: 1\nSubject")),
        Case("broken-cr-in-8bit-part", whole(LINE, multi(
            "mixed", text("ä\rb\n", encoding="8bit"), B7)), recode="1"),
        Case("broken-cr-in-binary-part", whole(LINE, multi(
            "mixed", text(b"\x89PNG\r\r\n\x1a\x01", "image/png", "binary"),
            B7)), recode="1"),
        Case("broken-no-last-line-end", mail(LINE)[:-2]),
        Case("broken-long-line-of-100-kB", mail(LINE, "l" * 100000 + "\n"),
             recode="0"),
        Case("broken-long-line-8bit", mail(LINE, "ü" * 50000 + "\n"),
             recode="0"),
        Case("broken-base64-not-padded", mail(
            LINE + "Content-Type: image/png\n"
            "Content-Transfer-Encoding: base64\n", "iVBORw\n")),
        Case("broken-base64-rubbish", mail(
            LINE + "Content-Type: image/png\n"
            "Content-Transfer-Encoding: base64\n", "!!iVB ORw0\n\n~~\n")),
        Case("broken-base64-text-behind", mail(
            LINE + "Content-Type: image/png\n"
            "Content-Transfer-Encoding: base64\n",
            b64(b"x" * 90) + b"=\r\n\r\n--\r\nsent by scanner\r\n")),
        Case("broken-qp", mail(
            LINE + "Content-Type: text/plain\n"
            "Content-Transfer-Encoding: quoted-printable\n",
            "=ZZ =\n= 3D=C3\n=\n")),
        Case("broken-qp-lower-case", mail(
            LINE + "Content-Transfer-Encoding: Quoted-Printable\n",
            "=c3=a4=\n")),
        Case("broken-encoding-empty", mail(
            LINE + "Content-Transfer-Encoding:\n", "ä\n"), recode="0"),
        Case("broken-encoding-twice", mail(
            LINE + "Content-Transfer-Encoding: 7bit\n"
            "Content-Transfer-Encoding: 8bit\n", "plain\n")),
    ]


def parts() -> list[Case]:
    two = multi("mixed", A8, B7, boundary="x")
    end = len(b"\r\n--x--\r\n")
    return [
        Case("broken-unterminated", whole(LINE, two)[:-end] + b"\r\n",
             recode="1"),
        Case("broken-unterminated-8bit-last", whole(LINE, multi(
            "mixed", B7, A8, boundary="x"))[:-end] + b"\r\n", recode="2"),
        Case("broken-cut-in-a-boundary", whole(LINE, two)[:-5] + b"\r\n",
             recode="1"),
        Case("broken-cut-in-a-part-header", whole(LINE, multi(
            "mixed", A8, B7, boundary="x"))[:-60] + b"\r\n", recode="1"),
        Case("broken-part-without-empty-line", whole(LINE, multi(
            "mixed", b"Content-Type: text/plain\r\nwords at once", A8)),
            recode="2"),
        Case("broken-part-header-only", whole(LINE, multi(
            "mixed", b"Content-Type: text/plain", A8)), recode="2"),
        Case("broken-inner-unterminated", whole(LINE, multi(
            "mixed", multi("alternative", A8, B7, boundary="in")[:-10], B7,
            boundary="out")), recode="1.1"),
        Case("broken-same-boundary-inside", whole(LINE, multi(
            "mixed", multi("alternative", B7, B7, boundary="x"), B7,
            boundary="x"))),
        Case("broken-text-after-the-end", whole(LINE, two) + two,
             recode="1", left="eight_bit_body"),
        Case("broken-ninety-deep", whole(LINE, nested(90, B7))),
        Case("broken-ninety-deep-8bit", whole(LINE, nested(90, A8)),
             recode=".".join("1" * 90)),
        # deeper than anybody reads: not touched
        Case("broken-thousand-deep", whole(LINE, nested(1000, A8)),
             left="eight_bit_body"),
        Case("broken-hundred-and-ten-deep", whole(LINE, nested(110, A8)),
             left="eight_bit_body"),
        Case("broken-thousand-deep-one-boundary", whole(LINE, nested(
            1000, B7, "same"))),
        Case("broken-thousand-opened", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: multipart/mixed; "
            "boundary=b\n", "--b\nContent-Type: multipart/mixed; boundary=b\n"
            "\n" * 1000)),
        Case("broken-multipart-in-base64", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: multipart/mixed; "
            "boundary=b\nContent-Transfer-Encoding: base64\n",
            "LS1iDQoNCng=\n")),
        Case("broken-subject-and-body-and-name", whole(
            LINE + "Subject: \xff\xfe\n", multi("mixed", text(
                b"\xff\xfe\x81\r\n", 'text/plain; name="\xff"',
                charset="latin-1")), "latin-1"), recode="1",
            changed={"Subject": Text("ÿþ")}),
        Case("broken-bcc-in-a-part", whole(LINE, multi(
            "mixed", b"Bcc: b@example.org\r\nTo: c@example.org\r\n\r\nx"))),
        Case("broken-stamp-in-a-part", whole(
            LINE + "X-MSGraph-Mailbox: x@example.com\n", multi(
                "mixed", b"X-MSGraph-Mailbox: e@example.com\r\n\r\nx")),
            changed={"X-MSGraph-Mailbox": Gone}),
    ]


def cases() -> list[Case]:
    return headers() + bodies() + parts()
