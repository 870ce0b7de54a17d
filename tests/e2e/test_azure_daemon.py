"""msgraphd alone with a table of Azure Table storage: who signs in and how
often the table is asked, what columns do, and mistakes of rows and settings."""

from __future__ import annotations

import pytest

from harness import azure
from harness.azure import APP, NAME, asked, make  # noqa: F401
from harness.credentials import Certificate
from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, TENANT, m365, shared_m365)
from harness.daemon_table import policy, raw_auth, reload, write

OTHER = "99999999-2222-3333-4444-555555555555"
LATER, REFUSED = "", "NO "


# --- who signs in

def test_signs_in_and_is_remembered(m365, make):  # noqa: F811
    daemon = make()
    for name in ("app1@lookup", "APP1@lookup", "app1@lookup"):
        assert raw_auth(daemon, name) == f"OK user={NAME}.app1"
    assert raw_auth(daemon, "app1@lookup", "wrong").startswith(REFUSED)
    assert policy(daemon, user=f"{NAME}.app1").status == "ok"
    assert asked(m365) == ["/users(PartitionKey='user',RowKey='app1')"]
    [request] = m365.requests("entity")
    assert (request.tenant, request.client) == (azure.TENANT, azure.CLIENT)
    # a row that is not there is remembered as well
    for _ in range(3):
        assert raw_auth(daemon, "app2@lookup").startswith(REFUSED)
    assert len(asked(m365)) == 2


def test_token_is_for_storage_and_kept(m365, make):  # noqa: F811
    daemon = make()
    m365.table("users", *({"RowKey": f"r{n}", **APP} for n in range(5)))
    for number in range(5):
        assert raw_auth(daemon, f"r{number}@lookup").startswith("OK")
    tokens = [request for request in m365.requests("token")
              if request.client == azure.CLIENT]
    assert len(tokens) == 1
    assert b"scope=https%3A%2F%2Fstorage.azure.com%2F.default" \
        in tokens[0].body
    # one that is not taken any more is replaced
    m365.expire_tokens()
    m365.table("users", {"RowKey": "late", **APP})
    assert raw_auth(daemon, "late@lookup").startswith("OK")


@pytest.mark.parametrize("kind", ["certificate", "managed"])
def test_credentials(m365, make, tmp_path, kind):  # noqa: F811
    certificate = Certificate()
    pem = tmp_path / "reader.pem"
    pem.write_text(certificate.pem)
    pem.chmod(0o400)
    azure.register(m365, certificates=[certificate.public])
    m365.identities(system=f"{azure.TENANT}/{azure.CLIENT}")
    value = {"certificate": f"certificate_file={pem}",
             "managed": "managed_identity=system"}[kind]
    daemon = make(table=f"reader application={azure.TENANT}/{azure.CLIENT} "
                  f"{value}\n", imds_endpoint=m365.imds)
    assert raw_auth(daemon, "app1@lookup") == f"OK user={NAME}.app1"
    asked_there = m365.requests("imds")
    if kind == "managed":
        assert "resource=https%3A%2F%2Fstorage.azure.com" \
            in asked_there[0].target
    else:
        assert asked_there == []


def test_partition(m365, make):  # noqa: F811
    m365.table("users", {"RowKey": "app1", **APP, "PartitionKey": "o'n x"})
    daemon = make("&partition=o%27n%20x")
    assert raw_auth(daemon, "app1@lookup") == f"OK user={NAME}.app1"
    assert asked(m365) == [
        "/users(PartitionKey='o%27%27n%20x',RowKey='app1')"]


@pytest.mark.parametrize("name", [
    "o'neil@lookup", "' or '1' eq '1@lookup", "a%27@lookup", "printer 1@lookup",
    "a/b@lookup", "a.b@lookup", "x" * 65 + "@lookup"])
def test_names_that_none_has_ask_nothing(m365, make, name):  # noqa: F811
    m365.table("users", {"RowKey": name.partition("@")[0], **APP})
    assert not raw_auth(make(), name).startswith("OK")
    assert asked(m365) == []


REQUIRED = {"identity_required": "yes", "allowed_tenants": TENANT}

RAW = {
    "by columns": ([{"RowKey": "Some Name", **APP}], True),
    "in capitals": ([{"RowKey": "x", "tenant_id": TENANT.upper(),
                      "client_id": CLIENT.upper()}], True),
    "by application": ([{"RowKey": "x", "application": f"{TENANT}/{CLIENT}"}],
                       True),
    "by its own row": ([{"RowKey": NAME}], True),
    "two that say the same": ([{"RowKey": "x", **APP}, {"RowKey": "y", **APP}],
                              True),
    "two that differ": ([{"RowKey": "x", **APP},
                         {"RowKey": "y", **APP, "from_email": "a@x"}], None),
    "of another": ([{"RowKey": "x", "tenant_id": TENANT,
                     "client_id": OTHER}], False),
    "disabled": ([{"RowKey": "x", **APP, "disabled": True}], False),
    "no row": ([], False),
}


@pytest.mark.parametrize("row", RAW)
def test_raw_names_where_a_row_is_required(m365, make, row):  # noqa: F811
    entities, good = RAW[row]
    m365.table("users", *entities)
    daemon = make(**REQUIRED)
    answer = raw_auth(daemon, NAME)
    if good is None:
        assert answer == LATER
        assert "row y: row x is of the same application" in daemon.log()
    else:
        assert answer == f"OK user={NAME}" if good \
            else answer.startswith(REFUSED)
    count = len(asked(m365))
    assert raw_auth(daemon, NAME) == answer
    if good is not None:
        assert len(asked(m365)) == count


