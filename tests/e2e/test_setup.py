"""msgraphctl setup: what it adds is what the fragments say, a second run
changes nothing, what an admin changed stays, and a port that is in use stays
whose it is."""

from __future__ import annotations

import pwd
import re
import shlex
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import document, example
from harness.network import needs_network
from harness.ports import free_ports
from harness.setup import OLD_BOUNCES, OLD_MASTER, PROGRAM, UNCHANGED, Folder

pytestmark = needs_network

TENANT = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"
BOUNCES = {"cleanup_service_name": "msgraph-bounce",
           "internal_mail_filter_classes": "bounce"}
SERVICES = sorted(file.name for file in
                  (example.EXAMPLES / "postfix/services").iterdir())


@pytest.fixture
def stock(tmp_path) -> Folder:
    return Folder(tmp_path / "stock")


def set_up(folder: Folder, *args: object) -> subprocess.CompletedProcess:
    done = folder.setup(*args)
    assert done.returncode == 0, done.stderr
    return done


# --- what is added

@pytest.mark.parametrize("port", ["8025", "2525", "127.0.0.1:2525"])
def test_adds_what_the_fragments_say(stock, tmp_path, port):
    before = stock.services()
    set_up(stock, "--service", f"8025={port}", "--bounces")
    wanted = Folder(tmp_path / "wanted", "", example.read(
        "postfix/master.cf.msgraph").replace(
            "/etc/postfix/", f"{stock.path}/"), base=False).services()
    wanted[f"{port}/inet"] = wanted.pop("8025/inet")
    found = stock.services()
    assert {name: found[name] for name in wanted} == wanted
    assert set(found) - set(before) == set(wanted)
    for name in ("bounce", "defer", "trace"):
        assert stock.options(f"{name}/unix") == BOUNCES
    for line in re.findall("(?m)^[a-z0-9_-]+ = .*$",
                           example.read("postfix/main.cf.msgraph")):
        assert line in stock.postconf("-n").splitlines()
    for source, place in (("sasl/msgraph.conf", "sasl/msgraph.conf"),
                          ("postfix/msgraph_route", "msgraph_route")):
        assert (stock.path / place).read_text() == example.read(source)
        assert (stock.path / place).stat().st_mode & 0o777 == 0o644


def test_bounces_stay_where_they_are(stock):
    """Unless --bounces asks for it."""
    set_up(stock)
    assert stock.options("bounce/unix") == {}
    set_up(stock, "--bounces")
    assert stock.options("trace/unix") == BOUNCES


@pytest.mark.parametrize("name", SERVICES)
def test_further_service_is_the_first_with_its_differences(
        stock, tmp_path, name):
    """It alone, unless 8025 is there or asked for. And as it is on a second
    run, which changes nothing."""
    alone = Folder(tmp_path / "alone", "", example.read(
        f"postfix/services/{name}").replace(
            "/etc/postfix/", f"{stock.path}/"), base=False)
    [service] = alone.services()
    if service.startswith("25/"):  # the stock one has it
        stock.postconf("-M#", "smtp/inet")
    set_up(stock, "--service", name)
    assert "8025/inet" not in stock.services()
    set_up(stock, "--service", "8025")
    assert stock.options(service) == {
        **stock.options("8025/inet"), **alone.options(service)}
    before = stock.content()
    for args in ((), ("--service", name), ("--service", "8025")):
        assert stock.setup(*args).returncode == UNCHANGED
    assert stock.content() == before


def test_certificate(stock, tmp_path):
    """Of our services alone, where they know TLS; and another one later."""
    for name in ("key.pem", "relay.pem", "new.pem"):
        (tmp_path / name).write_text("x")
    key, relay, new = (tmp_path / name for name in
                       ("key.pem", "relay.pem", "new.pem"))
    before = stock.postconf("smtpd_tls_chain_files")
    set_up(stock, "--service", "8025", "--service", "local",
           "--certificate", relay, "--key", key)
    chain = "smtpd_tls_chain_files"
    assert stock.options("8025/inet")[chain] == f"{key},{relay}"
    assert chain not in stock.options("127.0.0.1:8026/inet")
    assert stock.postconf("smtpd_tls_chain_files") == before
    assert stock.setup().returncode == UNCHANGED
    [row] = stock.rows("--certificate", new, "--key", key)
    assert (row["action"], row["old"], row["new"]) == (
        "change", f"{key},{relay}", f"{key},{new}")


