"""A private Postfix: own configuration, queue, log and ports, made from the
examples (see postfix_conf.py). The machine's own Postfix is left alone.

    with Postfix(directory, agent_conf=conf) as postfix:
        mark = postfix.mark()
        ...
        postfix.wait_log(r"status=sent", since=mark)
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import cert, document, example, postfix_conf
from .ports import free_ports, is_free
from .process import BUILD, put
from .wait import wait_for

TIMEOUT = 60.0


class Postfix:
    """Keyword arguments are those of postfix_conf.Options. Settings are
    lines of main.cf that come last. Services are names of examples, beside
    those that are always there."""

    def __init__(self, root: Path, build: Path = BUILD,
                 settings: dict[str, str] | None = None,
                 services: tuple[str, ...] = (), **options: Any) -> None:
        self.root = root
        self.build = build
        self.settings = dict(settings or {})
        self.paths = postfix_conf.Paths(root)
        ports = free_ports(2 + len(services))
        self.options = postfix_conf.Options(
            **{"port": ports[0], "tls_port": ports[1],
               "services": dict(zip(services, ports[2:])), **options})
        self.is_running = self.has_run = False
        self._make_folders()
        self.install()
        self._key, self.cert = cert.make(root)
        self.write()

    # --- files

    @property
    def port(self) -> int:
        """STARTTLS, as the example's 8025."""
        return self.options.port

    @property
    def tls_port(self) -> int:
        """TLS from the first byte, as the example's 465."""
        return self.options.tls_port

    @property
    def socket_directory(self) -> Path:
        """Where smtpd finds the sockets of msgraphd and the milter."""
        return self.paths.queue / "msgraph"

    def _make_folders(self) -> None:
        paths = self.paths
        for folder in (paths.etc / "sasl", paths.queue / "etc", paths.data,
                       paths.plugins, paths.agent.parent):
            folder.mkdir(parents=True)
        shutil.chown(paths.data, "postfix")
        self.socket_directory.mkdir()
        shutil.chown(self.socket_directory, "root", "msgraph")
        self.socket_directory.chmod(0o3770)

    def install(self) -> None:
        """Puts plugin and agent where users other than root may see them."""
        put(self.build / "libentra.so", self.paths.plugins / "libentra.so")
        agent = self.build / "msgraph-agent"
        if agent.exists():
            put(agent, self.paths.agent)

    def write(self) -> None:
        """Writes the configuration anew, for the next start or reload."""
        paths = self.paths
        (paths.etc / "master.cf").write_text(
            postfix_conf.master(paths, self.options))
        (paths.etc / "main.cf").write_text(postfix_conf.main(
            paths, self.options, self._key, self.cert, self.settings))
        paths.route.write_text(example.read("postfix/msgraph_route"))
        paths.sasl.write_text(postfix_conf.sasl(self.options))
        cool_down(paths.etc / "main.cf")
        for name, *args in postfix_conf.commands():
            subprocess.run([name, "-c", str(paths.etc), *args], check=True)

    def add_local_user(self, name: str, password: str,
                       realm: str = "relay.test") -> None:
        """A user of the sasldb (option local_users)."""
        subprocess.run(
            ["saslpasswd2", "-p", "-c", "-f", str(self.paths.sasldb),
             "-u", realm, name], input=password.encode(), check=True)
        shutil.chown(self.paths.sasldb, "root", "postfix")
        self.paths.sasldb.chmod(0o640)

    # --- commands

    def command(self, *args: str) -> str:
        """Runs one of Postfix's commands on this instance."""
        done = subprocess.run(
            [args[0], "-c", str(self.paths.etc), *args[1:]],
            capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(args)}: {done.stderr}"
                               f"{done.stdout}\n{self.log_text()}")
        return done.stdout

    def start(self) -> Postfix:
        for tries_left in (2, 1, 0):
            try:
                self.command("postfix", "start")
                break
            except RuntimeError:
                if tries_left == 0:
                    raise
                if self.has_run:
                    # a smtpd that ends has it still; tests know the number
                    wait_for(lambda: all(map(is_free, self._ports())),
                             "our ports to be free again")
                else:
                    # somebody may have taken one since it was found free
                    self._take_other_ports()
                    self.write()
        self.is_running = self.has_run = True
        return self

    def _ports(self) -> list[int]:
        return [self.options.port, self.options.tls_port,
                *self.options.services.values()]

    def _take_other_ports(self) -> None:
        names = list(self.options.services)
        ports = free_ports(2 + len(names))
        self.options.port, self.options.tls_port = ports[:2]
        self.options.services = dict(zip(names, ports[2:]))

    def service(self, name: str) -> int:
        """The port of a further service."""
        return self.options.services[name]

    def stop(self) -> None:
        """What "postfix stop" does, without the second that it sleeps."""
        if self.is_running:
            self.is_running = False
            pid = self.master_pid()
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda: not Path(f"/proc/{pid}").exists(),
                     "Postfix to stop")

    def master_pid(self) -> int:
        return int((self.paths.queue / "pid" / "master.pid").read_text())

    def reload(self) -> None:
        """Has the configuration read again, write() included."""
        self.write()
        mark = self.mark()
        self.command("postfix", "reload")
        self.wait_log(r"reload -- version", since=mark)

    def follow(self, text: str) -> None:
        """Makes the files of a document's section and runs its commands, in
        our folder. write() undoes what they change in master.cf."""
        for name, content in document.files(text).items():
            file = self.paths.etc / Path(name).name
            file.write_text(content)
            cool_down(file)
        for command in document.lines(text):
            if command.startswith(("postmap ", "postconf ")):
                self._run(command.replace("/etc/postfix/",
                                          f"{self.paths.etc}/"))
        cool_down(self.paths.etc / "master.cf")

    def _run(self, command: str) -> None:
        """What is about 8025/inet is done for both of our services."""
        for port in (self.port, self.tls_port):
            self.command(*command.replace(
                "8025/inet", f"127.0.0.1:{port}/inet").split())

    def run_postconf(self, command: str) -> None:
        """Runs a document's "postconf -P 8025/inet/...", here for both of our
        services, and has the configuration read again. write() undoes it."""
        example.replace(command, "8025/inet", "")  # it is there
        self._run(command)
        cool_down(self.paths.etc / "master.cf")
        mark = self.mark()
        self.command("postfix", "reload")
        self.wait_log(r"reload -- version", since=mark)

    def sendmail(self, sender: str, recipient: str, text: bytes) -> None:
        """Sends as a local program does; text has LF line ends."""
        subprocess.run(
            ["sendmail", "-C", str(self.paths.etc), "-f", sender, recipient],
            input=text, check=True, timeout=60)

    def flush(self, *queue_ids: str) -> None:
        """Tries all that is in the queue now. The messages that are named
        have to be deferred: the log says so a moment before they are."""
        for queue_id in queue_ids:
            self.wait_deferred(queue_id)
        self.command("postqueue", "-f")

    def __enter__(self) -> Postfix:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- the queue

    def queue(self) -> list[dict[str, Any]]:
        """What postqueue -j says: queue_id, queue_name, sender,
        recipients (address, delay_reason), ..."""
        lines = self.command("postqueue", "-j").splitlines()
        return [json.loads(line) for line in lines]

    def queued(self, queue_id: str) -> dict[str, Any] | None:
        for entry in self.queue():
            if entry["queue_id"] == queue_id:
                return entry
        return None

    def is_gone(self, queue_id: str, since: int = 0) -> bool:
        """Whether it has left the queue. The log alone knows: on its way from
        one queue to the next a message is in none."""
        return f" {queue_id}: removed" in self.log_text(since)

    def wait_empty_queue(self, timeout: float = TIMEOUT) -> None:
        wait_for(lambda: not self.queue(),
                 lambda: f"an empty queue, but: {self.queue()}", timeout)

    def wait_deferred(self, queue_id: str,
                      timeout: float = TIMEOUT) -> str:
        """Waits until the message was tried and has to wait; returns why. It
        lies in the deferred queue, or, when a flush met it while pipe still
        had it open, for a minute in the incoming one, which flush() tries
        as well."""
        def reason() -> str:
            entry = self.queued(queue_id)
            if entry is None or entry["queue_name"] == "active":
                return ""
            return entry["recipients"][0].get("delay_reason", "")
        return wait_for(
            reason, lambda: f"{queue_id} to be deferred:\n{self.log_end()}",
            timeout)

    @contextlib.contextmanager
    def queueing(self) -> Iterator[None]:
        """What comes within stays in the queue, and is tried after it."""
        self.settings["defer_transports"] = "msgraph"
        self.reload()
        try:
            yield
        finally:
            del self.settings["defer_transports"]
            self.reload()
            self.flush()

    def delete_all(self) -> None:
        if self.queue():
            self.command("postsuper", "-d", "ALL")

    # --- the log

    def mark(self) -> int:
        """Where the log ends now, for `since`."""
        try:
            return self.paths.log.stat().st_size
        except FileNotFoundError:
            return 0

    def log_text(self, since: int = 0) -> str:
        try:
            data = self.paths.log.read_bytes()
        except FileNotFoundError:
            return ""
        return data[since:].decode(errors="replace")

    def log_end(self, since: int = 0) -> str:
        """The last lines, for the text of a failure."""
        return "\n".join(self.log_text(since).splitlines()[-25:])

    def wait_log(self, pattern: str, since: int = 0,
                 timeout: float = TIMEOUT) -> re.Match[str]:
        """The first match in whole lines; ^ and $ are those of a line."""
        compiled = re.compile(pattern, re.M)

        def search() -> re.Match[str] | None:
            text = self.log_text(since)
            return compiled.search(text[:text.rfind("\n") + 1])

        return wait_for(
            search, lambda: f"{pattern!r} in:\n{self.log_end(since)}",
            timeout)

    def wait_status(self, queue_id: str, status: str, since: int = 0,
                    timeout: float = TIMEOUT) -> str:
        """Waits for our transport's line with this status (sent, deferred,
        bounced) for the message; returns the line."""
        pattern = (rf"^.* {re.escape(queue_id)}: .*relay=msgraph[-\w]*, .*"
                   rf"status={status} .*$")
        return self.wait_log(pattern, since, timeout)[0]

    def processes(self) -> list[int]:
        """The pids of master and of what it started."""
        return [self.master_pid(), *children(self.master_pid())]

    def agents(self) -> list[int]:
        """The processes of msgraph-agent that run now."""
        return [pid for pid in self.processes()
                if name_of(pid) == "msgraph-agent"]


def cool_down(file: Path) -> None:
    """Postfix's commands wait, each of them, until a file that was just
    written is a second old, in case that somebody still writes."""
    past = time.time() - 60
    os.utime(file, (past, past))


def name_of(pid: int) -> str:
    """What the process runs; "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def children(pid: int) -> list[int]:
    """All processes below this one."""
    found: list[int] = []
    try:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:  # it has ended
        return found
    for task in tasks:
        try:
            direct = [int(word) for word in task.read_text().split()]
        except OSError:
            continue
        for child in direct:
            found += [child, *children(child)]
    return found
