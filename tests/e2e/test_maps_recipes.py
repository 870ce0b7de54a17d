"""The recipes of docs/senders.md for names in a database or directory: with a
real SQLite, PostgreSQL and slapd, the commands as they stand there."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from e2e.test_identities_gate import (  # noqa: F401
    APP, NAME, make, policy, raw_auth)
from e2e.test_maps_whole import postfix_settings  # noqa: F401
from harness import document, example
from harness.daemon import Daemon
from harness.daemon_alone import (  # noqa: F401
    CLIENT, TENANT, m365, shared_m365)
from harness.wait import wait_for

EXAMPLES = example.ROOT / "conf-examples" / "maps"
SECTION = "Names in a database or directory"
POSTGRESQL = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
REFUSED = "NO "

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(name="names")
def file_of_names(tmp_path, monkeypatch):
    """The scripts stand in PATH, as if they were installed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("msgraph-names", "msgraph-names-ldap"):
        shutil.copy(EXAMPLES / name, folder)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path / "names"


def recipe(start: str, **places: object) -> list[str]:
    """A command of the document, with other files."""
    line = document.line(
        document.section("docs/senders.md", SECTION), start)
    for old, new in places.items():
        line = line.replace({
            "names": "/etc/msgraph/names ",
            "sql": "/etc/msgraph/names.sql",
            "sqlite": "/var/lib/devices/devices.db",
            "ldap": "ldapi:///"}[old],
            f"{new} " if old == "names" else str(new))
    return shlex.split(line)


def run(command: list[str], **options) -> subprocess.CompletedProcess:
    return subprocess.run(command, text=True, capture_output=True, timeout=60,
                          **options)


TABLE = ("create table devices (name text, tenant text, client text, "
         "senders text, rate_limit text, active integer);")


def insert(name: str, senders: str = "null", active: int = 1) -> str:
    return (f"insert into devices values ('{name}', '{TENANT}', '{CLIENT}', "
            f"{senders}, null, {active});")


def update_and_look(command: list[str], daemon: Daemon, name: str) -> None:
    """What the timer does; it counts without a reload."""
    done = run(command)
    assert done.returncode == 0, done.stderr
    Daemon.wait(lambda: raw_auth(
        daemon, f"{name}@lookup") == f"OK user={NAME}.{name}", 30)


def check_recipe(make, names: Path, command: list[str],  # noqa: F811
                 change, spoil) -> None:
    """The first name may send as scan@example.com; change() adds another one
    and switches the first off; spoil() takes the source away."""
    done = run(command)
    assert done.returncode == 0, done.stderr
    status = names.stat()
    assert status.st_mode & 0o777 == 0o640
    assert status.st_gid == pwd.getpwnam("msgraph").pw_gid
    daemon = make("", identity_maps=f"texthash:{names}", allowed_tenants="")
    assert raw_auth(daemon, "scan1@lookup") == f"OK user={NAME}.scan1"
    end = {"stage": "end", "user": f"{NAME}.scan1"}
    assert policy(daemon, mailbox="scan@example.com", **end).status == "ok"
    assert policy(daemon, mailbox="other@example.com", **end).dsn == "5.7.1"
    before = names.stat().st_ino
    assert run(command).returncode == 0
    assert names.stat().st_ino == before  # nothing has changed
    change()
    update_and_look(command, daemon, "scan2")
    assert raw_auth(daemon, "scan1@lookup").startswith(REFUSED)
    text = names.read_text()
    spoil()
    assert run(command).returncode != 0
    assert names.read_text() == text
    assert [path.name for path in names.parent.glob("names.*")
            if path.suffix not in (".sql", ".db")] == []


def test_sqlite(make, names, tmp_path):  # noqa: F811
    database = tmp_path / "devices.db"

    def execute(sql: str) -> None:
        subprocess.run(["sqlite3", database, sql], check=True)
    execute(TABLE + insert("scan1", "'scan@example.com'"))
    command = recipe("msgraph-names /etc/msgraph/names sqlite3",
                     sql=EXAMPLES / "names.sql", names=names, sqlite=database)
    unit = (EXAMPLES / "msgraph-names.service").read_text()
    assert " ".join(document.line(
        document.section("docs/senders.md", SECTION),
        "msgraph-names /etc/msgraph/names sqlite3").split()[1:]) in " ".join(
            unit.replace("\\\n", " ").split())
    check_recipe(
        make, names, command,
        lambda: execute(insert("scan2") + "update devices set active = 0 "
                        "where name = 'scan1'"),
        database.unlink)


