"""Azure Table storage: reads of one entity and of a table's entities.

GET /TABLE(PartitionKey='..',RowKey='..') and GET /TABLE()?$filter=.., as
Microsoft's "Query Entities" has them, with the error codes of "Table Storage
error codes" and "Common REST API error codes". Whoever asks needs a token for
AUDIENCE of an application that has a role for table data.
"""

from __future__ import annotations

import base64
import re
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from .odata import Malformed, filter_of, keys_of
from .wire import Request, Response, json_response
from .world import World

AUDIENCE = "https://storage.azure.com"
ENDPOINTS = ("entity", "entities")
ROLES = {"Storage Table Data Reader", "Storage Table Data Contributor"}
SKEW_SECONDS = 15 * 60
VERSION_MIN = "2017-11-09"  # the first that takes a bearer token

_PATH = re.compile(r"/([A-Za-z][A-Za-z0-9]{2,62})\((.*)\)\Z", re.DOTALL)
_ACCEPT = re.compile(r"application/json(;odata=(no|minimal|full)metadata)?\Z")
_OPTIONS = {"$filter", "$select", "$top", "NextPartitionKey", "NextRowKey"}

# code: status, text
ERRORS = {
    "NoAuthenticationInformation": (401, "Server failed to authenticate the "
                                    "request. Please refer to the information "
                                    "in the www-authenticate header."),
    "InvalidAuthenticationInfo": (401, "Server failed to authenticate the "
                                  "request. Please refer to the information "
                                  "in the www-authenticate header."),
    "AuthenticationFailed": (403, "Server failed to authenticate the request. "
                             "Make sure the value of the Authorization header "
                             "is formed correctly including the signature."),
    "AuthorizationPermissionMismatch": (403, "This request is not authorized "
                                        "to perform this operation using this "
                                        "permission."),
    "AuthorizationFailure": (403, "This request is not authorized to perform "
                             "this operation."),
    "AccountIsDisabled": (403, "The specified account is disabled."),
    "ResourceNotFound": (404, "The specified resource does not exist."),
    "EntityNotFound": (404, "The specified entity does not exist."),
    "TableNotFound": (404, "The table specified does not exist."),
    "UnsupportedHttpVerb": (405, "The resource doesn't support specified Http "
                            "Verb."),
    "AtomFormatNotSupported": (415, "Atom format is not supported."),
    "InvalidInput": (400, "One of the request inputs is not valid."),
    "OutOfRangeInput": (400, "One of the request inputs is out of range."),
    "InternalError": (500, "The server encountered an internal error. Please "
                      "retry the request."),
    "OperationTimedOut": (500, "The operation could not be completed within "
                          "the permitted time."),
    "ServerBusy": (503, "The server is currently unable to receive requests. "
                   "Please retry your request."),
}


def error(request: Request, code: str, *headers: tuple[str, str]) -> Response:
    """A refusal as the service words it."""
    status, text = ERRORS[code]
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z", time.gmtime())
    response = json_response(status, {"odata.error": {
        "code": code, "message": {
            "lang": "en-US",
            "value": f"{text}\nRequestId:{request.request_id}\nTime:{stamp}",
        }}})
    response.add("x-ms-error-code", code)
    response.headers.extend(headers)
    return response


def identify(world: World, request: Request) -> bool:
    """Learns from the head whether this is a read of a table, and whose."""
    match = _PATH.match(unquote(request.path))
    if not match:
        return False
    request.endpoint = "entity" if match[2] else "entities"
    request.names["table"] = match[1].lower()
    request.names["keys"] = match[2]
    words = request.all("authorization")
    if len(words) == 1 and words[0].startswith("Bearer "):
        request.token = world.store.token(words[0][7:])
    if request.token:
        request.tenant = request.token.tenant
        request.client = request.token.client
    return True


def decorate(request: Request, response: Response) -> None:
    """Headers that every answer of the service has."""
    response.add("x-ms-request-id", request.request_id)
    response.add("x-ms-version", request.get("x-ms-version"))
    response.add("Cache-Control", "no-cache")


