"""Who is mailed: To, Cc and Bcc in every form, against the envelope."""

from __future__ import annotations

from .case import SENDER, Case, Free, Gone, Kept, Named, Text, mail

A, B, C = (f"{name}@example.org" for name in "abc")
U_LABEL, A_LABEL = "a@bücher.example", "a@xn--bcher-kva.example"


def stays(name: str, value: str, *to: str) -> Case:
    """A To that names the envelope stays as it is."""
    return Case(f"to-{name}", mail(f"To: {value}\n"), to=to or (A,))


def obsolete(name: str, value: str, *to: str) -> Case:
    """The obsolete syntax of RFC 5322, which everybody has to read."""
    return Case(f"to-{name}", mail(f"To: {value}\n"), to=to,
                left="address_defects")


def cut(name: str, value: str, *left: str, to: tuple[str, ...] = (A,)) -> Case:
    """A To of which these pieces are left."""
    change = Kept(*left) if left else Gone
    return Case(f"cut-{name}", mail(f"To: {value}\n"), to=to,
                changed={"To": change})


def unambiguous() -> list[Case]:
    return [
        stays("plain", A),
        stays("angle", f"<{A}>"),
        stays("upper-case", "A@EXAMPLE.ORG"),
        stays("mixed-case-name", "Anna <A@Example.Org>"),
        stays("comment", f"{A} (Anna (the \\) first))"),
        stays("comments-everywhere", "(x) a (y) @ (z) example.org (w)"),
        stays("comma-in-comment", f"{A} (b@example.org, Anna)"),
        stays("comma-in-name", f'"A, B" <{A}>'),
        stays("address-in-name", f'"{B}" <{A}>'),
        stays("needless-quotes", '"a"@example.org'),
        stays("quoted-blank", '"a b"@example.org', '"a b"@example.org'),
        stays("quoted-at", '"a@b"@example.org', '"a@b"@example.org'),
        stays("quoted-dots", '"a..b"@example.org', '"a..b"@example.org'),
        stays("encoded-name", f"=?utf-8?Q?=C3=84?= <{A}>"),
        stays("encoded-name-comma", f"=?utf-8?Q?A=2C_B?= <{A}>"),
        stays("folded", f"{A},\n {B},\n\t{C}", A, B, C),
        stays("folded-in-angle", f"Anna\n <{A}\n >"),
        stays("group", f"Team: {A}, {B};", A, B),
        stays("group-and-more", f"Team: {A};, {B}", A, B),
        stays("plus", "a+tag@example.org", "a+tag@example.org"),
        stays("apostrophe", "o'neil@example.org", "o'neil@example.org"),
        stays("all-marks", "!#$&'*+-/=?^_`{|}~@example.org",
              "!#$&'*+-/=?^_`{|}~@example.org"),
        Case("to-literal", mail("To: a@[192.0.2.1]\n"),
             to=("a@[192.0.2.1]",), refused=(553, "5.1.3")),
        stays("a-label", A_LABEL, A_LABEL),
        stays("a-label-upper-case", "a@XN--BCHER-KVA.example", A_LABEL),
        obsolete("empty-elements", f"{A},,, {B},", A, B),
        obsolete("dot-in-name", f"J. Doe <{A}>", A),
        stays("long-local", f"{'l' * 64}@example.org",
              f"{'l' * 64}@example.org"),
        Case("to-and-cc", mail(f"To: {A}\nCc: {B}, {C}\n"), to=(A, B, C)),
        Case("cc-only", mail(f"Cc: {A}\n")),
        # there may be one field of a name: others may read one alone
        Case("to-twice", mail(f"To: {A}\nSubject: x\nTo: {B}\n"), to=(A, B),
             changed={"To": Kept(A, B)}),
        Case("cc-three-times", mail(f"Cc: {A}\ncc: {B}\nCC: {C}\n"),
             to=(A, B, C), changed={"Cc": Kept(A, B, C)}),
        Case("to-sender-itself", mail(f"To: {SENDER}\n"), to=(SENDER,)),
        Case("rcpt-twice", mail(f"To: {A}\n"), to=(A, A)),
        Case("rcpt-case-differs", mail(f"To: {A}\n"),
             to=("A@Example.org",)),
        Case("rcpt-hundred-hidden", mail("Subject: x\n"),
             to=tuple(f"r{n:03}@example.org" for n in range(100))),
        Case("rcpt-hundred-in-to", mail("To: " + ",\n ".join(
            f"N {n} <r{n:03}@example.org>" for n in range(100)) + "\n"),
            to=tuple(f"r{n:03}@example.org" for n in range(100))),
        Case("rcpt-six-hundred", mail("Subject: x\n"),
             to=tuple(f"r{n:03}@example.org" for n in range(600))),
        Case("rcpt-six-hundred-half-in-to", mail("To: " + ",\n ".join(
            f"r{n:03}@example.org" for n in range(300)) + "\n"),
            to=tuple(f"r{n:03}@example.org" for n in range(600)),
            changed={"To": Free}),
    ]


