"""Signed and encrypted mail: not a byte of what is signed may change, whatever
else a rule asks for."""

from __future__ import annotations

from .case import (PDF, SENDER, Case, Kept, Named, attached, b64, mail, multi,
                   noise, part, text, whole)

LINE = "To: a@example.org\nSubject: signed\n"
SMIME = ('; protocol="application/pkcs7-signature"; micalg=sha-256')
PGP = '; protocol="application/pgp-signature"; micalg=pgp-sha512'
LONG = "z" * 1500 + "\n"


def dkim(tags: str = "h=from:to:subject") -> str:
    return (f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple;\n"
            f"\td=example.com; s=s1; {tags};\n"
            f"\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\n"
            f"\tb=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZ\n"
            f"\t VoG4ZHRNiYzR\n")


def smime_signature() -> bytes:
    return attached("application/pkcs7-signature", "smime.p7s",
                    b"\x30\x80" + noise(800, 31))


def pgp_signature() -> bytes:
    armor = ("-----BEGIN PGP SIGNATURE-----\n\n"
             + b64(noise(200, 33), 64).decode().replace("\r", "")
             + "\n=abcd\n-----END PGP SIGNATURE-----\n")
    return part('Content-Type: application/pgp-signature; name="s.asc"\n'
                "Content-Description: OpenPGP digital signature\n", armor)


def signed(*parts: bytes, how: str = SMIME, boundary: str = "sig",
           **rest: bytes) -> bytes:
    return multi("signed", *parts, boundary=boundary, parameters=how, **rest)


def smime() -> list[Case]:
    body8 = text("Grüße, trailing \n-- \n", encoding="8bit")
    return [
        Case("smime-signed", whole(LINE, signed(
            text("Hello\n"), smime_signature(),
            pre=b"This is an S/MIME signed message\r\n", post=b"\r\n"))),
        Case("smime-signed-8bit", whole(LINE, signed(
            body8, smime_signature())), left="eight_bit_body"),
        Case("smime-signed-long-line", whole(LINE, signed(
            text(LONG, encoding="7bit"), smime_signature())),
            left="long_line"),
        Case("smime-signed-8bit-file-name", whole(LINE, signed(
            multi("mixed", text("x\n"), attached(
                "application/pdf", "Übersicht.pdf", PDF), boundary="in"),
            smime_signature())), left="eight_bit_body"),
        Case("smime-signed-trimmed", whole(
            "To: a@example.org, b@example.org\n",
            signed(body8, smime_signature())),
            changed={"To": Kept("a@example.org")}, left="eight_bit_body"),
        Case("smime-opaque", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; "
            'smime-type=signed-data; name="smime.p7m"\n'
            "Content-Disposition: attachment; filename=smime.p7m\n"
            "Content-Transfer-Encoding: base64\n", b64(noise(900)) + b"\r\n")),
        Case("smime-enveloped-long-lines", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: "
            "application/x-pkcs7-mime; smime-type=enveloped-data\n"
            "Content-Transfer-Encoding: base64\n",
            b64(noise(3000), 4000) + b"\r\n"), left="long_line"),
        Case("smime-enveloped-binary", mail(
            LINE + "MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; "
            "smime-type=enveloped-data\nContent-Transfer-Encoding: 8bit\n",
            noise(400).translate(None, b"\0\r\n") + b"\r\n"),
            left="eight_bit_body"),
        Case("smime-triple", whole(LINE, signed(
            part("Content-Type: application/pkcs7-mime; "
                 "smime-type=enveloped-data\n"
                 "Content-Transfer-Encoding: base64\n", b64(noise(300))),
            smime_signature()))),
        Case("smime-in-list-mail", whole(LINE, multi(
            "mixed", signed(body8, smime_signature()),
            text("Fußzeile der Liste\n", encoding="8bit"))), recode="2",
            left="eight_bit_body"),
        Case("smime-unterminated", whole(LINE, signed(
            body8, smime_signature()))[:-len(b"\r\n--sig--\r\n")] + b"\r\n",
            left="eight_bit_body"),
    ]


