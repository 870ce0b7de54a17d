"""Header fields: encoded words in every form, file names, long ones, odd ones.
What is ASCII and not too long stays as it is, right or wrong."""

from __future__ import annotations

from .case import SENDER, Case, Free, Gone, Text, mail, multi, part, whole

LINE = "To: a@example.org\n"

SUBJECTS = {
    # sound or broken: nothing asks to change these
    "q": "=?utf-8?q?Gr=C3=B6=C3=9Fe?=",
    "b": "=?UTF-8?B?R3LDtsOfZQ==?=",
    "two": "=?utf-8?Q?Gr=C3=B6?= =?utf-8?Q?=C3=9Fe?=",
    "two-folded": "=?utf-8?Q?Gr=C3=B6?=\n =?utf-8?Q?=C3=9Fe?=",
    "tab-between": "=?utf-8?Q?a?=\t=?utf-8?Q?b?=",
    "cut-character": "=?utf-8?Q?Gr=C3?= =?utf-8?Q?=B6=C3=9Fe?=",
    "no-blank-between": "=?utf-8?Q?a?==?utf-8?Q?b?=",
    "inside-a-word": "x=?utf-8?Q?=C3=A4?=y",
    "blank-inside": "=?utf-8?Q?a b c?=",
    "question-mark-inside": "=?utf-8?Q?a?b?=",
    "unpadded": "=?utf-8?B?R3LDtsOfZQ?=",
    "not-base64": "=?utf-8?B?!!!!?=",
    "empty": "=?utf-8?Q??=",
    "unknown-charset": "=?x-none?Q?=C3?=",
    "language": "=?utf-8*de?Q?Gr=C3=B6=C3=9Fe?=",
    "never-closed": "=?utf-8?Q?abc",
    "over-75": "=?utf-8?Q?" + "=C3=A4" * 40 + "?=",
    "japanese": "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=",
    "lower-hex": "=?utf-8?q?gr=c3=b6=c3=9fe?=",
    "underscores": "=?utf-8?Q?a_b__c=5F?=",
    "quotes": '"=?utf-8?Q?a?="',
    "percent-20": "a%20b=20c",
    "tabs": "a\tb \t c",
    "trailing": "ends in blanks   ",
    "leading": "     starts late",
    "colon": "Re: AW: Fwd: x: y",
    "apparently-address": "a@example.org, b@example.org",
    "folded-by-blank-line": "one\n \n two",
    "folded-early": "\n late",
}


def subjects() -> list[Case]:
    return [Case(f"subject-{name}", mail(LINE + f"Subject: {value}\n"))
            for name, value in SUBJECTS.items()]


NAMES = {
    # what Content-Disposition says
    "rfc2231": "filename*=utf-8''%C3%9Cber.pdf",
    "rfc2231-language": "filename*=iso-8859-1'de'%DCber.pdf",
    "rfc2231-pieces": "filename*0*=utf-8''%C3%9C;\n filename*1=ber;\n"
                      " filename*2=\".pdf\"",
    "rfc2231-and-plain": 'filename="U.pdf"; filename*=utf-8\'\'%C3%9C.pdf',
    "encoded-word": 'filename="=?utf-8?Q?=C3=9Cber=2Epdf?="',
    "encoded-word-bare": "filename==?utf-8?Q?=C3=9Cber=2Epdf?=",
    "quotes": 'filename="a \\"b\\".pdf"',
    "backslashes": 'filename="C:\\\\temp\\\\a.pdf"',
    "backslashes-not-doubled": 'filename="C:\\temp\\a.pdf"',
    "blank-unquoted": "filename=a b.pdf",
    "empty": 'filename=""',
    "single-quotes": "filename='a.pdf'",
    "slash": 'filename="a/b.pdf"',
    "long": f'filename="{"x" * 200}.pdf"',
    "semicolon-at-end": 'filename="a.pdf";',
    "parameters": 'filename="a.pdf"; size=123;\n'
                  ' creation-date="Thu, 01 Jan 2026 00:00:00 GMT"',
}


def names() -> list[Case]:
    out = []
    for name, value in NAMES.items():
        out.append(Case(f"file-name-{name}", whole(LINE, multi(
            "mixed", part("Content-Type: application/pdf\n"
                          "Content-Transfer-Encoding: base64\n"
                          f"Content-Disposition: attachment; {value}\n",
                          "JVBERi0=\n")))))
    return out


