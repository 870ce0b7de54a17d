"""What a private Postfix is configured with: the examples with paths and ports
substituted, and around them the least that a Postfix needs.

Example paths become those of Paths; everything else of the examples stays.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from . import example

# The services that every Postfix has, as far as mail passes them here.
BASE_MASTER = """\
pickup    unix  n       -       {chroot}       60      1       pickup
cleanup   unix  n       -       {chroot}       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       {chroot}       1000?   1       tlsmgr
rewrite   unix  -       -       {chroot}       -       -       trivial-rewrite
bounce    unix  -       -       {chroot}       -       0       bounce
defer     unix  -       -       {chroot}       -       0       bounce
trace     unix  -       -       {chroot}       -       0       bounce
verify    unix  -       -       {chroot}       -       1       verify
flush     unix  n       -       {chroot}       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
showq     unix  n       -       {chroot}       -       -       showq
error     unix  -       -       {chroot}       -       -       error
retry     unix  -       -       {chroot}       -       -       error
discard   unix  -       -       {chroot}       -       -       discard
smtp      unix  -       -       {chroot}       -       -       smtp
anvil     unix  -       -       {chroot}       -       1       anvil
postlog   unix-dgram n  -       n       -       1       postlogd
"""

# Whatever leaves by the default route is seen in the log and goes nowhere.
DEFAULT_ROUTE = "default-route"

BASE_MAIN = """\
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
maillog_file = {log}
maillog_file_prefixes = {root}
import_environment = {environment}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.test
mydestination =
mynetworks_style = host
alias_maps =
alias_database =
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_tls_chain_files = {key}, {crt}
default_transport = discard:{default_route}
"""

SMTPD = "8025       inet  n       -       y       -       -       smtpd"
CLEANUP = "msgraph-cleanup unix n   -       y       -       0       cleanup"
BOUNCE = "msgraph-bounce unix n    -       y       -       0       cleanup"
# CR alone as line end: a milter sees blanks without it
SIZE_LIMIT = re.compile(r"message_size_limit=([1-9]\d*)")
AGENT = "/usr/libexec/msgraph/msgraph-agent\n"
TRANSPORTS = 3  # msgraph, msgraph-2, msgraph-slow
ROUTE = "/etc/postfix/msgraph_route"
SASL_SOCKET = "entra_socket: msgraph/auth"
LOCAL_USERS = ("auxprop_plugin: entra\n", "#auxprop_plugin: entra sasldb\n",
               "#sasldb_path: etc/sasldb2\n")


@dataclass
class Paths:
    """Where a private Postfix has its things, all below root."""
    root: Path

    def __post_init__(self) -> None:
        self.etc = self.root / "postfix"
        self.queue = self.root / "spool"
        self.data = self.root / "data"
        self.log = self.root / "mail.log"
        self.plugins = self.root / "sasl2"
        self.agent = self.root / "libexec" / "msgraph-agent"
        self.route = self.etc / "msgraph_route"
        self.sasl = self.etc / "sasl" / "msgraph.conf"
        self.sasldb = self.queue / "etc" / "sasldb2"


@dataclass
class Options:
    """What a test may want otherwise than the example has it."""
    port: int
    tls_port: int
    chroot: bool = True
    agent: list[str] = field(default_factory=list)  # command, if not ours
    agent_conf: Path | None = None
    local_users: bool = False  # sasldb besides Entra
    sasl: str = ""  # more lines for sasl/msgraph.conf
    preload: str = ""  # LD_PRELOAD for smtpd, such as libasan
    size_limit: int | None = None  # smtpd's, if not the example's
    header_checks: str = ""  # of msgraph-cleanup
    services: dict[str, int] = field(default_factory=dict)  # name: port


def master(paths: Paths, options: Options) -> str:
    text = example.read("postfix/master.cf.msgraph")
    flag = "y" if options.chroot else "n"
    text = example.replace(text, SMTPD, listener(options.port, flag))
    text = example.replace(
        text, CLEANUP, f"msgraph-cleanup unix n - {flag} - 0 cleanup")
    text = example.replace(
        text, BOUNCE, f"msgraph-bounce unix n - {flag} - 0 cleanup")
    text = example.replace(text, f"regexp:{ROUTE}\n",
                           f"regexp:{paths.route}\n")
    agent = options.agent or [str(paths.agent)]
    if options.agent_conf:
        agent = [*agent, "-c", str(options.agent_conf)]
    text = example.replace(text, AGENT, " ".join(agent) + "\n", TRANSPORTS)
    if options.header_checks:
        text = example.replace(text, "-o header_checks= -o mime",
                               f"-o {{ header_checks = "
                               f"{options.header_checks} }} -o mime")
    if options.size_limit is not None:
        size_limit()  # it is there
        text = SIZE_LIMIT.sub(f"message_size_limit={options.size_limit}",
                              text)
    first = re.search(rf"^127\.0\.0\.1:{options.port} .*\n(([ \t].*)\n)+",
                      text, re.M)[0].partition("\n")[2]
    for name, port in {"submissions": options.tls_port,
                       **options.services}.items():
        text += service(name, listener(port, flag), first, paths)
    return BASE_MASTER.format(chroot=flag) + example.check_private(
        text, paths.root)


def listener(port: int, flag: str) -> str:
    return f"127.0.0.1:{port} inet n - {flag} - - smtpd"


def service(name: str, place: str, first: str, paths: Paths) -> str:
    """A further service, as "msgraphctl setup" makes it: the options of the first
    one, and its own, which count where both have one."""
    own = example.read(f"postfix/services/{name}")
    own = re.sub(r"(?m)^\S+ +inet .*smtpd\n", "", own)
    own = own.replace("/etc/postfix/", f"{paths.etc}/")
    return f"\n{place}\n{first}{own}"


def commands() -> list[list[str]]:
    """The postconf commands that the example has an admin run."""
    text = example.read("postfix/master.cf.msgraph")
    found = [line[1:].split() for line in text.splitlines()
             if line.startswith("#postconf ")]
    if not found:
        raise example.ExampleError("no #postconf line")
    return found


def size_limit() -> int:
    """What the example's smtpd services announce as SIZE."""
    found = set(SIZE_LIMIT.findall(example.read("postfix/master.cf.msgraph")))
    if len(found) != 1:
        raise example.ExampleError(f"message_size_limit is {found}")
    return int(found.pop())


