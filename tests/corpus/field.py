"""What devices and programs were seen to send and readers do not agree on:
an author that no mailbox can be, lines without a place to fold, letters where
none may be. Each is one of a kind."""

from __future__ import annotations

import base64

from .case import SENDER, Case, Gone, Kept, Named, Text, mail

A = "a@example.org"


def author(name: str, value: str, shown: str = "", reply_to: str = "",
           sender: str = SENDER, extra: str = "") -> Case:
    """A From that becomes the mailbox; the name stays."""
    changed = {"From": Named((shown, SENDER))}
    if reply_to:
        changed["Reply-To"] = Kept(reply_to)
    if extra:
        changed["Sender"] = Gone
    return Case(f"author-{name}", mail(
        f"From: {value}\n{extra}To: {A}\nSubject: s\n"),
        sender=sender, changed=changed)


def authors() -> list[Case]:
    return [
        author("root-localhost", "root@localhost"),
        author("bare-host", '"UPS basement" <apc@ups01>', "UPS basement",
               sender="apc@ups01", extra=f"Sender: {SENDER}\n"),
        author("address-literal", "copier@[192.0.2.5]"),
        author("odd-domain", "x@copier_2.example.com"),
        author("number-at-the-end", "Scan <scan@10.0.0.9>", "Scan"),
        author("not-ascii", "B\u00fccher <b\u00fccher@example.com>",
               "B\u00fccher"),
        author("needs-quotes", 'Scan <"scan 3"@example.com>', "Scan",
               '"scan 3"@example.com'),
        author("control-character", '"\x01"@example.org'),
        Case("author-apostrophes", mail(
            f"From: Scan <'{SENDER}'>\nTo: {A}\n"),
            changed={"From": Named(("Scan", SENDER))}),
        Case("author-nobody-fits", mail(
            f"From: root@localhost\nSender: r@nas\nTo: {A}\n"),
            sender="root@[192.0.2.1]", refused=(550, "5.1.7")),
        Case("sender-of-a-container", mail(
            f"From: {SENDER}\nSender: root@web-7f9c\nTo: {A}\n"),
            changed={"Sender": Gone}),
    ]


MANY = [f"user{i:02}@department-{i:02}.example.org" for i in range(60)]
IDS = "".join(f"<{i}.0123456789abcdef@client.test>" for i in range(60))
LONG = base64.b64encode(("Gr\u00f6\u00dfen\u00e4nderung " * 130).encode()
                        ).decode()


def long_lines() -> list[Case]:
    return [
        Case("joined-to", mail(f"To: {','.join(MANY)}\n"), to=tuple(MANY),
             changed={"To": Kept(*MANY)}),
        Case("joined-reply-to", mail(
            f"To: {A}\nReply-To: {','.join(MANY)}\n"),
            changed={"Reply-To": Kept(*MANY)}),
        Case("joined-references", mail(f"To: {A}\nReferences: {IDS}\n"),
             changed={"References": Kept(*IDS[1:-1].split("><"))}),
        Case("subject-one-long-word", mail(
            f"To: {A}\nSubject: =?UTF-8?B?{LONG}?=\n"),
            changed={"Subject": Text("Gr\u00f6\u00dfen\u00e4nderung " * 130)}),
    ]


def letters() -> list[Case]:
    return [
        Case("name-equals-address", mail(f"To: {A} <{A}>\n"),
             changed={"To": Named(("", A))}),
        Case("name-with-at", mail(f"To: b@home <{A}>\n"),
             changed={"To": Named(("b@home", A))}),
        Case("apostrophes", mail(f"To: '{A}'\n"),
             changed={"To": Named(("", A))}),
        Case("reply-to-without-address", mail(
            f'To: {A}\nReply-To: "J\u00fcrgen M" <>\n'),
            changed={"Reply-To": Text("J\u00fcrgen M <>")}),
        Case("ids-and-uris", mail(
            f"To: {A}\nMessage-ID: <1@m\u00fcller.test>\n"
            "References: <0@m\u00fcller.test>\n"
            "List-Unsubscribe: <https://example.org/\u00fc>\n"),
            changed={"Message-ID": Text("<1@xn--mller-kva.test>"),
                     "References": Text("<0@xn--mller-kva.test>"),
                     "List-Unsubscribe": Text("<https://example.org/%C3%BC>")}),
        Case("reply-to-odd-idn", mail(
            f"To: {A}\nReply-To: Team [IT] <a@b\u00fccher.example>\n"),
            changed={"Reply-To": Named(
                ("Team [IT]", "a@xn--bcher-kva.example"))}),
        Case("unreadable-parameter", mail(
            f'To: {A}\nMIME-Version: 1.0\nContent-Type: text/plain; x=""\n'
            '\tcomment="\u6587"\n'),
            changed={"Content-Type": Text(
                "text/plain; x=\"\"; comment*=utf-8''%E6%96%87")}),
        *(Case(f"encoding-{name}", mail(
            f"To: {A}\nMIME-Version: 1.0\n"
            "Content-Type: text/plain; charset=utf-8\n"
            f"Content-Transfer-Encoding: {value}\n", "Gr\u00fc\u00dfe\n"),
            recode="0") for name, value in (
                ("quoted", '"8bit"'), ("two", "8bit, binary"),
                ("type", "text/plain"))),
    ]


def cases() -> list[Case]:
    return authors() + long_lines() + letters()
