"""What one application's mail costs another: a table, quiet and under load.

msgraphd alone, with processes that hand over whatever there is, as qmgr and
pipe(8) do (harness/pipes.py). Run as

    MSGRAPH_BUILD=$PWD/build PYTHONPATH=tests python3 -B -m bench.fair

A row is what Graph does with the mail of A. For B's mail it says how long one
message takes, at most and in the middle; for A's what became of it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.client import Emulator
from harness.daemon import Daemon
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


ROWS = [
    Row("quiet", [], backlog=0),
    Row("6. 429 with Retry-After 50, 30 mailboxes", [throttled(50)]),
    Row("   429 with Retry-After 4, for ever", [throttled(4)]),
    Row("7. 100 s a post", [{"action": "stall"}]),
    Row("   the same, two applications", [{"action": "stall"}], others=(C,)),
    Row("   quick for 3 s, then 100 s a post", [{"action": "stall"}], quick=3),
    Row("8. 429 with Retry-After 50, one mailbox", [throttled(50)],
        boxes=BOXES[:1]),
    Row("8a. 0.3 s a post", [{"delay": 0.3}], backlog=3000),
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


def measure(row: Row, processes: int) -> str:
    with tempfile.TemporaryDirectory() as one, \
            tempfile.TemporaryDirectory() as two, \
            Emulator(Path(one)) as m365:
        settings = {"login_endpoint": m365.url, "graph_endpoint": m365.url,
                    "ca_file": m365.ca_file, "log_level": "warning",
                    "process_limit": str(processes)}
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
            counts = {" ".join(key): count for key, count
                      in sorted(pipes.statuses(user(A)).items())}
    return (f"{row.name:42} {max(taken):6.2f} {statistics.median(taken):6.2f}"
            f"  {counts}{whole}")


def finish(pipes: Pipes, row: Row, began: float, processes: int) -> str:
    """How a backlog that goes through compares with the ideal."""
    delay = row.rules[0].get("delay") if row.rules else None
    if not delay:
        return ""
    pipes.wait(user(A), row.backlog, 300)
    ideal = row.backlog * delay / processes
    return f", {(time.monotonic() - began) / ideal:.2f} of N*t/places"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=100)
    parser.add_argument("--only", default="", help="part of a row's name")
    args = parser.parse_args()
    print(f"{'A':42} {'B: max':>6} {'median':>6}  what became of A's (s)")
    for row in ROWS:
        if args.only in row.name:
            print(measure(row, args.processes), flush=True)


if __name__ == "__main__":
    main()
