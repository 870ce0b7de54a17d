"""The interface of tests: JSON over plain HTTP on a port of its own.

    POST   /reset                 back to the start state
    POST   /apps                  add or replace one app
    POST   /tables                {"name": ..., "entities": [...] or null}
    POST   /identities            of the machine; see identities.Identities
    POST   /mailboxes             {"only": [...] or null}
    GET    /limits  POST /limits  see store.Limits
    POST   /tokens/expire         all tokens issued so far become invalid
    GET    /rules   POST /rules   see rules.Rule; POST appends a list
    DELETE /rules                 none in force
    POST   /release               lets stalled connections go on
    POST   /down    POST /up      stop and start accepting, ports kept
    POST   /hangup                drop open connections, go on accepting
    GET    /requests?endpoint=    the record, or a part of it
    GET    /mail                  what was accepted for sending
    GET    /mail/N/raw            its bytes
    GET    /mail/N/attachments/M  an attachment's bytes, M from 1
    GET    /drafts                drafts that are not sent yet
    GET    /stats                 counters
    GET    /wait?...&timeout=S    waits: mail=N, stalled=N, or
                                  endpoint=E&count=N[&state=STATE]
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from . import drafts
from .record import STATES
from .rules import ENDPOINTS
from .server import Server
from .store import App
from .wire import Connection, Gone, Malformed, Request, Response
from .wire import json_response


class ControlError(Exception):
    """The test asked for something that is not there."""


class Control:
    """Serves the control port."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def serve(self, conn: Connection) -> None:
        try:
            while request := conn.read_head():
                request.body = conn.read_body(request.length or 0)
                response = self._answer(request)
                response.close = request.wants_close
                conn.send(response.encode())
                if response.close:
                    break
        except Malformed as error:
            conn.send(json_response(400, {"error": str(error)}).encode())
        except Gone:
            return
        conn.close_gently()

    def _answer(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/")
        query = dict(parse_qsl(request.query))
        try:
            if request.method == "GET":
                return self._get(parts, query)
            body = json.loads(request.body) if request.body else {}
            return json_response(200, self._change(request.method, parts,
                                                   body))
        except (ControlError, OSError, ValueError, TypeError, KeyError,
                AttributeError) as error:
            return json_response(
                400, {"error": f"{type(error).__name__}: {error}"})

    # --- changes

    def _change(self, method: str, parts: list[str], body: Any) -> Any:
        server, world = self.server, self.server.world
        key = (method, "/".join(parts))
        if key == ("POST", "apps"):
            world.store.add_app(App(**body))
        elif key == ("POST", "tables"):
            world.store.set_table(body["name"], body["entities"])
        elif key == ("POST", "identities"):
            for name, value in body.items():
                getattr(world.identities, name)
                setattr(world.identities, name, value)
        elif key == ("POST", "mailboxes"):
            world.store.set_mailboxes(body["only"])
        elif key == ("POST", "limits"):
            world.store.set_limits(body)
            return world.store.limits_dict()
        elif key == ("POST", "tokens/expire"):
            return {"expired": world.store.expire_tokens()}
        elif key == ("POST", "rules"):
            world.rules.add(body if isinstance(body, list) else [body])
        elif key == ("DELETE", "rules"):
            world.rules.clear()
        elif key == ("POST", "release"):
            world.rules.release()
        elif key == ("POST", "hangup"):
            server.main.hang_up()
            server.upload.hang_up()
        elif key in (("POST", "reset"), ("POST", "down"), ("POST", "up")):
            {"reset": server.reset, "down": server.close,
             "up": server.open}[parts[0]]()
        else:
            raise ControlError(f"no such call: {method} {parts}")
        return {}

    # --- questions

    def _get(self, parts: list[str], query: dict[str, str]) -> Response:
        world = self.server.world
        if parts[0] == "mail" and len(parts) > 1:
            return self._mail_bytes(parts)
        values = {
            "limits": world.store.limits_dict,
            "rules": world.rules.list,
            "requests": lambda: world.record.list(query.get("endpoint")),
            "mail": self._mail,
            "drafts": lambda: drafts.drafts_dict(world),
            "stats": lambda: {**world.record.stats(),
                              **self.server.connections()},
        }
        if parts == ["wait"]:
            return self._wait(query)
        if len(parts) != 1 or parts[0] not in values:
            raise ControlError(f"no such call: GET {parts}")
        return json_response(200, values[parts[0]]())

    def _mail(self) -> list[dict[str, Any]]:
        store = self.server.world.store
        with store.lock:
            mail = list(store.mail)
        return [m.as_dict() for m in mail]

    def _mail_bytes(self, parts: list[str]) -> Response:
        store = self.server.world.store
        number = int(parts[1])
        if not 1 <= number <= len(store.mail):
            raise ControlError(f"there is no mail {number}")
        mail = store.mail[number - 1]
        data = mail.message.raw
        if parts[2] == "attachments" and len(parts) == 4:
            data = mail.attachments[int(parts[3]) - 1].content
        elif parts[2:] != ["raw"]:
            raise ControlError(f"no such call: GET {parts}")
        return Response(200, [("Content-Type", "application/octet-stream")],
                        data)

    def _wait(self, query: dict[str, str]) -> Response:
        record = self.server.world.record
        timeout = float(query.get("timeout", "10"))
        if "mail" in query:
            wanted = int(query["mail"])
            count = record.wait(lambda: record.mail, wanted, timeout)
        elif "stalled" in query:
            wanted = int(query["stalled"])
            count = record.wait(lambda: record.stalled, wanted, timeout)
        else:
            wanted = int(query.get("count", "1"))
            key = (query.get("endpoint", "any"), query.get("state", "arrived"))
            if key[0] not in (*ENDPOINTS, "malformed") or key[1] not in STATES:
                raise ControlError(f"nothing can be waited for as {key}")
            count = record.wait(lambda: record.counts[key], wanted, timeout)
        return json_response(200 if count >= wanted else 408,
                             {"count": count})
