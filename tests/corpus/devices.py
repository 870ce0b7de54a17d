"""Printers, UPS, NAS, telephones: what has a mail client in its firmware."""

from __future__ import annotations

from .case import (JPEG, PDF, SENDER, TIFF, Case, Gone, Kept, Named, Text,
                   attached, b64, mail, multi, noise, part, text, whole)

THREE = "To: a@example.org, b@example.org, c@example.org\n"
SCAN_TEXT = text("A document was scanned for you.\n", "text/plain")


def scan(head: str, *attachments: bytes, boundary: str = "=_scan",
         charset: str = "utf-8") -> bytes:
    return whole(head, multi("mixed", SCAN_TEXT, *attachments,
                             boundary=boundary), charset)


SCAN_PDF = attached("application/pdf", "SCAN0001.PDF", PDF)


def printers() -> list[Case]:
    pdf = SCAN_PDF
    return [
        # no From, Date or Message-ID; the envelope says it all
        Case("mfp-bare", whole(
            "-\nTo: a@example.org\nSubject: Scan\n",
            multi("mixed", SCAN_TEXT, pdf, boundary="MFPbound"))),
        Case("mfp-no-to", scan("Subject: Scan\n", pdf)),
        Case("mfp-nothing-but-attachment", whole(
            "-\n", attached("application/pdf", "SCAN.PDF", PDF))),
        *[Case(f"mfp-one-transaction-each-{name}",
               scan(THREE + "Subject: Scan\n", pdf),
               to=(f"{name}@example.org",),
               changed={"To": Kept(f"{name}@example.org")})
          for name in "abc"],
        *senders(pdf),
        *header_lines(pdf),
        *header_bytes(pdf),
        *scans(),
    ]


def senders(pdf: bytes) -> list[Case]:
    """Printers are told one name and one address, and use them all over."""
    return [
        Case("mfp-name-is-address", scan(
            f'From: "{SENDER}" <{SENDER}>\nTo: a@example.org\n', pdf),
            changed={"From": Kept(SENDER)}),
        Case("mfp-name-is-address-unquoted", scan(
            f"From: {SENDER} <{SENDER}>\nTo: a@example.org\n", pdf),
            changed={"From": Kept(SENDER)}),
        Case("mfp-name-has-at", scan(
            f"From: MFP@Office <{SENDER}>\nTo: a@example.org\n", pdf),
            changed={"From": Kept(SENDER)}),
        Case("mfp-name-has-encoded-at", scan(
            f"From: =?utf-8?Q?MFP=40Office?= <{SENDER}>\nTo: a@example.org\n",
            pdf), changed={"From": Kept(SENDER)}),
        Case("mfp-sender-is-from", scan(
            f"From: {SENDER}\nSender: {SENDER}\nTo: a@example.org\n", pdf),
            changed={"Sender": Gone}),
        Case("mfp-sender-is-from-in-other-words", scan(
            f"From: MFP <{SENDER}>\nSender: <SCAN@example.COM> (3rd floor)\n"
            "To: a@example.org\n", pdf), changed={"Sender": Gone}),
        Case("mfp-from-is-a-name", scan(
            "From: MFP-07\nTo: a@example.org\n", pdf),
            changed={"From": Kept(SENDER)}),
        Case("mfp-from-empty", scan("From:\nTo: a@example.org\n", pdf),
             changed={"From": Kept(SENDER)}),
        Case("mfp-from-null", scan("From: <>\nTo: a@example.org\n", pdf),
             changed={"From": Kept(SENDER)}),
    ]


def header_lines(pdf: bytes) -> list[Case]:
    return [
        Case("mfp-to-is-a-name", scan("To: John Doe\nSubject: x\n", pdf),
             changed={"To": Gone}),
        Case("mfp-to-is-a-phone-number", scan("To: 4930123456\n", pdf),
             changed={"To": Gone}),
        Case("mfp-to-empty", scan("To:\nSubject: x\n", pdf),
             changed={"To": Gone}),
        Case("mfp-date-invalid", scan(
            "To: a@example.org\nDate: 01/02/2003 4:05 PM\n", pdf)),
        Case("mfp-date-two-digits", scan(
            "To: a@example.org\nDate: 1 Jul 03 10:52 GMT\n", pdf)),
        Case("mfp-header-names-in-lower-case", mail(
            f"from: {SENDER}\nto: a@example.org\nsubject: scan\n"
            "mime-version: 1.0\ncontent-type: application/pdf\n"
            "content-transfer-encoding: base64\n", b64(PDF) + b"\r\n")),
        Case("mfp-header-names-in-upper-case", mail(
            f"FROM:{SENDER}\nTO:a@example.org\nSUBJECT:SCAN\n"
            "CONTENT-TYPE:TEXT/PLAIN\n", "SCAN\n")),
        Case("mfp-bare-line-feeds", scan(
            "To: a@example.org\n", pdf).replace(b"\r\n", b"\n")),
        Case("mfp-two-carriage-returns", mail(
            "To: a@example.org\n", "x\n").replace(b"\r\n", b"\r\r\n")),
    ]


