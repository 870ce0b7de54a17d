"""Managed identities, as Microsoft's pages describe IMDS and Azure Arc's agent:
a row is a request, and the status and error that it gets."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from emulator.graph_client import CLIENT, TENANT

OTHER = "66666666-7777-8888-9999-aaaaaaaaaaaa"
PATH = "/metadata/identity/oauth2/token"


def ask(m365, headers=None, **changes):
    """The status, the body, and the challenge."""
    values = {"api-version": "2018-02-01", "resource": m365.url, **changes}
    place = urlsplit(m365.imds)
    conn = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
    conn.request("GET", PATH + "?" + urlencode(
        {k: v for k, v in values.items() if v is not None}),
        headers={"Metadata": "true"} if headers is None else headers)
    response = conn.getresponse()
    body = json.loads(response.read())
    conn.close()
    return response.status, body, response.getheader("Www-Authenticate")


def test_token(m365):
    m365.identities(system=f"{TENANT}/{CLIENT}")
    status, body, _ = ask(m365)
    assert status == 200
    assert body["client_id"] == CLIENT and body["expires_in"] == "86399"
    assert all(isinstance(value, str) for value in body.values())
    (request,) = m365.requests("imds")
    assert request.status == 200


@pytest.mark.parametrize("system, user, client, status", [
    (True, [], None, 200),
    (False, [], None, 400),
    (False, [CLIENT], None, 200),
    (False, [CLIENT, OTHER], None, 400),
    (False, [CLIENT, OTHER], CLIENT, 200),
    (True, [], CLIENT, 400),
])
def test_which(m365, system, user, client, status):
    m365.identities(system=f"{TENANT}/{CLIENT}" if system else None,
                    user=[f"{TENANT}/{name}" for name in user])
    assert ask(m365, client_id=client)[0] == status


@pytest.mark.parametrize("headers, changes, error", [
    ({}, {}, "bad_request_102"),
    ({"Metadata": "True"}, {}, "bad_request_102"),
    ({"Metadata": "true", "X-Forwarded-For": "192.0.2.1"}, {}, "bad_request"),
    (None, {"resource": None}, "invalid_request"),
    (None, {"api-version": None}, "invalid_request"),
    (None, {"resource": "https://other.example"}, "invalid_resource"),
])
def test_refused(m365, headers, changes, error):
    m365.identities(system=f"{TENANT}/{CLIENT}")
    status, body, _ = ask(m365, headers, **changes)
    assert (status, body["error"]) == (400, error)


def test_arc(m365, tmp_path):
    m365.identities(arc=f"{TENANT}/{CLIENT}", arc_folder=str(tmp_path),
                    arc_owner="root")
    arc = {"api-version": "2019-11-01"}
    status, _, challenge = ask(m365, **arc)
    assert status == 401 and challenge.startswith(f"Basic realm={tmp_path}/")
    key = Path(challenge.removeprefix("Basic realm=")).read_text()
    shown = {"Metadata": "true", "Authorization": f"Basic {key}"}
    assert ask(m365, shown, **arc)[0] == 200
    # it serves once
    assert ask(m365, shown, **arc)[0] == 401
    m365.reset()
    assert list(tmp_path.iterdir()) == []


def test_rule(m365):
    m365.rules({"endpoint": "imds", "status": 410, "body": "gone"})
    m365.identities(system=f"{TENANT}/{CLIENT}")
    place = urlsplit(m365.imds)
    conn = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
    conn.request("GET", PATH)
    assert conn.getresponse().status == 410
    conn.close()
    assert ask(m365)[0] == 200