# --- a second run, and what an admin has changed

def test_second_run_changes_nothing(stock):
    args = ("--service", "8025", "--service", "submissions", "--bounces",
            "--tenant", TENANT)
    set_up(stock, *args)
    before = stock.content()
    done = stock.setup(*args)
    assert (done.returncode, done.stdout) == (UNCHANGED, "")
    assert done.stderr == "msgraphctl setup: nothing had to be changed\n"
    assert stock.content() == before


def test_upgrade_adds_what_is_new(stock):
    """And keeps what an admin changed, with a word on it."""
    set_up(stock)
    stock.postconf("-PX", "8025/inet/smtpd_milter_maps")
    stock.postconf("-X", "msgraph_destination_rate_delay")
    stock.postconf("-P", "8025/inet/smtpd_client_restrictions="
                   "permit_mynetworks,reject")
    stock.postconf("-e", "msgraph_destination_concurrency_limit=2")
    (stock.path / "sasl/msgraph.conf").write_text("auxprop_plugin: entra\n")
    master = (stock.path / "master.cf").read_text()
    (stock.path / "master.cf").write_text(
        master.replace("--queue-id=${queue_id}", "--queue-id=X", 1))
    rows = stock.rows()
    assert [(row["action"], row["name"]) for row in rows] == [
        ("keep", ""), ("keep", "msgraph_destination_concurrency_limit"),
        ("add", "msgraph_destination_rate_delay"),
        ("keep", "8025/inet/smtpd_client_restrictions"),
        ("add", "8025/inet/smtpd_milter_maps"), ("keep", "msgraph/unix")
    ]
    assert rows[1]["old"] == "2" and rows[1]["new"] == "4"
    assert rows[-1]["old"].startswith("... --queue-id=X --identity=")
    assert rows[-1]["new"].startswith("... --queue-id=${queue_id} --ident")
    assert stock.options("8025/inet")["smtpd_milter_maps"] == ""
    done = stock.setup()
    assert done.returncode == UNCHANGED
    assert not re.search("(?m)^(add|change|remove) ", done.stdout)


@pytest.mark.parametrize("name, value", [
    ("smtpd_milters", ""), ("cleanup_service_name", "cleanup"),
    ("milter_macro_daemon_name", "x"),
    ("smtpd_milter_maps", "static:DISABLE"), ("smtpd_sasl_path", "smtpd")])
def test_spoilt_service_is_still_ours(stock, name, value):
    """B21, B41: what lets mail past the milter is named, not the port."""
    set_up(stock)
    stock.postconf("-P", f"8025/inet/{name}={value}")
    [row] = stock.rows()
    assert (row["action"], row["name"], row["old"]) == (
        "keep", f"8025/inet/{name}", value)
    stock.postconf("-PX", f"8025/inet/{name}")
    [row] = stock.rows()
    assert (row["action"], row["name"]) == ("add", f"8025/inet/{name}")


def test_service_of_the_admins_own_is_let_alone(stock):
    set_up(stock)
    stock.postconf("-M", "2525/inet=2525 inet n - y - - smtpd"
                   " -o smtpd_sasl_path=msgraph"
                   " -o smtpd_milters=unix:msgraph/milter"
                   " -o milter_macro_daemon_name=erp")
    assert stock.setup().returncode == UNCHANGED