def main(paths: Paths, options: Options, key: Path, crt: Path,
         settings: dict[str, str]) -> str:
    base = BASE_MAIN.format(
        root=paths.root, queue=paths.queue, data=paths.data, log=paths.log,
        environment=environment(paths, options), key=key, crt=crt,
        default_route=DEFAULT_ROUTE)
    own = example.check_private(
        example.read("postfix/main.cf.msgraph"), paths.root)
    more = "".join(f"{name} = {value}\n" for name, value in settings.items())
    return without(without(base, names(own)) + own, settings) + more


def names(text: str) -> list[str]:
    return re.findall(r"^(\w+) *=", text, re.M)


def without(text: str, names: Iterable[str]) -> str:
    """Without these settings, each of which stands once then. Postfix warns of
    others, and so does a postlogd that starts: to itself, for ever, where ten
    lines wait for it already."""
    for name in names:
        text = re.sub(rf"^{re.escape(name)} *=.*\n(?:[ \t].*\n)*", "", text,
                      flags=re.M)
    return text


def environment(paths: Paths, options: Options) -> str:
    """The import_environment that lets smtpd find our plugin."""
    usual = postconf_default("import_environment")
    stock = postconf_plugin_directory()
    words = [usual, f"SASL_PATH={paths.plugins}:{stock}"]
    if options.preload:
        words.append(f"LD_PRELOAD={options.preload}")
    return " ".join(words)


def postconf_default(name: str) -> str:
    return subprocess.run(["postconf", "-dh", name], check=True,
                          capture_output=True, text=True).stdout.strip()


def postconf_plugin_directory() -> str:
    """Where libsasl2 has its own plugins: sasldb is one of them."""
    for directory in sorted(Path("/usr/lib").glob("*/sasl2")):
        return str(directory)
    return "/usr/lib/sasl2"


def sasl(options: Options) -> str:
    text = example.read("sasl/msgraph.conf")
    if SASL_SOCKET not in text:
        raise example.ExampleError(f"no line {SASL_SOCKET!r}")
    if options.local_users:
        ours, entry, database = LOCAL_USERS
        text = example.replace(text, "\n" + ours, "\n")
        text = example.replace(text, entry, entry[1:])
        text = example.replace(text, database, database[1:])
    return example.check_private(text) + options.sasl
