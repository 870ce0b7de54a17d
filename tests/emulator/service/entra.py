"""Entra's token endpoint: client credentials with a secret or an assertion.

POST /{tenant}/oauth2/v2.0/token. Refusals come in the order in which Entra
finds reasons: form, tenant, application, scope, secret.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

from . import assertion, errors, tables
from .store import App
from .wire import Request, Response, json_response
from .world import World

_PATH = re.compile(r"/([^/]+)/oauth2/v2\.0/token\Z")
_ESCAPED = re.compile(r"(?:[!-$'-<>-~]|%[0-9A-Fa-f]{2})*\Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}\Z")


class FormError(Exception):
    """The body is no form; number is what Entra would call it."""

    def __init__(self, number: int, detail: str):
        super().__init__(detail)
        self.number = number
        self.detail = detail


def identify(request: Request) -> bool:
    """Learns from the head whether this is a token request, and of whom."""
    match = _PATH.match(request.path)
    if not match:
        return False
    request.endpoint = "token"
    request.tenant = unquote(match[1]).lower()
    return True


def identify_body(request: Request) -> None:
    """Reads the form, for the application that asks."""
    try:
        request.form = parse_form(request.body)
        request.client = request.form.get("client_id", "").lower() or None
    except FormError as error:
        request.form = error


def parse_form(body: bytes) -> dict[str, str]:
    """A form as RFC 6749 wants it: escaped, no name twice."""
    form: dict[str, str] = {}
    text = body.decode("latin-1")
    for pair in text.split("&") if text else []:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise FormError(9002313, "a parameter without name or value")
        if not _ESCAPED.match(name) or not _ESCAPED.match(value):
            raise FormError(9002313, "a parameter is not URL-encoded")
        try:
            name = unquote_plus(name, errors="strict")
            value = unquote_plus(value, errors="strict")
        except UnicodeDecodeError:
            raise FormError(9002313, "a parameter is not UTF-8") from None
        if name in form:
            raise FormError(9000411, name)
        form[name] = value
    return form


def answer(world: World, request: Request) -> Response:
    """A token, or the reason why not."""
    response = _refuse_request(request)
    if response:
        return response
    app = world.store.app(request.tenant, request.client)
    response = _refuse_app(world, request, app)
    if response:
        return response
    assert app is not None
    response = _refuse_scope(world, request) or _refuse_proof(
        world, request, app)
    if response:
        return response
    audience = request.form["scope"].removesuffix("/.default")
    return json_response(200, {
        "token_type": "Bearer",
        "expires_in": app.expires_in,
        "ext_expires_in": app.expires_in,
        "access_token": world.store.issue(app, audience),
    })


def decorate(request: Request, response: Response) -> None:
    """Headers that every answer of Entra has."""
    response.add("x-ms-request-id", request.request_id)
    response.add("Cache-Control", "no-store, no-cache")
    response.add("Pragma", "no-cache")


def resources(world: World) -> list[str]:
    """What tokens are issued for."""
    return [*world.site.graph_bases, tables.AUDIENCE]


def _refuse_request(request: Request) -> Response | None:
    if request.method != "POST":
        response = errors.entra(900561, request)
        response.add("Allow", "POST")
        return response
    if request.media_type != "application/x-www-form-urlencoded":
        return errors.entra(9002313, request, "the body is no form")
    if isinstance(request.form, FormError):
        return errors.entra(request.form.number, request, request.form.detail)
    for name in ("client_id", "grant_type", "scope"):
        if not request.form.get(name):
            return errors.entra(900144, request, name)
    if request.form["grant_type"] != "client_credentials":
        return errors.entra(70003, request, request.form["grant_type"])
    return None


def _refuse_app(world: World, request: Request,
                app: App | None) -> Response | None:
    tenant = request.tenant or ""
    if not _UUID.match(tenant) and not _DOMAIN.match(tenant):
        return errors.entra(900023, request)
    if not world.store.has_tenant(tenant):
        return errors.entra(90002, request)
    if app is None:
        return errors.entra(700016, request)
    if app.disabled:
        return errors.entra(7000112, request)
    return None


def _refuse_scope(world: World, request: Request) -> Response | None:
    scope = request.form["scope"]
    if not scope.endswith("/.default"):
        return errors.entra(1002012, request, scope)
    if scope.removesuffix("/.default") not in resources(world):
        return errors.entra(500011, request, scope)
    return None


def _refuse_proof(world: World, request: Request,
                  app: App) -> Response | None:
    if "client_assertion" not in request.form:
        return _refuse_secret(request, app)
    if request.form.get("client_assertion_type") != assertion.TYPE:
        return errors.entra(900144, request, "client_assertion_type")
    if "client_secret" in request.form:
        return errors.entra(9002313, request, "a secret and an assertion")
    try:
        assertion.judge(app, request.form["client_assertion"],
                        world.site.url + request.path)
    except assertion.Refused as error:
        return errors.entra(error.number, request, error.detail)
    return None


def _refuse_secret(request: Request, app: App) -> Response | None:
    secret = request.form.get("client_secret", "")
    if not secret:
        return errors.entra(7000218, request)
    if secret in app.expired_secrets:
        return errors.entra(7000222, request)
    if secret not in app.secrets:
        return errors.entra(7000215, request)
    return None
