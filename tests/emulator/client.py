"""Drives an emulator from a test.

    with Emulator(directory) as m365:
        m365.app(TENANT, CLIENT, "secret")
        m365.rules({"endpoint": "sendMail", "status": 503})
        ...
        m365.wait_mail(1)
        assert m365.mail()[0].recipients == ["a@example.org"]

Calls go to the control port, each over a connection of its own, so threads may
share one Emulator. A call that is refused raises EmulatorError.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

COMMAND = [sys.executable, "-B", "-m", "emulator"]
ENVIRONMENT = {**os.environ,
               "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
START_SECONDS = 30.0


class EmulatorError(Exception):
    """The emulator did not start, or refused a control call."""


class _Fields:
    """A JSON object whose members are read as attributes."""

    def __init__(self, values: dict[str, Any], emulator: Emulator) -> None:
        self.values = values
        self.emulator = emulator

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.values})"


class Request(_Fields):
    """A recorded request: seq, time, endpoint, method, path (as it came),
    target, version, headers (pairs), tenant, client, mailbox, state, status,
    rule, request_id, connection, body_length, body_file."""

    @property
    def body(self) -> bytes:
        file = self.values["body_file"]
        return Path(file).read_bytes() if file else b""

    def header(self, name: str) -> str | None:
        """The value of a header; None where there is none, and a failure
        where there are several, since no test expects that."""
        found = [value for key, value in self.values["headers"]
                 if key.lower() == name.lower()]
        if len(found) > 1:
            raise AssertionError(f"{len(found)} headers {name}")
        return found[0] if found else None


class Mail(_Fields):
    """An accepted message: number, time, id, mailbox, tenant, client,
    recipients, duplicates, to, cc, bcc, from, message_id, subject, size,
    request (its seq), request_id, attachments, and the flags bare_newline,
    nul, long_line, eight_bit_header, eight_bit_body, address_defects."""

    @property
    def raw(self) -> bytes:
        return self.emulator.call("GET", f"/mail/{self.number}/raw")

    @property
    def sender(self) -> list[str]:
        """The addresses in From, which as a name is a word of Python's."""
        return self.values["from"]

    def attachment(self, index: int) -> bytes:
        """The bytes of the attachment at that index of attachments."""
        return self.emulator.call(
            "GET", f"/mail/{self.number}/attachments/{index + 1}")