@pytest.fixture(name="postgresql")
def postgresql_server(tmp_path, monkeypatch) -> Iterator[str]:
    """A cluster with the database devices; the user that it runs as."""
    if not POSTGRESQL:
        pytest.skip("there is no PostgreSQL (package postgresql)")
    folder = tmp_path / "cluster"
    folder.mkdir()
    shutil.copy(EXAMPLES / "names.sql", tmp_path)
    owner = next((user for user in ("postgres", "nobody")
                  if has_user(user)), "nobody")
    shutil.chown(folder, owner)
    for path in (tmp_path, *tmp_path.parents):
        if str(path).startswith("/tmp/") and path.owner() == "root":
            path.chmod(0o755)
    programs = POSTGRESQL[-1]
    as_owner = ["setpriv", f"--reuid={owner}", f"--regid={owner}",
                "--clear-groups", "--"]
    subprocess.run([*as_owner, programs / "initdb", "-D", folder / "data",
                    "-A", "trust", "-U", "root", "--no-sync"], check=True,
                   capture_output=True, cwd=folder)
    server = subprocess.Popen(
        [*as_owner, programs / "postgres", "-D", folder / "data", "-k",
         folder, "-h", "", "-F"], stderr=subprocess.DEVNULL, cwd=folder)
    monkeypatch.setenv("PGHOST", str(folder))
    try:
        wait_for(lambda: run(["createdb", "-U", "root", "devices"]
                             ).returncode == 0, "PostgreSQL", 60)
        yield owner
    finally:
        server.terminate()
        server.wait()


def has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def test_postgresql(make, names, tmp_path, postgresql):  # noqa: F811
    def execute(sql: str) -> None:
        subprocess.run(["psql", "-Xq", "-c", sql, "devices"], check=True,
                       capture_output=True)
    execute(TABLE + insert("scan1", "'scan@example.com'"))
    command = recipe("msgraph-names /etc/msgraph/names psql",
                     sql=tmp_path / "names.sql", names=names)
    check_recipe(
        make, names, command,
        lambda: execute(insert("scan2") + "update devices set active = 0 "
                        "where name = 'scan1'"),
        lambda: execute("drop table devices"))


SLAPD = """include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
rootpw admin
directory FOLDER/data
"""

TREE = """dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=devices,dc=example,dc=com
objectClass: organizationalUnit
ou: devices

"""


def device(name: str, row: str) -> str:
    return (f"dn: cn={name},ou=devices,dc=example,dc=com\n"
            f"objectClass: device\ncn: {name}\ndescription: {row}\n\n")


@pytest.fixture(name="ldap")
def ldap_server(tmp_path) -> Iterator[str]:
    """Its URL."""
    slapd = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin")
    if slapd is None or shutil.which("ldapsearch") is None:
        pytest.skip("there is no slapd (packages slapd and ldap-utils)")
    (tmp_path / "data").mkdir()
    conf = tmp_path / "slapd.conf"
    conf.write_text(SLAPD.replace("FOLDER", str(tmp_path)))
    url = "ldapi://" + quote(str(tmp_path / "ldapi"), safe="")
    server = subprocess.Popen([slapd, "-f", conf, "-h", url, "-d", "0"],
                              stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: run(["ldapwhoami", "-x", "-H", url]
                             ).returncode == 0, "slapd", 30)
        yield url
    finally:
        server.terminate()
        server.wait()


def test_ldap(make, names, ldap):  # noqa: F811
    admin = ["-x", "-H", ldap, "-D", "cn=admin,dc=example,dc=com",
             "-w", "admin"]

    def add(text: str) -> None:
        subprocess.run(["ldapadd", *admin], input=text, text=True, check=True,
                       capture_output=True)
    # a description that is longer than a line, and one that is base64
    add(TREE + device("scan1", f"{APP} senders=scan@example.com" +
                      "".join(f",s{n}@example.com" for n in range(50))) +
        device("no-row", "a fax in the cellar, Südflügel"))
    command = recipe("msgraph-names /etc/msgraph/names msgraph-names-ldap",
                     names=names, ldap=ldap)

    def change() -> None:
        add(device("scan2", APP))
        subprocess.run(
            ["ldapmodify", *admin], text=True, check=True,
            capture_output=True,
            input="dn: cn=scan1,ou=devices,dc=example,dc=com\n"
                  "changetype: modify\nreplace: description\n"
                  f"description: {APP} disabled=yes\n")

    def spoil() -> None:
        command[command.index(ldap)] = ldap + "-gone"
    check_recipe(make, names, command, change, spoil)


def test_nothing_found_keeps_the_file(names):
    names.write_text("a b=c\n")
    done = run(["msgraph-names", str(names), "true"])
    assert done.returncode == 1 and "has found no entry" in done.stderr
    assert names.read_text() == "a b=c\n"
    assert run(["msgraph-names"]).returncode == 64
