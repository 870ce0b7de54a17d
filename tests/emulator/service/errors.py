"""The error bodies of Entra and of Graph, in the shape both document.

Names, numbers and statuses are theirs; the sentences are short ones of ours,
but for the few that a client's log would be searched for.
"""

from __future__ import annotations

import time
import uuid

from .wire import Request, Response, json_response

# AADSTS number: status, error, text
ENTRA = {
    90002: (400, "invalid_request", "Tenant '{tenant}' not found."),
    900023: (400, "invalid_request",
             "Tenant identifier '{tenant}' is no id and no domain name."),
    700016: (400, "unauthorized_client",
             "Application '{client}' was not found in '{tenant}'."),
    7000112: (400, "unauthorized_client",
              "Application '{client}' is disabled."),
    7000215: (401, "invalid_client", "Invalid client secret provided. "
              "The value for app '{client}' is not one of its secrets."),
    7000222: (401, "invalid_client",
              "The client secret keys for app '{client}' are expired."),
    7000218: (401, "invalid_client", "The request body must contain "
              "'client_assertion' or 'client_secret'."),
    700027: (401, "invalid_client", "Client assertion contains an invalid "
             "signature. [Reason - {detail}.]"),
    700024: (401, "invalid_client", "Client assertion is not within its "
             "valid time range. [{detail}.]"),
    700021: (401, "invalid_client", "Client assertion application identifier "
             "doesn't match '{client}'. [{detail}.]"),
    700023: (401, "invalid_client", "Client assertion audience claim does not "
             "match: '{detail}'."),
    700211: (401, "invalid_client", "No matching federated identity record "
             "found for presented assertion issuer '{detail}'."),
    700212: (401, "invalid_client", "No matching federated identity record "
             "found for presented assertion audience '{detail}'."),
    700213: (401, "invalid_client", "No matching federated identity record "
             "found for presented assertion subject '{detail}'."),
    50013: (401, "invalid_client", "Assertion failed signature validation. "
            "[Reason - {detail}.]"),
    50027: (401, "invalid_client", "JWT token is invalid or malformed: "
            "{detail}."),
    900144: (400, "invalid_request",
             "The request body must contain '{detail}'."),
    9000411: (400, "invalid_request",
              "The parameter '{detail}' is duplicated."),
    9002313: (400, "invalid_request", "The request is malformed: {detail}."),
    70003: (400, "unsupported_grant_type",
            "The grant type '{detail}' is not supported."),
    1002012: (400, "invalid_scope", "The scope '{detail}' is not valid: "
              "it must be a resource with /.default after it."),
    500011: (400, "invalid_resource",
             "The resource '{detail}' was not found in '{tenant}'."),
    900561: (405, "invalid_request", "The endpoint takes POST only."),
}


def entra(number: int, request: Request, detail: str = "") -> Response:
    """Entra's refusal with that AADSTS number."""
    status, error, text = ENTRA[number]
    text = text.format(tenant=request.tenant, client=request.client,
                       detail=detail)
    stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    correlation = request.get("client-request-id") or str(uuid.uuid4())
    trace = request.request_id
    return json_response(status, {
        "error": error,
        "error_description": f"AADSTS{number}: {text}\r\nTrace ID: {trace}"
        f"\r\nCorrelation ID: {correlation}\r\nTimestamp: {stamp}",
        "error_codes": [number],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.example/error?code={number}",
    })


def graph(request: Request, status: int, code: str, message: str,
          *headers: tuple[str, str]) -> Response:
    """Graph's refusal. Its ids are those of the answer's headers."""
    response = json_response(status, {"error": {
        "code": code,
        "message": message,
        "innerError": {
            "date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
            "request-id": request.request_id,
            "client-request-id": request.get("client-request-id")
            or request.request_id,
        },
    }})
    response.headers.extend(headers)
    return response