def trimmed() -> list[Case]:
    return [
        cut("second", f"{A}, {B}", A),
        cut("first", f"{B}, {A}", A),
        cut("middle", f"{A}, {B}, {C}", A, C, to=(A, C)),
        cut("outer", f"{B}, {A}, {C}", A),
        cut("all", f"{B}, {C}"),
        cut("names-stay", f'"A, a" <{A}>, "B" <{B}>', f'"A, a" <{A}>'),
        cut("comment-stays", f"{B} (b), {A} (a)", f"{A} (a)"),
        cut("folded", f"{B},\n  Anna <{A}>,\n\t{C}", f"Anna <{A}>"),
        cut("group-member", f"Team: {A}, {B};", "Team:", A),
        cut("group-all", f"Team: {B}, {C};"),
        cut("group-all-and-more", f"Team: {B};, {A}", A),
        cut("group-empty", "undisclosed-recipients:;"),
        cut("group-empty-quoted", '"Undisclosed recipients": ;'),
        cut("group-empty-unfinished", "undisclosed-recipients:"),
        cut("group-empty-and-more", f"Nobody:;, {A}", A),
        cut("same-twice", f"{A}, A@EXAMPLE.ORG", A),
        cut("same-twice-named", f"Anna <{A}>, {A}", f"Anna <{A}>"),
        cut("same-in-group", f"{A}, Team: {A}, {B};", A, "Team:", B,
            to=(A, B)),
        cut("null", "<>"),
        cut("name-and-address", f"Anna, {A}", A),
        cut("semicolons", f"{A}; {B}; {C}", A, B, C, to=(A, B, C)),
        cut("dot-at-end", f"{A}.", A),
        cut("never-closed-quote", f'"Anna <{A}>'),
        cut("never-closed-angle", f"Anna <{A}"),
        cut("never-closed-comment", f"{A} (Anna"),
        cut("two-ats", "a@b@example.org"),
        cut("blanks-in-address", "a b@example.org"),
        cut("mailto", f"<mailto:{A}>"),
        Case("cut-route", mail(f"To: <@r.example,@s.example:{A}>\n"),
             changed={"To": Kept(A)}),
        Case("cut-bracket-in-name", mail(f"To: Scan [3] <{A}>, {B}\n"),
             to=(A, B), changed={"To": Named(("Scan [3]", A), ("", B))}),
        Case("cut-name-is-address", mail(f"To: {B} <{A}>\n"),
             changed={"To": Named((B, A))}),
        Case("cut-cc-goes", mail(f"To: {A}\nCc: {B}\n"),
             changed={"Cc": Gone}),
        Case("cut-to-goes-cc-stays", mail(f"To: {B}\nCc: {A}\n"),
             changed={"To": Gone}),
        Case("cut-same-in-to-and-cc", mail(f"To: {A}\nCc: {A}, {B}\n"),
             to=(A, B), changed={"Cc": Kept(B)}),
        Case("cut-one-of-two-to", mail(f"To: {A}\nTo: {A}\n"),
             changed={"To": Kept(A)}),
    ]


