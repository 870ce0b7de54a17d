"""What goes wrong: processes die or hang, connections break, the disk of the
state is full, Entra and Graph answer anything, one application is throttled for
minutes, and somebody tries secrets of made-up tenants."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.postfix import children
from harness.process import Process
from harness.site import App, Site
from harness.smtp import SmtpError
from harness.wait import wait_for

# Postfix programs that may be killed; not postlogd, whose lines are evidence.
POSTFIX = ("pipe", "qmgr", "smtpd", "cleanup", "trivial-rewrite", "tlsmgr")

# What Graph answers. "accept": it has done what was asked all the same,
# unless it has a reason of its own to refuse it (a token that ran out), which
# is why there is no scripted 202 here.
MAYBE = "maybe"
ANSWERS: list[dict[str, Any]] = [
    {"delay": 0.3},
    {"status": 401, "body": {"error": {"code": "InvalidAuthenticationToken"}}},
    {"status": 429, "headers": {"Retry-After": "1"},
     "body": {"error": {"code": "ApplicationThrottled"}}},
    {"status": 429, "headers": {"Retry-After": "1"}, "body": "Too Many"},
    {"status": 500, "accept": MAYBE},
    {"status": 503, "body": {"error": {"code": "ErrorServerBusy"}}},
    {"status": 504, "accept": MAYBE},
    {"status": 200, "accept": MAYBE},
    {"action": "garbage", "accept": MAYBE},
    {"action": "reset", "accept": MAYBE},
    {"action": "close", "accept": MAYBE},
    {"action": "stall", "accept": MAYBE},
    {"action": "reset", "when": "before"},
    {"action": "stall", "when": "before"},
]
# the calls of a large message, each as likely as the others
DRAFT_CALLS = ["messages", "attachments", "createUploadSession", "upload",
               "send"]
TOKEN_ANSWERS: list[dict[str, Any]] = [
    {"status": 503, "body": {"error": "temporarily_unavailable"}},
    {"status": 500, "body": {"error": "server_error"}},
    {"status": 429, "headers": {"Retry-After": "1"}, "body": "Too Many"},
    {"status": 200, "body": "not JSON"},
    {"action": "garbage"}, {"action": "reset"}, {"action": "stall"},
]


# So long is the throttled application to wait, each time that it is told.
THROTTLED_SECONDS = 45
HAMMERS = 20  # connections at once; one address may have 50
HAMMER_SECONDS = 3.0


class Disk:
    """The state's: a small one, so that it can be filled. SQLite's log alone
    takes 4 MB of it before it starts over."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.is_mounted = False

    def mount(self) -> None:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0777", "tmpfs",
             str(self.place)], capture_output=True)
        self.is_mounted = done.returncode == 0

    def unmount(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", str(self.place)], check=True)

    def fill(self) -> None:
        with (self.place / "ballast").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def empty(self) -> None:
        (self.place / "ballast").unlink(missing_ok=True)


class Faults:
    """Causes faults one after another, chosen by a seeded generator."""

    def __init__(self, site: Site, disk: Disk, seed: int,
                 throttled: App) -> None:
        self.site = site
        self.throttled = throttled
        self.hammers: list[threading.Thread] = []
        self.let_in: list[str] = []  # made-up tenants: nobody is
        self.disk = disk
        self.rng = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.over = threading.Event()
        self.kinds: list[tuple[int, str, Callable[[], object]]] = [
            (8, "kill msgraphd", lambda: self.restart(site.daemon)),
            (3, "stop msgraphd",
             lambda: self.restart(site.daemon, signal.SIGTERM)),
            (4, "kill msgraph-milter", lambda: self.restart(site.milter)),
            (12, "kill msgraph-agent", self.kill_agent),
            (9, "kill while Graph is slow, and try again at once",
             self.kill_while_posted),
            (5, "kill a pipe that feeds its agent", self.kill_feeding_pipe),
            (5, "freeze msgraph-agent", self.freeze_agent),
            (3, "freeze msgraphd", lambda: self.freeze(site.daemon.pid)),
            (3, "hang up on clients of Graph", site.m365.hang_up),
            (3, "Microsoft is away", self.down),
            (3, "all tokens expire", site.m365.expire_tokens),
            (25, "Graph answers", self.answers),
            (8, "Entra answers", self.token_answers),
            (4, "hammer AUTH with made-up tenants", self.hammer),
            (1, "abort Postfix", self.abort_postfix),
        ]
        self.kinds += [(6 if name == "pipe" else 3, f"kill {name}",
                        lambda name=name: self.kill_postfix(name))
                       for name in POSTFIX]
        if disk.is_mounted:
            self.kinds.append((5, "fill the disk", self.full_disk))

    def run(self, is_enough: Callable[[], bool]) -> None:
        """Until there is enough, and every kind has happened."""
        self.throttle()
        weights = [kind[0] for kind in self.kinds]
        while not is_enough() or len(self.done) < len(self.kinds):
            _, name, act = self.rng.choices(self.kinds, weights)[0]
            if act() is not False:
                self.done[name] += 1
            self.pause(0.15)

    def pause(self, most: float) -> None:
        self.over.wait(most * self.rng.random())

    # --- processes

    def restart(self, program: Process,
                number: int = signal.SIGKILL) -> None:
        program.stop(number)
        self.pause(0.5)
        program.start()

    def freeze(self, pid: int) -> bool:
        if not send_signal(pid, signal.SIGSTOP):
            return False
        self.pause(1.0)
        return send_signal(pid, signal.SIGCONT)

    def agents(self) -> list[int]:
        """Ours alone, and those whose pipe(8) is dead as well."""
        conf = str(self.site.conf).encode()
        return [int(entry.name) for entry in Path("/proc").iterdir()
                if entry.name.isdigit() and name_of(int(entry.name)) ==
                "msgraph-agent" and conf in read(entry / "cmdline")]

    def kill_agent(self) -> bool:
        agents = self.catch(self.agents)
        return bool(agents) and send_signal(self.rng.choice(agents),
                                            signal.SIGKILL)

    def kill_while_posted(self) -> bool:
        """Graph has taken a message, or a part of one, and is slow to say so,
        somebody on the way dies, and Postfix is asked for it again."""
        endpoint = self.rng.choice(["sendMail", "sendMail", *DRAFT_CALLS])
        self.site.m365.rules({"endpoint": endpoint, "delay": 2.0,
                              "accept": True, "times": 2})
        self.pause(0.5)
        who = self.rng.choice(["agent", "pipe", "daemon"])
        if who == "daemon":
            self.restart(self.site.daemon)
        elif not (self.kill_agent() if who == "agent"
                  else self.kill_postfix("pipe")):
            return False
        for _ in range(4):
            self.over.wait(0.4)
            self.site.postfix.flush()
        return True

    def kill_feeding_pipe(self) -> bool:
        """The agent sees the end of what it reads, and not of the message."""
        for agent in self.catch(self.agents)[:1]:
            if send_signal(agent, signal.SIGSTOP):
                pipe = parent_of(agent)
                if name_of(pipe) == "pipe":
                    send_signal(pipe, signal.SIGKILL)
                return send_signal(agent, signal.SIGCONT)
        return False

    def freeze_agent(self) -> bool:
        agents = self.catch(self.agents)
        return bool(agents) and self.freeze(self.rng.choice(agents))

    def kill_postfix(self, name: str) -> bool:
        master = self.site.postfix.master_pid()
        pids = self.catch(lambda: [pid for pid in children(master)
                                   if name_of(pid) == name])
        return bool(pids) and send_signal(self.rng.choice(pids),
                                          signal.SIGKILL)

    def catch(self, find: Callable[[], list[int]]) -> list[int]:
        """Some of these processes live for milliseconds."""
        for _ in range(50):
            found = find()
            if found:
                return found
            self.over.wait(0.005)
        return []

    def abort_postfix(self) -> None:
        postfix = self.site.postfix
        master = Path(f"/proc/{postfix.master_pid()}")
        postfix.command("postfix", "abort")
        wait_for(lambda: not master.exists(), "Postfix to end")
        postfix.start()

    # --- Microsoft, the disk

    def down(self) -> None:
        self.site.m365.down()
        self.pause(1.5)
        self.site.m365.up()

    def answers(self) -> None:
        rules = []
        endpoint = "sendMail" if self.rng.random() < 0.7 else \
            self.rng.choice(DRAFT_CALLS)
        for rule in self.rng.choices(ANSWERS, k=self.rng.randint(1, 4)):
            rule = dict(rule)
            if rule.get("accept") == MAYBE:
                rule["accept"] = self.rng.random() < 0.5
            rules.append({"endpoint": endpoint, **rule})
        self.site.m365.rules(*rules)

    def token_answers(self) -> None:
        self.site.m365.rules({"endpoint": "token",
                              **self.rng.choice(TOKEN_ANSWERS)})

    def throttle(self) -> None:
        """Graph takes nothing of one application any more."""
        self.site.m365.rules({
            "endpoint": "sendMail", "status": 429, "times": -1,
            "match": {"tenant": self.throttled.tenant},
            "headers": {"Retry-After": str(THROTTLED_SECONDS)},
            "body": {"error": {"code": "ApplicationThrottled"}}})

    def hammer(self) -> bool:
        """From many connections, beside whatever goes wrong next."""
        if any(thread.is_alive() for thread in self.hammers):
            return False
        self.hammers = [threading.Thread(target=self.hammer_one)
                        for _ in range(HAMMERS)]
        for thread in self.hammers:
            thread.start()
        return True

    def hammer_one(self) -> None:
        end = time.monotonic() + HAMMER_SECONDS
        while time.monotonic() < end:
            user = f"{uuid.uuid4()}@{uuid.uuid4()}"
            try:
                with self.site.connect() as client:
                    if client.auth_plain(user, "guessed").code == 235:
                        self.let_in.append(user)
            except (OSError, ValueError, SmtpError):
                self.over.wait(0.1)  # whoever served us was killed

    def full_disk(self) -> None:
        self.disk.fill()
        self.pause(1.5)
        self.disk.empty()

    # --- and all is well again

    def heal(self) -> None:
        """But for the application that is throttled."""
        for thread in self.hammers:
            thread.join()
        self.site.m365.up()
        self.site.m365.clear_rules()
        self.throttle()
        self.site.m365.release()
        if self.disk.is_mounted:
            self.disk.empty()


def name_of(pid: int) -> str:
    return read(Path(f"/proc/{pid}/comm")).decode().strip()


def parent_of(pid: int) -> int:
    words = read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
    return int(words[1]) if words else 0


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def send_signal(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False
