"""Cron, monitoring, backup, web and business programs."""

from __future__ import annotations

from .case import (PDF, SENDER, ZIP, Case, Gone, Kept, Text, attached, mail,
                   multi, noise, part, text, whole)

LINE = "To: a@example.org\n"
QP_HTML = ("<p>Gr=C3=B6=C3=9Fe: 12=20\n<a href=3D\"https://x.example/?a=3D1&=\n"
           "b=3D2\">link</a>=\n</p>\n")


def system() -> list[Case]:
    job = ("To: root@example.org\nSubject: Cron <root@db1> /usr/local/bin/job\n"
           "Content-Type: text/plain; charset=UTF-8\n"
           "Content-Transfer-Encoding: 8bit\n"
           "Auto-Submitted: auto-generated\nX-Cron-Env: <SHELL=/bin/sh>\n"
           "X-Cron-Env: <HOME=/root>\nX-Cron-Env: <LOGNAME=root>\n")
    return [
        Case("cron-ascii", mail(job, "job: 3 files\n"),
             to=("root@example.org",)),
        Case("cron-utf8", mail(job + "MIME-Version: 1.0\n",
                               "Täglicher Lauf ✓\n"),
             to=("root@example.org",), recode="0"),
        Case("cron-utf8-no-mime-version", mail(job, "Täglicher Lauf\n"),
             to=("root@example.org",), recode="0"),
        Case("cron-alias", mail(job, "done\n"), to=("ops@example.org",),
             changed={"To": Gone}),
        Case("cron-local-name-in-to", mail(
            f"From: root (Cron Daemon) <{SENDER}>\nTo: root\n"
            "Subject: Cron\n", "x\n"), changed={"To": Gone}),
        Case("cron-old-style-from", mail(
            f"From: {SENDER} (Cron Daemon)\nTo: a@example.org (Admin)\n")),
        Case("mbox-line", b"From root Thu Jan  1 00:00:00 1970\r\n" + mail(
            LINE, ">From here\nFrom there\n")),
        Case("logwatch-long-lines", mail(
            LINE + "Precedence: bulk\n", "x" * 1200 + "\n" + "short\n"),
            recode="0"),
        Case("logwatch-998", mail(LINE, "y" * 998 + "\n")),
        Case("logwatch-999", mail(LINE, "y" * 999 + "\n"), recode="0"),
        Case("upgrades", mail(
            LINE + "Subject: [package on hold] unattended-upgrades result\n",
            "Packages:\n  libfoo1\n\n\n-- \n")),
        Case("mdadm-event", mail(
            f"From: mdadm monitoring <{SENDER}>\nTo: a@example.org\n"
            "Subject: DegradedArray event on /dev/md0:db1\n",
            "Personalities : [raid1]\nmd0 : active raid1 sda1[0]\n"
            "      1046528 blocks [2/1] [U_]\n")),
        Case("smartd", mail(LINE, "Device: /dev/sda [SAT], 8 Offline\n")),
        Case("sudo-incident", mail(
            LINE + "Subject: *** SECURITY information for db1 ***\n"
            "Auto-Submitted: auto-generated\n", "db1 : jo : not allowed\n")),
        Case("diff-with-carriage-return", mail(
            LINE, b"10%\r20%\r100%\r\ndone\r\n")),
        Case("diff-form-feed", mail(LINE, "a\fb\n\x0b\n")),
        Case("uuencoded", mail(
            LINE, "begin 644 cat.txt\n#0V%T\n`\nend\n")),
        Case("yenc-like", mail(
            LINE, b"=ybegin line=128 size=16 name=x.bin\r\n"
            + bytes(range(0x80, 0x90)) + b"=}=J\r\n=yend size=16\r\n"),
            recode="0"),
        Case("shar", mail(LINE, "#!/bin/sh\nsed 's/^X//' <<'EOF'\nXa\nEOF\n")),
    ]


