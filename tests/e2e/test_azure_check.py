"""What "msgraphd -t" says of entries in Azure Table storage: whether the table
can be read with the credential, as the user that will do so."""

from __future__ import annotations

import os
import pwd
import subprocess

import pytest

from harness import azure
from harness.daemon_alone import m365, shared_m365  # noqa: F401
from harness.process import BUILD


@pytest.fixture(name="folder")
def folder_that_msgraphd_reaches(tmp_path):
    # pytest closes its folders to other users
    for path in (tmp_path, *tmp_path.parents):
        if path.owner() == "root" and str(path).startswith("/tmp/"):
            path.chmod(0o755)
    return tmp_path


def run(m365, folder, table=None,  # noqa: F811
        **settings: str) -> subprocess.CompletedProcess:
    secret = folder / "reader.secret"
    secret.write_text(azure.SECRET)
    secret.chmod(0o400)
    if os.geteuid() == 0:
        os.chown(secret, pwd.getpwnam("msgraphd").pw_uid, -1)
    maps = folder / "identities"
    maps.write_text(azure.entry(secret) if table is None else table)
    maps.chmod(0o644)
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(open(m365.ca_file, "rb").read())
    ca_file.chmod(0o644)
    conf = folder / "msgraph.conf"
    settings = {"identity_maps": f"{maps} {azure.item(m365)}",
                "login_endpoint": m365.url, "ca_file": str(ca_file),
                "state_directory": f"{folder}/none",
                "vault_key_file": f"{folder}/vault.key",
                "auth_socket": f"{folder}/auth", **settings}
    conf.write_text("".join(f"{k} = {v}\n" for k, v in settings.items()))
    return subprocess.run([BUILD / "msgraphd", "-c", conf, "-t"], text=True,
                          capture_output=True, timeout=60)


def test_table_that_can_be_read(m365, folder):  # noqa: F811
    azure.register(m365)
    m365.table("users")
    done = run(m365, folder)
    assert (done.returncode, done.stderr) == (0, "")
    [request] = m365.requests("entity")
    assert request.status == 404  # nobody's row was asked for


def test_rows_that_no_name_finds(m365, folder):  # noqa: F811
    azure.register(m365)
    m365.table("users", *({"RowKey": f"r{n}"} for n in range(2500)),
               {"RowKey": "printer 1"}, {"RowKey": "App1"},
               {"RowKey": "Other", "PartitionKey": "x"})
    done = run(m365, folder)
    assert done.returncode == 0
    assert done.stderr == (
        f"warning: {azure.item(m365)}: 2 of 2502 rows have a RowKey that no "
        "name finds, such as \"App1\"; it needs small letters a to z, digits, "
        "'_' and '-'\n")
    assert len(m365.requests("entities")) == 3


WRONG = {
    "no table": ({}, {}, {}, "make the table, or mend its name"),
    "no role": ({"roles": []}, {}, {}, "role Storage Table Data Reader"),
    "killed": ({}, {"endpoint": "entity", "action": "reset", "times": -1}, {},
               "users?credential=reader: "),
    "stalled": ({}, {"endpoint": "entity", "action": "stall", "times": -1}, {},
                "no answer within 3 s"),
    "no Entra": ({}, {"endpoint": "token", "action": "reset", "times": -1}, {},
                 "no token: "),
    "no entry": ({}, {}, {"table": ""}, "credential=reader names no entry"),
}


@pytest.mark.parametrize("row", WRONG)
def test_complaint(m365, folder, row):  # noqa: F811
    fields, rule, more, said = WRONG[row]
    azure.register(m365, **fields)
    if row != "no table":
        m365.table("users")
    if rule:
        m365.rules(rule)
    done = run(m365, folder, **more)
    m365.release()
    assert done.returncode == 78, done.stderr
    lines = [line for line in done.stderr.splitlines()
             if "azure-tables:" in line]
    assert len(lines) == 1 and said in lines[0], done.stderr
    assert azure.SECRET not in done.stderr


def test_item_with_a_mistake(m365, folder):  # noqa: F811
    done = run(m365, folder, identity_maps="azure-tables:https://x/users?a=b")
    assert done.returncode == 78
    assert "an option is neither partition nor credential; it must be " \
        in done.stderr
