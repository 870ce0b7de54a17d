"""What an admin registers in Entra besides secrets: certificates, and issuers
of federated tokens. Made with cryptography and PyJWT."""

from __future__ import annotations

import base64
import datetime
import functools
import hashlib
import itertools
import time
import uuid
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, PublicFormat)

AUDIENCE = "api://AzureADTokenExchange"


_KEYS = 8
_numbers = itertools.cycle(range(_KEYS))


@functools.cache
def _key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _next_key() -> rsa.RSAPrivateKey:
    """A key takes long to make, so there are a few, taken in turn: of so many
    certificates and issuers that follow each other no two have the same."""
    return _key(next(_numbers))


def _pem_of_key(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8,
                             NoEncryption()).decode()


class Certificate:
    """A key and its certificate, which ends so many days from now."""

    def __init__(self, days: float = 365) -> None:
        self.key = _next_key()
        name = x509.Name([x509.NameAttribute(
            x509.oid.NameOID.COMMON_NAME, "relay")])
        now = datetime.datetime.utcnow()
        self.certificate = x509.CertificateBuilder(
            name, name, self.key.public_key(), x509.random_serial_number(),
            now - datetime.timedelta(days=400),
            now + datetime.timedelta(days=days)
        ).sign(self.key, hashes.SHA256())

    @property
    def public(self) -> str:
        """As it is registered in Entra."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def pem(self) -> str:
        """As certificate_file has it: the key, then the certificate."""
        return _pem_of_key(self.key) + self.public

    @property
    def thumbprint(self) -> str:
        der = self.certificate.public_bytes(Encoding.DER)
        return base64.urlsafe_b64encode(
            hashlib.sha256(der).digest()).decode().rstrip("=")

    def assertion(self, client: str, audience: str,
                  header: dict[str, Any] | None = None,
                  **claims: Any) -> str:
        """What msgraphd would sign, with changes; None leaves a claim out."""
        now = int(time.time())
        all_claims = {"iss": client, "sub": client, "aud": audience,
                      "jti": str(uuid.uuid4()), "nbf": now, "iat": now,
                      "exp": now + 300, **claims}
        headers = {"x5t#S256": self.thumbprint, **(header or {})}
        return jwt.encode(
            {k: v for k, v in all_claims.items() if v is not None}, self.key,
            algorithm=headers.pop("alg", "PS256"), headers=headers)


class Issuer:
    """Somebody whose tokens Entra trusts for an application."""

    def __init__(self, url: str = "https://issuer.example/") -> None:
        self.url = url
        self.key = _next_key()

    def trust(self, subject: str) -> dict[str, str]:
        """As it is registered in Entra."""
        public = self.key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return {"issuer": self.url, "subject": subject, "audience": AUDIENCE,
                "key": public}

    def token(self, subject: str, **claims: Any) -> str:
        now = int(time.time())
        return jwt.encode({"iss": self.url, "sub": subject, "aud": AUDIENCE,
                           "nbf": now, "iat": now, "exp": now + 3600,
                           **claims}, self.key, algorithm="RS256",
                          headers={"kid": "1"})