def header_bytes(pdf: bytes) -> list[Case]:
    """Raw 8-bit bytes where words of RFC 2047 should be."""
    return [
        Case("mfp-subject-latin1", scan(
            "To: a@example.org\nSubject: Zählerstand März\n", pdf,
            charset="latin-1"),
            changed={"Subject": Text("Zählerstand März")}),
        Case("mfp-subject-utf8", scan(
            "To: a@example.org\nSubject: Zählerstand März – 2. Stock\n", pdf),
            changed={"Subject": Text("Zählerstand März – 2. Stock")}),
        Case("mfp-from-name-utf8", scan(
            f"From: Büro-Drucker <{SENDER}>\nTo: a@example.org\n", pdf),
            changed={"From": Named(("Büro-Drucker", SENDER))}),
        Case("mfp-to-name-latin1", scan(
            'To: "Jürgen Groß" <a@example.org>, b@example.org\n', pdf,
            charset="latin-1"), to=("a@example.org", "b@example.org"),
            changed={"To": Named(("Jürgen Groß", "a@example.org"),
                                 ("", "b@example.org"))}),
    ]


def scans() -> list[Case]:
    """Attachments as printers write them."""
    line = "To: a@example.org\nSubject: Scan\n"
    odd_name = part("Content-Type: image/tiff; name=Scan 001.tif\n"
                    "Content-Transfer-Encoding: base64\n"
                    "Content-Disposition: attachment; filename=Scan 001.tif\n",
                    b64(TIFF))
    one_line = part('Content-Type: application/pdf; name="A.PDF"\n'
                    "Content-Transfer-Encoding: base64\n",
                    b64(PDF * 3, 1000000))
    binary = part("Content-Type: image/jpeg\n"
                  "Content-Transfer-Encoding: binary\n",
                  JPEG.replace(b"\0", b"0").replace(b"\n", b"N")
                  .replace(b"\r", b"R"))
    return [
        Case("mfp-tiff-pages", scan(line, *[
            attached("image/tiff", f"P{n:03}.TIF", noise(500, n))
            for n in range(1, 9)])),
        Case("mfp-file-name-unquoted-blank", scan(line, odd_name)),
        Case("mfp-file-name-utf8", scan(line, attached(
            "application/pdf", "Übersicht Büro.pdf", PDF)), recode="2",
            names={"2": "Übersicht Büro.pdf"}),
        Case("mfp-file-name-latin1", scan(
            line, part(b'Content-Type: application/pdf; name="\xdcbersicht.pdf"'
                       b"\r\nContent-Transfer-Encoding: base64\r\n"
                       b'Content-Disposition: attachment;\r\n'
                       b' filename="\xdcbersicht.pdf"', b64(PDF))),
            recode="2", names={"2": "Übersicht.pdf"}),
        Case("mfp-base64-in-one-line", scan(line, one_line), recode="2"),
        Case("mfp-base64-lines-of-998", scan(line, part(
            "Content-Type: application/pdf\n"
            "Content-Transfer-Encoding: base64\n", b64(PDF * 2, 996)))),
        Case("mfp-base64-lines-of-60", scan(line, part(
            "Content-Type: application/pdf\n"
            "Content-Transfer-Encoding: BASE64 \n", b64(PDF, 60)))),
        Case("mfp-jpeg-binary", scan(line, binary), recode="2"),
        Case("mfp-boundary-with-blanks", whole(line, multi(
            "mixed", SCAN_TEXT, attached("application/pdf", "a.pdf", PDF),
            boundary="- - MFP (part) - -"))),
        Case("mfp-no-mime-version", mail(
            line + "Content-Type: application/pdf\n"
            "Content-Transfer-Encoding: base64\n", b64(PDF) + b"\n")),
        Case("mfp-text-part-latin1", whole(line, multi(
            "mixed", text("Gerät: Büro\n", "text/plain; charset=iso-8859-1",
                          "8bit", "latin-1"),
            attached("application/pdf", "a.pdf", PDF))), recode="1"),
        Case("mfp-two-hundred-pages", scan(line, *[
            attached("image/jpeg", f"{n}.jpg", JPEG[:90])
            for n in range(200)])),
        Case("mfp-half-a-megabyte", scan(line, attached(
            "application/pdf", "BIG.PDF", noise(65536, 11) * 6))),
    ]


