"""The recipes of docs/senders.md for names in a database or directory: with a
real SQLite, PostgreSQL and slapd, the commands as they stand there."""

from __future__ import annotations

import base64
import os
import pwd
import shlex
import shutil
import signal
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
def file_of_names(tmp_path):
    """The scripts stand beside it."""
    for name in ("msgraph-names", "msgraph-names-ldap"):
        shutil.copy(EXAMPLES / name, tmp_path)
        (tmp_path / name).chmod(0o755)
    return tmp_path / "names"


def documented(program: str) -> str:
    return document.line(
        document.section("docs/senders.md", SECTION),
        f"/etc/msgraph/msgraph-names /etc/msgraph/names {program}")


def recipe(program: str, names: Path, **places: object) -> list[str]:
    """A command of the document, with other files."""
    line = documented(program)
    for place, real in places.items():
        line = line.replace({
            "sql": "/etc/msgraph/names.sql",
            "sqlite": "/var/lib/devices/devices.db",
            "ldap": "ldapi:///"}[place], str(real))
    return shlex.split(line.replace("/etc/msgraph/", f"{names.parent}/"))


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
    command = recipe("sqlite3", names, sql=EXAMPLES / "names.sql",
                     sqlite=database)
    unit = (EXAMPLES / "msgraph-names.service").read_text()
    assert f"ExecStart={documented('sqlite3')}" in " ".join(
        unit.replace("\\\n", " ").split())
    assert "\nReadWritePaths=/etc/msgraph -/var/lib/devices\n" in unit
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
    command = recipe("psql", names, sql=tmp_path / "names.sql")
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
    command = recipe("/etc/msgraph/msgraph-names-ldap", names, ldap=ldap)

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


BASE64 = base64.b64encode


@pytest.mark.parametrize("ldif, rows", [
    ("cn: a\ndescription: application=1/2", "a application=1/2\n"),
    # as ldapsearch writes what ends with a blank, has a line end, or umlauts
    (b"cn: a\ndescription:: " + BASE64(b"application=1/2 disabled=yes "),
     "a application=1/2 disabled=yes \n"),
    (b"cn: a\ndescription:: " + BASE64(b"application=1/2\r\nb=c\n\nd=e"),
     "a application=1/2  b=c  d=e\n"),
    (b"cn:: " + BASE64("ä".encode()) + b"\ndescription: application=1/2",
     "ä application=1/2\n"),
    # what is no row of ours
    (b"cn: a\ndescription:: " + BASE64("Südflügel".encode()), ""),
    ("cn: a\ndescription: a fax in the cellar", ""),
    ("cn: a\ndescription: a fax\ndescription: application=1/2\n"
     "description: in the cellar", "a application=1/2\n"),
    ("description: application=1/2", ""),
    ("cn: $(id)\ndescription:: $(id)", ""),
])
def test_ldif(tmp_path, ldif, rows):
    text = ldif.encode() if isinstance(ldif, str) else ldif
    (tmp_path / "ldif").write_bytes(b"dn: cn=x\n" + text + b"\n\n")
    (tmp_path / "ldapsearch").write_text(
        f'#!/bin/sh\n[ $# -gt 4 ] && cat {tmp_path}/ldif\n')
    (tmp_path / "ldapsearch").chmod(0o755)
    done = run([str(EXAMPLES / "msgraph-names-ldap"), "-x"],
               env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (done.returncode, done.stdout) == (0, rows), done.stderr


def test_parts_are_installed_where_the_unit_looks(tmp_path):
    lines = [line for line in document.lines(
        document.section("docs/senders.md", "From SQL"))
        if line.startswith("install ")]
    assert len(lines) == 3
    for folder in ("etc/msgraph", "etc/systemd/system"):
        (tmp_path / folder).mkdir(parents=True)
    for line in lines:
        subprocess.run(shlex.split(line.replace(" /etc/", f" {tmp_path}/etc/")),
                       cwd=EXAMPLES, check=True)
    unit = (tmp_path / "etc/systemd/system/msgraph-names.service").read_text()
    for program in ("msgraph-names", "names.sql"):
        assert f"/etc/msgraph/{program}" in unit
        assert (tmp_path / "etc/msgraph" / program).exists()
    for program in ("msgraph-names", "msgraph-names-ldap"):
        assert os.access(tmp_path / "etc/msgraph" / program, os.X_OK)
    assert (tmp_path / "etc/systemd/system/msgraph-names.timer").exists()


def test_a_source_that_hangs_leaves_nothing(names):
    """systemd ends the service after a minute, and starts it again."""
    names.write_text("a b=c\n")
    (names.parent / "hangs").touch()
    before = sorted(names.parent.iterdir())
    process = subprocess.Popen(
        [str(names.parent / "msgraph-names"), str(names), "sh", "-c",
         f"echo >{names.parent}/hangs; exec sleep 600"],
        start_new_session=True)
    wait_for(lambda: (names.parent / "hangs").stat().st_size > 0,
             "its source", 10)
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(10) != 0
    assert sorted(names.parent.iterdir()) == before
    assert names.read_text() == "a b=c\n"


def test_nothing_found_keeps_the_file(names):
    names.write_text("a b=c\n")
    program = str(names.parent / "msgraph-names")
    done = run([program, str(names), "true"])
    assert done.returncode == 1 and "has found no entry" in done.stderr
    assert names.read_text() == "a b=c\n"
    assert run([program]).returncode == 64