def hiding() -> list[Case]:
    """Encoded words around a quote, bracket or comma. Who looks for encoded
    words first finds other addresses than who looks for quotes first."""
    mark = '=?utf-8?Q?"?='
    return [
        cut("word-two-quotes", f"{mark} <{B}>, {mark} <{A}>", A),
        cut("word-one-quote", f'{mark} <{B}>, x" <{A}>', A),
        cut("word-in-quotes", f'"{mark}" <{B}>, " <{A}>', A),
        cut("word-bracket", f"=?utf-8?Q?<{A}>(?= <{B}>, (x))", A),
        cut("word-comment", f"{A} (=?utf-8?Q?(?=), {B}, (x))", A),
        cut("word-comment-alone", f"(=?utf-8?Q?(?=), {B}, (x)), {A}", A),
        cut("word-comment-last", f"{A}, (=?utf-8?Q?(?=), {B}, (x))", A),
        cut("word-group", f'{mark} <{B}>, ": {A};', '"":', A),
        cut("word-in-group", f"g: {A} (=?utf-8?Q?(?=); {B}, (x));", "g:", A),
        cut("word-over-two", f"=?utf-8?Q?x <{A}>, y?= <{C}>", A,
            f"y?= <{C}>", to=(A, C)),
        cut("word-open", f"=?utf-8?q?=20 <{A}>, {B}", A),
        cut("word-odd-name", f"=?utf-8?Q?=C3=84?= [3] <{A}>", A),
        Case("to-word-at-sign", mail(f'To: "=?utf-8?Q?A@B, C?=" <{A}>\n'),
             left="address_defects"),
        stays("word-padded", f"=?utf-8?B?w4QgQg==?= =?utf-8?q?=20?= <{A}>"),
        stays("word-beside-quotes", f'=?utf-8?Q?x?= "(" (y) <{A}>'),
        stays("word-none", "=?a@example.org", "=?a@example.org"),
    ]


def semicolons() -> list[Case]:
    """They stand where nothing is to be separated."""
    return [
        Case("semicolon-after-group", mail(f"To: {A}\nCc: G: {B};;\n"),
             to=(A, B), changed={"Cc": Kept("G:", B)}),
        cut("semicolon-after-comma", f"{A},;", A),
        cut("semicolon-last", f"{A}, (x) ;", A),
        Case("semicolon-from", mail(f"From: {SENDER},;\nTo: {A}\n"),
             changed={"From": Kept(SENDER)}),
    ]


def hidden() -> list[Case]:
    return [
        Case("bcc-all", mail("Subject: x\n"), to=(A, B)),
        Case("bcc-some", mail(f"To: {A}\n"), to=(A, B, C)),
        Case("bcc-header", mail(f"To: {A}\nBcc: {B}\n"), to=(A, B)),
        Case("bcc-header-folded", mail(f"Bcc: {B},\n {C}\nTo: {A}\n"),
             to=(A, B, C)),
        Case("bcc-header-twice", mail(f"BCC: {B}\nTo: {A}\nbcc: {C}\n"),
             to=(A, B, C)),
        Case("bcc-header-not-in-envelope", mail(f"To: {A}\nBcc: {B}\n")),
        Case("bcc-header-8bit", mail(f"To: {A}\nBcc: Jörg <{B}>\n"),
             to=(A, B)),
        Case("bcc-header-empty", mail(f"To: {A}\nBcc:\n")),
        Case("bcc-quoted", mail(f"To: {A}\n"),
             to=(A, '"x, y"@example.org', '"p q"@example.org')),
        Case("bcc-in-body", mail(f"To: {A}\n", f"Bcc: {B}\n\nTo: {C}\n")),
    ]


