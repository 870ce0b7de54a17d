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
    others: tuple[str, ...] = ()  # applications that fare as A does
    each: float = 0  # seconds a post: Graph is bench/graph.c then


ROWS = [
    Row("quiet", [], backlog=0),
    Row("6. 429 with Retry-After 50, 30 mailboxes", [throttled(50)]),
    Row("   429 with Retry-After 4, for ever", [throttled(4)]),
    Row("7. 100 s a post", [{"action": "stall"}]),
    Row("   the same, two applications", [{"action": "stall"}], others=(C,)),
    Row("   quick for 3 s, then 100 s a post", [{"action": "stall"}], quick=3),
    Row("8. 429 with Retry-After 50, one mailbox", [throttled(50)],
        boxes=BOXES[:1]),
    Row("8a. 0.3 s a post, also of B", [], backlog=3000, each=0.3),
]


def user(tenant: str) -> str:
    return f"{tenant}:{CLIENT}"


def rules_for(row: Row) -> list[dict[str, Any]]:
    return [{"endpoint": "sendMail", "match": {"tenant": tenant}, "times": -1,
             **rule} for rule in row.rules for tenant in (A, *row.others)]


def load(m365: Emulator, pipes: Pipes, row: Row) -> None:
    if row.quick:
        m365.rules({"endpoint": "sendMail", "match": {"tenant": A},
                    "times": -1, "delay": 0.05})
        pipes.queue(user(A), row.boxes, row.backlog)
        time.sleep(row.quick)
        m365.clear_rules()
    m365.rules(*rules_for(row))
    if not row.quick:
        for tenant in (A, *row.others):
            pipes.queue(user(tenant),
                        [f"{tenant[:1]}{box}" for box in row.boxes],
                        row.backlog)


def probe(pipes: Pipes) -> list[float]:
    """What B's messages take, one after the other."""
    taken = []
    for number in range(1, PROBES + 1):
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
                taken = probe(pipes)
                whole = finish(pipes, row, began, processes)
                pipes.forget()
                m365.clear_rules()
                m365.release()
                daemon.stop()  # what waits for a Retry-After is deferred
            counts = {" ".join(key): count for key, count
                      in sorted(pipes.statuses(user(A)).items())
                      if key[0]}  # those that we stopped have none
    show(row.name, taken, f"{counts or ''}{whole}")


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
