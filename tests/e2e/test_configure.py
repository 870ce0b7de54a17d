"""The example that tells Postfix of our services: what it adds is what the other
examples say, a second run changes nothing, what an admin changed stays, and a
port that is in use stays whose it is."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import pytest

from harness import example
from harness.network import ALONE, needs_network
from harness.postfix import cool_down

pytestmark = needs_network

SCRIPT = example.EXAMPLES / "postfix" / "configure"
SHARED = Path("/usr/share/postfix")
BOUNCES = {"cleanup_service_name": "msgraph-bounce",
           "internal_mail_filter_classes": "bounce"}


class Folder:
    """A configuration of Postfix."""

    def __init__(self, path: Path, main: str, master: str) -> None:
        self.path = path
        self.path.mkdir()
        (path / "main.cf").write_text(f"{main}\nmyhostname = relay.test\n")
        (path / "master.cf").write_text(master)
        for name in ("main.cf", "master.cf"):
            cool_down(path / name)

    def configure(self, *ports: str, network: list[str] = ALONE
                  ) -> subprocess.CompletedProcess:
        for name in ("main.cf", "master.cf"):
            cool_down(self.path / name)
        return subprocess.run(
            [*network, "sh", str(SCRIPT), "-c", str(self.path), *ports],
            capture_output=True, text=True)

    def postconf(self, *args: str) -> str:
        for name in ("main.cf", "master.cf"):
            cool_down(self.path / name)
        done = subprocess.run(["postconf", "-c", str(self.path), *args],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def content(self) -> dict[str, str]:
        return {str(file.relative_to(self.path)): file.read_text()
                for file in sorted(self.path.rglob("*")) if file.is_file()}


@pytest.fixture
def stock(tmp_path) -> Folder:
    return Folder(tmp_path / "stock", (SHARED / "main.cf.debian").read_text(),
                  (SHARED / "master.cf.dist").read_text())


def definitions(folder: Folder) -> dict[str, list[str]]:
    """The words of each service, and of its options."""
    services = {}
    for text in re.split(r"\n(?=\S)", folder.postconf("-M").strip()):
        words = text.split()
        services["/".join(words[:2])] = words[2:]
    return services


@pytest.mark.parametrize("ports", [(), ("8025", "465"), ("2525", "10465")])
def test_adds_what_the_examples_say(stock, tmp_path, ports):
    before = definitions(stock)
    done = stock.configure(*ports)
    assert (done.returncode, done.stderr) == (0, "")
    port, *tls = ports or ("8025",)
    text = example.read("postfix/master.cf.msgraph")
    text = text.replace("/etc/postfix/", f"{stock.path}/")
    if tls:
        text = example.uncomment(text, "465 ")
    wanted = definitions(Folder(tmp_path / "wanted", "", text))
    wanted[f"{port}/inet"] = wanted.pop("8025/inet")
    if tls:
        wanted[f"{tls[0]}/inet"] = wanted.pop("465/inet")
    found = definitions(stock)
    assert {name: found[name] for name in wanted} == wanted
    assert set(found) - set(before) == set(wanted)
    for name in ("bounce", "defer", "trace"):
        for key, value in BOUNCES.items():
            line = stock.postconf("-P", f"{name}/unix/{key}")
            assert line.strip() == f"{name}/unix/{key} = {value}"
    for line in re.findall("(?m)^[a-z0-9_-]+ = .*$",
                           example.read("postfix/main.cf.msgraph")):
        assert line in stock.postconf("-n").splitlines()
    for source, place in (("sasl/msgraph.conf", "sasl/msgraph.conf"),
                          ("postfix/msgraph_route", "msgraph_route")):
        assert (stock.path / place).read_text() == example.read(source)


SERVICES = sorted(file.name for file in
                  (example.EXAMPLES / "postfix/services").iterdir())


def options(folder: Folder, service: str) -> dict[str, str]:
    lines = folder.postconf("-P", service).splitlines()
    return {name.removeprefix(f"{service}/"): value.strip() for name, _, value
            in (line.partition(" =") for line in lines)}


@pytest.mark.parametrize("name", SERVICES)
def test_further_service_is_the_first_with_its_differences(
        stock, tmp_path, name):
    """Also on a second run, which changes nothing."""
    text = example.read(f"postfix/services/{name}").replace(
        "/etc/postfix/", f"{stock.path}/")
    alone = Folder(tmp_path / "alone", "", text)
    [service] = definitions(alone)
    if service.startswith("25/"):  # the stock one has it
        stock.postconf("-M#", "smtp/inet")
    done = stock.configure("-s", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"added: {service}\n" in done.stdout
    assert options(stock, service) == {
        **options(stock, "8025/inet"), **options(alone, service)}
    before = stock.content()
    done = stock.configure("-s", name)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert stock.content() == before


def test_port_of_a_further_service_stays_whose_it_is(stock):
    before = stock.content()
    done = stock.configure("-s", "port25")
    assert done.returncode == 1 and 'a service "smtp" for port 25' in done.stderr
    assert stock.content() == before


def test_second_run_changes_nothing(stock):
    assert stock.configure("8025", "465").returncode == 0
    before = stock.content()
    done = stock.configure("8025", "465")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert stock.content() == before


def test_upgrade_adds_what_is_new(stock):
    """And keeps what an admin changed, with a word on it."""
    stock.configure()
    stock.postconf("-PX", "8025/inet/smtpd_milter_maps")
    stock.postconf("-X", "msgraph_destination_rate_delay")
    stock.postconf("-P", "8025/inet/smtpd_client_restrictions="
                   "permit_mynetworks,reject")
    stock.postconf("-e", "msgraph_destination_concurrency_limit=2")
    (stock.path / "sasl/msgraph.conf").write_text("auxprop_plugin: entra\n")
    master = (stock.path / "master.cf").read_text()
    (stock.path / "master.cf").write_text(
        master.replace("--queue-id=${queue_id}", "--queue-id=X", 1))
    done = stock.configure()
    assert done.returncode == 0, done.stderr
    added, kept = (
        [line.partition(": ")[2] for line in done.stdout.splitlines()
         if line.startswith(word)] for word in ("added", "kept"))
    assert added == ["msgraph_destination_rate_delay",
                     "8025/inet/smtpd_milter_maps"]
    for text, start in zip(kept, [
            f"{stock.path}/sasl/msgraph.conf",
            'msgraph_destination_concurrency_limit = 2 (the example has "4")',
            "8025/inet/smtpd_client_restrictions = permit_mynetworks,reject",
            "msgraph unix "], strict=True):
        assert text.startswith(start)
    assert "eol=\\r\\n" in kept[-1]


TAKEN = [
    ("8025 inet n - y - - smtpd", ("8025",)),
    ("127.0.0.1:8025 inet n - y - - smtpd", ()),
    ("[::1]:8025 inet n - y - - smtpd", ()),
    ("smtps inet n - y - - smtpd", ("8025", "465")),
    ("submissions inet n - y - - smtpd", ("8025", "465")),
    ("465 inet n - y - - smtpd", ("8025", "465")),
    ("submission inet n - y - - smtpd", ("587",)),
    ("", ("25",)),
]


@pytest.mark.parametrize("line, ports", TAKEN)
def test_port_of_another_service_stays_its(stock, line, ports):
    with (stock.path / "master.cf").open("a") as file:
        file.write(f"{line}\n")
    before = stock.content()
    done = stock.configure(*ports)
    assert done.returncode == 1
    assert (line or "smtp").split()[0] in done.stderr
    assert stock.content() == before


@pytest.mark.parametrize("name, value", [
    ("smtpd_milters", ""), ("cleanup_service_name", "cleanup"),
    ("smtpd_milter_maps", "static:DISABLE"), ("smtpd_sasl_path", "smtpd")])
def test_spoilt_service_is_still_ours(stock, name, value):
    """B21, B41: what lets mail past the milter is named, not the port."""
    stock.configure()
    stock.postconf("-P", f"8025/inet/{name}={value}")
    done = stock.configure()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"kept: 8025/inet/{name} = {value}")
    stock.postconf("-PX", f"8025/inet/{name}")
    assert stock.configure().stdout == f"added: 8025/inet/{name}\n"


def test_service_that_stands_twice(stock):
    """B18: Postfix takes the last, and says nothing at the prompt."""
    assert stock.configure().returncode == 0
    with (stock.path / "master.cf").open("a") as file:
        file.write("8025 inet n - y - - smtpd\n")
    before = stock.content()
    done = stock.configure()
    assert done.returncode == 1
    assert "has 8025/inet more than once" in done.stderr
    assert stock.content() == before


WRONG_ROUTES = {  # what is in the file, or None for no file: what is said
    "B20": (None, "No such file"),
    "B20b other field": ("/^X-Never: (.*)$/ FILTER no:$1\n", 'says "" for'),
    "B20b parenthesis": ("/^X-MSGraph-Mailbox: (.*$/ FILTER msgraph:$1\n",
                         "Unmatched ( or \\("),
    "B20c transport": ("/^X-MSGraph-Mailbox: (.*)$/ FILTER msgrap:$1\n",
                       'leads to the transport "msgrap", which'),
}


@pytest.mark.parametrize("name", WRONG_ROUTES)
def test_route_that_is_wrong(stock, name):
    assert stock.configure().returncode == 0
    route = stock.path / "msgraph_route"
    text, said = WRONG_ROUTES[name]
    if text is None:
        stock.postconf("-P", "msgraph-cleanup/unix/milter_header_checks="
                       f"regexp:{stock.path}/mistyped")
    else:
        route.write_text(text)
    done = stock.configure()
    assert done.returncode == 1
    assert said in done.stderr
    assert f"mend {route} as " in done.stderr


@pytest.mark.parametrize("family, address", [    (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_port_of_another_program_stays_its(stock, family, address):
    before = stock.content()
    with socket.socket(family) as sock:
        sock.bind((address, 0))
        sock.listen()
        port = str(sock.getsockname()[1])
        done = stock.configure(port, network=[])
    assert done.returncode == 1
    assert f"another program listens on port {port}" in done.stderr
    assert stock.content() == before


def test_link_stays_one(stock):
    master = stock.path / "master.cf"
    master.rename(stock.path / "real")
    master.symlink_to("real")
    done = subprocess.run(["sh", str(SCRIPT), "-c", str(stock.path)],
                          capture_output=True, text=True)
    assert done.returncode == 1 and "symbolic link" in done.stderr
    assert master.is_symlink()
