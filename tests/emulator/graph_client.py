"""An HTTPS client for the emulator's own tests, and what they send."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
from typing import Any
from urllib.parse import urlencode, urlsplit

from emulator.client import Emulator

TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
SECRET = "s&c+r%t ~é"
SEND = "/v1.0/users/a%40x.example/sendMail"
MAIL = (b"From: a@x.example\r\nTo: b@y.example\r\nMessage-ID: <1@x>\r\n\r\n"
        b"Hello\r\n")


class Answer:
    """A response, read whole."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Graph's error code."""
        return self.json["error"]["code"]


class Client:
    """One keep-alive connection to a port of the emulator."""

    def __init__(self, m365: Emulator, url: str = "") -> None:
        self.m365 = m365
        self.place = urlsplit(url or m365.url)
        self.tls = ssl.create_default_context(cafile=m365.ca_file)
        self.http = http.client.HTTPSConnection(
            "localhost", self.place.port, context=self.tls, timeout=10)
        self.token = ""

    def ask(self, method: str, path: str, body: bytes | None = None,
            **headers: str) -> Answer:
        """One request; header names have _ for -."""
        named = {name.replace("_", "-"): value
                 for name, value in headers.items()}
        self.http.request(method, path, body, named)
        return Answer(self.http.getresponse())

    def ask_token(self, tenant: str = TENANT, **changes: str | None) -> Answer:
        """A token request; a change to None leaves a parameter out."""
        form = {"client_id": CLIENT, "client_secret": SECRET,
                "scope": self.m365.url + "/.default",
                "grant_type": "client_credentials", **changes}
        body = urlencode({k: v for k, v in form.items() if v is not None})
        return self.ask("POST", f"/{tenant}/oauth2/v2.0/token", body.encode(),
                        Content_Type="application/x-www-form-urlencoded")

    def sign_in(self, **changes: str) -> Client:
        self.token = self.ask_token(**changes).json["access_token"]
        return self

    def graph(self, method: str, path: str, body: bytes | None = None,
              kind: str = "text/plain", **headers: str) -> Answer:
        if body is not None:
            headers["Content_Type"] = kind
        return self.ask(method, path, body,
                        Authorization=f"Bearer {self.token}", **headers)

    def post_json(self, path: str, value: Any) -> Answer:
        return self.graph("POST", path, json.dumps(value).encode(),
                          "application/json")

    def send(self, mail: bytes = MAIL, path: str = SEND,
             **headers: str) -> Answer:
        return self.graph("POST", path, base64.b64encode(mail), **headers)

    def raw(self, data: bytes) -> ssl.SSLSocket:
        """A new connection on which these bytes were sent."""
        sock = self.tls.wrap_socket(
            socket.create_connection(("127.0.0.1", self.place.port), 10),
            server_hostname="localhost")
        sock.sendall(data)
        return sock

    def send_raw(self, length: int, data: bytes = b"",
                 more: str = "") -> ssl.SSLSocket:
        """A sendMail that promises length bytes and sends data."""
        head = (f"POST {SEND} HTTP/1.1\r\nHost: x\r\n{more}"
                f"Authorization: Bearer {self.token}\r\n"
                f"Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n")
        return self.raw(head.encode() + data)
