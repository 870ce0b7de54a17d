"""Mail programs for people, calendars among them."""

from __future__ import annotations

from .case import (JPEG, PDF, PNG, SENDER, Case, Free, Gone, Kept, Text, attached,
                   mail, multi, noise, part, text, whole)

LINE = "To: Anna <a@example.org>\n"
TNEF = b"\x78\x9f\x3e\x22\x01\x00" + noise(600, 21)

CALENDAR = """\
BEGIN:VCALENDAR
PRODID:-//Example//Calendar 1.0//EN
VERSION:2.0
METHOD:{method}
BEGIN:VEVENT
UID:040000008200E00074C5B7101A82E008@example.com
DTSTAMP:20260102T030405Z
DTSTART;TZID=Europe/Berlin:20260110T100000
ORGANIZER;CN=Scanner:mailto:scan@example.com
ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=Anna:mailto:a@example.org
SUMMARY:{summary}
END:VEVENT
END:VCALENDAR
"""


def calendar(method: str, summary: str = "Jour fixe") -> str:
    return CALENDAR.format(method=method, summary=summary)


def outlook() -> list[Case]:
    line = (LINE + "Subject: RE: Angebot\nThread-Topic: Angebot\n"
            "Thread-Index: AdoBCDEFGHIJKLMNOPQRSTUVWXYZ0g==\n"
            "Accept-Language: de-DE, en-US\nX-MS-Has-Attach: yes\n"
            "X-MS-TNEF-Correlator:\nContent-Language: de-DE\n")
    word = text("<html xmlns:o=3D\"urn:schemas-microsoft-com:office:office\">"
                "=\n<p class=3DMsoNormal>Gr=FC=DFe<o:p></o:p></p></html>\n",
                'text/html;\n\tcharset="iso-8859-1"', "quoted-printable")
    tail = "000_AM0PR01MB1234ABCDEF_"
    return [
        Case("outlook-alternative", whole(line, multi(
            "alternative", text("Gr=FC=DFe\n",
                                'text/plain;\n\tcharset="iso-8859-1"',
                                "quoted-printable"), word,
            boundary=f"_{tail}"))),
        Case("outlook-related", whole(line, multi(
            "mixed", multi(
                "related", multi("alternative", text("x\n"), word,
                                 boundary=f"_{tail}2"),
                attached("image/png", "image001.png", PNG,
                         "Content-ID: <image001.png@01DA0000.12345678>\n",
                         "inline"),
                boundary=f"_{tail}1", parameters=';\n\ttype="text/html"'),
            attached("application/pdf", "Angebot.pdf", PDF),
            boundary=f"_{tail}0"))),
        Case("outlook-winmail", whole(line, multi(
            "mixed", text("Siehe Anlage\n"),
            attached("application/ms-tnef", "winmail.dat", TNEF),
            boundary=f"_{tail}t"))),
        Case("outlook-express", whole(
            LINE + "X-MimeOLE: Produced By Microsoft MimeOLE V6.00\n", multi(
                "alternative", text("a\n", 'text/plain;\n\tcharset="utf-8"'),
                boundary="----=_NextPart_000_0007_01C2A9A1.12345678",
                pre=b"This is a multi-part message in MIME format.\r\n"))),
        Case("outlook-semicolon-list", mail(
            "To: a@example.org; b@example.org\n"),
            to=("a@example.org", "b@example.org"), changed={"To": Free}),
        Case("outlook-quoted-apostrophes", mail(
            "To: \"'a@example.org'\" <a@example.org>\n")),
        Case("outlook-doe-comma-john", mail(
            "To: \"Doe, John\" <a@example.org>, \"Roe; Jane\" "
            "<b@example.org>\n"), to=("a@example.org", "b@example.org")),
    ]


def apple() -> list[Case]:
    kind = "Apple-Mail=_0A1B2C3D-4E5F-6789-ABCD-EF0123456789"
    line = (LINE + "Content-Type-Hint: x\n"
            "Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3731.600.7\\))\n"
            "X-Mailer: Apple Mail (2.3731.600.7)\n")
    return [
        Case("apple-plain", mail(
            line + "Content-Transfer-Encoding: 7bit\n"
            "Content-Type: text/plain;\n\tcharset=us-ascii\n", "Hi\n\n")),
        Case("apple-alternative", whole(line, multi(
            "alternative", text("Hi\n", "text/plain;\n\tcharset=utf-8",
                                "quoted-printable"),
            multi("related", text("<p>", "text/html;\n\tcharset=utf-8"),
                  attached("image/jpeg", "IMG_0001.jpeg", JPEG,
                           "X-Apple-Auto-Saved: 1\n"
                           "Content-Id: <1@example.com>\n", "inline"),
                  boundary=kind + "1", parameters=';\n\ttype="text/html"'),
            boundary=kind))),
        Case("apple-rfc2231-name", whole(line, multi(
            "mixed", text("x\n"), part(
                "Content-Disposition: attachment;\n"
                "\tfilename*=utf-8''%C3%9Cbersicht%20a%CC%88.pdf\n"
                "Content-Type: application/pdf;\n\tx-unix-mode=0644;\n"
                '\tname="=?utf-8?Q?=C3=9Cbersicht_a=CC=88=2Epdf?="\n'
                "Content-Transfer-Encoding: base64\n", "JVBERi0=\n"),
            boundary=kind))),
        Case("iphone", whole(line, multi(
            "mixed", text("\n", "text/plain; charset=us-ascii", "7bit"),
            attached("image/jpeg", "image0.jpeg", JPEG,
                     disposition="inline"),
            text("\n\nSent from my phone", "text/plain; charset=us-ascii"),
            boundary="Apple-Mail-01234567"))),
    ]