def answer(world: World, request: Request) -> Response:
    """The entity or entities, or the reason why not."""
    if request.method != "GET":
        return error(request, "UnsupportedHttpVerb")
    response = _refuse_token(world, request) or _refuse_head(request)
    if response:
        return response
    entities = world.store.table(request.names["table"])
    try:
        if request.endpoint == "entities":
            return _list(world, request, entities)
        partition, row = keys_of(request.names["keys"])
    except (Malformed, IndexError):
        return error(request, "InvalidInput")
    except ValueError:
        return error(request, "OutOfRangeInput")
    if entities is None:
        return error(request, "TableNotFound")
    entity = entities.get((partition, row))
    if entity is None:
        return error(request, "ResourceNotFound")
    return json_response(200, entity)


# --- who may

def _challenge(world: World, tenant: str) -> tuple[str, str]:
    return ("WWW-Authenticate", "Bearer authorization_uri="
            f"{world.site.url}/{tenant}/oauth2/authorize resource_id="
            f"{AUDIENCE}")


def _refuse_token(world: World, request: Request) -> Response | None:
    challenge = _challenge(world, request.tenant or "common")
    if not request.all("authorization"):
        return error(request, "NoAuthenticationInformation", challenge)
    token = request.token
    if (token is None or token.expires <= time.time()
            or token.audience != AUDIENCE):
        return error(request, "InvalidAuthenticationInfo", challenge)
    app = world.store.app(request.tenant, request.client)
    if app is None or not ROLES & set(app.roles):
        return error(request, "AuthorizationPermissionMismatch")
    return None


def _refuse_head(request: Request) -> Response | None:
    stamps = request.all("x-ms-date") or request.all("date")
    versions = request.all("x-ms-version")
    if (len(versions) != 1 or versions[0] < VERSION_MIN or len(stamps) != 1
            or not _is_recent(stamps[0])):
        return error(request, "AuthenticationFailed")
    if not _ACCEPT.match(request.get("accept")):
        return error(request, "AtomFormatNotSupported")
    return None


def _is_recent(stamp: str) -> bool:
    try:
        then = parsedate_to_datetime(stamp).timestamp()
    except (TypeError, ValueError):
        return False
    return stamp.endswith(" GMT") and abs(time.time() - then) < SKEW_SECONDS


# --- several entities

def _list(world: World, request: Request, entities: dict | None) -> Response:
    """One page: it ends after so many entities were looked at, whether the
    filter takes them or not."""
    options = dict(parse_qsl(request.query, keep_blank_values=True,
                             strict_parsing=bool(request.query)))
    if set(options) - _OPTIONS:
        raise Malformed("an unknown option")
    takes = filter_of(options.get("$filter", ""))
    if entities is None:
        return error(request, "TableNotFound")
    start = (_key_of(options.get("NextPartitionKey", "")),
             _key_of(options.get("NextRowKey", "")))
    rest = sorted(keys for keys in entities if keys >= start)
    most = int(options.get("$top", "1000"))
    found: list[dict[str, Any]] = []
    looked = 0
    for keys in rest:
        if looked == world.store.limits.page or len(found) == most:
            break
        looked += 1
        if takes(entities[keys]):
            found.append(_select(entities[keys], options.get("$select")))
    response = json_response(200, {"value": found})
    if looked < len(rest):
        for name, key in zip(("NextPartitionKey", "NextRowKey"),
                             rest[looked]):
            response.add(f"x-ms-continuation-{name}", _token_of(key))
    return response


def _token_of(key: str) -> str:
    """Where a page begins. A client must give it back as it is, escaped."""
    text = base64.b64encode(key.encode()).decode()
    return f"1!{len(text)}!{text}"


def _key_of(token: str) -> str:
    if not token:
        return ""
    text = token.split("!", 2)[2]
    if token != f"1!{len(text)}!{text}":
        raise Malformed(token)
    return base64.b64decode(text, validate=True).decode()


def _select(entity: dict[str, Any], names: str | None) -> dict[str, Any]:
    if not names:
        return entity
    return {name: entity.get(name) for name in names.split(",")}