def test_old_master_cf_is_brought_up_to_date(tmp_path):
    """What 0.1.0 had pasted is recognised, and nothing stands twice."""
    old = Folder(tmp_path / "old", "msgraph_time_limit = 900s\n", OLD_MASTER)
    old.postconf(*OLD_BOUNCES)
    set_up(old)
    new = Folder(tmp_path / "new")
    set_up(new, "--service", "8025", "--service", "submissions")
    assert len(re.findall("(?m)^8025 ", old.postconf("-M"))) == 1
    assert set(old.services()) - {"smtps/inet"} == \
        set(new.services()) - {"465/inet"}
    own = {"smtpd_client_restrictions": "permit_mynetworks,reject",
           "message_size_limit": "2850000"}
    assert old.options("8025/inet") == {**new.options("8025/inet"), **own}
    assert old.options("smtps/inet") == new.options("465/inet")
    for name in ("msgraph-cleanup", "msgraph-bounce", "msgraph"):
        assert old.options(f"{name}/unix") == {
            option: value.replace(str(new.path), str(old.path))
            for option, value in new.options(f"{name}/unix").items()}
    assert "# our own\n" in (old.path / "master.cf").read_text()
    assert old.setup().returncode == UNCHANGED


# --- ports

TAKEN = [
    ("127.0.0.1:8025 inet n - y - - smtpd", "8025"),
    ("8025 inet n - y - - smtpd", "8025"),
    ("[::1]:8025 inet n - y - - smtpd", "8025"),
    ("localhost:8026 inet n - y - - smtpd", "local"),
    ("0.0.0.0:8026 inet n - y - - smtpd", "local"),
    ("[::]:8026 inet n - y - - smtpd", "local"),
    ("smtps inet n - y - - smtpd", "submissions"),
    ("submissions inet n - y - - smtpd", "submissions"),
    ("465 inet n - y - - smtpd", "submissions=192.0.2.1:465"),
    ("submission inet n - y - - smtpd", "8025=587"),
    ("", "port25"),
]


@pytest.mark.parametrize("line, service", TAKEN)
def test_port_of_another_service_stays_its(tmp_path, line, service):
    folder = Folder(tmp_path / "folder", "", f"{line}\n")
    before = folder.content()
    done = folder.setup("--service", service)
    assert done.returncode == 1
    taken = (line or "smtp").split()[0]
    assert f'has a service "{taken}" for port' in done.stderr
    name = service.partition("=")[0]
    assert f"--service {name}=PORT" in done.stderr
    assert f"postconf -M# {taken}/inet && postfix reload" in done.stderr
    assert folder.content() == before


def test_two_addresses_may_have_one_port(tmp_path):
    folder = Folder(tmp_path / "folder", "",
                    "127.0.0.1:8025 inet n - y - - smtpd\n")
    set_up(folder, "--service", "8025=127.0.0.2:8025")
    assert {"127.0.0.1:8025/inet", "127.0.0.2:8025/inet"} <= set(
        folder.services())


