"""A table of Azure Table storage that msgraphd looks entries up in, and the ways
in which such a service fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.client import Emulator

from . import daemon_alone
from .daemon import Daemon
from .daemon_table import write

TENANT = "77777777-2222-3333-4444-555555555555"
CLIENT = "eeeeeeee-bbbb-cccc-dddd-eeeeeeeeeeee"
SECRET = "the~reader's+secret"
NAME = f"{daemon_alone.TENANT}@{daemon_alone.CLIENT}"
APP = {"tenant_id": daemon_alone.TENANT, "client_id": daemon_alone.CLIENT}
READER = "Storage Table Data Reader"


def item(m365: Emulator, options: str = "") -> str:
    """What identity_maps names. The table is "users"."""
    return f"azure-tables:{m365.url}/users?credential=reader{options}"


def register(m365: Emulator, **fields: Any) -> None:
    """The application that reads the table, which may send nothing."""
    m365.app(TENANT, CLIENT, SECRET,
             **{"permissions": [], "roles": [READER], **fields})


def entry(secret: Path) -> str:
    """The line of root's file whose credential opens the table."""
    return f"reader application={TENANT}/{CLIENT} secret_file={secret}\n"


def refusal(status: int, code: str, **rule: Any) -> dict[str, Any]:
    """A rule that refuses all requests as the service words it."""
    return {"status": status, "body": {"odata.error": {
        "code": code, "message": {"lang": "en-US", "value": "words"}}}, **rule}


def entity(key: str, **columns: Any) -> dict[str, Any]:
    return {"PartitionKey": "user", "RowKey": key, **columns}


@pytest.fixture
def make(m365, tmp_path):
    """Starts a daemon that has its entries in a table, with a row "app1"."""
    register(m365)
    m365.table("users", {"RowKey": "app1", **APP})
    secret = tmp_path / "reader.secret"
    secret.write_text(SECRET)
    secret.chmod(0o400)
    daemons = []

    def start(options: str = "", table: str = entry(secret),
              **settings: str) -> Daemon:
        daemon = Daemon(tmp_path, daemon_alone.settings_for(m365))
        maps = daemon.settings["identity_maps"]
        daemon.settings.update(
            {"identity_maps": f"{maps} {item(m365, options)}",
             "allowed_tenants": "", **settings})
        write(daemon, table)
        daemons.append(daemon.start())
        return daemon
    yield start
    for daemon in daemons:
        m365.release()
        daemon.__exit__()


def asked(m365: Emulator) -> list[str]:
    """The targets of all requests to the table."""
    return [request.target for request in m365.requests()
            if request.endpoint in ("entity", "entities")]


# name: rule, what the log and a delay say. KEY is the RowKey that is asked for
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "killed": ({"action": "reset"}, ""),
    "hangs up": ({"action": "close"}, ""),
    "stalled": ({"action": "stall"}, "no answer within 3 s"),
    "not HTTP": ({"action": "garbage"}, ""),
    "no JSON": ({"status": 200, "body": "<html>"}, "the answer is no JSON"),
    "an array": ({"status": 200, "body": []}, "the answer is no JSON"),
    "wrong keys": ({"status": 200, "body": {"PartitionKey": 1, "RowKey": {}}},
                   "not the row that was asked for"),
    "another row": ({"status": 200, "body": entity("another")},
                    "not the row that was asked for"),
    "10 MB": ({"status": 200, "body": "x" * 1024, "repeat_body": 10240},
              "the answer is too long"),
    "endless": ({"status": 200, "body": "x" * 65536, "endless": True},
                "the answer is too long"),
    "cut": ({"status": 200, "body": entity("KEY"), "truncate": True}, ""),
    "busy": (refusal(503, "ServerBusy", headers={"Retry-After": "1"}),
             "HTTP 503 ServerBusy; it is asked again in 1 s"),
    "throttled": (refusal(429, "TooManyRequests",
                          headers={"Retry-After": "1"}), "HTTP 429"),
    "slow inside": (refusal(500, "OperationTimedOut"),
                    "HTTP 500 OperationTimedOut"),
    "no table": (refusal(404, "TableNotFound"), "make the table"),
    "a proxy's 404": ({"status": 404, "body": "<html>"}, "HTTP 404"),
    "no role": (refusal(403, "AuthorizationPermissionMismatch"),
                "role Storage Table Data Reader"),
    "firewall": (refusal(403, "AuthorizationFailure"), "firewall"),
    "other tenant": (refusal(401, "InvalidAuthenticationInfo"),
                     "of the tenant of the storage account"),
}


def rule_of(fault: str, key: str) -> dict[str, Any]:
    rule = {"endpoint": "entity", "times": -1, **FAULTS[fault][0]}
    if isinstance(rule.get("body"), dict) and "RowKey" in rule["body"]:
        row = rule["body"]["RowKey"]
        rule["body"] = {**rule["body"], "RowKey": key if row == "KEY" else row}
    return rule
