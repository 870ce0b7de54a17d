"""Mail about mail: lists, forwards, delivery reports, receipts, abuse."""

from __future__ import annotations

from .case import (SENDER, Case, Free, Gone, Kept, attached, mail, multi,
                   noise, part, text, whole)

LINE = "To: a@example.org\n"
INNER = ("Received: from x by y; Thu, 1 Jan 1970 00:00:00 +0000\n"
         "From: Customer <c@example.net>\nTo: shop@example.com\n"
         "Bcc: hidden@example.net\nReturn-Path: <c@example.net>\n"
         "X-MSGraph-Test: inner\nSubject: inner\n")


def forwarded(inner: bytes, head: str = "") -> bytes:
    return part("Content-Type: message/rfc822\n" + head, inner)


def reports() -> list[Case]:
    status = part(
        "Content-Type: message/delivery-status\n",
        "Reporting-MTA: dns; mx.example.net\n"
        "X-Queue-ID: 4ABC\n\nFinal-Recipient: rfc822; x@example.net\n"
        "Action: failed\nStatus: 5.1.1\n")
    returned = part("Content-Type: text/rfc822-headers\n",
                    "From: scan@example.com\nBcc: b@example.org\n")
    receipt = part(
        "Content-Type: message/disposition-notification\n",
        "Reporting-UA: x; y\nFinal-Recipient: rfc822;a@example.org\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n")
    feedback = part("Content-Type: message/feedback-report\n",
                    "Feedback-Type: abuse\nVersion: 1\n")
    report = "; report-type=delivery-status"
    return [
        Case("dsn", whole(LINE + "Auto-Submitted: auto-replied\n", multi(
            "report", text("failed\n"), status, forwarded(mail(INNER)),
            parameters=report)), sender=""),
        Case("dsn-headers-only", whole(LINE, multi(
            "report", text("failed\n"), status, returned, parameters=report))),
        Case("dsn-8bit-original", whole(LINE, multi(
            "report", text("failed\n"), status,
            forwarded(mail(INNER, "schöne Grüße\n")), parameters=report)),
            recode="3.1"),
        Case("dsn-8bit-notice", whole(LINE, multi(
            "report", text("nicht zugestellt: ä\n", encoding="8bit"), status,
            parameters=report)), recode="1"),
        Case("receipt", whole(LINE + "References: <1@example.org>\n", multi(
            "report", text("read\n"), receipt,
            parameters="; report-type=disposition-notification"))),
        Case("abuse-report", whole(LINE, multi(
            "report", text("spam\n"), feedback, forwarded(mail(INNER)),
            parameters="; report-type=feedback-report"))),
        Case("dmarc-report", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: application/zip;\n"
            ' name="r!example.com!1!2.zip"\nContent-Disposition: attachment;\n'
            ' filename="r!example.com!1!2.zip"\n'
            "Content-Transfer-Encoding: base64\n", "UEsDBA==\n")),
        Case("tls-report", whole(
            LINE + "TLS-Report-Domain: example.com\n", multi(
                "report", text("TLS report\n"),
                attached("application/tlsrpt+gzip", "r.json.gz", noise(99)),
                parameters='; report-type="tlsrpt"'))),
        Case("vacation", mail(
            LINE + "Auto-Submitted: auto-replied (vacation)\n"
            "X-Auto-Response-Suppress: All\nIn-Reply-To: <1@example.org>\n")),
    ]


