"""A relay for the plugin alone: the private Postfix without its milter, an
auth socket that answers as told, and more smtpd services beside the examples'.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .authsocket import AuthSocket
from .ports import free_ports
from .postfix import Postfix
from .smtp import Answer, Smtp

TENANT = "11111111-2222-3333-4444-5555555555aF"
CLIENT = "aaaaaaaa-BBBB-cccc-dddd-eeeeeeeeeeee"
USER = f"{TENANT}:{CLIENT}"
SECRET = "s3cr3t~with+odd/chars=&% "

MILTER = "smtpd_milters=unix:msgraph/milter"

# Services without TLS and milter beside those of the examples: what is added
# to smtpd's options, and the SASL configuration if it is not the example's.
PLAIN_SMTPD = """\
127.0.0.1:{port} inet n - {chroot} - - smtpd
    -o smtpd_sasl_auth_enable=yes -o smtpd_sasl_path={sasl}
    -o cyrus_sasl_config_path=$config_directory/sasl
    -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
"""
EXTRA = {
    "bare": ("", None),
    "realm": ("    -o smtpd_sasl_local_domain=example.com\n", None),
    "hasty": ("", "auxprop_plugin: entra\nmech_list: PLAIN LOGIN\n"
              "entra_timeout: 1\n"),
    "broken": ("", "auxprop_plugin: entra\nmech_list: PLAIN LOGIN\n"
               "entra_timeout: soon\n"),
    "stock": ("", "auxprop_plugin: sasldb\nsasldb_path: etc/sasldb2\n"),
    "saslauthd": ("", "pwcheck_method: saslauthd\nauxprop_plugin: entra\n"
                  "mech_list: PLAIN LOGIN\nsaslauthd_path: msgraph/mux\n"),
}


@dataclass
class Relay:
    postfix: Postfix
    auth: AuthSocket
    ports: dict[str, int] = field(default_factory=dict)

    def connect(self, service: str = "") -> Smtp:
        if service in EXTRA:
            return Smtp(self.ports[service], tls="none")
        if service == "implicit":
            return Smtp(self.postfix.tls_port, tls="implicit")
        return Smtp(self.postfix.port)

    def sign_in(self, user: str | bytes = USER, secret: str | bytes = SECRET,
                service: str = "", **how: Any) -> Answer:
        """AUTH PLAIN on a connection of its own."""
        with self.connect(service) as smtp:
            return smtp.auth_plain(user, secret, **how)

    def log_in(self, user: str | bytes = USER, secret: str | bytes = SECRET,
               service: str = "", **how: Any) -> Answer:
        """AUTH LOGIN on a connection of its own."""
        with self.connect(service) as smtp:
            return smtp.auth_login(user, secret, **how)

    def add_services(self, chroot: bool) -> None:
        """Once, before Postfix starts."""
        etc = self.postfix.paths.etc
        master = (etc / "master.cf").read_text()
        assert MILTER in master
        master = master.replace(MILTER, "smtpd_milters=")
        for port, (name, (options, sasl)) in zip(
                free_ports(len(EXTRA)), EXTRA.items()):
            self.ports[name] = port
            master += PLAIN_SMTPD.format(
                port=port, chroot="y" if chroot else "n",
                sasl=name if sasl else "msgraph") + options
            if sasl:
                (etc / "sasl" / f"{name}.conf").write_text(sasl)
        (etc / "master.cf").write_text(master)
