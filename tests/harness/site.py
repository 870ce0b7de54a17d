"""Everything at once: emulator, msgraphd, msgraph-milter and Postfix, wired
together by the examples, in one directory that all their users may enter.

    with Site() as site:
        app = site.new_app()
        queue_id = site.send(app, "scan@example.com", ["a@example.org"], b"…")
        site.postfix.wait_status(queue_id, "sent")
"""

from __future__ import annotations

import re
import secrets
import shutil
import socket
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.client import Emulator

from . import example
from .postfix import Postfix
from .process import BUILD, Process, activated, check_users, put
from .reasons import lacking
from .smtp import Smtp

ACTIVATE = Path(__file__).parent / "activate.py"

SANITIZER = re.compile(
    r"^.*(AddressSanitizer|LeakSanitizer|runtime error:)(.*\n){1,20}", re.M)


@dataclass
class App:
    """An Entra application, as its client knows it."""
    tenant: str
    client: str
    secret: str

    @property
    def user(self) -> str:
        return f"{self.tenant}@{self.client}"

    @property
    def identity(self) -> str:
        """As logs have it."""
        return f"{self.tenant}/{self.client}"


class Site:
    """settings are msgraph.conf's. Keyword arguments are Postfix's. With
    microsoft, no emulator stands in for Entra and Graph."""

    def __init__(self, settings: dict[str, str] | None = None,
                 build: Path = BUILD, emulator: Emulator | None = None,
                 microsoft: bool = False, **postfix: Any) -> None:
        check_users()
        self.build = build
        self.microsoft = microsoft
        self.m365_root: Path | None = None
        self.root = Path(tempfile.mkdtemp(prefix="msgraph-"))
        self.root.chmod(0o755)
        try:
            self._prepare(emulator, settings or {}, postfix)
        except BaseException:
            self._remove()
            raise

    def _remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        if self.m365_root:
            shutil.rmtree(self.m365_root, ignore_errors=True)

    def _prepare(self, emulator: Emulator | None, settings: dict[str, str],
                 postfix: dict[str, Any]) -> None:
        self.conf = self.root / "msgraph.conf"
        self.state = self.root / "state"
        self.key = self.root / "etc" / "vault.key"
        self.identities = self.root / "etc" / "identities"
        self.run = self.root / "run"
        self.submit_socket = self.run / "submit"
        self.admin_socket = self.run / "admin"
        # its record holds secrets: outside of what leak checks look at
        self.m365_root = Path(tempfile.mkdtemp(prefix="m365-"))
        self.m365 = emulator or Emulator(self.m365_root)
        self.owns_m365 = emulator is None and not self.microsoft
        self.postfix = Postfix(self.root, self.build, agent_conf=self.conf,
                               **postfix)
        self.auth_socket = self.postfix.socket_directory / "auth"
        self.bounce_socket = self.postfix.socket_directory / "bounce"
        self.milter_socket = self.postfix.socket_directory / "milter"
        self.settings = settings
        self._make_folders()
        self.daemon = self._program("msgraphd", "msgraphd",
                                    self.submit_socket)
        self.milter = self._program("msgraph-milter", "msgraph",
                                    self.milter_socket)

    def _make_folders(self) -> None:
        self.run.mkdir()
        shutil.chown(self.run, "root", "msgraph")
        self.run.chmod(0o3770)
        for folder in (self.state, self.key.parent):
            folder.mkdir()
            shutil.chown(folder, "msgraphd", "msgraph")
        self.state.chmod(0o700)
        self.key.parent.chmod(0o750)
        self.identities.touch(0o644)

    def _program(self, name: str, user: str, sock: Path) -> Process:
        binary = self.install(name)
        return Process(name, [str(binary), "-c", str(self.conf)], user,
                       self.root / f"{name}.log", lambda: answers(sock))

    def install(self, name: str) -> Path:
        """Puts a program where its user may see it."""
        binary = self.postfix.paths.agent.parent / name
        put(self.build / name, binary)
        return binary

    # --- configuration

    def write_conf(self) -> None:
        """The example, with the settings that a test has to have."""
        ours = {
            "auth_socket": str(self.auth_socket),
            "bounce_socket": str(self.bounce_socket),
            "submit_socket": str(self.submit_socket),
            "admin_socket": str(self.admin_socket),
            "state_directory": str(self.state),
            "vault_key_file": str(self.key),
            "milter_socket": f"unix:{self.milter_socket}",
            "allowed_tenants": "any",
            "identity_maps": str(self.identities),
            "log_destination": "stderr",
            "log_level": "debug",
        }
        if not self.microsoft:
            ours.update(self._emulated())
        text = example.read("msgraph.conf")
        for name, value in {**ours, **self.settings}.items():
            text = example.setting(text, name, value)
        self.conf.write_text(text)

    def _emulated(self) -> dict[str, str]:
        ca_file = self.root / "ca.pem"  # where msgraphd may read it
        shutil.copy(self.m365.ca_file, ca_file)
        return {"ca_file": str(ca_file), "login_endpoint": self.m365.url,
                "graph_endpoint": self.m365.url,
                "imds_endpoint": self.m365.imds}

    def configure(self, **settings: str) -> None:
        """Changes settings and has them read again."""
        self.settings.update(settings)
        self.write_conf()
        self.daemon.reload()

    def identify(self, text: str, reload: bool = True) -> None:
        """Writes the table of identities; without reload msgraphd finds it
        by itself, within seconds."""
        new = self.identities.with_suffix(".new")
        new.write_text(text)
        new.rename(self.identities)
        if reload:
            self.daemon.reload()

    # --- start and stop

    def start(self) -> Site:
        try:
            if self.owns_m365:
                self.m365.start()
            self.write_conf()
            self.daemon.start()
            self.milter.start()
            self.postfix.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stops what runs and removes what was made."""
        try:
            self.postfix.stop()
            self.milter.stop()
            self.daemon.stop()
        finally:
            if self.owns_m365:
                self.m365.stop()
            self._remove()

    def __enter__(self) -> Site:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def activate(self) -> dict[str, socket.socket]:
        """Starts msgraphd in systemd's way: with sockets that we hold. The
        caller closes them when no msgraphd needs them any more."""
        held = {"auth": listen(self.auth_socket),
                "bounce": listen(self.bounce_socket),
                "submit": listen(self.submit_socket),
                "admin": listen(self.admin_socket)}
        self.start_with(held)
        return held

    def start_with(self, held: dict[str, socket.socket]) -> None:
        numbers = {name: sock.fileno() for name, sock in held.items()}
        helper = shutil.copy(ACTIVATE, self.root)
        command = activated(Path(helper), self.daemon.command, numbers)
        self.daemon.spawn(command, tuple(numbers.values()))

    def end_soundly(self) -> None:
        """Stops our programs, which have to end as told, and looks for what
        a sanitizer said, at any time since the start."""
        statuses = [self.milter.stop(), self.daemon.stop()]
        for log in self.logs():
            found = SANITIZER.search(log.read_text(errors="replace"))
            assert not found, f"{log.name}: {found[0]}"
        assert statuses == [0, 0]
        assert lacking(self.daemon.log()) == []

    # --- what tests do most

    def new_app(self, **fields: Any) -> App:
        """Registers an application that no other test knows, so that
        nothing that is remembered about one matters to another."""
        app = App(str(uuid.uuid4()), str(uuid.uuid4()),
                  f"{secrets.token_urlsafe(20)}~+/&=%")
        self.m365.app(app.tenant, app.client, app.secret, **fields)
        return app

    def connect(self, tls: str = "starttls") -> Smtp:
        implicit = tls == "implicit"
        port = self.postfix.tls_port if implicit else self.postfix.port
        return Smtp(port, tls)

    def send(self, app: App, sender: str, recipients: list[str],
             message: bytes, options: str = "") -> str:
        """Signs in and sends; returns the queue id."""
        with self.connect() as client:
            client.login(app.user, app.secret)
            return client.send(sender, recipients, message, options)

    def logs(self) -> list[Path]:
        return [self.postfix.paths.log, self.daemon.log_file,
                self.milter.log_file]


def answers(path: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(str(path))
        except OSError:
            return False
    return True


def listen(path: Path) -> socket.socket:
    """A socket as systemd makes it for our units."""
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    shutil.chown(path, "root", "msgraph")
    path.chmod(0o660)
    sock.listen(128)
    return sock
