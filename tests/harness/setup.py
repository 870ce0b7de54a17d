"""Configurations of Postfix, as admins have them, and "msgraphctl setup" on
them: in a folder of their own, with a queue of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from . import example
from .network import ALONE
from .postfix import cool_down
from .process import BUILD

SHARED = Path("/usr/share/postfix")
PROGRAM = BUILD / "msgraphctl"
FILES = ("main.cf", "master.cf")
UNCHANGED = 2  # exit status

SMARTHOST = """
relayhost = [smtp.example.com]:587
smtp_sasl_auth_enable = yes
# two lines
smtpd_recipient_restrictions = permit_mynetworks,
# in between
    permit_sasl_authenticated,
    reject_unauth_destination
header_checks = regexp:{ {/^X-Secret:/ IGNORE} }
milter_macro_defaults = auth_authen=nobody
msgraph_time_limit = 1h
"""

# With tabs, lines that go on, comments between them, and options in braces.
BY_HAND = """
# our submission
submission inet\tn\t-\ty\t-\t-\tsmtpd
\t-o smtpd_tls_security_level=encrypt
# only here
\t-o { smtpd_client_restrictions = permit_sasl_authenticated, reject }
  -o smtpd_milters=inet:localhost:8891
#8025 inet n - y - - smtpd
filter    unix  -       n       n       -       10      pipe
  flags=Rq user=filter null_sender=
  argv=/path/to/script -f ${sender} -- ${recipient}
"""

# What release 0.1.0 told admins to paste.
OLD_MASTER = """
8025       inet  n       -       y       -       -       smtpd
    -o smtpd_sasl_auth_enable=yes
    -o smtpd_sasl_type=cyrus
    -o smtpd_sasl_path=msgraph
    -o smtpd_sasl_security_options=noanonymous
    -o smtpd_sasl_tls_security_options=noanonymous
    -o smtpd_sasl_local_domain=
    -o smtpd_discard_ehlo_keywords=etrn,vrfy
    -o smtpd_tls_security_level=may
    -o smtpd_tls_auth_only=yes
    # our own
    -o smtpd_client_restrictions=permit_mynetworks,reject
    -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
    -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
    -o smtpd_milters=unix:msgraph/milter
    -o milter_default_action=tempfail
    -o cleanup_service_name=msgraph-cleanup
    -o content_filter=msgraph:unrouted
    -o local_header_rewrite_clients=
    -o message_size_limit=2850000
smtps      inet  n       -       y       -       -       smtpd
    -o smtpd_tls_wrappermode=yes
    -o smtpd_sasl_path=msgraph
    -o smtpd_milters=unix:msgraph/milter
    -o cleanup_service_name=msgraph-cleanup
msgraph-cleanup unix n   -       y       -       0       cleanup
    -o milter_header_checks=pcre:/etc/postfix/msgraph_route.pcre
    -o message_reject_characters=\\0
    -o message_size_limit=0
msgraph-bounce unix n    -       y       -       0       cleanup
    -o non_smtpd_milters=
    -o header_checks=socketmap:unix:msgraph/bounce:mailbox
    -o mime_header_checks= -o nested_header_checks= -o body_checks=
msgraph    unix  -       n       n       -       100     pipe
    flags=q user=msgraph null_sender= eol=\\r\\n
    argv=/usr/libexec/msgraph/msgraph-agent
         --queue-id=${queue_id} --identity=${sasl_username}
         --mailbox=${nexthop} --sender=${sender}
         --original-recipient=${original_recipient} -- ${recipient}
"""
OLD_BOUNCES = ["-P", *(f"{name}/unix/cleanup_service_name=msgraph-bounce"
                       for name in ("bounce", "defer", "trace"))]


# Postfix's commands wait a second after each change of its files: cool_down().
COOLED = """#!/bin/sh
[ ! -e "$2/main.cf" ] || touch -d "1 minute ago" "$2/main.cf" "$2/master.cf"
exec "/usr/sbin/${0##*/}" "$@"
"""


class Folder:
    """A configuration of Postfix, Debian's with more behind it."""

    def __init__(self, path: Path, main: str = "", master: str = "",
                 base: bool = True) -> None:
        self.path = path
        self.conf = path / "msgraph.conf"
        path.mkdir()
        (path / "queue").mkdir()
        self.bin = path.with_suffix(".bin")
        self.bin.mkdir()
        for name in ("postconf", "postfix"):
            (self.bin / name).write_text(COOLED)
            (self.bin / name).chmod(0o755)
        self.conf.write_text(example.read("msgraph.conf"))
        texts = {name: (SHARED / f"{name}.{kind}").read_text()
                 for name, kind in zip(FILES, ("debian", "dist"))
                 } if base else dict.fromkeys(FILES, "")
        (path / "main.cf").write_text(
            f"{texts['main.cf']}\nmyhostname = relay.test\n"
            f"queue_directory = {path}/queue\ndata_directory = {path}/data\n"
            f"maillog_file_prefixes = {path}\n"
            f"maillog_file = {path}/mail.log\n{main}")
        (path / "master.cf").write_text(texts["master.cf"] + master)
        self.cool()

    def cool(self) -> None:
        for name in FILES:
            cool_down(self.path / name)

    def setup(self, *args: object, network: list[str] = ALONE,
              path: str = "", **popen: object) -> subprocess.CompletedProcess:
        """path: a folder whose programs come first."""
        self.cool()
        environment = {**os.environ,
                       "PATH": ":".join(filter(None, (
                           path, str(self.bin), os.environ["PATH"])))}
        return subprocess.run(
            [*network, str(PROGRAM), "-c", str(self.conf), "setup",
             "-c", str(self.path), "--share", str(example.EXAMPLES),
             *map(str, args)], capture_output=True, text=True, timeout=60,
            env=environment, **popen)

    def rows(self, *args: object, **options: object) -> list[dict[str, str]]:
        """What it does, or with --dry-run would do."""
        done = self.setup("-j", *args, **options)
        assert done.returncode in (0, UNCHANGED), done.stderr
        return json.loads(done.stdout)["changes"]

    def postconf(self, *args: str) -> str:
        self.cool()
        done = subprocess.run(["postconf", "-c", str(self.path), *args],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def state(self) -> tuple[str, ...]:
        """What Postfix makes of it."""
        return tuple(self.postconf(option) for option in ("-n", "-M", "-P"))

    def content(self) -> dict[str, str]:
        """Each file, but for what Postfix itself makes."""
        return {str(file.relative_to(self.path)): file.read_text()
                for file in sorted(self.path.rglob("*")) if file.is_file()
                and file.relative_to(self.path).parts[0] not in (
                    "queue", "data", "mail.log")}

    def services(self) -> dict[str, list[str]]:
        """The words of each service, and of its options."""
        services = {}
        for text in re.split(r"\n(?=\S)", self.postconf("-M").strip()):
            words = text.split()
            services["/".join(words[:2])] = words[2:]
        return services

    def options(self, service: str) -> dict[str, str]:
        lines = self.postconf("-P", service).splitlines()
        return {name.removeprefix(f"{service}/"): value.strip()
                for name, _, value in (line.partition(" =") for line in lines)}
