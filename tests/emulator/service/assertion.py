"""How Entra judges a client assertion (RFC 7523): a JSON Web Token that is
signed with the key of a certificate of the application, or by an issuer that
the application trusts.

PyJWT and cryptography read and verify, so nothing of msgraphd's own judges
what msgraphd made. They are imported when the first assertion comes, since the
demo does without them.
"""

from __future__ import annotations

import base64
import calendar
import hashlib
import time
from typing import Any

from .store import App

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SKEW = 300  # seconds that a clock may be off
LIFE_MAX = 600  # stricter than Entra, and what Microsoft's page says


class Refused(Exception):
    """The assertion is refused; number is what Entra would call it."""

    def __init__(self, number: int, detail: str):
        super().__init__(detail)
        self.number = number
        self.detail = detail


def judge(app: App, text: str, audience: str) -> None:
    """Returns when the assertion is right, else raises Refused."""
    import jwt
    try:
        header = jwt.get_unverified_header(text)
        claims = jwt.decode(text, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise Refused(50027, str(error)) from None
    if "x5t#S256" in header:
        _certificate(app, text, header, claims, audience)
    else:
        _federated(app, text, claims)
    _time(claims)


def _certificate(app: App, text: str, header: dict[str, Any],
                 claims: dict[str, Any], audience: str) -> None:
    from cryptography import x509
    if header.get("alg") != "PS256" or header.get("typ") != "JWT":
        raise Refused(700027, f"header {header}")
    for pem in app.certificates:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        if _thumbprint(certificate) == header["x5t#S256"]:
            break
    else:
        raise Refused(700027, "the key was not found")
    _verify(700027, text, certificate.public_key(), "PS256")
    ends = calendar.timegm(certificate.not_valid_after.utctimetuple())
    if ends < time.time():
        raise Refused(700027, "the certificate has ended")
    if claims.get("iss") != app.client or claims.get("sub") != app.client:
        raise Refused(700021, "iss or sub")
    if claims.get("aud") != audience:
        raise Refused(700023, str(claims.get("aud")))
    for name in ("jti", "nbf", "iat", "exp"):
        if name not in claims:
            raise Refused(50027, f"no {name}")
    if claims["exp"] - claims["nbf"] > LIFE_MAX:
        raise Refused(700024, "too long")


def _federated(app: App, text: str, claims: dict[str, Any]) -> None:
    from cryptography.hazmat.primitives.serialization import (
        load_pem_public_key)
    found = [f for f in app.federated if f["issuer"] == claims.get("iss")]
    if not found:
        raise Refused(700211, str(claims.get("iss")))
    found = [f for f in found if f["subject"] == claims.get("sub")]
    if not found:
        raise Refused(700213, str(claims.get("sub")))
    audience = claims.get("aud")
    if found[0]["audience"] not in (audience, *(
            audience if isinstance(audience, list) else [])):
        raise Refused(700212, str(audience))
    _verify(50013, text, load_pem_public_key(found[0]["key"].encode()),
            "RS256")


def _thumbprint(certificate: Any) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _verify(number: int, text: str, key: Any, algorithm: str) -> None:
    import jwt
    try:
        jwt.decode(text, key, algorithms=[algorithm], options={
            "verify_exp": False, "verify_nbf": False, "verify_iat": False,
            "verify_aud": False})
    except jwt.InvalidTokenError as error:
        raise Refused(number, str(error)) from None


def _time(claims: dict[str, Any]) -> None:
    now = time.time()
    if not claims.get("nbf", 0) - SKEW <= now < claims.get("exp", 0) + SKEW:
        raise Refused(700024, f"now {int(now)}")