def names_8bit() -> list[Case]:
    def named(value: str, charset: str = "utf-8") -> bytes:
        return whole(LINE, multi("mixed", part(
            "Content-Type: application/pdf\n"
            "Content-Transfer-Encoding: base64\n"
            f"Content-Disposition: attachment; {value}\n", "JVBERi0=\n",
            charset)))

    return [
        Case("file-name-8bit", named('filename="Über.pdf"'), recode="1",
             names={"1": "Über.pdf"}),
        Case("file-name-8bit-unquoted", named("filename=Über.pdf"),
             recode="1", names={"1": "Über.pdf"}),
        Case("file-name-8bit-latin1", named(
            'filename="Über.pdf"; size=9', "latin-1"), recode="1",
            names={"1": "Über.pdf"}),
        Case("file-name-8bit-long", named(
            f'filename="{"Überlänge " * 20}.pdf"'), recode="1",
            names={"1": "Überlänge " * 20 + ".pdf"}),
        Case("file-name-8bit-quotes", named('filename="a \\"ä\\".pdf"'),
             recode="1", names={"1": 'a "ä".pdf'}),
        Case("file-name-8bit-folded", named('size=1;\n\tfilename="Ü.pdf"'),
             recode="1", names={"1": "Ü.pdf"}),
        Case("file-name-8bit-top", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: application/pdf; "
            'name="Ü.pdf"\nContent-Transfer-Encoding: base64\n',
            "JVBERi0=\n"), changed={"Content-Type": Free},
            names={"0": "Ü.pdf"}),
    ]


def long() -> list[Case]:
    ids = " ".join(f"<{n:040}@x.example>" for n in range(60))
    listed = ", ".join(f"r{n:03}@example.org" for n in range(100))
    return [
        Case("long-subject", mail(LINE + "Subject: " + "word " * 300 + "x\n"),
             changed={"Subject": Text("word " * 300 + "x")}),
        Case("long-subject-no-blanks", mail(
            LINE + "Subject: " + "w" * 3000 + "\n"),
            changed={"Subject": Free}),
        Case("long-subject-989", mail(
            LINE + "Subject: " + "w" * 989 + "\n")),
        Case("long-references", mail(LINE + f"References: {ids}\n"),
             changed={"References": Text(ids)}),
        Case("long-references-folded", mail(
            LINE + "References: " + ids.replace(" ", "\n ") + "\n")),
        Case("long-to-in-one-line", mail(f"To: {listed}\n"),
             to=tuple(listed.split(", ")), changed={"To": Text(listed)}),
        Case("long-to-folded", mail(
            "To: " + listed.replace(", ", ",\n ") + "\n"),
            to=tuple(listed.split(", "))),
        # no program knows what it means, and there is no place for a fold
        Case("long-x-token", mail(LINE + "X-Token: " + "t" * 2000 + "\n"),
             left="long_line"),
        Case("long-fold-of-fold", mail(
            LINE + "X-Spam-Report: a\n " + "b " * 700 + "\n c\n"),
            changed={"X-Spam-Report": Text("a " + "b " * 700 + "c")}),
        Case("long-50-kB-in-folds", mail(
            LINE + "X-Log: x" + ("\n " + "y" * 70) * 700 + "\n")),
        Case("long-thousand-fields", mail(
            LINE + "".join(f"X-N{n}: {n}\n" for n in range(1000)))),
        Case("long-name", mail(LINE + "X-" + "n" * 300 + ": v\n")),
    ]


def odd() -> list[Case]:
    return [
        Case("odd-blank-before-colon", mail(
            "To : a@example.org\nSubject : x\n")),
        Case("odd-no-blank-after-colon", mail("To:a@example.org\nX:y\n")),
        Case("odd-empty-fields", mail(LINE + "X-A:\nX-B: \nX-C:\t\n")),
        Case("odd-names", mail(
            LINE + "X_under: 1\nx.dot: 2\n!#$%: 3\n1: 4\n")),
        Case("odd-field-twice", mail(
            LINE + "Subject: one\nSubject: two\nDate: Thu, 1 Jan 2026 "
            "00:00:00 +0000\nDate: Fri, 2 Jan 2026 00:00:00 +0000\n")),
        Case("odd-message-id-twice", mail(
            LINE + "Message-ID: <1@x>\nMessage-ID: <2@x>\n")),
        Case("odd-message-id-bare", mail(LINE + "Message-ID: 12345\n")),
        Case("odd-message-id-blanks", mail(
            LINE + "Message-ID: < a b @ x >\n")),
        Case("odd-mime-version", mail(
            LINE + "MIME-Version: 1.(c)0\nMime-version: 1.0\n")),
        Case("odd-content-type-twice", mail(
            LINE + "Content-Type: text/plain\nContent-Type: text/html\n")),
        Case("odd-content-type-bad", mail(
            LINE + "Content-Type: plain\nContent-Transfer-Encoding: x\n")),
        Case("odd-content-type-empty", mail(LINE + "Content-Type:\n")),
        Case("odd-control-characters", mail(
            LINE + "X-Ctl: a\x01b\x1bc\x7f\n")),
        Case("odd-empty-message-id", mail(LINE + "Message-ID:\n"),
             changed={"Message-ID": Free}),
        Case("odd-from-in-the-middle", mail(
            f"Subject: x\nFrom:\t Scanner\n\t<{SENDER}>\n" + LINE)),
        Case("odd-return-path-in-odd-case", mail(
            LINE + "RETURN-PATH: <x@example.com>\n"),
            changed={"Return-Path": Gone}),
        Case("odd-apparently-to", mail(
            LINE + "Apparently-To: b@example.org\nDelivered-To: c@x.example\n"
            "X-Original-To: d@x.example\nEnvelope-To: e@x.example\n")),
    ]


def cases() -> list[Case]:
    return subjects() + names() + names_8bit() + long() + odd()