def free() -> list[Case]:
    return [
        Case("thunderbird", whole(
            LINE + "Content-Language: en-US\nUser-Agent: Mozilla Thunderbird\n"
            "In-Reply-To: <1@example.org>\nReferences: <0@example.org>\n"
            " <1@example.org>\n", multi(
                "mixed", text("x  \ny\n",
                              "text/plain; charset=UTF-8; format=flowed",
                              "8bit"),
                attached("application/pdf", "a.pdf", PDF),
                boundary="------------ABCdef0123456789ghIJkl",
                pre=b"This is a multi-part message in MIME format.\r\n"))),
        Case("thunderbird-8bit-html", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: text/html; charset=UTF-8\n"
            "Content-Transfer-Encoding: 8bit\n",
            "<!DOCTYPE html>\n<p>Schöne Grüße,<br>\nJörg</p>\n"), recode="0"),
        Case("thunderbird-only-eight-bit", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8"
            "; format=flowed\nContent-Transfer-Encoding: 8bit\n",
            "日本語のテキスト\n" * 12), recode="0"),
        Case("mutt", mail(
            LINE + "MIME-Version: 1.0\n"
            "Content-Type: text/plain; charset=iso-8859-1\n"
            "Content-Disposition: inline\nContent-Transfer-Encoding: 8bit\n",
            "Grüße\n", "latin-1"), recode="0"),
        Case("gmail", whole(
            LINE + "References: " + " ".join(
                f"<CA+{n:060}@mail.example>" for n in range(14)) + "\n",
            multi("alternative", text("x\n", 'text/plain; charset="UTF-8"'),
                  text('<div dir="ltr">x</div>\n',
                       'text/html; charset="UTF-8"'),
                  boundary="0000000000001f2e3d060a1b2c3d")),
            changed={"References": Text(" ".join(
                f"<CA+{n:060}@mail.example>" for n in range(14)))}),
        Case("pine", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: TEXT/PLAIN; "
            "charset=US-ASCII; format=flowed\n"
            "Content-ID: <Pine.1@example.com>\n")),
        Case("kmail-encoded-names", mail(
            "To: =?utf-8?Q?J=C3=B6rg?= M <a@example.org>,\n"
            " =?iso-8859-1?q?Bj=F6rn?= <b@example.org>\n"
            "Cc: c@example.org (=?utf-8?B?w4Q=?=)\n"),
            to=("a@example.org", "b@example.org", "c@example.org")),
        Case("reply-to-and-keywords", mail(
            LINE + "Reply-To: X <x@example.org>, y@example.org\n"
            "Keywords: a, b\nComments: none\nOrganization: Ex\n"
            "Mail-Followup-To: z@example.org\n")),
        Case("x-headers-8bit", mail(
            LINE + "X-Absender-Ort: München\nOrganization: Müller & Söhne\n"),
            changed={"X-Absender-Ort": Text("München"),
                     "Organization": Text("Müller & Söhne")}),
        Case("reply-to-8bit", mail(
            LINE + "Reply-To: Jörg Müller <x@example.org>\n"),
            changed={"Reply-To": Text("Jörg Müller <x@example.org>")}),
        Case("trimmed-names-keep-their-form", mail(
            "To:   Anna   <a@example.org>,\n\t"
            "\"B \\\"the\\\" B\" <b@example.org>\n  , c@example.org\n"),
            to=("a@example.org", "c@example.org"),
            changed={"To": Kept("Anna   <a@example.org>", "c@example.org")}),
    ]


def invitations() -> list[Case]:
    request = text(calendar("REQUEST"),
                   "text/calendar; charset=utf-8; method=REQUEST")
    ics = attached("application/ics", "invite.ics",
                   calendar("REQUEST").replace("\n", "\r\n").encode())
    folded = calendar("REQUEST", "Besprechung über\n  Größe")
    return [
        Case("invitation-alternative", whole(LINE, multi(
            "mixed", multi("alternative", text("Jour fixe\n"), request,
                           boundary="alt"), ics, boundary="mix"))),
        Case("invitation-only-calendar", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: text/calendar; "
            "charset=utf-8; method=REQUEST\n", calendar("REQUEST"))),
        Case("invitation-8bit", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: text/calendar; "
            "charset=utf-8; method=REQUEST\nContent-Transfer-Encoding: 8bit\n",
            folded), recode="0"),
        Case("invitation-base64", whole(LINE, multi(
            "alternative", text("x\n"), part(
                'Content-Type: text/calendar; charset="utf-8"; '
                "method=REQUEST\nContent-Transfer-Encoding: base64\n",
                "QkVHSU46VkNBTEVOREFSDQpFTkQ6VkNBTEVOREFSDQo=\n")))),
        Case("invitation-reply", whole(LINE, multi(
            "alternative", text("Accepted\n"), text(
                calendar("REPLY"), "text/calendar; method=REPLY")))),
        Case("invitation-cancel", whole(LINE, multi(
            "mixed", text(calendar("CANCEL"),
                          "text/calendar; method=CANCEL; charset=UTF-8")))),
        Case("invitation-long-line", whole(LINE, multi(
            "alternative", text("x\n"), text(
                calendar("REQUEST", "s" * 1500),
                "text/calendar; method=REQUEST; charset=UTF-8"))),
            recode="2"),
        Case("invitation-organizer-in-sender", mail(
            f"From: Boss <boss@example.com>\nSender: Assistant <{SENDER}>\n"
            "To: a@example.org\nContent-Type: text/calendar\n",
            calendar("REQUEST")), sender="boss@example.com",
            changed={"Sender": Gone}),
    ]


def cases() -> list[Case]:
    return outlook() + apple() + free() + invitations()