@pytest.mark.parametrize("family, address", [
    (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_port_of_another_program_stays_its(stock, family, address):
    before = stock.content()
    with socket.socket(family) as sock:
        sock.bind((address, 0))
        sock.listen()
        port = sock.getsockname()[1]
        for place in (str(port), f"[{address}]:{port}" if ":" in address
                      else f"{address}:{port}"):
            done = stock.setup("--service", f"8025={place}", network=[])
            assert done.returncode == 1
            assert f"another program listens on port {place};" in done.stderr
    assert stock.content() == before


def test_service_that_stands_twice(stock):
    """B18: Postfix takes the last, and says nothing at the prompt."""
    set_up(stock)
    with (stock.path / "master.cf").open("a") as file:
        file.write("8025 inet n - y - - smtpd\n")
    before = stock.content()
    done = stock.setup()
    assert done.returncode == 1
    assert "has 8025/inet more than once" in done.stderr
    assert stock.content() == before


def test_name_of_another_s_service(stock):
    """A transport that is not ours gets none of our options."""
    stock.postconf("-M", "msgraph/unix=msgraph unix - - y - - smtp")
    before = stock.content()
    done = stock.setup()
    assert done.returncode == 1
    assert "msgraph/unix of another program: smtp, not pipe" in done.stderr
    assert stock.content() == before


# --- tenants

CONFS = [  # msgraph.conf before; its lines about tenants after
    ("", f"allowed_tenants = {TENANT}\n"),
    ("log_level = info", f"log_level = info\nallowed_tenants = {TENANT}\n"),
    ("#allowed_tenants =\n\n# x\n", f"#allowed_tenants =\n"
     f"allowed_tenants = {TENANT}\n\n# x\n"),
    (f"allowed_tenants={OTHER}\n# y\n",
     f"allowed_tenants = {OTHER}, {TENANT}\n# y\n"),
    ("allowed_tenants =\n# y\n", f"allowed_tenants = {TENANT}\n# y\n"),
    (f"allowed_tenants = {TENANT} {OTHER}\n", None),
    ("allowed_tenants = any\n", None),
]


@pytest.mark.parametrize("before, after", CONFS)
def test_tenant(stock, before, after):
    set_up(stock)
    stock.conf.write_text(before)
    stock.conf.chmod(0o640)
    owner = pwd.getpwnam("daemon")
    subprocess.run(["chown", "daemon", stock.conf], check=True)
    done = stock.setup("--tenant", TENANT.upper(), "--tenant", TENANT)
    assert done.returncode == (0 if after else UNCHANGED), done.stderr
    assert stock.conf.read_text() == (after or before)
    status = stock.conf.stat()
    assert (status.st_mode & 0o777, status.st_uid) == (0o640, owner.pw_uid)
    assert stock.setup("--tenant", TENANT).returncode == UNCHANGED
    assert stock.setup("--undo").returncode == 0
    if after and before != "allowed_tenants =\n# y\n":
        assert stock.conf.read_text().replace(" = ", "=").strip() == \
            before.replace(" = ", "=").strip()


def test_relative_name_of_msgraph_conf(stock):
    """The way back may begin in another folder."""
    stock.conf = Path("msgraph.conf")
    file = stock.path / stock.conf
    before = file.read_text()
    done = stock.setup("--tenant", TENANT, cwd=stock.path)
    assert done.returncode == 0, done.stderr
    assert file.read_text() != before
    assert stock.setup("--undo", cwd="/").returncode == 0
    assert file.read_text() == before


# --- what is refused

def test_postfix_that_is_not_set_up(stock):
    for name in ("main.cf", "master.cf"):
        file = stock.path / name
        file.rename(stock.path / "away")
        done = subprocess.run(
            [str(PROGRAM), "setup", "-c", str(stock.path), "--share",
             str(example.EXAMPLES)], capture_output=True, text=True)
        assert done.returncode == 1
        assert f"cannot find {file}" in done.stderr
        assert "dpkg-reconfigure postfix" in done.stderr
        (stock.path / "away").rename(file)


WRONG = [  # arguments, status, what is said
    (["--service", "frob"], 1, 'no service "frob"; there are 8025, cert'),
    (["--service", "../services/local"], 1, "there is no service"),
    (["--service", "8025=x"], 1, "8025=[address:]port"),
    (["--service", "8025=0"], 1, "8025=[address:]port"),
    (["--service", "8025=7777", "--service", "local=7777"], 1,
     "port 7777 is for one service"),
    (["--tenant", "contoso"], 64, "as Entra shows it"),
    (["--certificate", "/etc/passwd"], 1, "go together"),
    (["--certificate", "/no/such", "--key", "/etc/passwd"], 1,
     "there is no file /no/such"),
    (["--certificate", "/a,b", "--key", "/etc/passwd"], 1, "no path"),
    *((["--undo", *forth], 64, f"{forth[0]} does not go with it")
      for forth in (["--print"], ["--service", "8025"], ["--bounces"],
                    ["--tenant", TENANT], ["--key", "/etc/passwd"])),
    (["--force"], 64, "--force goes with --undo alone"),
    (["-c", ""], 64, '--config needs a value'),
    (["--share", "x" * 5000], 64, "is no folder"),
    (["--certificate", "/a$b", "--key", "/etc/passwd"], 1, "no path"),
    (["operand"], 64, ""),
    (["--share", "/no/such"], 1, "cannot read /no/such/postfix/master.cf"),
    (["-c", "/no/such"], 1, "there is no folder /no/such"),
    (["--undo"], UNCHANGED, "nothing to undo"),
]


@pytest.mark.parametrize("args, status, said", WRONG)
def test_wrong(stock, args, status, said):
    before = stock.content()
    done = stock.setup(*args)
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert said in done.stderr
    assert ("nothing was changed: " in done.stderr) == (status == 1)
    assert stock.content() == before


def test_mistake_in_msgraph_conf(stock):
    stock.conf.write_text("log_level = loud\n")
    before = stock.content()
    done = stock.setup("--tenant", TENANT)
    assert done.returncode == 1 and "msgraph.conf:1: " in done.stderr
    assert stock.content() == before


# --- looking alone

def may_read(user: str, *paths: Path) -> bool:
    return all(subprocess.run(["test", "-r", path], user=user).returncode == 0
               for path in paths)


def test_root_alone_changes():
    """Others may look."""
    with tempfile.TemporaryDirectory(dir="/tmp") as top:
        Path(top).chmod(0o755)
        stock = Folder(Path(top) / "stock")
        if not may_read("nobody", PROGRAM, example.EXAMPLES / "sasl"):
            pytest.skip("others may not read the sources here")
        before = stock.content()
        nobody = {"user": "nobody", "network": []}
        assert stock.setup(**nobody).returncode == 77
        assert stock.setup("--undo", **nobody).returncode == 77
        # without a network of its own, where 8025 may be in use
        dry = ("--dry-run", "--service", f"8025={free_ports(1)[0]}")
        assert stock.rows(*dry, **nobody) == stock.rows(*dry)
        done = stock.setup("--print", **nobody)
        assert (done.returncode, done.stderr) == (0, "")
        assert stock.content() == before


def test_print_is_what_would_be_added(stock, tmp_path):
    """And what a person may paste; with why."""
    args = ("--service", "8025", "--service", "port25=10025")
    text = stock.setup("--print", *args).stdout
    master = text.partition("# ----- ")[2].partition("\n# ----- ")[0]
    assert "# Port 25, for printers" in master
    pasted = Folder(tmp_path / "pasted", "", master.partition("\n")[2],
                    base=False)
    set_up(stock, *args)
    for name, words in pasted.services().items():
        assert stock.services()[name][:6] == words[:6]
        assert stock.options(name) == pasted.options(name)
    for name in ("main.cf", "sasl/msgraph.conf", "msgraph_route"):
        assert f"# ----- {stock.path}/{name} -----\n" in text


DOCUMENTS = ["README.md", "docs/by-hand.md", "docs/clients.md",
             "docs/senders.md", "docs/operations.md"]


def told() -> list[str]:
    """Each line of the documents that runs setup, the way back at the end."""
    lines = [line for name in DOCUMENTS for line in document.lines(
        (example.ROOT / name).read_text())
        if line.startswith("msgraphctl setup")]
    return sorted(lines, key=lambda line: "--undo" in line)


def test_commands_of_the_documents(stock, tmp_path):
    stock.postconf("-M#", "smtp/inet")  # for port25
    before = stock.state()
    commands = told()
    assert len(commands) >= 5 and "--undo" in commands[-1]
    for command in commands:
        args = [word.replace("<tenant>", TENANT)
                for word in shlex.split(command)[2:]]
        for number, word in enumerate(args):
            if word.startswith("/etc/ssl/"):
                args[number] = str(tmp_path / Path(word).name)
                Path(args[number]).write_text("x")
        done = stock.setup(*args)
        assert done.returncode in (0, UNCHANGED), (command, done.stderr)
    assert stock.state() == before


def test_installed_program_finds_its_fragments(tmp_path, stock):
    """Beside itself, wherever that is."""
    subprocess.run(
        ["make", "-s", "-o", "all", "install", f"BUILD={PROGRAM.parent}",
         f"DESTDIR={tmp_path}", "PREFIX=/opt/x"], cwd=example.ROOT,
        check=True)
    done = subprocess.run(
        [str(tmp_path / "opt/x/sbin/msgraphctl"), "setup", "-c",
         str(stock.path), "--print"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "argv=/opt/x/libexec/msgraph/msgraph-agent\n" in done.stdout