def others() -> list[Case]:
    line = "To: a@example.org\n"
    return [
        Case("fax-gateway", scan(
            'To: "+49 30 123456"@fax.example.org\n',
            attached("application/pdf", "FAX.PDF", PDF)),
            to=('"+49 30 123456"@fax.example.org',)),
        Case("ups-on-battery", mail(
            line + "Subject: [UPS-03] On battery\nX-Priority: 1\n",
            "Name : UPS-03\nEvent: On battery power\nCode : 0x0109\n")),
        Case("ups-latin1-undeclared", mail(
            line + "Subject: USV\n", "Temperatur 41 °C, Lüfter läuft\n",
            "latin-1"), recode="0"),
        Case("nas-html-only", mail(
            line + "Content-Type: text/html\n",
            "<html><body><p>Volume 1 is <b>degraded</b>.</body></html>\n")),
        Case("nas-utf8-undeclared", mail(
            line + "Subject: NAS\n", "Volume 1 überprüft: 3 °C wärmer\n"),
            recode="0"),
        Case("nas-alternative", whole(line, multi(
            "alternative", text("Disk 2 failed.\n"),
            text("<p>Disk 2 failed.\n", "text/html; charset=utf-8")))),
        Case("nas-html-8bit", mail(
            line + "MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n"
            "Content-Transfer-Encoding: 8bit\n",
            "<p>Größe: 4 TB – 87 % belegt</p>\n" * 20), recode="0"),
        Case("router-tabs", mail(
            line + "Subject:\tLog\n", "1\teth0\tup\n2\teth1\tdown\t\n")),
        Case("router-subject-empty", mail(line + "Subject:\n", "up\n")),
        Case("camera-motion", whole(line, multi(
            "mixed", text("Motion in zone 2\n"),
            attached("image/jpeg", "cam1.jpg", JPEG)))),
        Case("camera-related", whole(line, multi(
            "related", text('<img src="cid:1@cam">\n', "text/html"),
            attached("image/jpeg", "1.jpg", JPEG, "Content-ID: <1@cam>\n",
                     "inline")))),
        Case("voicemail", whole(line, multi(
            "mixed", text("New message, 0:14\n"), attached(
                "audio/x-wav", "msg0001.wav", b"RIFF" + noise(800)),
            boundary="voicemail_part_12"))),
        Case("plc-no-body", mail(line + "Subject: ALARM 17\n", "")),
        Case("plc-one-letter", mail(line, "1\n")),
        Case("thermometer-header-only", crlf_end(
            f"From: {SENDER}\r\nTo: a@example.org\r\nSubject: 21.4\r\n")),
        Case("bmc-event", mail(
            "To: a@example.org, b@example.org\nSubject: SEL: PSU lost\n"
            "X-BMC: 00-53-00-12\n", "Sensor 0x51\n"),
            to=("b@example.org", "a@example.org")),
        Case("door-all-hidden", mail("Subject: door 4\n", "open\n"),
             to=tuple(f"r{n}@example.org" for n in range(12))),
        Case("scale-control-characters", mail(
            line, b"\x02W 12.5 kg\x03\r\n\x0c\x1b[1m\r\n")),
        Case("alarm-trailing-blanks", mail(
            line + "Subject: alarm   \n", "line   \n\t\n \n")),
        Case("alarm-dots", mail(line, ".\n..\n.leading\ntrailing.\n")),
        Case("counter-8bit-to-the-last-byte", mail(
            line, b"\xff" * 200 + b"\r\n"), recode="0"),
    ]


def crlf_end(head: str) -> bytes:
    return head.encode("ascii")


def cases() -> list[Case]:
    return printers() + others()