def idn() -> list[Case]:
    smtputf8 = " SMTPUTF8"
    return [
        Case("idn-header-u-rcpt-a", mail(f"To: {U_LABEL}\n"), to=(A_LABEL,),
             changed={"To": Kept(A_LABEL)}),
        Case("idn-header-u-named", mail(f"To: Bücher <{U_LABEL}>\n"),
             to=(A_LABEL,), changed={"To": Named(("Bücher", A_LABEL))}),
        Case("idn-header-a-rcpt-u", mail(f"To: {A_LABEL}\n"), to=(U_LABEL,),
             options=smtputf8),
        Case("idn-both-u", mail(f"To: {U_LABEL}\n"), to=(U_LABEL,),
             options=smtputf8, changed={"To": Kept(A_LABEL)}),
        Case("idn-hidden-u", mail("Subject: x\n"), to=(U_LABEL,),
             options=smtputf8),
        Case("idn-local-part", mail("To: jörg@example.org\n"),
             to=("jörg@example.org",), options=smtputf8,
             refused=(553, "5.6.7")),
        Case("idn-local-part-in-header-only", mail(
            f"To: {A}, jörg@example.org\n"), changed={"To": Kept(A)}),
        Case("idn-message-only", mail(
            f"To: {A}\nSubject: Größe\n"), options=smtputf8,
            changed={"Subject": Text("Größe")}),
    ]


def senders() -> list[Case]:
    boss, many = "boss@example.com", f"boss@example.com, {SENDER}"
    return [
        Case("from-plain", mail(f"From: {SENDER}\nTo: {A}\n")),
        Case("from-other-than-envelope", mail(f"From: {SENDER}\nTo: {A}\n"),
             sender="bounces@example.com"),
        Case("from-null-envelope", mail(f"From: {SENDER}\nTo: {A}\n"),
             sender=""),
        Case("from-two-with-sender", mail(
            f"From: {many}\nSender: {SENDER}\nTo: {A}\n"),
            changed={"From": Kept(SENDER), "Sender": Gone}),
        Case("from-two-without-sender", mail(f"From: {many}\nTo: {A}\n"),
             changed={"From": Kept(SENDER)}),
        Case("from-two-null-envelope", mail(f"From: {many}\nTo: {A}\n"),
             sender="", refused=(550, "5.7.1")),
        Case("from-two-of-others", mail(
            f"From: {boss}, {B}\nSender: {SENDER}\nTo: {A}\n"),
            changed={"From": Kept(SENDER), "Sender": Gone}),
        Case("from-group", mail(f"From: Team: {SENDER};\nTo: {A}\n"),
             changed={"From": Kept(SENDER)}),
        Case("from-group-empty", mail(f"From: Team:;\nTo: {A}\n"),
             changed={"From": Kept(SENDER)}),
        Case("from-doe-comma-john", mail(
            f"From: Doe, John <{SENDER}>\nTo: {A}\n"),
            changed={"From": Named(("John", SENDER))}),
        Case("from-bracket-in-name", mail(
            f"From: Scan [3] <{SENDER}>\nTo: {A}\n"),
            changed={"From": Named(("Scan [3]", SENDER))}),
        Case("from-twice-same", mail(
            f"From: {SENDER}\nFrom: Scanner <{SENDER}>\nTo: {A}\n"),
            changed={"From": Kept(SENDER)}),
        Case("from-twice", mail(
            f"From: {SENDER}\nFrom: {boss}\nTo: {A}\n"),
            changed={"From": Kept(SENDER)}),
        Case("from-upper-case", mail(f"From: SCAN@EXAMPLE.COM\nTo: {A}\n")),
        Case("from-comment", mail(f"From: {SENDER} (Scanner 3)\nTo: {A}\n")),
        Case("from-quoted-name", mail(
            f'From: "Scan, 3rd floor" <{SENDER}>\nTo: {A}\n')),
        Case("from-sender-differs", mail(
            f"From: {SENDER}\nSender: other@example.com\nTo: {A}\n"),
            changed={"Sender": Gone}),
        Case("from-nobody-at-all", mail(f"From: nobody\nTo: {A}\n"),
             sender="", refused=(550, "5.7.1")),
        Case("from-not-for-exchange", mail(
            f'From: "a b"@example.com\nTo: {A}\n'), sender="",
            refused=(550, "5.1.7")),
        Case("from-idn", mail(f"From: scan@bücher.example\nTo: {A}\n"),
             changed={"From": Kept("scan@xn--bcher-kva.example")}),
    ]


def cases() -> list[Case]:
    return (unambiguous() + trimmed() + hiding() + semicolons() + hidden() + idn()
            + senders())