class Emulator:
    """A running m365 process; started by start() or a with statement."""

    def __init__(self, directory: Path | str, *args: str) -> None:
        self.directory = Path(directory)
        self.args = args
        self.process: subprocess.Popen[bytes] | None = None
        self.url = self.ca_file = self.control = self.upload = ""
        self.imds = ""

    # --- the process

    def start(self) -> Emulator:
        """Starts the process and returns when it serves."""
        self.directory.mkdir(parents=True, exist_ok=True)
        errors = self.directory / "stderr"
        with errors.open("ab") as stderr:
            self.process = subprocess.Popen(
                [*COMMAND, "--dir", str(self.directory),
                 "--log", str(self.directory / "log"), "--until-eof",
                 *self.args], env=ENVIRONMENT,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            raise EmulatorError(f"m365 did not start: {errors.read_text()}")
        for name, value in json.loads(line).items():
            setattr(self, name, value)
        return self

    def stop(self) -> int:
        """Stops the process and returns its exit status."""
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.terminate()
        try:
            status = process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        return status

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- one control call

    def call(self, method: str, path: str, body: Any = None,
             timeout: float = 30) -> Any:
        """The answer: parsed where it is JSON, else bytes."""
        place = urlsplit(self.control)
        conn = http.client.HTTPConnection(place.hostname or "", place.port,
                                          timeout=timeout)
        try:
            data = b"" if body is None else json.dumps(body).encode()
            conn.request(method, path, data)
            response = conn.getresponse()
            answer = response.read()
        finally:
            conn.close()
        if response.status == 408:
            raise TimeoutError(f"{path}: {answer.decode()}")
        if response.status != 200:
            raise EmulatorError(f"{method} {path}: {answer.decode()}")
        if response.getheader("Content-Type") == "application/json":
            return json.loads(answer)
        return answer

    # --- the start state

    def reset(self) -> None:
        """Forgets everything but the apps of the command line."""
        self.call("POST", "/reset")

    def app(self, tenant: str, client: str, *secrets: str,
            **fields: Any) -> None:
        """Registers or replaces an app. Fields: expired_secrets, disabled,
        permissions (["Mail.Send"]), roles (of Azure), expires_in, send_as,
        certificates (PEM), federated (dicts of issuer, subject, audience, key
        in PEM)."""
        self.call("POST", "/apps", {"tenant": tenant, "client": client,
                                    "secrets": list(secrets), **fields})

    def table(self, name: str, *entities: dict[str, Any]) -> None:
        """Makes or replaces a table of Azure Table storage; PartitionKey is
        "user" where an entity has none."""
        self.call("POST", "/tables", {
            "name": name, "entities": [{"PartitionKey": "user", **entity}
                                       for entity in entities]})

    def drop_table(self, name: str) -> None:
        self.call("POST", "/tables", {"name": name, "entities": None})

    def identities(self, **fields: Any) -> None:
        """Changes the machine's managed identities: system, arc
        ("tenant/client"), user (a list of these); see the emulator's
        identities.Identities."""
        self.call("POST", "/identities", fields)

    def mailboxes(self, *only: str) -> None:
        """The only mailboxes there are; without any, every one exists."""
        self.call("POST", "/mailboxes", {"only": list(only) or None})

    def limits(self, **values: Any) -> dict[str, Any]:
        """Changes limits (see store.Limits); returns all."""
        return self.call("POST", "/limits", values)

    def expire_tokens(self) -> int:
        """Makes every token issued so far invalid; returns how many."""
        return self.call("POST", "/tokens/expire")["expired"]

    # --- scripted answers

    def rules(self, *rules: dict[str, Any]) -> None:
        """Appends rules; see rules.Rule for their members."""
        self.call("POST", "/rules", list(rules))

    def clear_rules(self) -> None:
        self.call("DELETE", "/rules")

    def fired(self) -> list[int]:
        """How often each rule has fired, in their order."""
        return [rule["fired"] for rule in self.call("GET", "/rules")]

    def release(self) -> None:
        """Lets the connections go on that rules hold now."""
        self.call("POST", "/release")

    def down(self) -> None:
        """Refuses connections and drops those there are, until up()."""
        self.call("POST", "/down")

    def up(self) -> None:
        self.call("POST", "/up")

    def hang_up(self) -> None:
        """Drops the open connections, and accepts new ones."""
        self.call("POST", "/hangup")

    # --- what came

    def requests(self, endpoint: str | None = None) -> list[Request]:
        query = f"?endpoint={endpoint}" if endpoint else ""
        return [Request(values, self)
                for values in self.call("GET", "/requests" + query)]

    def mail(self) -> list[Mail]:
        return [Mail(values, self) for values in self.call("GET", "/mail")]

    def drafts(self) -> list[dict[str, Any]]:
        return self.call("GET", "/drafts")

    def stats(self) -> dict[str, Any]:
        return self.call("GET", "/stats")

    def wait_requests(self, endpoint: str = "any", count: int = 1,
                      timeout: float = 60, state: str = "arrived") -> int:
        """Waits for so many requests since the last reset to have reached a
        state ("arrived", "read", "answered", "sent"); TimeoutError if they do
        not."""
        return self._wait(timeout, endpoint=endpoint, count=count, state=state)

    def wait_mail(self, count: int = 1, timeout: float = 60) -> int:
        return self._wait(timeout, mail=count)

    def wait_stalled(self, count: int = 1, timeout: float = 60) -> int:
        """Waits for so many connections to be held by rules now."""
        return self._wait(timeout, stalled=count)

    def wait_until(self, condition, timeout: float = 60) -> dict[str, Any]:
        """Waits for a condition over stats()."""
        deadline = time.monotonic() + timeout
        while not condition(stats := self.stats()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"stats stay {stats}")
            time.sleep(0.02)
        return stats

    def _wait(self, timeout: float, **query: Any) -> int:
        path = "/wait?" + urlencode({**query, "timeout": timeout})
        return self.call("GET", path, timeout=timeout + 30)["count"]
