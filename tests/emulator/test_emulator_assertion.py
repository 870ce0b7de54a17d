"""How the emulator judges assertions: a row is a change, and what Entra calls
the fault."""

from __future__ import annotations

import time

import pytest

from emulator.graph_client import CLIENT, TENANT, Client
from harness.credentials import AUDIENCE, Certificate, Issuer

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SUBJECT = "system:serviceaccount:mail:relay"


@pytest.fixture(scope="module")
def certificate():
    return Certificate()


@pytest.fixture(scope="module")
def issuer():
    return Issuer()


@pytest.fixture
def app(m365, certificate, issuer):
    m365.app(TENANT, CLIENT, "s", certificates=[certificate.public],
             federated=[issuer.trust(SUBJECT)])
    return m365


def ask(m365, assertion, **changes):
    return Client(m365).ask_token(**{
        "client_secret": None, "client_assertion": assertion,
        "client_assertion_type": TYPE, **changes})


def url(m365):
    return f"{m365.url}/{TENANT}/oauth2/v2.0/token"


def test_right_ones(app, certificate, issuer):
    for text in (certificate.assertion(CLIENT, url(app)),
                 issuer.token(SUBJECT),
                 issuer.token(SUBJECT, aud=["x", AUDIENCE])):
        assert ask(app, text).status == 200


@pytest.mark.parametrize("header, claims, number", [
    ({"alg": "RS256"}, {}, 700027),
    ({"x5t#S256": "AAAA"}, {}, 700027),
    ({}, {"iss": "other"}, 700021),
    ({}, {"sub": None}, 700021),
    ({}, {"aud": "https://login.example/"}, 700023),
    ({}, {"jti": None}, 50027),
    ({}, {"nbf": None}, 50027),
    ({}, {"exp": time.time() + 6000}, 700024),
    ({}, {"nbf": time.time() - 1500, "exp": time.time() - 1000}, 700024),
    ({}, {"nbf": time.time() + 5000, "exp": time.time() + 5100}, 700024),
])
def test_wrong_assertion(app, certificate, header, claims, number):
    answer = ask(app, certificate.assertion(CLIENT, url(app), header,
                                            **claims))
    assert answer.status == 401
    assert answer.json["error"] == "invalid_client"
    assert answer.json["error_codes"] == [number]


def test_wrong_certificate(app, certificate):
    other = Certificate()
    text = certificate.assertion(CLIENT, url(app))
    for assertion in (other.assertion(CLIENT, url(app)),
                      other.assertion(CLIENT, url(app), {
                          "x5t#S256": certificate.thumbprint}),
                      text[:-8] + "AAAAAAAA"):
        assert ask(app, assertion).json["error_codes"] == [700027]
    ended = Certificate(days=-1)
    app.app(TENANT, CLIENT, certificates=[ended.public])
    assert ask(app, ended.assertion(
        CLIENT, url(app))).json["error_codes"] == [700027]


@pytest.mark.parametrize("claims, number", [
    ({"iss": "https://other.example/"}, 700211),
    ({"sub": "system:serviceaccount:mail:other"}, 700213),
    ({"aud": "other"}, 700212),
    ({"exp": time.time() - 1000}, 700024),
])
def test_wrong_federated(app, issuer, claims, number):
    answer = ask(app, issuer.token(**{"subject": SUBJECT, **claims}))
    assert answer.json["error_codes"] == [number]


def test_wrong_forms(app, issuer):
    assert ask(app, Issuer().token(SUBJECT)).json["error_codes"] == [50013]
    assert ask(app, "a.b.c").json["error_codes"] == [50027]
    good = issuer.token(SUBJECT)
    assert ask(app, good, client_assertion_type=None).json[
        "error_codes"] == [900144]
    assert ask(app, good, client_secret="s").json["error_codes"] == [9002313]
