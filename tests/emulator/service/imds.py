"""What gives tokens to the machine itself: Azure's IMDS, and Azure Arc's agent.

GET /metadata/identity/oauth2/token, over HTTP without TLS. Both stand on one
port here, and api-version tells which is asked. Answers are those of
Microsoft's pages "How to use managed identities for Azure resources on an Azure
VM to acquire an access token" and "Authenticate against Azure resources with
Azure Arc-enabled servers", and numbers are texts, as there.
"""

from __future__ import annotations

import secrets
import shutil
import time
import uuid
from pathlib import Path
from urllib.parse import parse_qsl

from . import entra
from .identities import Identities
from .store import App
from .wire import Request, Response, json_response
from .world import World

PATH = "/metadata/identity/oauth2/token"
VERSIONS = {"2018-02-01": "imds", "2019-11-01": "arc"}
LIFETIME = 86399


def identify(request: Request) -> bool:
    """Learns from the head whether this is such a request, and of whom."""
    if request.path != PATH:
        return False
    request.endpoint = "imds"
    request.client = dict(parse_qsl(request.query)).get("client_id")
    return True


def answer(world: World, request: Request) -> Response:
    """A token, a challenge, or the reason why not."""
    query = parse_qsl(request.query, keep_blank_values=True)
    values = dict(query)
    service = VERSIONS.get(values.get("api-version", ""))
    refusal = _refuse_request(world, request, service,
                              [name for name, _ in query], values)
    if refusal:
        return refusal
    if service == "arc":
        challenge = _challenge(world, request)
        if challenge:
            return challenge
        name = world.identities.arc
    else:
        name = _assigned(world.identities, values.get("client_id"))
        if name == "several":
            return _error(400, "invalid_request",
                          "Multiple user assigned identities exist, please "
                          "specify the clientId / resourceId of the identity "
                          "in the token request")
    app = world.store.app(*name.split("/")) if name else None
    if app is None:
        return _error(400, "invalid_request", "Identity not found")
    return _token(world, app, values["resource"])


def _assigned(identities: Identities, client: str | None) -> str | None:
    if client:
        return next((name for name in identities.user
                     if name.endswith("/" + client)), None)
    if identities.system or not identities.user:
        return identities.system
    return identities.user[0] if len(identities.user) == 1 else "several"


def _token(world: World, app: App, resource: str) -> Response:
    now = int(time.time())
    return json_response(200, {
        "access_token": world.store.issue(app, resource),
        "client_id": app.client,
        "expires_in": str(LIFETIME), "ext_expires_in": str(LIFETIME),
        "expires_on": str(now + LIFETIME), "not_before": str(now - 300),
        "resource": resource, "token_type": "Bearer"})


def _refuse_request(world: World, request: Request, service: str | None,
                    names: list[str],
                    values: dict[str, str]) -> Response | None:
    if request.method != "GET":
        return _error(405, "method_not_allowed", "only GET")
    if request.get("metadata") != "true":
        return _error(400, "bad_request_102",
                      "Required metadata header not specified")
    if request.get("x-forwarded-for"):
        return _error(400, "bad_request", "The request came by a proxy")
    if service is None or not values.get("resource") \
            or len(names) != len(set(names)):
        return _error(400, "invalid_request", "The request is missing a "
                      "required parameter, or has one more than once")
    if values["resource"] not in entra.resources(world):
        return _error(400, "invalid_resource", "AADSTS500011: The resource "
                      f"principal named {values['resource']} was not found")
    return None


def _challenge(world: World, request: Request) -> Response | None:
    """Arc's agent believes who has read a file that it has just written."""
    identities = world.identities
    scheme, _, key = request.get("authorization").partition(" ")
    path = identities.keys.pop(key, None) if scheme == "Basic" else None
    if path:
        path.unlink()
        return None
    folder = Path(identities.arc_folder)
    path = folder / f"{uuid.uuid4()}.key"
    key = secrets.token_hex(32) if identities.arc_key is None \
        else identities.arc_key
    path.write_text(key)
    path.chmod(0o400)
    shutil.chown(path, identities.arc_owner)
    identities.keys[key] = path
    response = _error(401, "unauthorized", "Unauthorized")
    realm = identities.arc_realm or "{file}"
    response.add("Www-Authenticate", "Basic realm=" + realm.format(
        file=path, name=path.name, folder=folder))
    return response


def _error(status: int, error: str, text: str) -> Response:
    return json_response(status, {"error": error, "error_description": text})
