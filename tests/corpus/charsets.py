"""The charset zoo: bodies and headers in what the world writes."""

from __future__ import annotations

from .case import (SENDER, Case, Text, b64, mail, multi, part, text,
                   whole)

LINE = "To: a@example.org\n"

SAMPLES = {
    # charset: a text that it can say
    "utf-8": "Grüße – 你好, мир, ✓",
    "iso-8859-1": "Größe: 5 µm, façade",
    "iso-8859-2": "Zażółć gęślą jaźń",
    "iso-8859-5": "Привет",
    "iso-8859-7": "Καλημέρα",
    "iso-8859-9": "İstanbul ışığı",
    "iso-8859-15": "5 € für Žofie",
    "windows-1250": "Příliš žluťoučký",
    "windows-1251": "Съешь ещё",
    "windows-1252": "„Größe“ – 5 €",
    "windows-1253": "Ελλάδα",
    "windows-1257": "Šiauliai",
    "koi8-r": "Проверка связи",
    "koi8-u": "Київ, їжак",
    "gb18030": "中文测试",
    "gbk": "简体中文",
    "big5": "繁體中文",
    "shift_jis": "日本語のテスト",
    "euc-jp": "日本語",
    "euc-kr": "한국어 시험",
    "tis-620": "ทดสอบ",
    "ibm437": "Größe",
    "macintosh": "Größe – 5",
}


def each() -> list[Case]:
    """Declared 8bit in each charset, body and raw Subject."""
    out = []
    for charset, sample in SAMPLES.items():
        out.append(Case(f"charset-{charset}", mail(
            LINE + f"Subject: {sample}\nMIME-Version: 1.0\n"
            f"Content-Type: text/plain; charset={charset}\n"
            "Content-Transfer-Encoding: 8bit\n", f"{sample}\n{sample}\n",
            python_name(charset)), recode="0",
            changed={"Subject": Text(sample)}))
    return out


def python_name(charset: str) -> str:
    return {"macintosh": "mac-roman"}.get(charset, charset)


def plain(charset: str, body: bytes | str, encoding: str = "") -> bytes:
    head = (LINE + "MIME-Version: 1.0\n"
            f"Content-Type: text/plain; charset={charset}\n")
    if encoding:
        head += f"Content-Transfer-Encoding: {encoding}\n"
    return mail(head, body)


GREEK = "Καλημέρα κόσμε\n"


def declared() -> list[Case]:
    return [
        Case("charset-encoded-base64", plain(
            "koi8-r", b64("Связь\n".encode("koi8-r")) + b"\r\n", "base64")),
        Case("charset-encoded-qp", plain(
            "iso-8859-7", "=CA=E1=EB\n", "quoted-printable")),
        Case("charset-utf7", plain("utf-7", "Gr+APwA3w-e\n")),
        Case("charset-iso-2022-jp", plain(
            "iso-2022-jp", "日本語\n".encode("iso-2022-jp"), "7bit")),
        Case("charset-hz", plain("hz-gb-2312", b"~{VPND~}\r\n", "7bit")),
        Case("charset-utf16-base64", plain(
            "utf-16", b64(GREEK.encode("utf-16")) + b"\r\n", "base64")),
        Case("charset-unknown", plain("x-unknown", "ä\n", "8bit"),
             recode="0"),
        Case("charset-of-cron", plain("ANSI_X3.4-1968", "ä\n", "8bit"),
             recode="0"),
        Case("charset-quoted", plain('"UTF-8"', "ä\n", "8bit"), recode="0"),
        Case("charset-ascii-is-a-lie", plain("us-ascii", "Größe\n", "7bit"),
             recode="0"),
        Case("charset-utf8-is-a-lie", plain(
            "utf-8", "Größe\n".encode("cp1252"), "8bit"), recode="0"),
        Case("charset-qp-with-8bit", plain(
            "utf-8", "Gr=C3=B6ße\n", "quoted-printable"), recode="0"),
        Case("charset-base64-with-8bit", plain(
            "utf-8", "R3LDtg==\n\xe4\n".encode("latin-1"), "base64"),
            recode="0"),
        Case("charset-7bit-with-8bit", plain("utf-8", GREEK, "7bit"),
             recode="0"),
        Case("charset-encoding-unknown", plain("utf-8", "ä\n", "x-none"),
             recode="0", left="eight_bit_body"),
        Case("charset-encoding-none-long", plain(
            "utf-8", "a long line " * 200 + "\n", "none"), recode="0"),
        Case("charset-qp-padded", plain(
            "utf-8", ("Größe " + "x" * 66 + " " * 9 + "\n") * 3,
            "quoted-printable"), recode="0"),
        Case("charset-bom", plain("utf-8", "\ufeffä\n", "8bit"), recode="0"),
    ]


