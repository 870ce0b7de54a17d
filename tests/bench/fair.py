"""What one application's mail, or somebody without valid credentials, costs
another: a table, each row quiet or under load.

    make bench-fair [ONLY=8a]

The rows about mail are measured with msgraphd alone and processes that hand
over whatever there is, as qmgr and pipe(8) do (harness/pipes.py). A row is what
Graph does with the mail of A; it says how long one message of B takes, and what
became of A's. The rows about sign-ins are in fair_entra.py, and the last one is
what make bench-accounts prints.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import fair_entra
from emulator.client import Emulator
from harness import cert
from harness.daemon import BUILD, Daemon
from harness.pipes import Pipes

CLIENT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
A, B, C = (f"{digit * 8}-2222-3333-4444-555555555555" for digit in "123")
SECRET = "a secret"
BOXES = [f"scan{number}@example.com" for number in range(30)]
PROBES = 6


def throttled(seconds: int) -> dict[str, Any]:
    return {"status": 429, "headers": {"Retry-After": str(seconds)},
            "body": {"error": {"code": "ApplicationThrottled"}}}


@dataclass
class Row:
    name: str
    rules: list[dict[str, Any]]  # for sendMail of A (and C)
    boxes: list[str] = field(default_factory=lambda: BOXES)
    backlog: int = 20000
    quick: float = 0  # seconds in which A is quick, before the rules hold
    entra: bool = False  # it is Entra that hangs then, for A
    again: int = 0  # so often A is quick after all, and then not
    others: tuple[str, ...] = ()  # applications that fare as A does
    after: bool = False  # but only when A has begun to
    each: float = 0  # seconds a post: Graph is bench/graph.c then
    own: int = 0  # processes of a transport that B has for itself


ROWS = [
    Row("quiet", [], backlog=0),
    Row("6. 429 with Retry-After 50, 30 mailboxes", [throttled(50)]),
    Row("   429 with Retry-After 4, for ever", [throttled(4)]),
    Row("7. 100 s a post", [{"action": "stall"}]),
    Row("   the same, two applications", [{"action": "stall"}], others=(C,)),
    Row("   quick for 3 s, then 100 s a post", [{"action": "stall"}], quick=3),
    Row("   the same, and then another one", [{"action": "stall"}], quick=3,
        others=(C,), after=True),
    Row("   quick for 3 s, then Retry-After 4", [throttled(4)], quick=3),
    Row("   quick for 3 s, then Retry-After 50", [throttled(50)], quick=3),
    Row("   quick for 3 s, then Entra hangs", [], quick=3, entra=True),
    Row("   quick, 4 s a post, quick, and again", [{"delay": 4}], quick=3,
        again=3),
    Row("8. 429 with Retry-After 50, one mailbox", [throttled(50)],
        boxes=BOXES[:1]),
    Row("8a. 0.3 s a post, also of B", [], backlog=3000, each=0.3),
    Row("8b. the same, B by msgraph-2", [], backlog=3000, each=0.3, own=20),
]


def user(tenant: str) -> str:
    return f"{tenant}:{CLIENT}"


def rules_for(row: Row, *tenants: str) -> list[dict[str, Any]]:
    return [{"endpoint": "sendMail", "match": {"tenant": tenant}, "times": -1,
             **rule} for rule in row.rules for tenant in tenants]


def quick(*tenants: str) -> list[dict[str, Any]]:
    return [{"endpoint": "sendMail", "match": {"tenant": tenant}, "times": -1,
             "delay": 0.05} for tenant in tenants]


def queue(pipes: Pipes, row: Row, *tenants: str) -> None:
    for tenant in tenants:
        pipes.queue(user(tenant), [f"{tenant[:1]}{box}" for box in row.boxes],
                    row.backlog)


def load(m365: Emulator, pipes: Pipes, row: Row) -> None:
    """Until A's mail fares as the row says."""
    if not row.quick:
        m365.rules(*rules_for(row, A, *row.others))
        queue(pipes, row, A, *row.others)
        return
    m365.rules(*quick(A))
    queue(pipes, row, A)
    time.sleep(row.quick)
    spoil(m365, row, A)
    if row.after:
        time.sleep(row.quick)
        m365.clear_rules()
        m365.rules(*rules_for(row, A), *quick(*row.others))
        queue(pipes, row, *row.others)
        time.sleep(row.quick)
        spoil(m365, row, A, *row.others)