def pgp() -> list[Case]:
    encrypted = multi(
        "encrypted", part("Content-Type: application/pgp-encrypted\n",
                          "Version: 1\n"),
        part('Content-Type: application/octet-stream; name="encrypted.asc"\n',
             "-----BEGIN PGP MESSAGE-----\n\nhQEMA+/=\n=aBcD\n"
             "-----END PGP MESSAGE-----\n"),
        parameters='; protocol="application/pgp-encrypted"')
    return [
        Case("pgp-signed", whole(LINE, signed(
            text("Hello \n", encoding="quoted-printable"), pgp_signature(),
            how=PGP))),
        Case("pgp-signed-8bit-nested", whole(LINE, signed(
            multi("mixed", text("Grüße\n", encoding="8bit"),
                  attached("application/pdf", "a.pdf", PDF), boundary="m"),
            pgp_signature(), how=PGP)), left="eight_bit_body"),
        Case("pgp-encrypted", whole(LINE, encrypted)),
        Case("pgp-encrypted-8bit", whole(LINE, encrypted.replace(
            b"Version: 1", b"Version: 1 (\xc3\xa4)")), left="eight_bit_body"),
        Case("pgp-inline", mail(
            LINE, "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
            "- -- dash\ntrailing \n-----BEGIN PGP SIGNATURE-----\n\niQ=\n"
            "-----END PGP SIGNATURE-----\n")),
        Case("pgp-autocrypt", mail(
            LINE + f"Autocrypt: addr={SENDER}; prefer-encrypt=mutual; "
            "keydata=\n " + "\n ".join(
                b64(noise(500, 3), 70).decode().split("\r\n")) + "\n")),
        Case("pgp-protected-headers", whole(LINE, signed(
            text("x\n", 'text/plain; charset=utf-8; protected-headers="v1"'),
            pgp_signature(), how=PGP, boundary="with 'odd' (marks)"))),
        Case("pgp-signed-in-forwarded", whole(LINE, multi(
            "mixed", text("s.u. – äh\n", encoding="8bit"),
            part("Content-Type: message/rfc822\n", whole(
                "To: a@example.org\n", signed(
                    text("ä\n", encoding="8bit"), pgp_signature(), how=PGP,
                    boundary="inner"))))), recode="1",
            left="eight_bit_body"),
        Case("pgp-signed-type-in-upper-case", whole(LINE, signed(
            text("ä\n", encoding="8bit"), pgp_signature(), how=PGP)).replace(
                b"multipart/signed", b"Multipart/SIGNED"),
            left="eight_bit_body"),
        Case("pgp-signed-type-folded", whole(LINE, signed(
            text("ä\n", encoding="8bit"), pgp_signature(), how=PGP)).replace(
                b"multipart/signed; ", b"(pgp) multipart/signed;\r\n\t"),
            left="eight_bit_body"),
    ]


def dkim_signed() -> list[Case]:
    return [
        Case("dkim-plain", mail(dkim() + LINE)),
        Case("dkim-8bit-body", mail(
            dkim() + LINE + "MIME-Version: 1.0\nContent-Type: text/plain; "
            "charset=utf-8\nContent-Transfer-Encoding: 8bit\n", "Grüße\n"),
            left="eight_bit_body"),
        Case("dkim-long-line", mail(dkim() + LINE, LONG), left="long_line"),
        Case("dkim-8bit-part", whole(dkim() + LINE, multi(
            "mixed", text("ä\n", encoding="8bit"))), left="eight_bit_body"),
        # whom Exchange mails comes before what is signed
        Case("dkim-trimmed", mail(
            dkim() + "To: a@example.org, b@example.org\n"),
            changed={"To": Kept("a@example.org")}),
        Case("dkim-two-and-arc", mail(
            dkim() + dkim("h=from").replace("example.com", "example.net")
            + "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=example.net; b=AA==\n"
            "ARC-Authentication-Results: i=1; mx.example.net; dkim=pass\n"
            "Authentication-Results: mx.example.net; dkim=pass\n" + LINE)),
        Case("dkim-name-in-odd-case", mail(
            dkim().replace("DKIM-Signature", "dkim-SIGNATURE") + LINE,
            "ä\n"), left="eight_bit_body"),
        Case("dkim-only-in-forwarded", whole(LINE, multi(
            "mixed", part("Content-Type: message/rfc822\n", mail(
                dkim() + "To: x@example.org\n", "plain\n")),
            text("ü\n", encoding="8bit"))), recode="2"),
        Case("domainkey-is-none", mail(
            "DomainKey-Signature: a=rsa-sha1; d=example.com; b=AA==\n" + LINE,
            "ä\n"), recode="0"),
        Case("dkim-from-name-with-address", mail(
            f'From: "me@x" <{SENDER}>\n' + dkim() + LINE),
            changed={"From": Named(("", SENDER))}),
    ]


def cases() -> list[Case]:
    return smime() + pgp() + dkim_signed()