def lists() -> list[Case]:
    line = ("To: Users <users@lists.example.org>\nList-Id: Users "
            "<users.lists.example.org>\nList-Post: "
            "<mailto:users@lists.example.org>\nPrecedence: list\n"
            "Reply-To: users@lists.example.org\nX-BeenThere: "
            "users@lists.example.org\nErrors-To: bounces@example.com\n")
    digest = multi("digest", part("\n", mail(INNER)), part("\n", mail(INNER)),
                   boundary="__--__--")
    return [
        Case("list-post", mail(line), to=("users@lists.example.org",)),
        Case("list-expanded", mail(line), sender="bounces@example.com",
             to=("m1@example.org", "m2@example.org"), changed={"To": Gone}),
        Case("list-footer", whole(line, multi(
            "mixed", text("x\n"), text(
                "_____\nlist footer\n", 'text/plain; charset="us-ascii"')),
            ), to=("users@lists.example.org",)),
        Case("list-digest", whole(line, multi(
            "mixed", text("Topics\n"), digest)),
            to=("users@lists.example.org",)),
        Case("list-digest-8bit", whole(line, multi(
            "digest", part("\n", mail(INNER, "ä\n")),
            part("\n", mail(INNER)))), to=("users@lists.example.org",),
            recode="1.1"),
        Case("list-subject-long", mail(
            line + "Subject: [users] " + "word " * 40 + "\n"),
            to=("users@lists.example.org",)),
        Case("resent", mail(
            "Resent-From: scan@example.com\nResent-To: a@example.org\n"
            "Resent-Date: Thu, 1 Jan 2026 00:00:00 +0000\n"
            "Resent-Message-ID: <r1@example.com>\n"
            "To: before@example.net\nSubject: x\n"), changed={"To": Gone}),
        Case("resent-twice", mail(
            "Resent-From: scan@example.com\nResent-To: a@example.org\n"
            "Resent-Cc: b@example.org, gone@example.org\n"
            "Resent-From: q@example.com\nResent-To: old@example.org\n" + LINE),
            to=("a@example.org", "b@example.org"),
            changed={"Resent-To": Free, "Resent-Cc": Free}),
        Case("resent-bcc", mail(
            "Resent-From: scan@example.com\nResent-Bcc: a@example.org\n"
            "To: before@example.net, a@example.org\n"),
            changed={"To": Kept("a@example.org"), "Resent-Bcc": Gone}),
        Case("received-many", mail("".join(
            f"Received: from h{n} by h{n + 1}; Thu, 1 Jan 1970 00:00:00 "
            "+0000\n" for n in range(20)) + LINE)),
        Case("received-too-many", mail("".join(
            f"Received: from h{n} by h{n + 1}; Thu, 1 Jan 1970 00:00:00 "
            "+0000\n" for n in range(60)) + LINE),
            refused=(554, "5.4.0")),
        Case("return-path-twice", mail(
            f"Return-Path: <{SENDER}>\nReturn-path: <x@example.com>\n" + LINE),
            changed={"Return-Path": Gone}),
    ]


def forwards() -> list[Case]:
    deep = mail("To: x@example.org\n", "innermost\n")
    for _ in range(5):
        deep = whole("To: x@example.org\n",
                     multi("mixed", text("fwd\n"), forwarded(deep)))
    deep8 = mail("To: x@example.org\n", "zuinnerst: ä\n")
    for n in range(3):
        deep8 = whole("To: x@example.org\n", multi(
            "mixed", text("fwd\n"), forwarded(deep8), boundary=f"b{n}"))
    return [
        Case("forward-attached", whole(LINE, multi(
            "mixed", text("fyi\n"), forwarded(
                mail(INNER), 'Content-Disposition: attachment; '
                'filename="inner.eml"\n')))),
        Case("forward-is-all", whole(LINE, forwarded(mail(INNER)))),
        Case("forward-deep", deep.replace(b"x@example.org",
                                          b"a@example.org", 1)),
        Case("forward-deep-8bit", deep8.replace(
            b"x@example.org", b"a@example.org", 1), recode="2.1.2.1.2.1"),
        Case("forward-8bit-encoding", whole(LINE, multi(
            "mixed", forwarded(mail(INNER, "ä\n"),
                               "Content-Transfer-Encoding: 8bit\n"))),
            recode="1 1.1"),
        Case("forward-8bit-subject", whole(LINE, multi(
            "mixed", text("x\n"), forwarded(mail(
                INNER + "X-Ort: Köln\n")))), recode="2.1"),
        Case("forward-long-line", whole(LINE, multi(
            "mixed", forwarded(mail(INNER, "q" * 1300 + "\n")))),
            recode="1.1"),
        # the standard forbids it, and clients do it all the same
        Case("forward-in-base64", whole(LINE, multi(
            "mixed", attached("message/rfc822", "m.eml",
                              mail(INNER, "ä\n"))))),
        Case("forward-no-header", whole(LINE, multi(
            "mixed", forwarded(b"\r\nonly a body\r\n")))),
        Case("forward-inline-quoted", mail(
            LINE, "-----Original Message-----\nFrom: x\nTo: y@example.org\n"
            "Subject: z\n\n> quoted\n")),
        Case("partial", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: message/partial; "
            'id="x@example.com"; number=1; total=2\n', "first half\n")),
        Case("external-body", whole(LINE, multi("mixed", part(
            "Content-Type: message/external-body; access-type=URL;\n"
            ' URL="https://x.example/"\n', "Content-Type: image/png\n\n")))),
        Case("global", whole(LINE, multi("mixed", part(
            "Content-Type: message/global\nContent-Transfer-Encoding: 8bit\n",
            "From: jörg@exämple.org\nSubject: ä\n\nö\n"))), recode="1"),
    ]


def cases() -> list[Case]:
    return reports() + lists() + forwards()