def undeclared() -> list[Case]:
    return [
        Case("charset-undeclared-utf8", mail(LINE, GREEK), recode="0"),
        Case("charset-undeclared-cp1252", mail(
            LINE, "5 €, „Größe“\n", "cp1252"), recode="0"),
        Case("charset-undeclared-latin1-long", mail(
            LINE, "äöü " * 500 + "\n", "latin-1"), recode="0"),
        Case("charset-html-meta", mail(
            LINE + "Content-Type: text/html\n",
            '<meta charset="iso-8859-1">ä\n', "latin-1"), recode="0"),
        Case("charset-xml-leaf", whole(LINE, multi("mixed", text(
            '<?xml version="1.0" encoding="ISO-8859-1"?><a>ä</a>\n',
            "application/xml", charset="latin-1"))), recode="1"),
        Case("charset-two-in-one-mail", whole(LINE, multi(
            "mixed", text("Größe\n", "text/plain; charset=iso-8859-1",
                          "8bit", "latin-1"),
            text("Связь\n", "text/plain; charset=koi8-r", "8bit", "koi8-r"))),
            recode="1 2"),
        Case("charset-mostly-8bit", plain("koi8-r", (
            "Проверка связи, ещё раз\n" * 30).encode("koi8-r"), "8bit"),
            recode="0"),
        Case("charset-hardly-8bit", plain(
            "utf-8", "only ascii here\n" * 30 + "ä\n", "8bit"), recode="0"),
        Case("charset-trailing-blanks-8bit", plain(
            "utf-8", "ä \nö\t\n= \n.\n..\nFrom x\n", "8bit"), recode="0"),
        Case("charset-soft-breaks-8bit", plain(
            "utf-8", ("ä" * 100 + "=" * 100 + "\n") * 3, "8bit"), recode="0"),
    ]


def headers() -> list[Case]:
    return [
        Case("header-latin1-no-charset", mail(
            LINE + "Subject: Gr\xf6\xdfe\n", "ascii\n", "latin-1"),
            changed={"Subject": Text("Größe")}),
        Case("header-cp1252-euro", mail(
            LINE + "Subject: 5 € – „x“\n", "ascii\n", "cp1252"),
            changed={"Subject": Text("5 € – „x“")}),
        Case("header-utf8-long", mail(
            LINE + "Subject: " + "Größenänderung " * 40 + "\n"),
            changed={"Subject": Text("Größenänderung " * 39
                                     + "Größenänderung")}),
        Case("header-utf8-one-word", mail(
            LINE + "Subject: " + "語" * 300 + "\n"),
            changed={"Subject": Text("語" * 300)}),
        Case("header-8bit-folded", mail(
            LINE + "Subject: Größe\n der Datei\n\tund so\n"),
            changed={"Subject": Text("Größe der Datei und so")}),
        Case("header-8bit-beside-words", mail(
            LINE + "Subject: =?utf-8?Q?Gr=C3=B6=C3=9Fe?= der Datei ä\n"),
            changed={"Subject": Text("Größe der Datei ä")}),
        Case("header-8bit-charset-of-first-part", whole(
            LINE + "Subject: Связь\n", multi("mixed", text(
                "Связь\n", "text/plain; charset=koi8-r", "8bit", "koi8-r")),
            "koi8-r"), recode="1", changed={"Subject": Text("Связь")}),
        Case("header-8bit-charset-of-attached-message", whole(
            LINE + "Subject: Größe\n", multi(
                "mixed", text("Größe\n", "text/plain; charset=iso-8859-1",
                              "8bit", "latin-1"),
                part("Content-Type: message/rfc822\n", mail(
                    LINE + "Subject: Größe\n", "ä\n"))), "latin-1"),
            recode="1 2.1", changed={"Subject": Text("Größe")}),
        Case("header-8bit-charset-of-part", whole(LINE, multi(
            "mixed", text("Größe\n", "text/plain; charset=iso-8859-1", "8bit",
                          "latin-1"),
            text("ä\n", 'text/plain; charset=utf-8; name="Größe.txt"',
                 "8bit"))), recode="1 2", names={"2": "Größe.txt"}),
        Case("header-8bit-in-comment", mail(
            f"From: Scanner <{SENDER}> (Büro)\n" + LINE),
            changed={"From": Text(f"Scanner <{SENDER}> (Büro)")}),
        Case("header-8bit-message-id", mail(
            LINE + "Message-ID: <büro.1@example.com>\n"),
            changed={"Message-ID": Text("<xn--bro-hoa.1@example.com>")}),
    ]


def cases() -> list[Case]:
    return each() + declared() + undeclared() + headers()