def monitoring() -> list[Case]:
    html = ("<html><body style='font-family:sans-serif'>"
            "<h1>Problem: CPU ≥ 95 %</h1></body></html>\n")
    return [
        Case("nagios-host-down", mail(
            LINE + "Subject: ** PROBLEM Host Alert: sw1 is DOWN **\n",
            "***** Nagios *****\n\nHost: sw1\nState: DOWN\n")),
        Case("icinga-utf8", mail(
            LINE + "Subject: [PROBLEM] Prüfung fehlgeschlagen\n",
            "Prüfung: Ausfall\n"), recode="0",
            changed={"Subject": Text("[PROBLEM] Prüfung fehlgeschlagen")}),
        Case("zabbix-html", mail(
            LINE + "Subject: =?UTF-8?B?UHJvYmxlbTogQ1BVIOKJpSA5NSAl?=\n"
            "MIME-Version: 1.0\nContent-Type: text/html; charset=\"UTF-8\"\n"
            "Content-Transfer-Encoding: 8bit\n", html), recode="0"),
        Case("alertmanager", whole(
            "To: a@example.org, b@example.org\n"
            "Subject: =?UTF-8?q?[FIRING:2]_Disk_(node1)?=\n",
            multi("alternative", text(QP_HTML, "text/html; charset=UTF-8",
                                      "quoted-printable"),
                  boundary="0c9d3b6f5e8a7d2e4f60718293a4b5c6d7e8f901")),
            to=("a@example.org", "b@example.org")),
        Case("grafana-inline-image", whole(LINE, multi(
            "related", multi(
                "alternative", text("Alert\n"),
                text('<img src="cid:g1">\n', "text/html"), boundary="alt"),
            attached("image/png", "panel.png", noise(300),
                     "Content-ID: <g1>\n", "inline"), boundary="rel"))),
        Case("monit-lf-header-folds", mail(
            LINE + "Subject: monit alert --\n  Resource limit matched\n"
            "X-Mailer: monit\n\t5.27\n")),
        Case("sms-gateway", mail(
            "To: 491701234567@sms.example.org\nSubject:\n", "CRIT sw1\n"),
            to=("491701234567@sms.example.org",)),
        Case("pager-to-many", mail(
            "To: a@example.org,b@example.org,c@example.org\n"
            "Cc: d@example.org\n"),
            to=tuple(f"{n}@example.org" for n in "dcba")),
        Case("two-calls-one-to", mail(
            "To: a@example.org,\n b@example.org\n"), to=("b@example.org",),
            changed={"To": Kept("b@example.org")}),
        Case("syslog-json", mail(
            LINE + "Content-Type: application/json\n",
            '{"host":"sw1","text":"\\u00fc"}\n')),
    ]


def backup() -> list[Case]:
    table = "".join(f"<tr><td>vm{n}</td><td>Success</td></tr>"
                    for n in range(200))
    return [
        Case("backup-html-one-line", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: text/html; "
            "charset=us-ascii\nContent-Transfer-Encoding: 7bit\n",
            f"<html><table>{table}</table></html>\n"), recode="0"),
        Case("backup-html-one-line-utf8", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n"
            "Content-Transfer-Encoding: 8bit\n",
            f"<html><h1>Größe</h1><table>{table}</table></html>\n"),
            recode="0"),
        Case("backup-report", mail(
            "To: a@example.org\nCc: b@example.org\n"
            "Subject: Bareos: Backup OK of client1 Full\n",
            "  Elapsed time:  1 min 2 secs\n" * 10),
            to=("a@example.org", "b@example.org")),
        Case("backup-zip-log", whole(LINE, multi(
            "mixed", text("See attachment\n"),
            attached("application/zip", "log.zip", ZIP)))),
        Case("backup-log-8bit-attachment", whole(LINE, multi(
            "mixed", text("See attachment\n"), part(
                'Content-Type: text/plain; name="log.txt"\n'
                'Content-Disposition: attachment; filename="log.txt"\n',
                "Datei gelöscht\n", "cp1252"))), recode="2"),
        Case("backup-gzip-8bit", whole(LINE, multi(
            "mixed", text("x\n"), part(
                "Content-Type: application/gzip\n"
                "Content-Transfer-Encoding: 8bit\n",
                b"\x1f\x8b\x08" + noise(500).translate(None, b"\0\r\n")))),
            recode="2"),
        Case("rsync-names-8bit", mail(
            LINE, b"sent \xc3\xa4.txt\r\nsent \xe4.txt\r\n"), recode="0"),
    ]