def spoil(m365: Emulator, row: Row, *tenants: str) -> None:
    m365.clear_rules()
    if row.entra:
        m365.expire_tokens()
        m365.rules({"endpoint": "token", "match": {"tenant": A}, "times": -1,
                    "action": "stall"})
    else:
        m365.rules(*rules_for(row, *tenants))


@contextmanager
def changing(m365: Emulator, row: Row) -> Iterator[None]:
    """A is quick and then not, a few times, while B's mail goes."""
    def change() -> None:
        for _ in range(row.again):
            if done.wait(4):
                return
            m365.clear_rules()
            m365.rules(*quick(A))
            if done.wait(row.quick):
                return
            spoil(m365, row, A)
    done = threading.Event()
    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def probe(pipes: Pipes, probes: int) -> list[float]:
    """What B's messages take, one after the other."""
    taken = []
    for number in range(1, probes + 1):
        pipes.queue(user(B), ["box@example.net"], 1)
        taken.append(pipes.wait(user(B), number, 200)[-1].waited)
        time.sleep(0.5)
    return taken


@contextmanager
def microsoft(folder: Path, each: float) -> Iterator[tuple[Emulator, dict]]:
    """The emulator, and the settings for it. Where a post takes its time, the
    emulator is Entra alone."""
    if not each:
        with Emulator(folder) as m365:
            yield m365, {"login_endpoint": m365.url,
                         "graph_endpoint": m365.url, "ca_file": m365.ca_file}
        return
    key, crt = cert.make(folder)
    graph = subprocess.Popen(
        [BUILD / "tests" / "bench_graph", crt, key, str(round(each * 1000))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    url = f"https://localhost:{int(graph.stdout.readline())}"
    both = folder / "both.pem"
    try:
        with Emulator(folder / "m365", "--graph-base", url) as m365:
            both.write_text(Path(m365.ca_file).read_text() + crt.read_text())
            yield m365, {"login_endpoint": m365.url, "graph_endpoint": url,
                         "ca_file": str(both)}
    finally:
        graph.stdin.close()
        graph.wait(30)


def measure(row: Row, processes: int) -> None:
    with tempfile.TemporaryDirectory() as one, \
            tempfile.TemporaryDirectory() as two, \
            microsoft(Path(one), row.each) as (m365, settings):
        settings |= {"log_level": "warning", "process_limit": str(processes)}
        for tenant in (A, B, C):
            m365.app(tenant, CLIENT, SECRET)
        with Daemon(Path(two), settings) as daemon:
            for tenant in (A, B, C):
                assert daemon.auth(user(tenant), SECRET) == "OK"
            with Pipes(daemon, processes) as pipes:
                began = time.monotonic()
                load(m365, pipes, row)
                with changing(m365, row), own_pipes(daemon, pipes, row) as own:
                    taken = probe(own, 30 if row.again else PROBES)
                whole = finish(pipes, row, began, processes)
                pipes.forget()
                m365.clear_rules()
                m365.release()
                daemon.stop()  # what waits for a Retry-After is deferred
            counts = {" ".join(key): count for key, count
                      in sorted(pipes.statuses(user(A)).items())
                      if key[0]}  # those that we stopped have none
    show(row.name, taken, f"{counts or ''}{whole}")


@contextmanager
def own_pipes(daemon: Daemon, pipes: Pipes, row: Row) -> Iterator[Pipes]:
    """What B's mail goes by."""
    if not row.own:
        yield pipes
        return
    with Pipes(daemon, row.own) as own:
        yield own


def finish(pipes: Pipes, row: Row, began: float, processes: int) -> str:
    """How a backlog that goes through compares with the ideal."""
    if not row.each:
        return ""
    pipes.wait(user(A), row.backlog, 300)
    ideal = row.backlog * row.each / processes
    return f", {(time.monotonic() - began) / ideal:.2f} of N*t/places"


def show(name: str, taken: list[float], text: str = "") -> None:
    print(f"{name:46} {max(taken):6.2f} {statistics.median(taken):6.2f}"
          f"  {text}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=100)
    parser.add_argument("--only", default="", help="part of a row's name")
    args = parser.parse_args()
    began = time.monotonic()
    print(f"{'seconds':46} {'max':>6} {'median':>6}")
    print("a message of B, and what became of A's:")
    for row in ROWS:
        if args.only in row.name:
            measure(row, args.processes)
    for name, run in fair_entra.ROWS:
        if args.only in name:
            run(show)
    if args.only in "13.":
        print("13. the longest steps of the loop:", flush=True)
        subprocess.run([BUILD / "tests" / "bench_accounts"], check=False)
    print(f"measured in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