def test_row_of_a_raw_name_says_what_it_may_do(m365, make):  # noqa: F811
    m365.table("users", {"RowKey": "Some Name", **APP,
                         "from_email": "Scan@Example.com"})
    daemon = make(**REQUIRED)
    assert raw_auth(daemon, NAME) == f"OK user={NAME}"
    answer = policy(daemon, user=NAME, sender="other@example.com",
                    mailbox="other@example.com", stage="end")
    assert answer.status == "ok" and "from=scan@example.com" in answer.more


def test_ten_thousand_rows_in_pages(m365, make):  # noqa: F811
    m365.table("users", {"RowKey": "zzz", **APP},
               *({"RowKey": f"r{n}", "tenant_id": OTHER,
                  "client_id": f"{n:08x}{CLIENT[8:]}"} for n in range(10000)))
    daemon = make(**REQUIRED)
    assert raw_auth(daemon, NAME) == f"OK user={NAME}"
    assert len(m365.requests("entities")) == 11
    assert raw_auth(daemon, "r7777@lookup").startswith(REFUSED)


# --- rows

ROWS = {
    "from": ({"from_email": "Scan@Example.com"}, "scan@example.com", None),
    "ours": ({"from": "scan@example.com", "senders": "@example.com",
              "rate_limit": "30/m", "fallback_mailbox": "f@example.com",
              "description": "a } b { c"},
             "scan@example.com", None),
    "other sender": ({"senders": "@other.example"}, None, "5.7.1"),
    "empty cells": ({"from": "", "senders": "", "disabled": ""}, "", None),
    "disabled": ({"disabled": True}, None, "5.7.13"),
}


@pytest.mark.parametrize("row", ROWS)
def test_columns(m365, make, row):  # noqa: F811
    columns, sender, dsn = ROWS[row]
    m365.table("users", {"RowKey": "app1", **APP, **columns})
    answer = policy(make(), user=f"{NAME}.app1", sender="scan@example.com",
                    mailbox="scan@example.com", stage="end")
    assert answer.status == ("refused" if dsn else "ok"), answer
    assert answer.dsn == (dsn or "")
    if sender:
        assert f"from={sender}" in answer.more


MISTAKES = {
    "no application": ({"from": "a@x"}, "application=tenant/client is missing"),
    "half of one": ({"tenant_id": TENANT}, "the column client_id is empty"),
    "credential": ({**APP, "secret_file": "/etc/shadow"}, '"secret_file"'),
    "open to all": ({**APP, "clients": "0.0.0.0/0"}, '"clients"'),
    "smuggled": ({**APP, "from": "a@x } { clients = 0.0.0.0/0"},
                 "the column from holds a brace"),
    "a list": ({**APP, "from": ["a@x"]}, "the column from is neither"),
    "no address": ({**APP, "from": "scan"}, "from: "),
    "not covered": ({**APP, "from": "a@x", "senders": "@y"},
                    "senders does not cover a@x"),
}


@pytest.mark.parametrize("row", MISTAKES)
def test_mistakes(m365, make, row):  # noqa: F811
    columns, said = MISTAKES[row]
    m365.table("users", {"RowKey": "app1", **columns},
               {"RowKey": "app2", **APP})
    daemon = make()
    assert raw_auth(daemon, "app1@lookup") == LATER
    [line] = [text for text in daemon.log().splitlines()
              if "until that is mended the entry gets 454" in text]
    assert said in line and "azure-tables:" in line and "app1" in line
    assert "shadow" not in daemon.log()
    # which is nothing against the others
    assert raw_auth(daemon, "app2@lookup") == f"OK user={NAME}.app2"


@pytest.mark.parametrize("columns", [
    {"from": "nobody"}, {**APP, "from": ["a@x"]}])
def test_known_row_that_becomes_a_mistake(m365, make, columns):  # noqa: F811
    """What was known before does not count then."""
    daemon = make(identity_cache_ttl="1s")
    assert raw_auth(daemon, "app1@lookup") == f"OK user={NAME}.app1"
    m365.table("users", {"RowKey": "app1", **columns})
    Daemon.wait(lambda: raw_auth(daemon, "app1@lookup") == LATER, 30)
    m365.table("users", {"RowKey": "app1", **APP})
    Daemon.wait(lambda: raw_auth(daemon, "app1@lookup") != LATER, 30)


# --- what the admin must mend

@pytest.mark.parametrize("secret, roles, said", [
    (azure.SECRET, [], "give the credential's application the role"),
    ("another", [azure.READER], "no token: entry reader, secret_file"),
])
def test_reader_is_not_let_in(m365, make, secret, roles, said):  # noqa: F811
    m365.app(azure.TENANT, azure.CLIENT, secret, roles=roles)
    daemon = make()
    assert raw_auth(daemon, "app1@lookup") == LATER
    assert said in daemon.log()
    assert "mail waits" not in daemon.log()
    azure.register(m365)
    Daemon.wait(lambda: raw_auth(daemon, "app1@lookup").startswith("OK"), 30)


def test_entry_of_the_credential_goes(make):  # noqa: F811
    daemon = make()
    write(daemon, "")
    reload(daemon)
    assert raw_auth(daemon, "app1@lookup") == LATER
    assert "credential=reader names no entry" in daemon.log()


@pytest.mark.parametrize("options, said", [
    ("&partition=a%2Fb", "no partition can have this name"),
    ("&sas=1", "an option is neither partition nor credential"),
])
def test_item_with_a_mistake(make, options, said):  # noqa: F811
    daemon = make(options)
    assert raw_auth(daemon, "app1@lookup") == LATER
    assert said in daemon.log()