def web() -> list[Case]:
    php = ("Subject: =?UTF-8?Q?Bestellung_#123_best=C3=A4tigt?=\n"
           "X-PHP-Originating-Script: 33:mail.php\nX-Mailer: PHP/8.2\n")
    return [
        Case("php-mail", mail(
            f"To: Kunde <a@example.org>\n{php}From: Shop <{SENDER}>\n"
            "Reply-To: Shop <shop@example.com>\n")),
        Case("php-utf8-8bit", mail(
            LINE + php + "MIME-Version: 1.0\n"
            "Content-Type: text/plain; charset=UTF-8\n", "Für Sie: 5 €\n"),
            recode="0"),
        Case("php-return-path", mail(
            LINE + f"Return-Path: <{SENDER}>\n"),
            changed={"Return-Path": Gone}),
        Case("php-bcc-header", mail(
            LINE + "Bcc: b@example.org\nSubject: x\n"),
            to=("a@example.org", "b@example.org")),
        Case("phpmailer", whole(
            LINE + "X-Mailer: PHPMailer 6.8.0 (https://mailer.example)\n",
            multi("alternative", text("Text\n", encoding="quoted-printable"),
                  text(QP_HTML, "text/html; charset=UTF-8",
                       "quoted-printable"),
                  boundary="b1_9f86d081884c7d659a2feaa0c55ad015",
                  pre=b"This is a multi-part message in MIME format.\r\n"))),
        Case("swift", whole(LINE, multi(
            "alternative", text("Text\n"), text("<p>Text\n", "text/html"),
            boundary="_=_swift_1700000000_a1b2c3_=_"))),
        Case("symfony", whole(LINE, multi(
            "related", text("<p>", "text/html"), attached(
                "image/png", "logo", noise(50), "Content-ID: <x@symfony>\n",
                "inline"), boundary="tR5-0_x", parameters='; type="text/html"'
            ))),
        Case("wordpress-long-html-line", mail(
            LINE + "Content-Type: text/html; charset=UTF-8\n",
            "<p>" + "word " * 500 + "</p>\n"), recode="0"),
        Case("drupal-flowed", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: text/plain; "
            "charset=UTF-8; format=flowed; delsp=yes\n"
            "Content-Transfer-Encoding: 8Bit\n", "soft  \nbreak \n\nEnd\n")),
        Case("python-base64-body", mail(
            LINE + 'Content-Type: text/plain; charset="utf-8"\n'
            "MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n",
            "R3LDvMOfZQo=\n")),
        Case("perl-mime-lite", whole(
            LINE + "X-Mailer: MIME::Lite 3.033 (F2.85; T2.17)\n", multi(
                "mixed", part("Content-Disposition: inline\n"
                              "Content-Length: 5\nContent-Type: text/plain\n"
                              "Content-Transfer-Encoding: binary\n", "Text\n"),
                boundary="_----------=_16000000001230"))),
        Case("newsletter-long-unsubscribe", mail(
            LINE + "List-Unsubscribe: <https://x.example/u?" + "t" * 400 +
            ">,\n <mailto:u@x.example?subject=u>\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n")),
        Case("feedback-id", mail(LINE + "Feedback-ID: 1:2:3:x\n")),
    ]


def business() -> list[Case]:
    return [
        Case("java-mail", whole(
            LINE + "Message-ID: <12.1.1700000000000.JavaMail.app@srv1>\n",
            multi("mixed", multi("alternative", text("a\n"),
                                 boundary="----=_Part_1_987.1700000000000"),
                  attached("application/pdf", "R-1.pdf", PDF),
                  boundary="----=_Part_0_123456.1700000000000"))),
        Case("dotnet", whole(LINE, multi(
            "alternative", text("a\n"), text("<b>a\n", "text/html"),
            boundary="--boundary_0_0f8fad5b-d9cb-469f-a165-70867728950e"))),
        Case("indy", mail(
            LINE + "Content-Type: text/plain; charset=windows-1252\n"
            "Content-Transfer-Encoding: quoted-printable\n"
            "MIME-Version: 1.0\n", "=C4nderung =80 5\n")),
        Case("sap", whole(
            LINE + "X-Mailer: SAP NetWeaver 7.50\nImportance: normal\n",
            multi("mixed", text("Rechnung\n", "text/plain; charset=iso-8859-1",
                                "quoted-printable"),
                  attached("application/pdf", "0090001234.PDF", PDF),
                  boundary="=_005056A1B2C31EDE8F9A0B1C2D3E4F50"))),
        Case("sap-long-qp-line", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n"
            "Content-Transfer-Encoding: quoted-printable\n",
            "<p>" + "=C3=A4" * 300 + "</p>\n"), recode="0"),
        Case("database-no-empty-line", (
            f"From: {SENDER}\r\nTo: a@example.org\r\nSubject: job failed\r\n"
            "Step 3 failed. See the log.\r\n").encode()),
        Case("lotus-dollar-headers", mail(
            LINE + "$MessageID: 1\nX-MIMETrack: Serialize by Router on S1\n"
            "Sensitivity:\n")),
        Case("crm-plus-address", mail(
            "To: ticket+4711@example.org\n"), to=("ticket+4711@example.org",)),
        Case("invoice-xml", whole(LINE, multi(
            "mixed", text("Invoice\n"), attached(
                "application/xml", "factur-x.xml", b"<?xml version='1.0'?>"),
            attached("application/pdf", "R.pdf", PDF)))),
        Case("edifact", whole(LINE, multi("mixed", part(
            "Content-Type: application/EDIFACT\n", "UNB+UNOC:3+A+B'\n")))),
        Case("csv-cp1252", whole(LINE, multi(
            "mixed", text("Export\n"), part(
                'Content-Type: text/csv; charset=windows-1252; '
                'name="export.csv"\nContent-Transfer-Encoding: 8bit\n',
                "Straße;Größe;€\n" * 30, "cp1252"))), recode="2"),
        Case("csv-short-8bit", whole(LINE, multi("mixed", part(
            "Content-Type: text/csv\n", "ä\n", "cp1252"))), recode="1"),
        Case("vcard", whole(LINE, multi("mixed", attached(
            "text/x-vcard; charset=utf-8", "a.vcf",
            "BEGIN:VCARD\nN:Groß\nEND:VCARD\n".encode())))),
        *private_headers(),
    ]


def private_headers() -> list[Case]:
    return [
        Case("own-headers", mail(
            LINE + "X-MSGraph-Mailbox: evil@example.com\n"
            "x-msgraph-save: no\nX-MSGraphics: stays\nSubject: x\n"),
            changed={"X-MSGraph-Mailbox": Gone, "x-msgraph-save": Gone}),
        Case("exchange-headers", mail(
            LINE + "X-MS-Exchange-Organization-AuthAs: Internal\n"
            "X-OriginatorOrg: example.com\n")),
        Case("content-length", mail(LINE + "Content-Length: 7\n"),
             changed={"Content-Length": Gone}),
        Case("importance", mail(
            LINE + "X-Priority: 1 (Highest)\nX-MSMail-Priority: High\n"
            "Importance: High\nDisposition-Notification-To: r@example.com\n"
            "Return-Receipt-To: r@example.com\n")),
    ]


def cases() -> list[Case]:
    return system() + monitoring() + backup() + web() + business()
